"""The shortest walk through a warehouse. Pure.

A warehouse is taken to be built as most are: parallel aisles side by side in the order of their
codes, the bins of an aisle along it in the order of theirs, and a cross-aisle at either end. So
from one bin to another in the same aisle one walks along it, and into another aisle by whichever
end is nearer. Numbers in codes count as numbers (A-9 before A-10). Where every place has a position
on the map, that is used instead. The walk starts and ends at the front of the first aisle, where
the packing tables stand.

Up to `EXACT_UP_TO` places the order is the best there is (Held and Karp's dynamic programming,
1962). Above that two are tried: the serpentine, up one aisle and down the next, and the nearest
place each time. Both are mended by 2-opt (Croes, 1958) as long as turning a stretch round makes
them shorter, and the better one is taken. So it is never longer than the serpentine that pickers
know.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from server.inventory.service import LocationView
from server.kit.geo import Position, haversine_m

AISLE_PITCH_M = 3.0
"""From the middle of one aisle to the middle of the next: a pallet truck can turn."""

BAY_M = 1.0
"""From one bin of an aisle to the next."""

EXACT_UP_TO = 9
ROUNDS = 20
"""Of mending; a walk of 200 places has never needed more than ten."""

Distance = Callable[[int, int], float]


class Spot(NamedTuple):
    """Where a place is in the warehouse: which aisle, and how many bays into it."""

    aisle: int
    bay: int


class Floor:
    """The plan of one warehouse, from its locations."""

    def __init__(self, locations: Iterable[LocationView]) -> None:
        places = sorted(locations, key=lambda each: natural(each.path))
        parents = {each.parent_id for each in places}
        self._spots: dict[UUID, Spot] = {}
        self._positions: dict[UUID, Position | None] = {}
        aisles: dict[UUID | None, int] = {}
        bays: dict[int, int] = {}
        for each in places:
            if each.id in parents:  # it is met at its front, before the first aisle in it
                self._spots[each.id] = Spot(len(aisles), 0)
            else:
                aisle = aisles.setdefault(each.parent_id, len(aisles))
                bays[aisle] = bays.get(aisle, 0) + 1
                self._spots[each.id] = Spot(aisle, bays[aisle])
            self._positions[each.id] = each.position
        self._length = 1 + max(bays.values(), default=0)

    def spot(self, location_id: UUID) -> Spot:
        return self._spots[location_id]

    def distance_m(self, a: Spot, b: Spot) -> float:
        """How far one walks from the one to the other."""
        if a.aisle == b.aisle:
            return abs(a.bay - b.bay) * BAY_M
        front = a.bay + b.bay
        back = (self._length - a.bay) + (self._length - b.bay)
        return abs(a.aisle - b.aisle) * AISLE_PITCH_M + min(front, back) * BAY_M

    def shortest_walk(self, location_ids: Sequence[UUID]) -> tuple[list[UUID], float]:
        """The places in the order in which to visit them, and the length of the walk in metres."""
        stops = sorted(set(location_ids), key=lambda each: serpentine(self._spots[each]))
        positions = [self._positions[each] for each in stops]
        known = [each for each in positions if each is not None]
        if len(known) == len(stops):
            walk = shortest_order(len(stops), lambda a, b: haversine_m(known[a], known[b]), None)
        else:
            spots = [self._spots[each] for each in stops]
            front = Spot(0, 0)
            walk = shortest_order(
                len(stops),
                lambda a, b: self.distance_m(spots[a], spots[b]),
                lambda a: self.distance_m(front, spots[a]),
            )
        return [stops[each] for each in walk.order], walk.length_m


class Walk(NamedTuple):
    order: list[int]
    length_m: float


def natural(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts codes as people do: A-9 before A-10, and parents before what is in them."""
    pieces = re.findall(r"[0-9]+|[^0-9]", path.replace("/", "\x00"))
    return [(1, int(each), "") if each.isdigit() else (0, 0, each) for each in pieces]


def serpentine(spot: Spot) -> tuple[int, int]:
    """Up one aisle and down the next."""
    return spot.aisle, spot.bay if spot.aisle % 2 == 0 else -spot.bay


def shortest_order(count: int, between: Distance, home: Callable[[int], float] | None) -> Walk:
    """The order in which to visit `count` places, numbered along the serpentine.

    home: how far each is from where the walk starts and ends; None when it may start anywhere.
    """
    from_home = home or (lambda _: 0.0)

    def length(order: Sequence[int]) -> float:
        if not order:
            return 0.0
        inner = sum(between(a, b) for a, b in pairwise(order))
        return from_home(order[0]) + inner + from_home(order[-1])

    if count <= EXACT_UP_TO:
        best = _exact(count, between, from_home)
    else:
        starts = [list(range(count)), _nearest_first(count, between, from_home)]
        best = min((_two_opt(each, between, from_home) for each in starts), key=length)
    if best and best[0] > best[-1]:  # as long either way round
        best = best[::-1]
    return Walk(best, length(best))


def _exact(count: int, between: Distance, home: Callable[[int], float]) -> list[int]:
    """Held and Karp: for every set of places and each last of them, the shortest walk there."""
    if count == 0:
        return []
    shortest = {(1 << each, each): (home(each), -1) for each in range(count)}
    for visited in range(1, 1 << count):
        for last in range(count):
            if (visited, last) not in shortest:
                continue
            so_far = shortest[visited, last][0]
            for after in range(count):
                if visited >> after & 1:
                    continue
                key = (visited | 1 << after, after)
                length = so_far + between(last, after)
                if key not in shortest or length < shortest[key][0]:
                    shortest[key] = (length, last)
    visited = (1 << count) - 1
    last = min(range(count), key=lambda each: shortest[visited, each][0] + home(each))
    order = []
    while last != -1:
        order.append(last)
        before = shortest[visited, last][1]
        visited ^= 1 << last
        last = before
    return order[::-1]


def _nearest_first(count: int, between: Distance, home: Callable[[int], float]) -> list[int]:
    left = set(range(count))
    order = [min(left, key=lambda each: (home(each), each))]
    left.remove(order[0])
    while left:
        here = order[-1]
        order.append(min(left, key=lambda each: (between(here, each), each)))
        left.remove(order[-1])
    return order


def _two_opt(order: list[int], between: Distance, home: Callable[[int], float]) -> list[int]:
    """Turn stretches round as long as that shortens the walk."""
    order = list(order)
    count = len(order)
    for _ in range(ROUNDS):
        mended = False
        for first in range(count - 1):
            for last in range(first + 1, count):
                a, b = order[first], order[last]
                before = home(a) if first == 0 else between(order[first - 1], a)
                after = home(b) if last == count - 1 else between(b, order[last + 1])
                turned = home(b) if first == 0 else between(order[first - 1], b)
                turned += home(a) if last == count - 1 else between(a, order[last + 1])
                if turned < before + after - 1e-9:
                    order[first : last + 1] = order[first : last + 1][::-1]
                    mended = True
        if not mended:
            break
    return order
