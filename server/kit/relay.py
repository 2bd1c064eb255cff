"""Carries events from the outbox to their reactions.

The relay takes the rows that are not published yet (never `id > last`: ids are taken before the
commit, so a slow transaction may appear behind one that was read already). Each reaction runs in
its own transaction together with the row that records it. A failure is tried again with growing
pauses and after `ATTEMPTS` parked where `postrider doctor` and the console show it; nothing is
dropped. Reactions must not rely on the order of events: a failed one comes later than its
successors.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.db import Database
from server.kit.outbox import EVENTS, REACTIONS, OutboxEvent, OutboxReaction, Reaction

log = logging.getLogger(__name__)

BATCH = 200
ATTEMPTS = 8
SWEEP_S = 1.0


async def relay_pending(db: Database) -> int:
    """Deliver what is due now, in rounds until nothing new is due; return how many deliveries
    were tried. Reactions that emit are followed up in the next round."""
    total = 0
    while tried := await _relay_batch(db):
        total += tried
    return total


async def run_relay(db: Database, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """Relay until `stop`; only one process at a time does it, the others stand by."""
    while not stop.is_set():
        try:
            async with db.exclusive("outbox relay") as mine:
                while mine and not stop.is_set():
                    await relay_pending(db)
                    await _woken(wake)
        except (OSError, DBAPIError):
            log.warning("the relay lost the database; trying again", exc_info=True)
        await _woken(wake)


async def _woken(wake: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(wake.wait(), SWEEP_S)
    except TimeoutError:
        return  # the sweep: a wake-up is only a hint and may have been lost
    wake.clear()


async def _relay_batch(db: Database) -> int:
    now = clock.real_now()
    async with db.transaction() as session:
        events = (
            await session.scalars(
                select(OutboxEvent)
                .where(
                    OutboxEvent.published_at.is_(None),
                    # One that a newer version emits waits for a relay that knows it.
                    OutboxEvent.name.in_(EVENTS),
                    ~_waits_for_retry(now),
                )
                .order_by(OutboxEvent.id)
                .limit(BATCH)
            )
        ).all()
    tried, finished = 0, []
    for event in events:
        reactions = REACTIONS[EVENTS[event.name]]
        tried += len(reactions) or 1
        if await _deliver(db, event, reactions):
            finished.append(event.id)
    await _publish(db, finished)
    return tried


def _waits_for_retry(now: datetime) -> ColumnElement[bool]:
    return (
        select(OutboxReaction.event_id)
        .where(
            OutboxReaction.event_id == OutboxEvent.id,
            OutboxReaction.done_at.is_(None),
            OutboxReaction.next_attempt_at > now,
        )
        .exists()
    )


async def _deliver(db: Database, event: OutboxEvent, reactions: Sequence[Reaction]) -> bool:
    """Run the reactions that have not had this event yet; True when none is left."""
    left = [each for each in reactions if not await _react(db, event, each)]
    return not left


async def _publish(db: Database, event_ids: Sequence[UUID]) -> None:
    """Note a whole round as published at once. A crash before that costs nothing but another
    look: every reaction has noted for itself that it is done."""
    if event_ids:
        async with db.transaction() as session:
            await session.execute(
                update(OutboxEvent)
                .where(OutboxEvent.id.in_(event_ids))
                .values(published_at=clock.real_now())
            )


async def _react(db: Database, event: OutboxEvent, each: Reaction) -> bool:
    """True when this reaction needs nothing more: done now, done before, or parked."""
    try:
        async with db.transaction() as session:
            if not await _claim(session, event, each):
                return True
            await each.handler(session, msgspec.convert(event.body, EVENTS[event.name]))
            return True
    except Exception as error:  # the edge of a reaction: whatever it is, it is recorded and retried
        log.warning("%s failed on %s %s", each.name, event.name, event.id, exc_info=True)
        return await _record_failure(db, event, each, error)


async def _claim(session: AsyncSession, event: OutboxEvent, each: Reaction) -> bool:
    """Record the reaction as done in its own transaction; False when it was before."""
    claimed = await session.execute(
        CLAIM,
        {
            "event_id": event.id,
            "reaction": each.name,
            "done_at": clock.real_now(),
            "attempts": 1,
        },
    )
    return claimed.scalar() is not None


_claiming = insert(OutboxReaction)
CLAIM = _claiming.on_conflict_do_update(
    index_elements=[OutboxReaction.event_id, OutboxReaction.reaction],
    set_={
        "done_at": _claiming.excluded.done_at,
        "attempts": OutboxReaction.attempts + 1,
        "error": None,
    },
    where=OutboxReaction.done_at.is_(None) & OutboxReaction.parked_at.is_(None),
).returning(OutboxReaction.event_id)


async def _record_failure(
    db: Database, event: OutboxEvent, each: Reaction, error: Exception
) -> bool:
    now = clock.real_now()
    async with db.transaction() as session:
        before = await session.get(OutboxReaction, (event.id, each.name))
        attempts = (before.attempts if before else 0) + 1
        parked = attempts >= ATTEMPTS
        values = {
            "attempts": attempts,
            "next_attempt_at": now + timedelta(seconds=0.5 * 4 ** (attempts - 1)),
            "parked_at": now if parked else None,
            "error": f"{type(error).__name__}: {error}"[:2000],
        }
        await session.execute(
            insert(OutboxReaction)
            .values(event_id=event.id, reaction=each.name, **values)
            .on_conflict_do_update(
                index_elements=[OutboxReaction.event_id, OutboxReaction.reaction], set_=values
            )
        )
    return parked


async def retry_parked(session: AsyncSession) -> int:
    """Let everything parked be tried again at once; for a person who has mended the cause."""
    parked = (
        await session.scalars(
            update(OutboxReaction)
            .where(OutboxReaction.parked_at.is_not(None))
            .values(parked_at=None, attempts=0, next_attempt_at=None)
            .returning(OutboxReaction.event_id)
        )
    ).all()
    await session.execute(
        update(OutboxEvent).where(OutboxEvent.id.in_(parked)).values(published_at=None)
    )
    return len(parked)


async def unfinished_reactions(session: AsyncSession) -> list[OutboxReaction]:
    """Reactions that failed at least once and are not done, parked ones first."""
    found = await session.scalars(
        select(OutboxReaction)
        .where(OutboxReaction.done_at.is_(None))
        .where(or_(OutboxReaction.parked_at.is_not(None), OutboxReaction.attempts > 0))
        .order_by(OutboxReaction.parked_at.nulls_last())
        .limit(1000)
    )
    return list(found)
