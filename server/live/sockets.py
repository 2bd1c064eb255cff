"""An open WebSocket: nothing waits on it for ever, and it ends with a reason.

The only place here that knows the framework's sockets.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from server.live.endings import Ending, ending_for

SEND_TIMEOUT_S = 20.0
"""So long may the other side read nothing; what waits for it meanwhile is one frame."""

CLOSE_TIMEOUT_S = 1.0


class Gone(Exception):
    """The other side is not there any more, or reads nothing."""


class Socket:
    """An accepted WebSocket."""

    def __init__(self, websocket: WebSocket[Any, Any, Any]) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            raise Gone
        return message.get("text") or message.get("bytes") or b""

    async def send(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._websocket.send_text(text)
        except (OSError, WebSocketDisconnect) as error:
            raise Gone from error

    async def converse(self, *jobs: Coroutine[Any, Any, None]) -> None:
        """Do these things side by side until the first ends, and say goodbye with its reason."""
        running = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        errors = [error for task in done if (error := task.exception()) is not None]
        if not any(isinstance(error, Gone) for error in errors):
            await self._close(ending_for(errors[0]) if errors else Ending())

    async def _close(self, ending: Ending) -> None:
        with suppress(OSError, WebSocketDisconnect):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._websocket.close(ending.code, ending.reason)
