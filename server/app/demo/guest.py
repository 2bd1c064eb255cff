"""The driver of the demo whose phone is a window on this machine, and whose day is a person's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from driver_app.core.driver import Driver
from driver_app.core.store import Store
from server.app.phone_window import open_window, set_up_phone

LOOK_S = 0.5


class Guest:
    """One phone in `folder`. The window reads the demo's clock from our environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def on_duty(self, server_url: str, code: str) -> AsyncIterator["Guest"]:
        """Pair the phone and keep its window open until the block ends."""
        self._folder.mkdir(parents=True)
        await asyncio.to_thread(set_up_phone, self._folder, server_url, code)
        self._store = Store(self._folder)
        self._window = await open_window(self._folder, {})
        try:
            yield self
        finally:
            if self._window.returncode is None:
                self._window.terminate()
            await self._window.wait()
            self._store.close()

    async def work(self) -> None:
        """Until the person has ended the shift and all was sent, or has closed the window."""
        driver, began = Driver(self._store), False
        while self._window.returncode is None:
            view = driver.view()
            began = began or view.shift != "off"
            if began and view.shift == "off" and not view.on_its_way:
                return
            await asyncio.sleep(LOOK_S)
