"""A phone that remembers what it was promised: it keeps and repeats what is not acknowledged."""

import asyncio
import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.live.endings import Broken
from server.places import service as places
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import (
    BlobRef,
    Fix,
    Fixes,
    Hello,
    ManifestReceived,
    Proof,
    ReportCost,
    SendMessage,
    SetShift,
)
from server.protocol.to_driver import Ack, Manifest, Reject

STEP_S = 0.5
ANSWER_WITHIN_S = 5.0
RETRY_S = 0.5
FIXES_AT_ONCE = 100
RECEIPT_BYTES = 2000
HELLO = Hello(protocol=PROTOCOL_VERSION, app_version="bench")


class Witness:
    """through: every fix up to this one was acknowledged. commands: those that were, by their ids,
    and receipts: the files that those refer to, by their SHA-256.

    told: what the office wrote and this phone has said to hold. complaints: answers that nobody may
    ever get.
    """

    def __init__(self, driver_id: UUID, device_id: UUID, token: str, url: str) -> None:
        self.driver_id = driver_id
        self.device_id = device_id
        self.headers = {"Authorization": f"Bearer {token}"}
        self.seq = 0
        self.through = 0
        self.commands: set[str] = set()
        self.receipts: dict[str, str] = {}
        self.told: set[str] = set()
        self.complaints: list[str] = []
        self.clock_error = timedelta()
        self._url = url
        self._files_url = url.replace("ws://", "http://").replace("/ws/driver", "/api/driver/blobs")
        self._fixes: dict[int, Fix] = {}
        self._steps = 0
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
        async with httpx.AsyncClient(headers=self.headers, timeout=ANSWER_WITHIN_S) as files:
            while True:
                with suppress(OSError, WebSocketException, TimeoutError, httpx.HTTPError):
                    async with self._line() as socket:
                        try:
                            await self._say(socket, HELLO)
                            while True:
                                await self._step(socket, files)
                        except ConnectionClosed as closed:
                            if closed.rcvd is not None and closed.rcvd.code == Broken.code:
                                self.complaints.append(f"socket ended: {closed.rcvd.reason}")
                await asyncio.sleep(RETRY_S)

    def _line(self) -> connect:
        return connect(
            self._url,
            additional_headers=self.headers,
            compression=None,
            close_timeout=1,
            open_timeout=ANSWER_WITHIN_S,
        )

    async def _step(self, socket: ClientConnection, files: httpx.AsyncClient) -> None:
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
        last, command = waiting[-1].seq, self._command
        is_ready = not isinstance(command.body, ReportCost) or await self._upload(files, command.id)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await self._say(socket, Fixes(fixes=waiting))
            if is_ready:
                await socket.send(codec.encode(command))
            while self.through < last or (is_ready and command.id not in self.commands):
                await self._hear(socket, codec.decode(await socket.recv()).body, last)
        if is_ready:
            self._command = self._new_command()
        await asyncio.sleep(STEP_S)

    async def _hear(self, socket: ClientConnection, body: object, last_sent: int) -> None:
        match body:
            case Ack():
                self.commands.update(body.envelope_ids)
                if body.fixes_through is not None:
                    self.through = max(self.through, min(body.fixes_through, last_sent))
                    self._fixes = {
                        seq: fix for seq, fix in self._fixes.items() if seq > self.through
                    }
            case Manifest():
                self.told.update(message.text for message in body.messages)
                await self._say(socket, ManifestReceived(version=body.version))
            case Reject():
                self.complaints.append(f"rejected: {body.message}")

    async def _upload(self, files: httpx.AsyncClient, command_id: str) -> bool:
        """The receipt to which the command refers; again, when it is there already. False when it
        did not arrive: the command waits then, and nothing else does."""
        receipt = receipt_of(command_id)
        name = hashlib.sha256(receipt).hexdigest()
        try:
            answer = await files.put(f"{self._files_url}/{name}", content=receipt)
        except httpx.TransportError:
            return False
        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            self.complaints.append(f"upload: {answer.text}")
        if answer.is_success:
            self.receipts[command_id] = name
        return answer.is_success

    async def _say(self, socket: ClientConnection, body: Hello | Fixes | ManifestReceived) -> None:
        envelope = Envelope(id=str(new_id()), sent_at=self.now(), body=body)
        await socket.send(codec.encode(envelope))

    def _new_command(self) -> Envelope:
        """Mostly of the shift; every fourth time words, every eighth time a cost with a receipt."""
        self._steps += 1
        now, command_id = self.now(), str(new_id())
        body: SetShift | SendMessage | ReportCost
        match self._steps % 8:
            case 0:
                receipt = receipt_of(command_id)
                name = hashlib.sha256(receipt).hexdigest()
                photo = BlobRef(sha256=name, size_bytes=len(receipt), content_type="image/jpeg")
                body = ReportCost(
                    kind="parking",
                    amount_minor=300,
                    currency="EUR",
                    occurred_at=now,
                    proof=Proof(photos=(photo,)),
                )
            case 2 | 6:
                body = SendMessage(text=command_id, occurred_at=now)
            case _:
                body = SetShift(change="start", occurred_at=now)
        return Envelope(id=command_id, sent_at=now, body=body)


def receipt_of(command_id: str) -> bytes:
    """A file that nobody else sends."""
    return hashlib.shake_128(command_id.encode()).digest(RECEIPT_BYTES)


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
            found.append(Witness(driver.id, paired.device_id, paired.token, url))
    return found
