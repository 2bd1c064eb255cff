"""How often to ask for a position, and which reading is worth keeping. Pure.

A courier on the move is followed closely, one who stands still hardly, one off duty not at all:
that is what keeps the battery and the driver's trust.
"""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from server.protocol.from_driver import Fix

EARTH_RADIUS_M = 6_371_009
NEAR_STOP_M = 300
STILL_AFTER_S = 120
LOW_BATTERY_PERCENT = 20
KEEP_AFTER_M = 25
KEEP_AFTER_TURN_DEG = 30
TURN_MIN_SPEED_MPS = 2
"""Slower than this, the heading of a GPS receiver is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the phone knows about itself now.

    still_s: since when it has not moved. next_stop_m: None when no stop is open: idle on duty.
    """

    on_duty: bool
    still_s: float
    next_stop_m: float | None
    battery_percent: int
    charging: bool = False
    battery_saver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What to ask of the location service: a reading each `interval_s`, handed over in batches of
    `batch_s` so that the phone may sleep between."""

    interval_s: int
    batch_s: int


def choose_sampling(situation: Situation) -> Sampling | None:
    """None: no positions at all."""
    if not situation.on_duty:
        return None
    spare = not situation.charging and (
        situation.battery_saver or situation.battery_percent < LOW_BATTERY_PERCENT
    )
    if situation.still_s >= STILL_AFTER_S:
        return Sampling(interval_s=180 if spare else 120, batch_s=0)
    if situation.next_stop_m is None:
        return Sampling(interval_s=60, batch_s=0)
    if situation.next_stop_m <= NEAR_STOP_M:
        # The arrival and the place of the proof are near; no batches, so that they are seen live.
        return Sampling(interval_s=5, batch_s=0)
    return Sampling(interval_s=10 if spare else 7, batch_s=15)


def is_worth_keeping(last: Fix | None, reading: Fix, sampling: Sampling) -> bool:
    """Whether the reading tells something that the last kept fix does not: time has passed, the
    van has moved, or it has turned a corner that the trail would otherwise cut."""
    if last is None:
        return True
    if (reading.taken_at - last.taken_at).total_seconds() >= sampling.interval_s:
        return True
    moved_m = distance_m(last.lon, last.lat, reading.lon, reading.lat)
    if moved_m >= max(KEEP_AFTER_M, reading.accuracy_m):
        return True
    if last.heading_deg is None or reading.heading_deg is None:
        return False
    turn_deg = abs((reading.heading_deg - last.heading_deg + 180) % 360 - 180)
    return turn_deg >= KEEP_AFTER_TURN_DEG and (reading.speed_mps or 0) >= TURN_MIN_SPEED_MPS


def distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Great-circle distance (haversine)."""
    north = sin(radians(lat_b - lat_a) / 2) ** 2
    east = sin(radians(lon_b - lon_a) / 2) ** 2
    chord = north + cos(radians(lat_a)) * cos(radians(lat_b)) * east
    return 2 * EARTH_RADIUS_M * asin(sqrt(chord))
