"""Fixes that are not kept, and why. Pure: no database, no clock.

`FILTERS` is tried from top to bottom; the first one that fires names the reason that is counted.
Whatever is filtered is acknowledged all the same, or the phone would send it for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

import msgspec

from server.kit.geo import Position, haversine_m
from server.tracking.readings import TRUSTED_CLOCK_ERROR_S, Reading
from server.tracking.seq_ranges import Ranges, contains

MAX_AHEAD = timedelta(seconds=TRUSTED_CLOCK_ERROR_S + 60)
"""A clock that is this much ahead has not been corrected, plus the way of the frame."""

MAX_AGE = timedelta(days=7)
MAX_INACCURACY_M = 100.0
MAX_SPEED_MPS = 70.0


class Spot(msgspec.Struct, frozen=True, gc=False):
    """Where and when a device was seen."""

    position: Position
    taken_at: datetime
    accuracy_m: float

    @classmethod
    def of(cls, reading: Reading) -> "Spot":
        return cls(reading.position, reading.taken_at, reading.accuracy_m)


@dataclass(slots=True)
class Memory:
    """What the filters know about a device.

    handled: the fixes dealt with before. last: the last one that was kept. doubted: the one after
    it that was too far away to be believed.
    """

    now: datetime
    handled: Ranges = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    last: Spot | None = None
    doubted: Spot | None = None

    def keep(self, reading: Reading) -> None:
        self.last, self.doubted = Spot.of(reading), None


@dataclass(frozen=True, slots=True)
class Filter:
    reason: str
    fires: Callable[[Reading, Memory], bool]


def duplicate(reading: Reading, memory: Memory) -> bool:
    """This device has sent the fix with this number before."""
    if reading.seq in memory.seen or contains(memory.handled, reading.seq):
        return True
    memory.seen.add(reading.seq)
    return False


def zero(reading: Reading, _: Memory) -> bool:
    """0, 0 is what a receiver says that does not know yet."""
    return abs(reading.position.lon) < 1e-6 and abs(reading.position.lat) < 1e-6


def out_of_range(reading: Reading, _: Memory) -> bool:
    """There is no such place, or no such accuracy."""
    lon, lat = reading.position
    return not (abs(lon) <= 180 and abs(lat) <= 90 and reading.accuracy_m >= 0) or not isfinite(
        reading.accuracy_m
    )


def in_the_future(reading: Reading, memory: Memory) -> bool:
    return reading.taken_at - memory.now > MAX_AHEAD


def too_old(reading: Reading, memory: Memory) -> bool:
    return memory.now - reading.taken_at > MAX_AGE


def inaccurate(reading: Reading, _: Memory) -> bool:
    """A guess from radio masts, not a position."""
    return reading.accuracy_m > MAX_INACCURACY_M


def impossible_speed(reading: Reading, memory: Memory) -> bool:
    """Nobody drives that fast from the last place that we believe in.

    When the next fix agrees with the one that we doubted, the two are right: the driver was on a
    ferry with the phone off, or the place that we believed in was the wrong one.
    """
    here = Spot.of(reading)
    if memory.last is None or _speed_mps(memory.last, here) <= MAX_SPEED_MPS:
        return False
    if memory.doubted is not None and _speed_mps(memory.doubted, here) <= MAX_SPEED_MPS:
        return False
    memory.doubted = here
    return True


def _speed_mps(a: Spot, b: Spot) -> float:
    """The least speed that explains both, with as much error as they admit to."""
    sure_m = haversine_m(a.position, b.position) - a.accuracy_m - b.accuracy_m
    return max(sure_m, 0.0) / max(abs((b.taken_at - a.taken_at).total_seconds()), 1.0)


FILTERS = (
    # First, so that a batch that comes twice counts its rejected fixes once.
    Filter("duplicate", duplicate),
    Filter("zero", zero),
    Filter("out_of_range", out_of_range),
    Filter("in_the_future", in_the_future),
    Filter("too_old", too_old),
    Filter("inaccurate", inaccurate),
    Filter("impossible_speed", impossible_speed),
)


def reason_against(reading: Reading, memory: Memory) -> str | None:
    """Why this reading is not kept; None when it is, which the memory then knows."""
    for each in FILTERS:
        if each.fires(reading, memory):
            return each.reason
    memory.keep(reading)
    return None
