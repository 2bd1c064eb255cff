"""How often a position is asked for, and which reading is kept."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_app.core.sampling import (
    Sampling,
    Situation,
    choose_sampling,
    distance_m,
    is_worth_keeping,
)
from server.protocol.from_driver import Fix
from tests.driver_app.phones import START_AT

MOVING = {"on_duty": True, "still_s": 0.0, "next_stop_m": 2000.0, "battery_percent": 80}
SAMPLING = Sampling(interval_s=10, batch_s=15)


def interval_s(**facts: Any) -> int | None:
    sampling = choose_sampling(Situation(**{**MOVING, **facts}))
    return sampling.interval_s if sampling else None


@pytest.mark.parametrize(
    ("facts", "expected_s"),
    [
        ({"on_duty": False}, None),
        ({}, 7),
        ({"next_stop_m": 300.0}, 5),
        ({"next_stop_m": None}, 60),
        ({"still_s": 120.0}, 120),
        ({"still_s": 600.0, "battery_percent": 10}, 180),
        ({"battery_percent": 10}, 10),
        ({"battery_saver": True}, 10),
        ({"battery_percent": 10, "charging": True}, 7),
    ],
)
def test_interval_fits_the_situation(facts: dict[str, Any], expected_s: int | None) -> None:
    assert interval_s(**facts) == expected_s


@given(
    still_s=st.floats(0, 9999),
    next_stop_m=st.none() | st.floats(0, 99999),
    battery_percent=st.integers(0, 100),
    charging=st.booleans(),
)
def test_less_battery_never_means_more_readings_and_off_duty_never_any(**facts: Any) -> None:
    full = interval_s(**{**facts, "battery_percent": 100})
    assert full is not None
    assert (interval_s(**facts) or 0) >= full
    assert interval_s(**{**facts, "on_duty": False}) is None


def fix(after_s: float = 0, east_m: float = 0, **fields: Any) -> Fix:
    known: dict[str, Any] = {"accuracy_m": 5.0, "speed_mps": 8.0, "heading_deg": 90.0}
    return Fix(
        seq=1,
        taken_at=START_AT + timedelta(seconds=after_s),
        lon=9.5 + east_m / 75_900,
        lat=47.0,
        **{**known, **fields},
    )


@pytest.mark.parametrize(
    ("reading", "kept"),
    [
        (fix(after_s=3, east_m=10), False),
        (fix(after_s=10), True),
        (fix(after_s=3, east_m=26), True),
        (fix(after_s=3, east_m=26, accuracy_m=80.0), False),
        (fix(after_s=3, heading_deg=121.0), True),
        (fix(after_s=3, heading_deg=119.0), False),
        (fix(after_s=3, heading_deg=121.0, speed_mps=0.5), False),
        (fix(after_s=3, heading_deg=None), False),
    ],
)
def test_reading_is_kept_after_time_distance_or_a_turn(reading: Fix, kept: bool) -> None:
    assert is_worth_keeping(fix(), reading, SAMPLING) is kept


def test_turn_over_north_is_small_when_it_is_small() -> None:
    assert not is_worth_keeping(fix(heading_deg=355.0), fix(3, heading_deg=5.0), SAMPLING)
    assert is_worth_keeping(fix(heading_deg=340.0), fix(3, heading_deg=15.0), SAMPLING)


def test_first_reading_is_kept() -> None:
    assert is_worth_keeping(None, fix(), SAMPLING)


def test_distance_is_that_of_the_globe() -> None:
    assert distance_m(9.0, 47.0, 9.0, 48.0) == pytest.approx(111_195, rel=1e-3)
    assert distance_m(9.0, 60.0, 10.0, 60.0) == pytest.approx(55_597, rel=1e-3)
