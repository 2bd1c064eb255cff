"""A fix as the server understands it: with its time corrected and nonsense left out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from server.kit.geo import Position
from server.protocol.from_driver import Fix

TRUSTED_CLOCK_ERROR_S = 120.0
"""Up to here the difference between two clocks may as well be the network."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """taken_at: by the server's clock. claimed_at: what the phone said, when that differs."""

    seq: int
    taken_at: datetime
    claimed_at: datetime | None
    position: Position
    accuracy_m: float
    speed_mps: float | None
    heading_deg: float | None


def reading_of(fix: Fix, *, clock_error_s: float) -> Reading:
    """clock_error_s: the server's time minus the phone's."""
    taken_at = corrected(fix.taken_at, clock_error_s)
    return Reading(
        seq=fix.seq,
        taken_at=taken_at,
        claimed_at=None if taken_at == fix.taken_at else fix.taken_at,
        position=Position(fix.lon, fix.lat),
        accuracy_m=fix.accuracy_m,
        # Phones write -1 or NaN when they do not know.
        speed_mps=_known(fix.speed_mps, most=1000),
        heading_deg=_known(fix.heading_deg, most=360),
    )


def corrected(claimed_at: datetime, clock_error_s: float) -> datetime:
    """What the server's clock showed when the phone's showed `claimed_at`."""
    if abs(clock_error_s) <= TRUSTED_CLOCK_ERROR_S:
        return claimed_at
    try:
        return claimed_at + timedelta(seconds=clock_error_s)
    except OverflowError:
        return claimed_at  # a time outside of the calendar: the filters refuse it as it is


def _known(value: float | None, *, most: float) -> float | None:
    return value if value is not None and 0 <= value <= most else None


def in_order(fixes: Sequence[Fix], *, clock_error_s: float) -> list[Reading]:
    """The readings in the order in which the phone made them."""
    readings = [reading_of(fix, clock_error_s=clock_error_s) for fix in fixes]
    return readings if len(readings) == 1 else sorted(readings, key=lambda reading: reading.seq)
