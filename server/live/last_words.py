"""The last words of a phone that was signed out: what it had not sent, before it wipes itself.

Through this door it reads nothing and says nowhere it is: commands and their files come in, and
acknowledgements go out, for a while after the revocation and up to a number. What happened before
the revocation counts, and the office is told that it came this late; what is said to have happened
after it is held until a person takes it in. So whoever has found the phone can add claims at most.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Principal
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.errors import Conflict, PostriderError
from server.kit.ids import new_id
from server.live.driver_session import (
    MAX_BATCH,
    MAX_MESSAGE,
    BatchTooLong,
    DriverSession,
    MalformedBatch,
    UnknownFrame,
    happened_at,
)
from server.live.effects import EFFECTS
from server.live.models import HeldCommand, LastFile, LastWords
from server.protocol import codec
from server.protocol.codec import MalformedFrame
from server.protocol.envelope import COMMANDS, FRAMES, Envelope
from server.protocol.to_driver import BLOB_MISSING, Ack, Reject

COMMANDS_MAX = 5000
"""A day of 150 stops makes 700; each may be sent again when its answer was lost."""
FILES_MAX = 2500
FILE_BYTES_MAX = 2 * 2**30
TAKEN_AT_ONCE = 100

HEARD, HELD, LOST = "heard_of_old_phone", "work_of_old_phone", "lost_with_phone"


class NotSignedOut(Conflict):
    """This phone is signed in. Send as usual."""

    code = "live.not_signed_out"


class LastWordsOver(PostriderError):
    """Nothing more is taken from this phone. Wipe it."""

    code = "live.last_words_over"
    status = 410


class OldPhone(DriverSession):
    """A phone that was signed out. words_h: for how long it is heard.

    Every use of it raises NotSignedOut for a phone that is not, and LastWordsOver when the time or
    the number is over, or the phone has said that it has nothing more.
    """

    def __init__(self, db: Database, blobs: Blobs, principal: Principal, *, words_h: int) -> None:
        super().__init__(db, blobs, principal)
        self._by = principal.label
        self._words_h = words_h
        self._signed_out_at = principal.signed_out_at

    @property
    def signed_out_at(self) -> datetime:
        """In the time of the business, as the times of commands are."""
        if self._signed_out_at is None:
            raise NotSignedOut
        return clock.now() - (clock.real_now() - self._signed_out_at) * clock.speed()

    async def knock(self) -> None:
        """Whether anything is taken at all."""
        async with self._db.transaction() as session:
            await self._enter(session)

    async def bring(self, batch: str | bytes) -> list[Envelope]:
        """Take in a batch of commands, each by itself, and return what to answer.

        Raises
        ------
        MalformedBatch, BatchTooLong
        """
        try:
            items = codec.decode_batch(batch)
        except MalformedFrame as error:
            raise MalformedBatch(reason=str(error)[:MAX_MESSAGE]) from None
        if len(items) > MAX_BATCH:
            raise BatchTooLong(count=len(items))
        async with self._db.transaction() as session:
            words = await self._enter(session)
            words.commands += len(items)
            if words.commands > COMMANDS_MAX:
                raise LastWordsOver
            await self._note(session, "device.last_words", commands=len(items))
        self.greeted = True
        return await self.hear_batch(batch)

    async def let_in_file(self, sha256: str, size_bytes: int) -> None:
        """Before its first byte is taken."""
        async with self._db.transaction() as session:
            await self._enter(session)
            mine = LastFile.device_id == self.device_id
            await session.execute(
                insert(LastFile)
                .values(device_id=self.device_id, sha256=sha256, size_bytes=size_bytes)
                .on_conflict_do_update(
                    index_elements=["device_id", "sha256"],
                    set_={"size_bytes": func.greatest(LastFile.size_bytes, size_bytes)},
                )
            )
            query = select(func.count(), func.sum(LastFile.size_bytes)).where(mine)
            count, total_bytes = (await session.execute(query)).one()
            if count > FILES_MAX or total_bytes > FILE_BYTES_MAX:
                raise LastWordsOver

    async def end(self, lost: int) -> None:
        """It has nothing more and is about to wipe itself, throwing away so many acts. It may say
        so at any time, once."""
        async with self._db.transaction() as session:
            words = await self._find(session)
            if words.ended_at is not None:
                return
            words.ended_at, words.lost = clock.now(), lost
            await self._note(session, "device.wiped", lost=lost)
            if lost:
                await self._tell_office(session, LOST, lost=lost)

    async def let_take_effect(
        self,
        session: AsyncSession,
        envelope: Envelope,
        occurred_at: datetime,
        received_at: datetime,
    ) -> None:
        if occurred_at <= self.signed_out_at:
            await super().let_take_effect(session, envelope, occurred_at, received_at)
            await self._tell_office(session, HEARD)
            return
        session.add(HeldCommand(**self._held(envelope, occurred_at, received_at)))
        await self._tell_office(session, HELD)

    async def _obey(
        self, envelope: Envelope, received_at: datetime, error_s: float
    ) -> Ack | Reject:
        answer = await super()._obey(envelope, received_at, error_s)
        if isinstance(answer, Reject) and answer.code != BLOB_MISSING:
            # Nobody looks at that phone any more: here it can still be read.
            async with self._db.transaction() as session:
                refused = {
                    "verdict": "refused",
                    "reason": answer.message,
                    "settled_at": received_at,
                }
                held = self._held(
                    envelope,
                    happened_at(envelope.body.occurred_at, error_s, received_at),
                    received_at,
                )
                await session.execute(
                    insert(HeldCommand).values(held | refused).on_conflict_do_nothing()
                )
        return answer

    def _held(
        self, envelope: Envelope, occurred_at: datetime, received_at: datetime
    ) -> dict[str, Any]:
        return {
            "id": new_id(),
            "driver_id": self.driver_id,
            "command_id": envelope.id,
            "device_id": self.device_id,
            "name": envelope.type,
            "body": codec.encode_part(envelope.body),
            "occurred_at": occurred_at,
            "received_at": received_at,
            "reason": "",
        }

    async def _act(self, envelope: Envelope) -> list[Any]:
        if type(envelope.body) not in COMMANDS:
            raise UnknownFrame(name=envelope.type)
        return await super()._act(envelope)

    async def _enter(self, session: AsyncSession) -> LastWords:
        words = await self._find(session)
        open_until = self.signed_out_at + timedelta(hours=self._words_h) * clock.speed()
        if words.ended_at is not None or clock.now() > open_until:
            raise LastWordsOver
        return words

    async def _find(self, session: AsyncSession) -> LastWords:
        """What this phone has brought, locked."""
        if self._signed_out_at is None:
            raise NotSignedOut
        await session.execute(
            insert(LastWords)
            .values(
                device_id=self.device_id,
                driver_id=self.driver_id,
                begun_at=clock.now(),
                commands=0,
                lost=0,
            )
            .on_conflict_do_nothing()
        )
        found = await session.get(LastWords, self.device_id, with_for_update=True)
        assert found is not None
        return found

    async def _tell_office(self, session: AsyncSession, kind: str, **details: object) -> None:
        # Two commands of one phone at the same time would both find nobody told.
        await session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:phone, 0))"),
            {"phone": f"last words {self.device_id}"},
        )
        await dispatch.raise_for_phone(
            session, kind, driver_id=self.driver_id, device_id=self.device_id, **details
        )

    async def _note(self, session: AsyncSession, action: str, **details: object) -> None:
        await identity.record_audit(
            session, by=self._by, action=action, subject=f"device:{self.device_id}", details=details
        )


# What the office does with it


async def list_held(
    session: AsyncSession, device_id: UUID, *, after: UUID | None, limit: int
) -> list[HeldCommand]:
    """What this phone says to have happened after it was signed out, in the order in which it came,
    settled or not."""
    query = select(HeldCommand).where(HeldCommand.device_id == device_id)
    if after is not None:
        query = query.where(HeldCommand.id > after)
    return list(await session.scalars(query.order_by(HeldCommand.id).limit(limit)))


async def take_in(session: AsyncSession, device_id: UUID, *, by: str) -> int:
    """Believe the phone: let what is held take effect in its order, with the times that it told. At
    most TAKEN_AT_ONCE; how many are left. What cannot take effect is refused, in words."""
    for held in await _lock_open(session, device_id, limit=TAKEN_AT_ONCE):
        body: Any = codec.decode_part(FRAMES[held.name], held.body)
        _settle(held, "taken", by)
        try:
            async with session.begin_nested():
                await EFFECTS[type(body)](
                    session,
                    driver_id=held.driver_id,
                    command=body,
                    occurred_at=held.occurred_at,
                    received_at=held.received_at,
                    command_id=held.command_id,
                )
        except PostriderError as error:
            _settle(held, "refused", by)
            held.reason = error.message[:MAX_MESSAGE]
    return await _finish(session, device_id, "taken in", by, action="device.last_words_taken_in")


async def drop(session: AsyncSession, device_id: UUID, *, by: str) -> int:
    """Believe none of it."""
    for held in await _lock_open(session, device_id, limit=None):
        _settle(held, "dropped", by)
    return await _finish(session, device_id, "dropped", by, action="device.last_words_dropped")


async def _lock_open(
    session: AsyncSession, device_id: UUID, *, limit: int | None
) -> list[HeldCommand]:
    query = (
        select(HeldCommand)
        .where(HeldCommand.device_id == device_id, HeldCommand.verdict.is_(None))
        .order_by(HeldCommand.id)
        .limit(limit)
        .with_for_update()
    )
    return list(await session.scalars(query))


def _settle(held: HeldCommand, verdict: str, by: str) -> None:
    held.verdict, held.settled_at, held.settled_by = verdict, clock.now(), by


async def _finish(
    session: AsyncSession, device_id: UUID, note: str, by: str, *, action: str
) -> int:
    await session.flush()
    is_open = (HeldCommand.device_id == device_id, HeldCommand.verdict.is_(None))
    left = await session.scalar(select(func.count()).where(*is_open)) or 0
    if not left:
        await dispatch.settle_for_phone(session, HELD, device_id=device_id, note=note, by=by)
    await identity.record_audit(
        session, by=by, action=action, subject=f"device:{device_id}", details={"left": left}
    )
    return left
