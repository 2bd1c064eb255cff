"""A trail told as halts and drives. Pure.

Who stays within a small circle for some minutes has halted there. What lies between two halts is a
drive; where nothing was heard for long, neither is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from server.kit.geo import Position, haversine_m
from server.tracking.distance import Odometer
from server.tracking.positions import TrailPoint

HALT_M, THERE_M = 60.0, 20.0
"""The circle within which somebody halts, and its middle, where they stand."""

HALT_FOR = timedelta(minutes=2)
SILENT_AFTER = timedelta(minutes=5)
JUMP = timedelta(minutes=2)
"""Who seems to be away for less, and is back at the same place, was a bad fix."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a driver's day, up to the beginning of the next one.

    position: of a halt, its middle. path: of a drive, from where it began to where it ended.
    """

    kind: Literal["halt", "drive", "silence"]
    from_at: datetime
    until_at: datetime
    position: Position | None = None
    path: Sequence[TrailPoint] = ()

    def driven_m(self) -> float:
        """By the fixes alone, as a straight line from each to the next."""
        odometer = Odometer()
        for point in self.path:
            odometer.pass_by(
                point.position,
                point.taken_at,
                accuracy_m=point.accuracy_m,
                speed_mps=point.speed_mps,
            )
        return odometer.driven_m


def split_trail(trail: Sequence[TrailPoint]) -> list[Piece]:
    """The pieces of a trail that is in the order of time, without a gap between them."""
    halts = _merge(_find_halts(trail), trail)
    pieces: list[Piece] = []
    after = 0
    for first, last in [*halts, (len(trail), len(trail))]:
        # A drive begins where the halt before it ended, and ends where the next one begins.
        pieces += _drives(trail[max(after - 1, 0) : first + 1])
        if first < len(trail):
            pieces.append(_halt(trail[first : last + 1]))
        after = last + 1
    return pieces


def _find_halts(trail: Sequence[TrailPoint]) -> list[tuple[int, int]]:
    """The first and last fix of each."""
    found = []
    first = 0
    while first < len(trail):
        last = first
        anchor = trail[first]
        while last + 1 < len(trail) and _is_near(anchor, trail[last + 1]):
            last += 1
        begin, end = _trim(trail, first, last)
        if trail[end].taken_at - trail[begin].taken_at >= HALT_FOR:
            found.append((begin, end))
            first = end
        first += 1
    return found


def _trim(trail: Sequence[TrailPoint], first: int, last: int) -> tuple[int, int]:
    """Without the way into the circle and out of it again."""
    middle = _middle(trail[first : last + 1])

    def is_there(number: int) -> bool:
        point = trail[number]
        return haversine_m(middle, point.position) <= THERE_M + min(point.accuracy_m, HALT_M)

    there = [number for number in range(first, last + 1) if is_there(number)]
    return (there[0], there[-1]) if there else (first, first)


def _merge(halts: Sequence[tuple[int, int]], trail: Sequence[TrailPoint]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in halts:
        if merged:
            before_first, before_last = merged[-1]
            is_back = _is_near(trail[before_first], trail[first])
            if is_back and trail[first].taken_at - trail[before_last].taken_at <= JUMP:
                merged[-1] = before_first, last
                continue
        merged.append((first, last))
    return merged


def _is_near(a: TrailPoint, b: TrailPoint) -> bool:
    return haversine_m(a.position, b.position) <= HALT_M + min(b.accuracy_m, HALT_M)


def _halt(path: Sequence[TrailPoint]) -> Piece:
    return Piece(
        kind="halt",
        from_at=path[0].taken_at,
        until_at=path[-1].taken_at,
        position=_middle(path),
    )


def _middle(path: Sequence[TrailPoint]) -> Position:
    lons = sorted(point.position.lon for point in path)
    lats = sorted(point.position.lat for point in path)
    return Position(lons[len(lons) // 2], lats[len(lats) // 2])


def _drives(path: Sequence[TrailPoint]) -> list[Piece]:
    """What lies between two halts, parted where nothing was heard."""
    if len(path) < 2:
        return []
    pieces: list[Piece] = []
    start = 0
    for number, (before, after) in enumerate(pairwise(path)):
        if after.taken_at - before.taken_at <= SILENT_AFTER:
            continue
        pieces += _drive(path[start : number + 1])
        pieces.append(Piece(kind="silence", from_at=before.taken_at, until_at=after.taken_at))
        start = number + 1
    return pieces + _drive(path[start:])


def _drive(path: Sequence[TrailPoint]) -> list[Piece]:
    if len(path) < 2:
        return []
    return [
        Piece(kind="drive", from_at=path[0].taken_at, until_at=path[-1].taken_at, path=tuple(path))
    ]
