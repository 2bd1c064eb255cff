"""What a driver earns by a pay rule. Pure: rates and facts in, lines with traces out."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from server.billing.price_lines import PricedLine, Term, make_line
from server.billing.tariff_rules import Amount


class DayBonus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For each day with so many stops."""

    stops_at_least: Annotated[int, Meta(ge=1, le=10_000)]
    minor: Amount


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Net amounts in minor units. Hours are worked time without breaks, by the second; km are as
    driven by the fixes of the shift."""

    per_stop_minor: Amount = 0
    per_parcel_minor: Amount = 0
    per_km_minor: Amount = 0
    per_hour_minor: Amount = 0
    day_bonuses: Annotated[tuple[DayBonus, ...], Meta(max_length=20)] = ()


class StopDone(msgspec.Struct, frozen=True, kw_only=True):
    """A stop where a driver did, or tried in vain, what was to be done."""

    stop_id: UUID
    done_at: datetime


class ParcelsMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Parcels delivered or collected by one task."""

    task_id: UUID
    done_at: datetime
    parcels: int


class ShiftWorked(msgspec.Struct, frozen=True, kw_only=True):
    shift_id: UUID
    ended_at: datetime
    worked_s: int
    driven_m: int


class DriverFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a driver did in some time."""

    driver_id: UUID
    stops: Sequence[StopDone] = ()
    parcels: Sequence[ParcelsMoved] = ()
    shifts: Sequence[ShiftWorked] = ()


class PayLine(msgspec.Struct, frozen=True, kw_only=True):
    """source: the fact that is paid for, once."""

    source: str
    occurred_at: datetime
    line: PricedLine


RatesAt = Callable[[datetime], Rates | None]
"""The rates in force at a time; None when the driver was paid in another currency then."""


def pay_lines(facts: DriverFacts, rates_at: RatesAt, zone: ZoneInfo) -> list[PayLine]:
    """What each fact earns, in the order of time; what earns nothing is left out."""
    prefix = f"driver:{facts.driver_id}"
    lines: list[PayLine] = []

    def add(source: str, at: datetime, line: PricedLine) -> None:
        if line.net_minor:
            lines.append(PayLine(source=f"{prefix}:{source}", occurred_at=at, line=line))

    for stop in facts.stops:
        if rates := rates_at(stop.done_at):
            add(f"stop:{stop.stop_id}", stop.done_at, _each("stop", 1, rates.per_stop_minor))
    for moved in facts.parcels:
        if rates := rates_at(moved.done_at):
            line = _each("parcel", moved.parcels, rates.per_parcel_minor)
            add(f"parcels:{moved.task_id}", moved.done_at, line)
    for shift in facts.shifts:
        if rates := rates_at(shift.ended_at):
            way = _measured("km", shift.driven_m, "m", rates.per_km_minor, 1000)
            hours = _measured("hour", shift.worked_s, "s", rates.per_hour_minor, 3600)
            add(f"km:{shift.shift_id}", shift.ended_at, way)
            add(f"hours:{shift.shift_id}", shift.ended_at, hours)
    for day, (count, last_at) in _days(facts.stops, zone).items():
        if rates := rates_at(last_at):
            for bonus in rates.day_bonuses:
                if count >= bonus.stops_at_least:
                    source = f"bonus:{day}:{bonus.stops_at_least}"
                    add(source, last_at, _bonus(day, count, bonus))
    return sorted(lines, key=lambda line: (line.occurred_at, line.source))


def _each(what: str, count: int, minor: int) -> PricedLine:
    term = Term(words=f"per {what}", quantity=count, unit=what, minor=minor)
    return make_line(f"per_{what}", f"{what.capitalize()}s: {count}", f"{count} {what}(s).", [term])


def _measured(what: str, amount: int, unit: str, minor: int, per: int) -> PricedLine:
    term = Term(words=f"per {what}", quantity=amount, unit=unit, minor=minor, per=per)
    description = f"{what.capitalize()}s: {amount / per:.2f}"
    return make_line(f"per_{what}", description, f"{amount} {unit}.", [term])


def _bonus(day: date, count: int, bonus: DayBonus) -> PricedLine:
    words = f"{count} stops on {day}, at least {bonus.stops_at_least}."
    term = Term(words="bonus", quantity=1, unit="day", minor=bonus.minor)
    return make_line("day_bonus", f"Bonus for {bonus.stops_at_least} stops", words, [term])


def _days(stops: Iterable[StopDone], zone: ZoneInfo) -> dict[date, tuple[int, datetime]]:
    """Local day -> how many stops, and when the last one was done."""
    counts: Counter[date] = Counter()
    last: dict[date, datetime] = {}
    for stop in stops:
        day = stop.done_at.astimezone(zone).date()
        counts[day] += 1
        last[day] = max(last.get(day, stop.done_at), stop.done_at)
    return {day: (count, last[day]) for day, count in counts.items()}
