"""Carries events from the outbox to their reactions.

The relay takes the rows that are not published yet (never `id > last`: ids are taken before the
commit, so a slow transaction may appear behind one that was read already). Each reaction runs in
its own transaction together with the row that records it; one that takes many has those that are
due together in a single one. A failure is tried again with growing pauses and after `ATTEMPTS`
parked where `postrider doctor` and the console show it; nothing is dropped. Reactions must not
rely on the order of events: a failed one comes later than its successors.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.db import AWAY, Database, is_away
from server.kit.logs import continue_trace
from server.kit.outbox import EVENTS, REACTIONS, OutboxEvent, OutboxReaction, Reaction
from server.kit.spans import span

log = logging.getLogger(__name__)

BATCH = 200
TOGETHER = 50
"""At most so many events in one transaction of a reaction that takes many: it keeps its locks."""

ATTEMPTS = 8
SWEEP_S = 1.0
GATHER_S = 0.05
"""What comes within so short a time after a wake-up is carried with it: many cost little more than
one, and nobody notices the delay."""


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
        except AWAY as error:
            log.warning(
                "the relay lost the database; trying again: %s", error, exc_info=not is_away(error)
            )
        await _woken(wake)


async def _woken(wake: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(wake.wait(), SWEEP_S)
    except TimeoutError:
        return  # the sweep: a wake-up is only a hint and may have been lost
    await asyncio.sleep(GATHER_S)
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
    tried, unfinished = 0, set[UUID]()
    for number, event in enumerate(events):
        reactions = REACTIONS[EVENTS[event.name]]
        tried += len(reactions) or 1
        if all(earlier.name != event.name for earlier in events[:number]):
            alike = [each for each in events[number:] if each.name == event.name]
            unfinished |= await _deliver_many(db, alike, reactions)
        for each in reactions:
            if not each.takes_many:
                unfinished |= await _react(db, [event], each)
    await _publish(db, [event.id for event in events if event.id not in unfinished])
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


async def _deliver_many(
    db: Database, events: Sequence[OutboxEvent], reactions: Sequence[Reaction]
) -> set[UUID]:
    """Run the reactions that take many of these events at once; those with which one is not done.
    With the first of its kind come the later ones too: reactions do not rely on an order."""
    unfinished = set[UUID]()
    for each in reactions:
        if each.takes_many:
            for together in batched(events, TOGETHER):
                unfinished |= await _react(db, together, each)
    return unfinished


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


async def _react(db: Database, events: Sequence[OutboxEvent], each: Reaction) -> set[UUID]:
    """The events with which this reaction is not done: neither now nor before, nor parked."""
    traces = {event.trace_id for event in events}
    continue_trace(traces.pop() if len(traces) == 1 else None)
    try:
        with span(f"reaction {each.name}", events=len(events)):
            await _do(db, events, each)
        return set()
    except Exception as error:  # the edge of a reaction: whatever it is, it is recorded and retried
        if len(events) > 1:
            log.warning("%s failed on %d events; now one by one", each.name, len(events))
            return {left for event in events for left in await _react(db, [event], each)}
        (event,) = events
        log.warning("%s failed on %s %s", each.name, event.name, event.id, exc_info=True)
        return set() if await _record_failure(db, event, each, error) else {event.id}


async def _do(db: Database, events: Sequence[OutboxEvent], each: Reaction) -> None:
    async with db.transaction() as session:
        claimed = await _claim(session, events, each)
        facts = [
            msgspec.convert(event.body, EVENTS[event.name])
            for event in events
            if event.id in claimed
        ]
        if facts:
            await each.handler(session, facts if each.takes_many else facts[0])


async def _claim(
    session: AsyncSession, events: Sequence[OutboxEvent], each: Reaction
) -> Collection[UUID]:
    """Record the reaction as done in its own transaction; the events with which it was not."""
    now = clock.real_now()
    claimed = await session.execute(
        CLAIM,
        [
            {"event_id": event.id, "reaction": each.name, "done_at": now, "attempts": 1}
            for event in events
        ],
    )
    return set(claimed.scalars())


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
