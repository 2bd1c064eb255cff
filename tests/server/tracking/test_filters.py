"""The filters one by one, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kit.geo import Position, haversine_m
from server.tracking.filters import (
    FILTERS,
    MAX_AGE,
    MAX_AHEAD,
    MAX_INACCURACY_M,
    MAX_SPEED_MPS,
    Memory,
    reason_against,
)
from server.tracking.readings import Reading

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FEW_METRES = 0.0001


def reading(seq=1, at_s=0.0, lon=9.5, lat=47.1, accuracy_m=5.0) -> Reading:
    return Reading(
        seq=seq,
        taken_at=NOW + timedelta(seconds=at_s),
        claimed_at=None,
        position=Position(lon, lat),
        accuracy_m=accuracy_m,
        speed_mps=None,
        heading_deg=None,
    )


def reasons(*readings: Reading) -> list[str | None]:
    memory = Memory(now=NOW)
    return [reason_against(each, memory) for each in readings]


def test_filters_are_tried_in_this_order():
    assert [each.reason for each in FILTERS] == [
        "duplicate",
        "zero",
        "out_of_range",
        "in_the_future",
        "too_old",
        "inaccurate",
        "impossible_speed",
    ]


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({}, None),
        ({"lon": 0.0, "lat": 0.0}, "zero"),
        ({"lon": 0.0}, None),
        ({"lon": 180.1}, "out_of_range"),
        ({"lat": -90.1}, "out_of_range"),
        ({"accuracy_m": -1.0}, "out_of_range"),
        ({"at_s": MAX_AHEAD.total_seconds()}, None),
        ({"at_s": MAX_AHEAD.total_seconds() + 1}, "in_the_future"),
        ({"at_s": -MAX_AGE.total_seconds()}, None),
        ({"at_s": -MAX_AGE.total_seconds() - 1}, "too_old"),
        ({"accuracy_m": MAX_INACCURACY_M}, None),
        ({"accuracy_m": MAX_INACCURACY_M + 1}, "inaccurate"),
    ],
)
def test_each_filter_says_its_reason(details, reason):
    assert reasons(reading(**details)) == [reason]


def test_same_number_twice_in_one_batch_is_a_duplicate():
    assert reasons(reading(seq=1), reading(seq=1), reading(seq=2)) == [None, "duplicate", None]


def test_one_jump_is_doubted_and_the_way_back_is_believed():
    there_and_back = (reading(1, 0), reading(2, 5, lon=9.6), reading(3, 10))
    assert reasons(*there_and_back) == [None, "impossible_speed", None]


def test_two_fixes_that_agree_overrule_the_one_that_they_left():
    assert reasons(
        reading(1, 0),
        reading(2, 5, lon=9.6),
        reading(3, 10, lon=9.6 + FEW_METRES),
        reading(4, 15, lon=9.6 + 2 * FEW_METRES),
    ) == [None, "impossible_speed", None, None]


def test_rejected_fix_is_not_what_the_next_one_is_measured_from():
    assert reasons(
        reading(1, 0), reading(2, 1, lon=9.6, accuracy_m=500), reading(3, 2, lon=9.5)
    ) == [None, "inaccurate", None]


positions = st.builds(
    Position, st.floats(5, 15, allow_nan=False), st.floats(45, 50, allow_nan=False)
)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 30),
            st.floats(-1e6, 1e4, allow_nan=False),
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=30,
    )
)
def test_whatever_comes_what_is_kept_can_be_stored(rows):
    memory = Memory(now=NOW)
    kept = [
        each
        for each in (
            reading(seq, at_s, lon, lat, accuracy_m) for seq, at_s, lon, lat, accuracy_m in rows
        )
        if reason_against(each, memory) is None
    ]
    for each in kept:
        assert abs(each.position.lon) <= 180 and abs(each.position.lat) <= 90
        assert 0 <= each.accuracy_m <= MAX_INACCURACY_M
        assert NOW - MAX_AGE <= each.taken_at <= NOW + MAX_AHEAD
    assert len({each.seq for each in kept}) == len(kept)


@given(st.lists(st.tuples(positions, st.integers(-3600, 0)), min_size=1, max_size=30))
def test_never_two_rejections_of_neighbours_that_agree(rows):
    """So no wrong place can lock a driver out for ever."""
    readings = [reading(seq, at_s, *position) for seq, (position, at_s) in enumerate(rows, start=1)]
    for (a, why_a), (b, why_b) in pairwise(zip(readings, reasons(*readings), strict=True)):
        apart_m = haversine_m(a.position, b.position) - 10
        apart_s = abs((b.taken_at - a.taken_at).total_seconds())
        agree = apart_m <= MAX_SPEED_MPS * max(1, apart_s)
        assert not (why_a and why_b and agree)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 50), min_size=1, max_size=50))
def test_honest_drive_at_any_legal_speed_is_kept_whole(start, gaps_s):
    """A car at 130 km/h, however irregular its fixes are."""
    at_s, readings = -5000.0 + start % 1000, []
    for seq, gap_s in enumerate(gaps_s, start=1):
        at_s += gap_s
        readings.append(reading(seq, at_s, lat=47.0 + 36 * at_s / 111_195))
    assert reasons(*readings) == [None] * len(readings)
