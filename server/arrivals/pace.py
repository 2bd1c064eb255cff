"""How much slower or quicker than expected things go, learnt from what happened. Pure.

What is learnt is the logarithm of taken over expected time, which is nearly normal for ways and for
doors. A few seconds are added to both sides first (finding a place to park, ringing), so that a way
of ten seconds that took thirty says little. A depot's mean has effects of driver, area and hour on
top; each is shrunk towards none by so many visits that nobody has seen, which is what a normal
prior amounts to, and the spread has a conjugate inverse gamma prior. So a new company begins with
the priors and a driver's first morning changes little, and with history the numbers speak.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from server.kit.geo import Position


class Kind(StrEnum):
    """set_off: leaving for the first stop later than planned. drive: from leaving one stop to
    coming to the next. serve: from being able to turn to a stop to leaving it."""

    SET_OFF = "set_off"
    DRIVE = "drive"
    SERVE = "serve"


SURE_S = {Kind.SET_OFF: 600.0, Kind.DRIVE: 60.0, Kind.SERVE: 30.0}
"""What is added to both sides before they are compared."""

SPREAD = {Kind.SET_OFF: 0.3, Kind.DRIVE: 0.25, Kind.SERVE: 0.45}
"""Standard deviation of one visit's logarithm that is believed in before there is any history."""

DAY_SPREAD = {Kind.SET_OFF: 0.1, Kind.DRIVE: 0.1, Kind.SERVE: 0.15}
"""The same of a driver's whole day: rain, a helper, a head cold."""

MEAN_VISITS, DRIVER_VISITS, AREA_VISITS, HOUR_VISITS = 10, 15, 15, 30
"""So many visits weigh as much as the belief that there is no such effect."""

SPREAD_VISITS, DAY_SPREAD_DAYS = 6, 4
MOST_EXCESS = 1.5
"""Beyond some four and a half times, something else happened, and it teaches no more than that."""

SWEEPS = 4
AREA_DEG = 0.02


class Cell(msgspec.Struct, frozen=True):
    """Visits of one driver, day, area and hour, with the sums of their excesses and of the squares
    of these."""

    kind: Kind
    driver_id: UUID
    area: str
    hour: int
    day: date
    count: int
    total: float
    total_squares: float


class Outlook(msgspec.Struct, frozen=True):
    """Of the excess of one visit: its mean, how little that mean is known (variance, the same for
    all of a driver's day), and the variance of single visits around it."""

    mean: float
    doubt: float
    variance: float


class KindPace(msgspec.Struct, frozen=True):
    """What is known of one kind. Effects: name -> (effect, visits)."""

    mean: float
    visits: int
    variance: float
    day_variance: float
    drivers: Mapping[UUID, tuple[float, int]]
    areas: Mapping[str, tuple[float, int]]
    hours: Mapping[int, tuple[float, int]]

    def outlook(self, driver_id: UUID, area: str, hour: int) -> Outlook:
        """Of a visit of this driver there and then, on a day of which nothing is known yet."""
        driver, driver_visits = self.drivers.get(driver_id, (0.0, 0))
        place, area_visits = self.areas.get(area, (0.0, 0))
        time, hour_visits = self.hours.get(hour, (0.0, 0))
        unknown = (
            1 / (self.visits + MEAN_VISITS)
            + 1 / (driver_visits + DRIVER_VISITS)
            + 1 / (area_visits + AREA_VISITS)
            + 1 / (hour_visits + HOUR_VISITS)
        )
        return Outlook(
            mean=self.mean + driver + place + time,
            doubt=self.day_variance + self.variance * unknown,
            variance=self.variance,
        )


class Pace(msgspec.Struct, frozen=True):
    """What is known of a depot. rest_share: how likely a planned break is taken."""

    kinds: Mapping[Kind, KindPace]
    rest_share: float


class Today(msgspec.Struct, frozen=True):
    """What a driver's own day has shown so far: kind -> (visits, sum of what was left unexplained
    by all that was known before)."""

    surprises: Mapping[Kind, tuple[int, float]]

    def sharpen(self, kind: Kind, outlook: Outlook) -> Outlook:
        """The outlook with this day's surprises taken into account (normal with normal prior)."""
        visits, total = self.surprises.get(kind, (0, 0.0))
        if visits == 0:
            return outlook
        weight = visits * outlook.doubt + outlook.variance
        return Outlook(
            mean=outlook.mean + outlook.doubt * total / weight,
            doubt=outlook.doubt * outlook.variance / weight,
            variance=outlook.variance,
        )


def excess(kind: Kind, expected_s: float, taken_s: float) -> float:
    """By how much it went beyond what was expected, as a logarithm within bounds."""
    ratio = math.log((taken_s + SURE_S[kind]) / (expected_s + SURE_S[kind]))
    return min(max(ratio, -MOST_EXCESS), MOST_EXCESS)


def area_of(position: Position) -> str:
    """A cell of about two kilometres."""
    return f"{math.floor(position.lon / AREA_DEG)}:{math.floor(position.lat / AREA_DEG)}"


def learn_pace(cells: Iterable[Cell], *, rests_due: int = 0, rests_taken: int = 0) -> Pace:
    """The pace of a depot from its history, which may be empty."""
    by_kind: dict[Kind, list[Cell]] = {kind: [] for kind in Kind}
    for cell in cells:
        by_kind[cell.kind].append(cell)
    return Pace(
        kinds={kind: _learn_kind(kind, mine) for kind, mine in by_kind.items()},
        # Four breaks of five are taken until history says otherwise.
        rest_share=(rests_taken + 8) / (max(rests_due, rests_taken) + 10),
    )


def surprises_of(pace: Pace, cells: Iterable[Cell]) -> Today:
    """What the day of one driver, in cells, shows beyond the pace."""
    surprises: dict[Kind, tuple[int, float]] = {}
    for cell in cells:
        expected = pace.kinds[cell.kind].outlook(cell.driver_id, cell.area, cell.hour).mean
        visits, total = surprises.get(cell.kind, (0, 0.0))
        surprises[cell.kind] = (visits + cell.count, total + cell.total - cell.count * expected)
    return Today(surprises)


def _learn_kind(kind: Kind, cells: list[Cell]) -> KindPace:
    """Fit mean and effects one after the other until they agree."""
    visits = sum(cell.count for cell in cells)
    # On average things take what was expected; a few take far longer, so most take a little less.
    believed = -(SPREAD[kind] ** 2) / 2
    mean = believed
    drivers: dict[UUID, float] = {}
    areas: dict[str, float] = {}
    hours: dict[int, float] = {}

    def fitted(cell: Cell) -> float:
        return (
            mean
            + drivers.get(cell.driver_id, 0.0)
            + areas.get(cell.area, 0.0)
            + hours.get(cell.hour, 0.0)
        )

    for _ in range(SWEEPS):
        left = sum(cell.total - cell.count * (fitted(cell) - mean) for cell in cells)
        mean = (left + MEAN_VISITS * believed) / (visits + MEAN_VISITS)
        drivers = _fit_effect(cells, fitted, drivers, _driver_of, DRIVER_VISITS)
        areas = _fit_effect(cells, fitted, areas, _area_of, AREA_VISITS)
        hours = _fit_effect(cells, fitted, hours, _hour_of, HOUR_VISITS)
    squares = sum(
        cell.total_squares - 2 * fitted(cell) * cell.total + cell.count * fitted(cell) ** 2
        for cell in cells
    )
    variance = (SPREAD_VISITS * SPREAD[kind] ** 2 + max(squares, 0.0)) / (SPREAD_VISITS + visits)
    return KindPace(
        mean=mean,
        visits=visits,
        variance=variance,
        day_variance=_day_variance(kind, cells, fitted, variance),
        drivers=_with_visits(cells, drivers, _driver_of),
        areas=_with_visits(cells, areas, _area_of),
        hours=_with_visits(cells, hours, _hour_of),
    )


def _driver_of(cell: Cell) -> UUID:
    return cell.driver_id


def _area_of(cell: Cell) -> str:
    return cell.area


def _hour_of(cell: Cell) -> int:
    return cell.hour


def _fit_effect[Key: Hashable](
    cells: Iterable[Cell],
    fitted: Callable[[Cell], float],
    effects: Mapping[Key, float],
    key_of: Callable[[Cell], Key],
    prior_visits: int,
) -> dict[Key, float]:
    """What all else leaves unexplained of each group, shrunk towards nothing."""
    left: defaultdict[Key, float] = defaultdict(float)
    visits: defaultdict[Key, int] = defaultdict(int)
    for cell in cells:
        key = key_of(cell)
        left[key] += cell.total - cell.count * (fitted(cell) - effects.get(key, 0.0))
        visits[key] += cell.count
    return {key: total / (visits[key] + prior_visits) for key, total in left.items()}


def _with_visits[Key: Hashable](
    cells: Iterable[Cell], effects: Mapping[Key, float], key_of: Callable[[Cell], Key]
) -> dict[Key, tuple[float, int]]:
    visits: defaultdict[Key, int] = defaultdict(int)
    for cell in cells:
        visits[key_of(cell)] += cell.count
    return {key: (effect, visits[key]) for key, effect in effects.items()}


def _day_variance(
    kind: Kind, cells: Iterable[Cell], fitted: Callable[[Cell], float], variance: float
) -> float:
    """How much the days of drivers differ, beyond what single visits make them differ."""
    days: defaultdict[tuple[UUID, date], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for cell in cells:
        visits, total = days[cell.driver_id, cell.day]
        left = cell.total - cell.count * fitted(cell)
        days[cell.driver_id, cell.day] = visits + cell.count, total + left
    believed = DAY_SPREAD_DAYS * DAY_SPREAD[kind] ** 2
    seen = sum((total / visits) ** 2 - variance / visits for visits, total in days.values())
    return max(believed + seen, 0.05 * believed) / (DAY_SPREAD_DAYS + len(days))
