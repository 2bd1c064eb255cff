"""Events reach their reactions once each, after the commit, through failures and restarts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asyncpg import CannotConnectNowError, InternalClientError
from sqlalchemy import func, select, update
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.db import Database
from server.kit.outbox import EVENTS, REACTIONS, Event, OutboxEvent, OutboxReaction, emit, reaction
from server.kit.relay import (
    ATTEMPTS,
    relay_pending,
    retry_parked,
    run_relay,
    unfinished_reactions,
)


class LampLit(Event):
    lamp: str


class BellRung(Event):
    bell: str


seen: list[str] = []
broken_matches: list[None] = []
"""As many as reactions that are to fail."""


async def on_lamp_lit(session: AsyncSession, event: LampLit) -> None:
    seen.append(event.lamp)
    if broken_matches:
        broken_matches.pop()
        raise RuntimeError("the match broke")


async def on_lamp_lit_too(session: AsyncSession, event: LampLit) -> None:
    seen.append(f"{event.lamp} too")


rounds: list[list[str]] = []
cracked_bells: set[str] = set()


async def on_bell_rung(session: AsyncSession, events: Sequence[BellRung]) -> None:
    rounds.append([event.bell for event in events])
    for event in events:
        emit(session, LampLit(lamp=event.bell))
        if event.bell in cracked_bells:
            raise RuntimeError(f"{event.bell} is cracked")


async def on_bell_rung_too(session: AsyncSession, event: BellRung) -> None:
    seen.append(f"{event.bell} rung")


@pytest.fixture(autouse=True)
async def _reactions() -> AsyncIterator[None]:
    seen.clear()
    broken_matches.clear()
    rounds.clear()
    cracked_bells.clear()
    for each in (on_lamp_lit, on_lamp_lit_too, on_bell_rung, on_bell_rung_too):
        reaction(each)
    yield
    del REACTIONS[LampLit]
    del REACTIONS[BellRung]


async def light(db: Database, lamp: str) -> None:
    async with db.transaction() as session:
        emit(session, LampLit(lamp=lamp))


async def ring(db: Database, *bells: str) -> None:
    for bell in bells:
        async with db.transaction() as session:
            emit(session, BellRung(bell=bell))


async def make_retries_due(db: Database) -> None:
    async with db.transaction() as session:
        past = clock.real_now() - timedelta(seconds=1)
        await session.execute(update(OutboxReaction).values(next_attempt_at=past))


async def unpublished(db: Database) -> int:
    async with db.transaction() as session:
        query = select(func.count()).where(OutboxEvent.published_at.is_(None))
        return (await session.execute(query)).scalar_one()


async def test_each_reaction_gets_each_event_once(db: Database) -> None:
    await light(db, "harbour")
    await light(db, "gate")
    await relay_pending(db)
    await relay_pending(db)
    assert seen == ["harbour", "harbour too", "gate", "gate too"]
    assert await unpublished(db) == 0


async def test_rolled_back_transaction_emits_nothing(db: Database) -> None:
    with pytest.raises(KeyError):
        async with db.transaction() as session:
            emit(session, LampLit(lamp="never"))
            raise KeyError
    await relay_pending(db)
    assert seen == []


async def test_failed_reaction_is_tried_again_and_its_neighbour_is_not_repeated(
    db: Database,
) -> None:
    broken_matches.extend([None] * 1)
    await light(db, "harbour")
    await relay_pending(db)
    assert seen == ["harbour", "harbour too"]
    assert await unpublished(db) == 1
    await make_retries_due(db)
    await relay_pending(db)
    assert seen == ["harbour", "harbour too", "harbour"]
    assert await unpublished(db) == 0


async def test_failed_reaction_waits_before_the_next_attempt(db: Database) -> None:
    broken_matches.extend([None] * 1)
    await light(db, "harbour")
    await relay_pending(db)
    await relay_pending(db)
    assert seen.count("harbour") == 1


async def test_reaction_that_keeps_failing_is_parked_and_can_be_retried(db: Database) -> None:
    broken_matches.extend([None] * ATTEMPTS)
    await light(db, "harbour")
    for _ in range(ATTEMPTS):
        await relay_pending(db)
        await make_retries_due(db)
    await relay_pending(db)
    assert seen.count("harbour") == ATTEMPTS
    async with db.transaction() as session:
        (parked,) = await unfinished_reactions(session)
        assert parked.parked_at is not None
        assert parked.error == "RuntimeError: the match broke"
        assert await retry_parked(session) == 1
    await relay_pending(db)
    assert seen.count("harbour") == ATTEMPTS + 1
    async with db.transaction() as session:
        assert await unfinished_reactions(session) == []


async def test_event_that_commits_after_a_younger_one_is_not_skipped(own_db: Database) -> None:
    async with own_db.transaction() as slow:
        emit(slow, LampLit(lamp="slow"))
        await slow.flush()
        await light(own_db, "quick")
        await relay_pending(own_db)
        assert seen == ["quick", "quick too"]
    await relay_pending(own_db)
    assert seen == ["quick", "quick too", "slow", "slow too"]


async def test_two_relays_at_once_have_one_effect(own_db: Database) -> None:
    for lamp in ("a", "b", "c"):
        await light(own_db, lamp)
    await asyncio.gather(relay_pending(own_db), relay_pending(own_db))
    assert sorted(seen) == ["a", "a too", "b", "b too", "c", "c too"]


async def test_reaction_that_takes_many_gets_what_is_due_at_once_and_each_event_once(
    db: Database,
) -> None:
    await ring(db, "tower", "gate")
    await light(db, "harbour")
    await ring(db, "school")
    await relay_pending(db)
    await ring(db, "chapel")
    await relay_pending(db)
    await relay_pending(db)
    assert rounds == [["tower", "gate", "school"], ["chapel"]]
    assert [each for each in seen if each.endswith("rung")] == [
        f"{bell} rung" for bell in ("tower", "gate", "school", "chapel")
    ]
    assert await unpublished(db) == 0


async def test_one_bad_event_among_many_holds_up_nobody_else_and_leaves_nothing_behind(
    db: Database,
) -> None:
    cracked_bells.add("gate")
    await ring(db, "tower", "gate", "school")
    await relay_pending(db)
    assert rounds == [["tower", "gate", "school"], ["tower"], ["gate"], ["school"]]
    assert [each for each in seen if each.endswith("too")] == ["tower too", "school too"]
    async with db.transaction() as session:
        (failed,) = await unfinished_reactions(session)
        assert (failed.attempts, failed.error) == (1, "RuntimeError: gate is cracked")
    cracked_bells.clear()
    await make_retries_due(db)
    await relay_pending(db)
    assert rounds[4:] == [["gate"]]
    assert [each for each in seen if each.endswith("too")] == [
        "tower too",
        "school too",
        "gate too",
    ]
    assert await unpublished(db) == 0


async def test_two_relays_at_once_give_many_events_to_one_of_them_each(own_db: Database) -> None:
    bells = [f"bell {number}" for number in range(7)]
    await ring(own_db, *bells)
    await asyncio.gather(relay_pending(own_db), relay_pending(own_db))
    assert sorted(bell for each in rounds for bell in each) == bells


def test_two_events_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match=r"both declare tests\.LampLit"):
        type("LampLit", (Event,), {"__module__": "tests.elsewhere", "__annotations__": {}})
    assert EVENTS["tests.LampLit"] is LampLit


@pytest.mark.parametrize(
    "fault",
    [
        CannotConnectNowError("the database system is starting up"),
        ConnectionRefusedError("nobody listens"),
        InternalClientError("got result for unknown protocol state 3"),
        PoolExhausted("QueuePool limit reached"),
    ],
)
async def test_relay_outlives_whatever_a_database_that_goes_away_raises(
    db: Database, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    tries, stop, wake = 0, asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def exclusive(_: str) -> AsyncIterator[bool]:
        nonlocal tries
        tries += 1
        wake.set()
        if tries == 1:
            raise fault
        stop.set()
        yield False

    monkeypatch.setattr(db, "exclusive", exclusive)
    async with asyncio.timeout(5):
        await run_relay(db, wake, stop)
    assert tries == 2
