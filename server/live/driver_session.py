"""What the server does with each frame of a driver's phone, whichever way it came.

A socket and a POST both end here. Every frame is one transaction; its answer is given only after
the commit, so what was acknowledged is kept. A command that cannot be used is answered by a Reject;
a fault of ours raises, is not answered, and the phone sends the frame again.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service as dispatch
from server.identity.access import Principal
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Invalid, PostriderError, Unavailable
from server.kit.feed import announce
from server.kit.ids import new_id
from server.live.models import DriverCommand
from server.live.news import MAP_CHANNEL
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import COMMANDS, Envelope
from server.protocol.from_driver import (
    AcceptTasks,
    ArriveAtTasks,
    CollectReturn,
    CompleteTask,
    DeclineTask,
    FailTask,
    Fixes,
    Heartbeat,
    Hello,
    ManifestReceived,
    ScanParcels,
    SetShift,
    StartTasks,
)
from server.protocol.to_driver import Ack, Reject
from server.returns import service as returns
from server.tracking import service as tracking

log = logging.getLogger(__name__)

MAX_FIXES = 100
CLOCK_ERROR_MIN_S = 120.0
"""A smaller difference is the way through the network, not a wrong clock."""


class AppTooOld(Invalid):
    """This app speaks protocol {spoken}, the server {wanted}. Update the app."""

    code = "live.app_too_old"


class TooManyFixes(Invalid):
    """{count} fixes in one frame; send at most 100."""

    code = "live.too_many_fixes"


class UnknownFrame(Invalid):
    """A phone does not send {name}."""

    code = "live.unknown_frame"


class DriverSession:
    """One phone that is talking to us."""

    def __init__(self, db: Database, principal: Principal) -> None:
        assert principal.device_id is not None
        self._db = db
        self.driver_id = principal.person_id
        self.device_id = principal.device_id

    async def handle(self, text: str | bytes) -> list[Envelope]:
        """Take in one frame and return what to answer, oldest first."""
        try:
            envelope = codec.decode(text)
        except codec.MalformedFrame as error:
            return [_answer(Reject(envelope_id=_id_in(text), code="malformed", message=str(error)))]
        try:
            answers = await self._act(envelope)
        except Unavailable:
            raise
        except PostriderError as error:
            answers = [Reject(envelope_id=envelope.id, code=error.code, message=error.message)]
        return [_answer(answer) for answer in answers]

    async def manifest(self) -> Envelope:
        """The driver's whole run as it is now."""
        async with self._db.transaction() as session:
            return _answer(await dispatch.manifest_of(session, self.driver_id))

    async def _act(self, envelope: Envelope) -> list[Any]:
        received_at = clock.now()
        error_s = _clock_error_s(envelope, received_at)
        body = envelope.body
        if type(body) in COMMANDS:
            return [await self._obey(envelope, received_at, error_s)]
        async with self._db.transaction() as session:
            match body:
                case Hello(protocol=spoken):
                    if spoken != PROTOCOL_VERSION:
                        raise AppTooOld(spoken=spoken, wanted=PROTOCOL_VERSION)
                    return [await dispatch.manifest_of(session, self.driver_id)]
                case Fixes(fixes=fixes):
                    return [await self._store(session, fixes, received_at, error_s)]
                case Heartbeat():
                    await tracking.record_heartbeat(
                        session,
                        driver_id=self.driver_id,
                        device_id=self.device_id,
                        heartbeat=body,
                        received_at=received_at,
                    )
                    return []
                case ManifestReceived(version=version):
                    await dispatch.acknowledge_manifest(session, self.driver_id, version)
                    return []
        raise UnknownFrame(name=envelope.type)

    async def _store(
        self, session: AsyncSession, fixes: Any, received_at: datetime, error_s: float
    ) -> Ack:
        if len(fixes) > MAX_FIXES:
            raise TooManyFixes(count=len(fixes))
        ingested = await tracking.ingest_fixes(
            session,
            driver_id=self.driver_id,
            device_id=self.device_id,
            fixes=fixes,
            received_at=received_at,
            clock_error_s=error_s,
        )
        if ingested.newest is not None:
            announce(session, MAP_CHANNEL, f'{{"driver":"{self.driver_id}"}}'.encode())
        return Ack(fixes_through=ingested.through_seq)

    async def _obey(
        self, envelope: Envelope, received_at: datetime, error_s: float
    ) -> Ack | Reject:
        """Let the command take effect, or give the answer that it got before."""
        command = envelope.body
        occurred_at = _when(command.occurred_at, error_s, received_at)
        record = {
            "driver_id": self.driver_id,
            "command_id": envelope.id,
            "device_id": self.device_id,
            "name": envelope.type,
            "occurred_at": occurred_at,
            "received_at": received_at,
            "repeats": 0,
        }
        try:
            async with self._db.transaction() as session:
                if (earlier := await _record_or_find(session, record)) is not None:
                    return _answer_again(earlier)
                await EFFECTS[type(command)](
                    session,
                    driver_id=self.driver_id,
                    command=command,
                    occurred_at=occurred_at,
                    received_at=received_at,
                    command_id=envelope.id,
                )
            return Ack(envelope_ids=(envelope.id,))
        except Unavailable:
            raise
        except PostriderError as error:
            rejected = {**record, "reject_code": error.code, "reject_message": error.message}
            async with self._db.transaction() as session:
                earlier = await _record_or_find(session, rejected)
            if earlier is not None:
                return _answer_again(earlier)
            return Reject(envelope_id=envelope.id, code=error.code, message=error.message)


async def collect_return(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: CollectReturn,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """Goods that nobody announced were handed over, mostly at the stop of some task."""
    place_id = consignment_id = None
    if command.at_task_id is not None:
        place_id, consignment_id = await dispatch.run_context(session, command.at_task_id)
    await returns.collect_unannounced(
        session,
        driver_id=driver_id,
        command=command,
        occurred_at=occurred_at,
        received_at=received_at,
        source_id=command_id,
        place_id=place_id,
        original_consignment_id=consignment_id,
    )


EFFECTS: dict[type, Callable[..., Awaitable[None]]] = {
    AcceptTasks: dispatch.accept_tasks,
    DeclineTask: dispatch.decline_task,
    StartTasks: dispatch.start_tasks,
    ArriveAtTasks: dispatch.arrive_at_tasks,
    CompleteTask: dispatch.complete_task,
    FailTask: dispatch.fail_task,
    CollectReturn: collect_return,
    ScanParcels: dispatch.scan_parcels,
    SetShift: dispatch.set_shift,
}


async def _record_or_find(session: AsyncSession, record: dict[str, Any]) -> DriverCommand | None:
    """None when this command is new and now recorded; else the record of its first time. A repeat
    that comes while the first is still at work waits for it here."""
    new = await session.scalar(
        insert(DriverCommand)
        .values(**record)
        .on_conflict_do_nothing()
        .returning(DriverCommand.command_id)
    )
    if new is not None:
        return None
    return await session.scalar(
        update(DriverCommand)
        .where(
            DriverCommand.driver_id == record["driver_id"],
            DriverCommand.command_id == record["command_id"],
        )
        .values(repeats=DriverCommand.repeats + 1)
        .returning(DriverCommand)
    )


def _answer_again(earlier: DriverCommand) -> Ack | Reject:
    if earlier.reject_code is None:
        return Ack(envelope_ids=(earlier.command_id,))
    return Reject(
        envelope_id=earlier.command_id,
        code=earlier.reject_code,
        message=earlier.reject_message or "",
    )


def _clock_error_s(envelope: Envelope, received_at: datetime) -> float:
    """How far behind ours the phone's clock is, in seconds; 0 when it is right."""
    error_s = (received_at - envelope.sent_at).total_seconds()
    # In a demo that runs faster, the way through the network seems longer by as much.
    return error_s if abs(error_s) > max(CLOCK_ERROR_MIN_S, 2 * clock.speed()) else 0.0


def _when(occurred_at: datetime, error_s: float, received_at: datetime) -> datetime:
    """The phone's time put right. Nothing has happened later than we heard of it."""
    try:
        return min(occurred_at + timedelta(seconds=error_s), received_at)
    except OverflowError:
        return received_at


def _answer(body: Any) -> Envelope:
    return Envelope(id=str(new_id()), sent_at=clock.now(), body=body)


def _id_in(text: str | bytes) -> str:
    """The id of an envelope that cannot be read otherwise, so that the phone can set it aside."""
    try:
        found = json.loads(text)["id"]
    except (ValueError, TypeError, KeyError):
        return ""
    return str(found)[:200]
