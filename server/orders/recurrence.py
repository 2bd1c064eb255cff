"""When a standing order comes again: a rule of RFC 5545, read in a place's own time. Pure.

Only what people order by is understood: days, weeks, months and years. A rule is a person's input,
so both what it says and how long it may take to say it are bounded.
"""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

from server.orders.errors import BadRule

FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    "DAILY": rrule.DAILY,
    "WEEKLY": rrule.WEEKLY,
    "MONTHLY": rrule.MONTHLY,
    "YEARLY": rrule.YEARLY,
}
DAYS = {str(day): day for day in (*rrule.weekdays,)}
MAX_COUNT = 1_000
MAX_INTERVAL = 400
MAX_SKIPPED = 366

CYCLE_YEARS = 7_600
"""The calendar repeats every 400 years. Rules are worked out 19 such cycles later, where dateutil,
which looks as far as the year 9999, gives a rule that never comes up within half a second."""


def check_rule(rule: str, starts_local: datetime) -> None:
    """Refuse a rule that cannot be understood, is beyond all bounds, or never comes up.

    Raises
    ------
    BadRule
    """
    if not 2000 <= starts_local.year <= 2100:
        raise BadRule(field="starts_local", reason="it must start in this century")
    if not list(islice(_local_times(rule, starts_local), 1)):
        raise BadRule(field="rule", reason="it never comes up")


def occurrences(
    rule: str,
    starts_local: datetime,
    zone: ZoneInfo,
    *,
    after: datetime,
    skipped: Collection[date] = (),
    limit: int,
) -> list[datetime]:
    """The next times (UTC) strictly after `after`, days in `skipped` left out.

    A time that the clocks jump over comes as much later as they jump; one that they show twice
    comes the first time only.
    """
    moments = (
        local.replace(tzinfo=zone).astimezone(UTC)
        for local in _local_times(rule, starts_local)
        if local.date() not in skipped
    )
    return list(islice((moment for moment in moments if moment > after), limit))


def _local_times(rule: str, starts_local: datetime) -> Iterator[datetime]:
    for local in _parse(rule, starts_local.replace(year=starts_local.year + CYCLE_YEARS)):
        yield local.replace(year=local.year - CYCLE_YEARS)


def _parse(rule: str, starts: datetime) -> rrule.rrule:
    said: dict[str, str] = {}
    for part in rule.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or name in said:
            raise BadRule(field="rule", reason=f"{part[:40]!r} is not understood")
        said[name] = value
    frequency = said.pop("FREQ", "")
    if frequency not in FREQUENCIES:
        raise BadRule(field="rule", reason=f"FREQ must be one of {', '.join(FREQUENCIES)}")
    if "COUNT" in said and "UNTIL" in said:
        raise BadRule(field="rule", reason="say COUNT or UNTIL, not both")
    return rrule.rrule(
        FREQUENCIES[frequency],
        dtstart=starts,
        interval=_number(said.pop("INTERVAL", "1"), "INTERVAL", 1, MAX_INTERVAL),
        count=_number(said.pop("COUNT"), "COUNT", 1, MAX_COUNT) if "COUNT" in said else None,
        until=_until(said.pop("UNTIL")) if "UNTIL" in said else None,
        byweekday=[_day(each, frequency) for each in _list(said.pop("BYDAY", ""))] or None,
        bymonthday=_numbers(said.pop("BYMONTHDAY", ""), "BYMONTHDAY", 31) or None,
        bymonth=_numbers(said.pop("BYMONTH", ""), "BYMONTH", 12) or None,
        bysetpos=_numbers(said.pop("BYSETPOS", ""), "BYSETPOS", 366) or None,
        wkst=_day(said.pop("WKST", "MO"), "WEEKLY"),
        **_nothing_else(said),
    )


def _nothing_else(said: dict[str, str]) -> dict[str, None]:
    if said:
        raise BadRule(field="rule", reason=f"{', '.join(said)[:80]} is not understood")
    return {}


def _list(text: str) -> list[str]:
    values = text.split(",") if text else []
    if len(values) > 31:
        raise BadRule(field="rule", reason="a list has at most 31 values")
    return values


def _numbers(text: str, name: str, largest: int) -> list[int]:
    lowest = 1 if name == "BYMONTH" else -largest
    numbers = [_number(each, name, lowest, largest) for each in _list(text)]
    if 0 in numbers:
        raise BadRule(field="rule", reason=f"{name} counts from 1, or from -1 backwards")
    return numbers


def _number(text: str, name: str, lowest: int, largest: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,6}", text) or not lowest <= int(text) <= largest:
        raise BadRule(field="rule", reason=f"{name} must be between {lowest} and {largest}")
    return int(text)


def _day(text: str, frequency: str) -> rrule.weekday:
    """MO, or 1MO and -1FR in a month or year."""
    match = re.fullmatch(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", text)
    if match is None or (match[1] and frequency not in ("MONTHLY", "YEARLY")):
        raise BadRule(field="rule", reason=f"{text[:20]!r} is not a day such as MO")
    return DAYS[match[2]](int(match[1])) if match[1] else DAYS[match[2]]


def _until(text: str) -> datetime:
    """The last local day, included; a time of day in it is not looked at."""
    match = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})(T[0-9]{6}Z?)?", text)
    try:
        if match is None or int(match[1]) > 2100:
            raise ValueError
        day = datetime(int(match[1]) + CYCLE_YEARS, int(match[2]), int(match[3]))  # noqa: DTZ001
    except ValueError:
        raise BadRule(
            field="rule", reason="UNTIL must be a day of this century such as 20271231"
        ) from None
    return day + timedelta(days=1, seconds=-1)
