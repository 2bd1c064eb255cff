"""A fix as the server understands it: with its time corrected and nonsense left out."""

from datetime import datetime

import msgspec

from server.kit.geo import Position

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
