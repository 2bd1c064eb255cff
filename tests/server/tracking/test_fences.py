"""Arriving is entering a fence slowly, or staying in it; it is said once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.tracking import service
from server.tracking.service import Fence

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def fence(phone) -> Fence:
    """50 m around a place 1 km east of home."""
    return Fence(subject_id=new_id(), position=phone.position(east_m=1000), radius_m=50)


async def test_driver_who_stops_inside_has_arrived_once(db, phone, fence, arrivals):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        await phone.send(session, phone.fix(0, speed_mps=10))
        assert await arrivals(session) == []
        await phone.send(session, phone.fix(100, east_m=990, speed_mps=0.3))
        await phone.send(session, phone.fix(105, east_m=990, speed_mps=0.0))
        assert await arrivals(session) == [(fence.subject_id, NOON + timedelta(seconds=100))]


async def test_driving_past_is_not_arriving(db, phone, fence, arrivals):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        drive = [phone.fix(at, east_m=10 * at, speed_mps=10) for at in range(80, 121)]
        await phone.send(session, *drive)
        assert await arrivals(session) == []


async def test_staying_inside_is_arriving_even_when_the_phone_knows_no_speed(
    db, phone, fence, arrivals
):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        for at in (100, 115, 131):
            await phone.send(session, phone.fix(at, east_m=1010))
        assert await arrivals(session) == [(fence.subject_id, NOON + timedelta(seconds=131))]


async def test_leaving_in_between_starts_the_stay_afresh(db, phone, fence, arrivals):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        for at, east_m in ((100, 1010), (115, 1100), (131, 1010)):
            await phone.send(session, phone.fix(at, east_m=east_m))
        assert await arrivals(session) == []


async def test_fix_vaguer_than_the_fence_proves_nothing(db, phone, fence, arrivals):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        await phone.send(session, phone.fix(100, east_m=1000, speed_mps=0, accuracy_m=80))
        assert await arrivals(session) == []


async def test_same_fence_set_again_stays_entered_and_a_moved_one_starts_afresh(
    db, phone, fence, arrivals
):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        await phone.send(session, phone.fix(100, east_m=1000, speed_mps=0))
        await service.set_fences(session, phone.driver_id, [fence])
        await phone.send(session, phone.fix(110, east_m=1000, speed_mps=0))
        assert len(await arrivals(session)) == 1
        moved = Fence(
            subject_id=fence.subject_id, position=phone.position(east_m=1020), radius_m=50
        )
        await service.set_fences(session, phone.driver_id, [moved])
        await phone.send(session, phone.fix(120, east_m=1000, speed_mps=0))
        assert len(await arrivals(session)) == 2


async def test_fence_that_was_taken_away_says_nothing(db, phone, fence, arrivals):
    async with db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])
        await service.set_fences(session, phone.driver_id, [])
        await phone.send(session, phone.fix(100, east_m=1000, speed_mps=0))
        assert await arrivals(session) == []


async def test_late_fix_tells_of_an_arrival_but_not_of_one_before_the_fence_was_set(
    db, phone, fence, arrivals
):
    async with db.transaction() as session:
        before, after = (phone.fix(at, east_m=1000, speed_mps=0) for at in (-60, 60))
        with clock.running(lambda: NOON):
            await service.set_fences(session, phone.driver_id, [fence])
        await phone.send(session, before)
        assert await arrivals(session) == []
        await phone.send(session, after)
        assert await arrivals(session) == [(fence.subject_id, after.taken_at)]


async def test_two_phones_of_one_driver_arriving_at_once_say_it_once(
    own_db: Database, phone, fence, arrivals
):
    async with own_db.transaction() as session:
        await service.set_fences(session, phone.driver_id, [fence])

    async def arrive() -> None:
        async with own_db.transaction() as session:
            await service.ingest_fixes(
                session,
                driver_id=phone.driver_id,
                device_id=new_id(),
                fixes=[phone.fix(100, east_m=1000, speed_mps=0)],
                received_at=NOON,
            )

    await asyncio.gather(*(arrive() for _ in range(4)))
    async with own_db.transaction() as session:
        assert len(await arrivals(session)) == 1
