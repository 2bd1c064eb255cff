"""Where the drivers' markers are, in 16 bytes each: what changes most on the map, by far."""

import struct
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct("<IIQ")
"""1, how many records follow, the cursor to acknowledge."""

MARKER = struct.Struct("<IiiBBH")
"""The driver's number, latitude and longitude in 1e-7 degrees, heading in steps of 1.5 degrees,
speed in steps of 0.5 m/s (255: unknown; 254: as fast or faster), and the low 16 bits of the unix
second in which the fix was taken."""

UNKNOWN = 255

type View = tuple[float, float, float, float]
"""West, south, east, north."""


class Moves:
    """The newest move of each driver, in the order of versions."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._moves: dict[str, tuple[int, bytes, float, float]] = {}
        self._frames: dict[tuple[int, View | None], bytes] = {}
        self._framed_at = -1

    def number_of(self, driver: str) -> int:
        """How the driver is called in frames; told to screens in the driver's record."""
        return self._numbers.setdefault(driver, len(self._numbers))

    def put(self, driver: str, version: int, record: dict[str, Any]) -> None:
        lon, lat = record["position"]
        marker = MARKER.pack(
            self.number_of(driver),
            round(lat * 1e7),
            round(lon * 1e7),
            _step(record["heading_deg"], 1.5),
            _step(record["speed_mps"], 0.5),
            int(record["taken_at"].timestamp()) & 0xFFFF,
        )
        self._moves.pop(driver, None)
        self._moves[driver] = (version, marker, lon, lat)

    def forget(self, driver: str) -> None:
        self._moves.pop(driver, None)

    def frame(self, cursor: int, version: int, view: View | None) -> bytes | None:
        """The moves after `cursor`, in this view or everywhere; None when there are none. Screens
        that are equally far get the same bytes."""
        if self._framed_at != version:
            self._framed_at = version
            self._frames = {}
        if (known := self._frames.get((cursor, view))) is None:
            markers = list(self._since(cursor, view))
            known = HEADER.pack(1, len(markers), version) + b"".join(markers) if markers else b""
            self._frames[cursor, view] = known
        return known or None

    def _since(self, cursor: int, view: View | None) -> Iterator[bytes]:
        for version, marker, lon, lat in reversed(self._moves.values()):
            if version <= cursor:
                return
            if view is None or (view[0] <= lon <= view[2] and view[1] <= lat <= view[3]):
                yield marker


def _step(value: float | None, size: float) -> int:
    return UNKNOWN if value is None else min(round(value / size), UNKNOWN - 1)
