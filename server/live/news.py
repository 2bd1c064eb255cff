"""The channels on which processes tell each other what to read again. Hints only: see kit.feed."""

import json
import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from uuid import UUID

from server.kit.geo import Position
from server.tracking.service import LivePosition

DRIVERS_CHANNEL = "drivers"
"""The message is the id of a driver whose phone has something to fetch, or was revoked."""

MAP_CHANNEL = "map"
"""The message is {"driver": id} or {"run": id}: that record of the live map has changed;
or {}: anything may have."""

POSITIONS_CHANNEL = "positions"
"""The message is what `pack_positions` makes: where drivers are now, stored or not yet."""

POSITION = struct.Struct("<16sddqqff")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def tell_of_driver(driver_id: UUID) -> bytes:
    return json.dumps({"driver": str(driver_id)}).encode()


def tell_of_run(run_id: UUID) -> bytes:
    return json.dumps({"run": str(run_id)}).encode()


TELL_OF_ANYTHING = b"{}"


def pack_positions(positions: Iterable[LivePosition]) -> bytes:
    """56 bytes each: driver, longitude, latitude, when taken and received (microseconds since
    1970), speed in m/s, heading in degrees; NaN where unknown. No battery: no fix tells it."""
    return b"".join(
        POSITION.pack(
            each.driver_id.bytes,
            *each.position,
            (each.taken_at - EPOCH) // MICROSECOND,
            (each.received_at - EPOCH) // MICROSECOND,
            nan if each.speed_mps is None else each.speed_mps,
            nan if each.heading_deg is None else each.heading_deg,
        )
        for each in positions
    )


def unpack_positions(message: bytes) -> Iterator[LivePosition]:
    for driver, lon, lat, taken_us, received_us, speed_mps, heading_deg in POSITION.iter_unpack(
        message
    ):
        yield LivePosition(
            driver_id=UUID(bytes=driver),
            position=Position(lon, lat),
            taken_at=EPOCH + taken_us * MICROSECOND,
            received_at=EPOCH + received_us * MICROSECOND,
            speed_mps=None if isnan(speed_mps) else speed_mps,
            heading_deg=None if isnan(heading_deg) else heading_deg,
            battery_percent=None,
        )
