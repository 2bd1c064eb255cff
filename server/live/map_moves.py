"""Where the drivers' markers are, in 16 bytes each: what changes most on the map, by far. All
drivers stand side by side in arrays, so that a message about a thousand is one step."""

import struct
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from server.kit.geo import Position
from server.protocol.packed import EPOCH, MICROSECOND, microseconds
from server.tracking import service as tracking

HEADER = struct.Struct("<IIQ")
"""1, how many records follow, the cursor to acknowledge."""

MARKER = struct.Struct("<IiiBBH")
"""The driver's number, latitude and longitude in 1e-7 degrees, heading in steps of 1.5 degrees,
speed in steps of 0.5 m/s (255: unknown; 254: as fast or faster), and the low 16 bits of the unix
second in which the fix was taken."""

MARKERS = np.dtype(
    [
        ("number", "<u4"),
        ("lat", "<i4"),
        ("lon", "<i4"),
        ("heading", "u1"),
        ("speed", "u1"),
        ("taken", "<u2"),
    ]
)
UNKNOWN = 255
BEGIN_WITH = 64

MOVING = ("position", "taken_at", "received_at", "speed_mps", "heading_deg")
"""The fields of a driver's record that come with each fix."""

type View = tuple[float, float, float, float]
"""West, south, east, north."""

type Positions = NDArray[np.void]
"""Records of tracking.POSITION."""


class Moves:
    """The newest position of each driver, and the version of the map that it came with."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._positions = np.zeros(BEGIN_WITH, tracking.POSITION)
        self._markers = np.zeros(BEGIN_WITH, MARKERS)
        self._versions = np.zeros(BEGIN_WITH, np.int64)
        """0 while nothing is to be told of the driver."""
        self._is_shown = np.zeros(BEGIN_WITH, np.bool_)
        self._frames: dict[tuple[int, View | None], bytes] = {}
        self._framed_at = -1

    def number_of(self, driver: str) -> int:
        """How the driver is called in frames; told to screens in the driver's record."""
        return self._number(UUID(driver).bytes)

    def place(self, driver: str, record: dict[str, Any]) -> bool:
        """What the database says of a driver who is on the map from now on. False when a newer
        position is known already: it may not be stored yet, or never."""
        number = self.number_of(driver)
        found = position_of(UUID(driver), record)
        self._is_shown[number] = True
        if self._positions["taken_us"][number] >= found["taken_us"][0]:
            return False
        self._set(np.array([number]), found)
        return True

    def move(self, positions: Positions, version: int) -> tuple[bool, list[UUID]]:
        """Whether drivers on the map have moved, and who is not on the map. No driver comes
        twice."""
        ids = positions["driver"].tolist()
        known = self._numbers
        numbers = np.array([known.get(each, -1) for each in ids], np.int64)
        is_shown = (numbers >= 0) & self._is_shown[numbers]
        is_newer = is_shown & (positions["taken_us"] > self._positions["taken_us"][numbers])
        unknown = [UUID(bytes=ids[each]) for each in np.flatnonzero(~is_shown).tolist()]
        if not is_newer.any():
            return False, unknown
        self._set(numbers[is_newer], positions[is_newer])
        self._versions[numbers[is_newer]] = version
        return True, unknown

    def told(self, driver: str) -> None:
        """The driver's whole record is news: no need to tell of the move as well."""
        self._versions[self.number_of(driver)] = 0

    def touch(self, driver: str, version: int) -> None:
        """The driver has moved with this version."""
        self._versions[self.number_of(driver)] = version

    def forget(self, driver: str) -> None:
        """The driver is not on the map any more."""
        number = self.number_of(driver)
        self._versions[number] = 0
        self._is_shown[number] = False
        self._positions["taken_us"][number] = 0

    def fields_of(self, driver: str) -> dict[str, Any]:
        """MOVING of a driver who is on the map."""
        found = self._positions[self.number_of(driver)]
        speed_mps, heading_deg = float(found["speed_mps"]), float(found["heading_deg"])
        return {
            "position": Position(float(found["lon"]), float(found["lat"])),
            "taken_at": EPOCH + int(found["taken_us"]) * MICROSECOND,
            "received_at": EPOCH + int(found["received_us"]) * MICROSECOND,
            "speed_mps": None if np.isnan(speed_mps) else speed_mps,
            "heading_deg": None if np.isnan(heading_deg) else heading_deg,
        }

    def frame(self, cursor: int, version: int, view: View | None) -> bytes | None:
        """The moves after `cursor`, in this view or everywhere; None when there are none. Screens
        that are equally far get the same bytes."""
        if self._framed_at != version:
            self._framed_at = version
            self._frames = {}
        if (known := self._frames.get((cursor, view))) is None:
            numbers = np.flatnonzero(self._versions > cursor)
            if view is not None:
                west, south, east, north = view
                found = self._positions[numbers]
                is_seen = (west <= found["lon"]) & (found["lon"] <= east)
                is_seen &= (south <= found["lat"]) & (found["lat"] <= north)
                numbers = numbers[is_seen]
            head = HEADER.pack(1, len(numbers), version)
            known = head + self._markers[numbers].tobytes() if numbers.size else b""
            self._frames[cursor, view] = known
        return known or None

    def _number(self, driver: bytes) -> int:
        number = self._numbers.setdefault(driver, len(self._numbers))
        if number >= len(self._versions):
            for name in ("_positions", "_markers", "_versions", "_is_shown"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
        return number

    def _set(self, numbers: NDArray[np.int64], positions: Positions) -> None:
        self._positions[numbers] = positions
        markers = np.zeros(len(numbers), MARKERS)
        markers["number"] = numbers
        markers["lat"] = np.round(positions["lat"] * 1e7)
        markers["lon"] = np.round(positions["lon"] * 1e7)
        markers["heading"] = _steps(positions["heading_deg"], 1.5)
        markers["speed"] = _steps(positions["speed_mps"], 0.5)
        markers["taken"] = positions["taken_us"] // 1_000_000 & 0xFFFF
        self._markers[numbers] = markers


def position_of(driver: UUID, record: dict[str, Any]) -> Positions:
    """A driver's record of the map as one of tracking.POSITION."""
    lon, lat = record["position"]
    times = microseconds(record["taken_at"]), microseconds(record["received_at"])
    found = (driver.bytes, lon, lat, *times, record["speed_mps"], record["heading_deg"])
    return np.array([tuple(np.nan if each is None else each for each in found)], tracking.POSITION)


def _steps(values: NDArray[Any], size: float) -> NDArray[Any]:
    steps = np.minimum(np.round(values / size), UNKNOWN - 1)
    return np.where(np.isnan(values), UNKNOWN, steps)
