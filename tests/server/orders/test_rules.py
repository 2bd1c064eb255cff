"""Promised windows: cut-offs and days of the company's own time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from server.orders.rules import promised_window

ZURICH = ZoneInfo("Europe/Zurich")


@dataclass
class Level:
    cut_off_local: time = time(18)
    days_after: int = 1
    window_start_local: time = time(8)
    window_end_local: time = time(18)
    within_s: int | None = None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def window(level: Level, now: str, zone: ZoneInfo = ZURICH) -> tuple[datetime, datetime]:
    return promised_window(level, now=at(now), zone=zone)


def test_an_order_before_the_cut_off_is_promised_the_next_day() -> None:
    assert window(Level(), "2026-11-23T18:00:00+01:00") == (
        at("2026-11-24T08:00:00+01:00"),
        at("2026-11-24T18:00:00+01:00"),
    )


def test_an_order_after_the_cut_off_is_promised_a_day_later() -> None:
    start, _ = window(Level(), "2026-11-23T18:00:01+01:00")
    assert start == at("2026-11-25T08:00:00+01:00")


def test_the_cut_off_is_counted_in_the_companys_zone_not_in_utc() -> None:
    late_in_zurich = "2026-11-23T17:30:00+00:00"
    assert window(Level(), late_in_zurich)[0] == at("2026-11-25T08:00:00+01:00")
    assert window(Level(), late_in_zurich, ZoneInfo("UTC"))[0] == at("2026-11-24T08:00:00Z")


def test_a_window_keeps_its_local_times_when_the_clocks_change() -> None:
    start, end = window(Level(), "2026-10-24T12:00:00+02:00")
    assert start == at("2026-10-25T08:00:00+01:00")
    assert end == at("2026-10-25T18:00:00+01:00")


def test_a_same_day_window_does_not_start_in_the_past() -> None:
    start, end = window(Level(days_after=0, cut_off_local=time(12)), "2026-11-23T11:00:00+01:00")
    assert start == at("2026-11-23T11:00:00+01:00")
    assert end == at("2026-11-23T18:00:00+01:00")


def test_express_is_promised_within_its_hours_of_the_window_opening() -> None:
    express = Level(days_after=0, cut_off_local=time(16), within_s=10_800)
    assert window(express, "2026-11-23T10:00:00+01:00")[1] == at("2026-11-23T13:00:00+01:00")
    assert window(express, "2026-11-23T05:00:00+01:00")[1] == at("2026-11-23T11:00:00+01:00")


@given(
    st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis puts the zone to it
        datetime(2027, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.integers(0, 5),
    st.times(),
    st.one_of(st.none(), st.integers(60, 86_400)),
)
def test_a_promised_window_always_lies_ahead(
    now: datetime, days_after: int, cut_off: time, within_s: int | None
) -> None:
    if days_after == 0:
        cut_off = min(cut_off, time(17, 59))
    level = Level(cut_off, days_after, within_s=within_s)
    start, end = promised_window(level, now=now, zone=ZURICH)
    assert now <= start < end
