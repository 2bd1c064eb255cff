"""What any tracker may tell of itself, in the words of our own phones. Pure."""

from datetime import datetime
from math import isfinite
from typing import Literal

import msgspec

from server.protocol.from_driver import Fix, Heartbeat

UNSAID_ACCURACY_M = 30.0
"""Of a reading whose sender does not say how good it is."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """fix: without a number of its own; None when the message holds no reading. heartbeat: None
    when the message says nothing of the device."""

    fix: Fix | None = None
    heartbeat: Heartbeat | None = None


def fix_of(
    taken_at: datetime,
    *,
    lon: float,
    lat: float,
    accuracy_m: float | None,
    speed_mps: float | None,
    heading_deg: float | None,
) -> Fix:
    """Places that there are not are left to the filters, which count them."""
    return Fix(
        seq=0,
        taken_at=taken_at,
        lon=lon,
        lat=lat,
        accuracy_m=accuracy_m if accuracy_m is not None and accuracy_m > 0 else UNSAID_ACCURACY_M,
        speed_mps=speed_mps,
        heading_deg=heading_deg,
    )


def heartbeat_of(
    battery_percent: float | None,
    *,
    charging: bool | None,
    network: Literal["wifi", "cellular", "none", "unknown"] = "unknown",
) -> Heartbeat | None:
    """A battery that is not known is said as -1 or left out."""
    known = battery_percent is not None and isfinite(battery_percent)
    if battery_percent is None or not known or not 0 <= battery_percent <= 100:
        if charging is None and network == "unknown":
            return None
        battery_percent = None
    return Heartbeat(
        battery_percent=None if battery_percent is None else round(battery_percent),
        charging=charging,
        network=network,
    )
