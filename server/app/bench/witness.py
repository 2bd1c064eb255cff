"""A phone that remembers what it was promised: it keeps and repeats what is not acknowledged."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.places import service as places
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Hello, SetShift
from server.protocol.to_driver import Ack

STEP_S = 0.5
ANSWER_WITHIN_S = 5.0
RETRY_S = 0.5
FIXES_AT_ONCE = 100


class Witness:
    """through: every fix up to this one was acknowledged. acknowledged: the ids of commands."""

    def __init__(self, device_id: UUID, token: str, url: str) -> None:
        self.device_id = device_id
        self.headers = {"Authorization": f"Bearer {token}"}
        self.seq = 0
        self.through = 0
        self.acknowledged: set[str] = set()
        self.clock_error = timedelta()
        self._url = url
        self._fixes: dict[int, Fix] = {}
        self._command = self._new_command()
        self._driving: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return clock.real_now() + self.clock_error

    def start(self) -> None:
        self._driving = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        if self._driving is not None:
            self._driving.cancel()
            await asyncio.gather(self._driving, return_exceptions=True)

    async def _drive(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    self._url, additional_headers=self.headers, compression=None, close_timeout=1
                ) as socket:
                    await self._say(socket, Hello(protocol=PROTOCOL_VERSION, app_version="bench"))
                    while True:
                        await self._step(socket)
            await asyncio.sleep(RETRY_S)

    async def _step(self, socket: ClientConnection) -> None:
        """A fix and a command, and their answers; TimeoutError when there are none."""
        self.seq += 1
        self._fixes[self.seq] = Fix(
            seq=self.seq,
            taken_at=self.now(),
            lon=9.52,
            lat=47.14 + self.seq % 100 / 1e6,
            accuracy_m=5,
        )
        waiting = tuple(self._fixes.values())[:FIXES_AT_ONCE]
        await self._say(socket, Fixes(fixes=waiting))
        await socket.send(codec.encode(self._command))
        last, command_id = waiting[-1].seq, self._command.id
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while self.through < last or command_id not in self.acknowledged:
                body = codec.decode(await socket.recv()).body
                if isinstance(body, Ack):
                    self._hear(body, last)
        self._command = self._new_command()
        await asyncio.sleep(STEP_S)

    def _hear(self, ack: Ack, last_sent: int) -> None:
        self.acknowledged.update(ack.envelope_ids)
        if ack.fixes_through is not None:
            self.through = max(self.through, min(ack.fixes_through, last_sent))
            self._fixes = {seq: fix for seq, fix in self._fixes.items() if seq > self.through}

    async def _say(self, socket: ClientConnection, body: Hello | Fixes) -> None:
        envelope = Envelope(id=str(new_id()), sent_at=self.now(), body=body)
        await socket.send(codec.encode(envelope))

    def _new_command(self) -> Envelope:
        now = self.now()
        return Envelope(
            id=str(new_id()), sent_at=now, body=SetShift(change="start", occurred_at=now)
        )


async def invite_witnesses(db: Database, count: int, url: str) -> list[Witness]:
    """So many new drivers, each with a phone that talks to this socket."""
    found = []
    async with db.transaction() as session:
        place = await places.create_place(session, "Depot", position=Position(9.52, 47.14))
        depot = await dispatch.create_depot(
            session, name=f"Depot {new_id()}", place_id=place.id, timezone="UTC", by="bench"
        )
        for _ in range(count):
            driver = await dispatch.create_driver(
                session,
                depot_id=depot.id,
                name="Witness",
                email=f"{new_id().hex}@postrider.example",
                by="bench",
            )
            code = await identity.create_pairing_code(session, driver.id, by="bench")
            paired = await identity.pair_device(session, code, "bench", address="127.0.0.1")
            found.append(Witness(paired.device_id, paired.token, url))
    return found
