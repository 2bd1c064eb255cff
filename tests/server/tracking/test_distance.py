"""Metres driven, from fixes that jump about."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from server.kit.ids import new_id
from server.tracking import service
from server.tracking.distance import Odometer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEED = 20260302


def driven(phone, path, *, noise_m=0.0, accuracy_m=5.0, tells_speed=True) -> float:
    """The odometer after a path of (at_s, east_m, north_m, speed_mps)."""
    chance, odometer = random.Random(SEED), Odometer()
    print("seed", SEED)
    for at_s, east_m, north_m, speed_mps in path:
        odometer.pass_by(
            phone.position(east_m + chance.gauss(0, noise_m), north_m + chance.gauss(0, noise_m)),
            NOON + timedelta(seconds=at_s),
            accuracy_m=accuracy_m,
            speed_mps=speed_mps if tells_speed else None,
        )
    return odometer.driven_m


@pytest.mark.parametrize("tells_speed", [True, False])
def test_parked_day_adds_less_than_three_hundred_metres(phone, tells_speed):
    """Eight hours, a fix each second, half of them more than 7 m off."""
    parked = ((at, 0, 0, 0.2) for at in range(8 * 3600))
    metres = driven(phone, parked, noise_m=6.0, accuracy_m=9.0, tells_speed=tells_speed)
    assert metres < 300


@pytest.mark.parametrize("every_s", [1, 5, 30])
@pytest.mark.parametrize("tells_speed", [True, False])
def test_straight_drive_is_counted_within_three_percent(phone, every_s, tells_speed):
    drive = ((at, 12 * at, 0, 12) for at in range(0, 1800, every_s))
    metres = driven(phone, drive, noise_m=1.5, tells_speed=tells_speed)
    assert metres == pytest.approx(12 * 1800, rel=0.03)


def test_corners_of_a_town_are_not_cut_by_much(phone):
    def blocks():
        for at in range(0, 1200, 2):
            along = 8 * at
            block, rest = divmod(along, 200)
            turned = block % 2
            east = (block + 1) // 2 * 200 + (0 if turned else rest)
            north = block // 2 * 200 + (rest if turned else 0)
            yield at, east, north, 8

    assert driven(phone, blocks(), noise_m=1.5) == pytest.approx(8 * 1200, rel=0.05)


def test_stop_and_go_loses_nothing(phone):
    def stops():
        at = 0
        for leg in range(20):
            for second in range(0, 60, 5):
                yield at + second, leg * 600 + second * 10, 0, 10
            at += 60
            for second in range(0, 120, 5):
                yield at + second, leg * 600 + 590, 0, 0
            at += 120

    assert driven(phone, stops(), noise_m=2.0) == pytest.approx(20 * 600, rel=0.04)


def test_short_gap_counts_as_the_straight_line_and_a_long_one_not_at_all(phone):
    assert driven(phone, [(0, 0, 0, 10), (600, 5000, 0, 10)]) == pytest.approx(5000, rel=0.01)
    assert driven(phone, [(0, 0, 0, 10), (1200, 5000, 0, 10)]) == 0


async def test_driven_metres_are_told_for_each_driver_within_the_time_asked(db, phone):
    async with db.transaction() as session:
        first = phone.driver_id
        await phone.send(
            session, *(phone.fix(at, east_m=10 * at, speed_mps=10) for at in range(0, 100, 5))
        )
        phone.driver_id, phone.device_id = new_id(), new_id()
        await phone.send(
            session, *(phone.fix(at, east_m=20 * at, speed_mps=20) for at in range(0, 100, 5))
        )
        metres = await service.driven_m(session, since=NOON, until=NOON + timedelta(minutes=5))
        assert metres == {
            first: pytest.approx(950, rel=0.01),
            phone.driver_id: pytest.approx(1900, rel=0.01),
        }
        half = await service.driven_m(session, since=NOON, until=NOON + timedelta(seconds=50))
        assert half[first] == pytest.approx(450, rel=0.01)
