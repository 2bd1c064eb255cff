"""What the server does with each frame of a driver's phone, whichever way it came.

A socket and a POST both end here (only the fixes of a socket go by fix_intake, those of many phones
at once). Every frame is one transaction; its answer is given only after
the commit, so what was acknowledged is kept. A frame that cannot be used is answered by a Reject.
A fault of ours, or the database's absence, raises: then there is no answer, and the phone sends
the frame again.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service as dispatch
from server.identity.access import Principal
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.errors import Invalid, PostriderError, Unavailable
from server.kit.feed import announce
from server.kit.ids import new_id
from server.kit.spans import span
from server.live.effects import EFFECTS
from server.live.models import DriverCommand
from server.live.news import MAP_CHANNEL, tell_of_driver
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.codec import MalformedFrame
from server.protocol.envelope import COMMANDS, Envelope
from server.protocol.from_driver import BlobRef, Fixes, Heartbeat, Hello, ManifestReceived
from server.protocol.to_driver import BLOB_MISSING, Ack, Manifest, Reject
from server.tracking import service as tracking

MAX_FIXES = 100
MAX_BATCH = 200
MAX_MESSAGE = 500
"""Characters of a Reject's sentence: it may quote what was sent, and goes to a small screen."""

CLOCK_ERROR_MIN_S = 120.0
"""A smaller difference is the way through the network, not a wrong clock."""

LATEST_NEWS = timedelta(days=90)
"""What is said to be older happened by a clock that was not set."""


class AppTooOld(Invalid):
    """This app speaks protocol {spoken}, the server {wanted}. Update the app."""

    code = "live.app_too_old"


class HelloFirst(Invalid):
    """A phone says Hello before anything else."""

    code = "live.hello_first"


class MalformedBatch(Invalid):
    """This is not a batch of envelopes: {reason}."""

    code = "live.malformed_batch"


class BatchTooLong(Invalid):
    """{count} envelopes at once; send at most 200."""

    code = "live.batch_too_long"


class TooManyFixes(Invalid):
    """{count} fixes in one frame; send at most 100."""

    code = "live.too_many_fixes"


class UnknownFrame(Invalid):
    """A phone does not send {name}."""

    code = "live.unknown_frame"


class BlobMissing(Invalid):
    """The server does not have the file {sha256}. Upload it, then send this under a new id."""

    code = BLOB_MISSING


class DriverSession:
    """One phone that is talking to us, over one socket or in one POST.

    only_newer: answer Hello with the manifest only if the phone has an older one. (A POST says
        Hello each time; over a socket the states of its tasks are news too.)
    """

    def __init__(
        self, db: Database, blobs: Blobs, principal: Principal, *, only_newer: bool = False
    ) -> None:
        assert principal.device_id is not None
        self._db = db
        self._blobs = blobs
        self._only_newer = only_newer
        self.driver_id = principal.person_id
        self.device_id = principal.device_id
        self.greeted = False
        self.told_version = -1
        """The newest manifest that went out here."""

    async def hear(self, text: str | bytes) -> list[Envelope]:
        """Take in one frame and return what to answer.

        Raises
        ------
        HelloFirst
        """
        try:
            return await self._take(codec.decode(text))
        except MalformedFrame as error:
            return [_malformed(error)]

    async def hear_batch(self, text: str | bytes) -> list[Envelope]:
        """Take in frames, each by itself, and return what to answer, oldest first. Those behind a
        Hello that was refused are not looked at.

        Raises
        ------
        MalformedBatch, BatchTooLong, HelloFirst
        """
        try:
            items = codec.decode_batch(text)
        except MalformedFrame as error:
            raise MalformedBatch(reason=str(error)[:MAX_MESSAGE]) from None
        if len(items) > MAX_BATCH:
            raise BatchTooLong(count=len(items))
        answers: list[Envelope] = []
        for item in items:
            if isinstance(item, MalformedFrame):
                answers.append(_malformed(item))
            else:
                answers.extend(await self._take(item))
            if not self.greeted:
                break
        return answers

    async def newer_manifest(self) -> Envelope | None:
        """The driver's whole run as it is now, unless this version went out here already."""
        if not self.greeted:
            return None
        async with self._db.transaction() as session:
            manifest = await dispatch.manifest_of(session, self.driver_id)
        return self._tell(manifest) if manifest.version > self.told_version else None

    async def _take(self, envelope: Envelope) -> list[Envelope]:
        if not self.greeted and not isinstance(envelope.body, Hello):
            raise HelloFirst
        try:
            with span(f"phone says {envelope.type}"):
                answers = await self._act(envelope)
        except Unavailable:
            raise
        except PostriderError as error:
            answers = [_reject(envelope.id, error.code, error.message)]
        return [self._tell(answer) for answer in answers]

    def _tell(self, body: Any) -> Envelope:
        if isinstance(body, Manifest):
            self.told_version = max(self.told_version, body.version)
        return _wrap(body)

    async def _act(self, envelope: Envelope) -> list[Any]:
        received_at = clock.now()
        error_s = clock_error_s(envelope.sent_at, received_at)
        body = envelope.body
        if type(body) in COMMANDS:
            return [await self._obey(envelope, received_at, error_s)]
        async with self._db.transaction() as session:
            match body:
                case Hello():
                    return await self._greet(session, body)
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
                    announce(session, MAP_CHANNEL, tell_of_driver(self.driver_id))
                    return []
                case ManifestReceived(version=version):
                    await dispatch.acknowledge_manifest(session, self.driver_id, version)
                    return []
        raise UnknownFrame(name=envelope.type)

    async def _greet(self, session: AsyncSession, hello: Hello) -> list[Any]:
        if hello.protocol != PROTOCOL_VERSION:
            raise AppTooOld(spoken=hello.protocol, wanted=PROTOCOL_VERSION)
        manifest = await dispatch.manifest_of(session, self.driver_id)
        self.greeted = True
        if self._only_newer and manifest.version <= hello.manifest_version:
            return []
        return [manifest]

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
            announce(session, MAP_CHANNEL, tell_of_driver(self.driver_id))
        return Ack(fixes_through=ingested.through_seq)

    async def _obey(
        self, envelope: Envelope, received_at: datetime, error_s: float
    ) -> Ack | Reject:
        """Let the command take effect, or give the answer that it got before."""
        command = envelope.body
        occurred_at = happened_at(command.occurred_at, error_s, received_at)
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
                self._require_files(command)
                await self.let_take_effect(session, envelope, occurred_at, received_at)
            return Ack(envelope_ids=(envelope.id,))
        except Unavailable:
            raise
        except PostriderError as error:
            # The refusal is kept even where its cause goes away: another copy of this command may
            # be on its way, and the phone's next try comes under another id.
            reject = _reject(envelope.id, error.code, error.message)
            rejected = {"reject_code": reject.code, "reject_message": reject.message}
            async with self._db.transaction() as session:
                earlier = await _record_or_find(session, record | rejected)
            return reject if earlier is None else _answer_again(earlier)

    async def let_take_effect(
        self,
        session: AsyncSession,
        envelope: Envelope,
        occurred_at: datetime,
        received_at: datetime,
    ) -> None:
        """The command is new, and its files are here."""
        await EFFECTS[type(envelope.body)](
            session,
            driver_id=self.driver_id,
            command=envelope.body,
            occurred_at=occurred_at,
            received_at=received_at,
            command_id=envelope.id,
        )

    def _require_files(self, command: Any) -> None:
        for file in _files_of(command):
            first = file.small_sha256 or file.sha256
            if not self._blobs.has(first) and not self._blobs.has(file.sha256):
                raise BlobMissing(sha256=first)


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


def clock_error_s(sent_at: datetime, received_at: datetime) -> float:
    """How far behind ours the phone's clock is, in seconds; 0 when it is right."""
    error_s = (received_at - sent_at).total_seconds()
    return error_s if abs(error_s) > clock_error_min_s() else 0.0


def clock_error_min_s() -> float:
    """What is less is not the clock. In a demo that runs faster, the way through the network seems
    longer by as much."""
    return max(CLOCK_ERROR_MIN_S, 2 * clock.speed())


def happened_at(occurred_at: datetime, error_s: float, received_at: datetime) -> datetime:
    """The phone's time put right. Nothing has happened later than we heard of it."""
    try:
        corrected_at = occurred_at + timedelta(seconds=error_s)
    except OverflowError:
        return received_at
    if received_at - corrected_at > LATEST_NEWS:
        return received_at
    return min(corrected_at, received_at)


def _files_of(command: Any) -> tuple[BlobRef, ...]:
    proof = getattr(command, "proof", None)
    if proof is None:
        return ()
    return (*proof.photos, proof.signature) if proof.signature else tuple(proof.photos)


def _malformed(error: MalformedFrame) -> Envelope:
    return _wrap(_reject(error.envelope_id or "", "live.malformed", str(error)))


def _reject(envelope_id: str, code: str, message: str) -> Reject:
    return Reject(envelope_id=envelope_id, code=code, message=message[:MAX_MESSAGE])


def _wrap(body: Any) -> Envelope:
    return Envelope(id=str(new_id()), sent_at=clock.now(), body=body)
