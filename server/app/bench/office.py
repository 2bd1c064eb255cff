"""The office while things break: it writes to drivers and looks at the map, and remembers what it
was promised and what it saw."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from server.app.bench.witness import Witness
from server.identity import service as identity
from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id

WRITE_EVERY_S = 0.25
ANSWER_WITHIN_S = 5.0
RETRY_S = 0.5
TRY_LATER = (502, 503, 504)
"""Of the server, or of a proxy that has lost one."""

CURSOR = slice(8, 16)
"""Where the cursor is in a frame of moves."""


async def sign_in(db: Database, origin: str) -> dict[str, str]:
    """The headers of a new dispatcher's page."""
    async with db.transaction() as session:
        person = await identity.create_person(
            session,
            name="Dee",
            email=f"{new_id().hex}@postrider.example",
            role=Role.DISPATCHER,
            by="bench",
        )
        opened = await identity.open_session(session, person.id)
    return {
        "Cookie": f"{identity.SESSION_COOKIE}={opened.token}",
        "X-CSRF-Token": opened.csrf_token,
        "Origin": origin,
    }


def open_screen(port: int, headers: dict[str, str]) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/ws/dispatch",
        additional_headers=headers,
        compression=None,
        close_timeout=1,
        open_timeout=ANSWER_WITHIN_S,
    )


class Office:
    """jobs: the words that were accepted for each driver; the phone must come to hold them.

    What got no answer is not sent again, since nobody knows whether it was accepted. frames: of the
    map, seen so far. complaints: answers that nobody may ever get.
    """

    def __init__(self, port: int, headers: dict[str, str], people: Sequence[Witness]) -> None:
        self.jobs: list[tuple[Witness, str]] = []
        self.frames = 0
        self.complaints: list[str] = []
        self._port = port
        self._headers = headers
        self._people = people

    @asynccontextmanager
    async def working(self) -> AsyncIterator["Office"]:
        tasks = [asyncio.create_task(act()) for act in (self._write_to_drivers, self._watch_map)]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def undelivered(self, count: int) -> int:
        """Of the first so many words that were accepted, those that are not on their phone yet."""
        return sum(text not in witness.told for witness, text in self.jobs[:count])

    async def _write_to_drivers(self) -> None:
        origin = f"http://127.0.0.1:{self._port}"
        async with httpx.AsyncClient(
            base_url=origin, headers=self._headers, timeout=ANSWER_WITHIN_S
        ) as client:
            for witness in cycle(self._people):
                text = str(new_id())
                with suppress(httpx.HTTPError):
                    answer = await client.post(
                        f"/api/drivers/{witness.driver_id}/messages", json={"text": text}
                    )
                    if answer.status_code == httpx.codes.CREATED:
                        self.jobs.append((witness, text))
                    elif answer.status_code not in TRY_LATER:
                        self.complaints.append(f"{answer.status_code}: {answer.text}")
                await asyncio.sleep(WRITE_EVERY_S)

    async def _watch_map(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                async with open_screen(self._port, self._headers) as socket:
                    await self._look(socket)
            await asyncio.sleep(RETRY_S)

    async def _look(self, socket: ClientConnection) -> None:
        async for frame in socket:
            self.frames += 1
            await socket.send(msgspec.json.encode({"ack": cursor_of(frame)}).decode())


def cursor_of(frame: str | bytes) -> int:
    """By which a screen says that it has drawn this frame."""
    if isinstance(frame, bytes):
        return int.from_bytes(frame[CURSOR], "little")
    read: dict[str, Any] = msgspec.json.decode(frame)
    return int(read["cursor"])
