"""How fast may be driven on each piece of road, as an OpenStreetMap file says it.

A piece is known by the ids of its two nodes, in the direction of driving. Three arrays, sorted by
those, lie beside the road graphs; they are mapped into memory and not read, so that a country costs
nothing before it is asked for.
"""

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

KMH_PER_MPH = 1.609344
FASTEST_KMH = 200
"""What is said to be more is a slip of the finger."""

FILES = ("limit_from.npy", "limit_to.npy", "limit_kmh.npy")

Piece = tuple[int, int]
"""The ids of a road's nodes, from one to the next."""


class SpeedLimits:
    """The limits of one map."""

    def __init__(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64], kmh: NDArray[np.uint8]
    ) -> None:
        self._starts, self._ends, self._kmh = starts, ends, kmh

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """None where the map was built without them."""
        paths = [folder / name for name in FILES]
        if not all(path.exists() for path in paths):
            return None
        return cls(*(np.load(path, mmap_mode="r") for path in paths))

    def __len__(self) -> int:
        return len(self._kmh)

    def of(self, piece: Piece | None) -> int | None:
        """km/h; None where the map does not say."""
        if piece is None:
            return None
        start, end = piece
        first = int(np.searchsorted(self._starts, start, "left"))
        last = int(np.searchsorted(self._starts, start, "right"))
        found = np.flatnonzero(self._ends[first:last] == end)
        return int(self._kmh[first + found[0]]) if len(found) else None


def write_speed_limits(map_path: Path, folder: Path) -> None:
    """Read them from a map and put them into a folder."""
    starts, ends, kmh = array("q"), array("q"), array("B")
    for piece, limit_kmh in _pieces(map_path):
        starts.append(piece[0])
        ends.append(piece[1])
        kmh.append(limit_kmh)
    from_, to = np.array(starts, np.int64), np.array(ends, np.int64)
    order = np.lexsort((to, from_))
    columns: tuple[NDArray[Any], ...] = from_, to, np.array(kmh, np.uint8)
    for name, column in zip(FILES, columns, strict=True):
        np.save(folder / name, column[order])


def _pieces(map_path: Path) -> Iterator[tuple[Piece, int]]:
    import osmium  # noqa: PLC0415 - only who builds a map needs it

    ways = osmium.FileProcessor(str(map_path), osmium.osm.WAY).with_filter(
        osmium.filter.KeyFilter("highway")
    )
    for way in ways:
        assert isinstance(way, osmium.osm.Way)
        forth, back = limits_of({tag.k: tag.v for tag in way.tags})
        if forth is None and back is None:
            continue
        for one, other in pairwise([node.ref for node in way.nodes]):
            if forth is not None:
                yield (one, other), forth
            if back is not None:
                yield (other, one), back


def limits_of(tags: Mapping[str, str]) -> tuple[int | None, int | None]:
    """km/h along a way and against it, for a car at any time."""
    plain = tags.get("maxspeed", "")
    forth = read_limit(tags.get("maxspeed:forward", plain))
    return forth, read_limit(tags.get("maxspeed:backward", plain))


def read_limit(said: str) -> int | None:
    """km/h; None for what is no number ("none", "signals", "AT:urban") or none that there is."""
    found = re.fullmatch(r"\s*(\d{1,3})\s*(km/h|kmh|mph)?\s*", said)
    if not found:
        return None
    kmh = int(found[1]) * (KMH_PER_MPH if found[2] == "mph" else 1)
    return round(kmh) if 0 < kmh <= FASTEST_KMH else None


def pieces_passed(legs: Sequence[Sequence[int]], waypoints: Sequence[int]) -> list[Piece | None]:
    """On which piece each of the waypoints of a matched trail lies. legs: the nodes passed from
    each waypoint to the next."""
    found: list[Piece | None] = []
    for waypoint in waypoints:
        before = legs[waypoint - 1] if waypoint > 0 else ()
        after = legs[waypoint] if waypoint < len(legs) else ()
        if len(before) >= 2:
            found.append((before[-2], before[-1]))
        elif len(after) >= 2:
            found.append((after[0], after[1]))
        else:
            found.append(None)
    return found
