"""Grows a street network that looks lived in: curves, crossings, dead ends, blocks of uneven size.

Plane geometry in metres only. What the streets mean (names, speeds, addresses, the OSM file) is
decided in `town`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

Point = tuple[float, float]

CELL_M = 60.0
STEP_M = 30.0
JOIN_M = 28.0
SAME_NODE_M = 11.0
MAIN_JOIN_M = 130.0
SHORTEST_STREET_M = 85.0
SHORTEST_DEAD_END_M = 130.0
CLEARANCE_M = 62.0
SHARPEST_JOIN_RAD = math.radians(38)
STRAIGHT_ACROSS_RAD = math.radians(62)
CROSSROADS_SHARE = 0.65


@dataclass(eq=False)
class Street:
    """One named line through the network; `rank` is its OSM highway value."""

    rank: str
    nodes: list[int]
    joined_at_end: bool = False


@dataclass(frozen=True, eq=False)
class Segment:
    """The piece of a street between two neighbouring nodes."""

    street: Street
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Sprout:
    """Where a side street may begin, and in which direction."""

    parent: Street
    node: int
    heading_rad: float


@dataclass
class Growth:
    """How side streets leave their parents: one entry of `lengths_m` per generation."""

    may_stand_at: Callable[[Point], bool]
    lengths_m: Sequence[tuple[float, float]] = ((500, 1300), (300, 900), (150, 400))
    spacing_m: tuple[float, float] = (110, 240)
    rank: str = "residential"


@dataclass
class Network:
    """Nodes with positions, and streets that share nodes exactly where one can turn."""

    points: list[Point] = field(default_factory=list)
    streets: list[Street] = field(default_factory=list)
    _cells: dict[tuple[int, int], list[Segment]] = field(default_factory=lambda: defaultdict(list))

    def draw(self, line: Sequence[Point], rank: str) -> Street:
        """Lay a planned road, sharing a node with every street it crosses or ends at."""
        nodes = [self._node_near(line[0])]
        for point in line[1:-1]:
            self._cross(nodes, point)
            if distance_m(self.points[nodes[-1]], point) > SAME_NODE_M:
                nodes.append(self._add_point(point))
        self._cross(nodes, line[-1])
        end = self._node_near(line[-1])
        if end not in nodes:
            nodes.append(end)
        return self._add_street(Street(rank, nodes, joined_at_end=True))

    def grow(self, rng: Random, parents: Sequence[Street], growth: Growth) -> None:
        """Let side streets leave `parents`, then side streets leave those, and so on."""
        for lengths_m in growth.lengths_m:
            children = []
            for parent in parents:
                for sprout in self._sprouts(rng, parent, growth):
                    street = self._grow_street(rng, sprout, rng.uniform(*lengths_m), growth)
                    if street is not None:
                        children.append(street)
            parents = children

    def nearest(
        self, point: Point, within_m: float, ignoring: Callable[[Segment], bool] = lambda _: False
    ) -> tuple[float, Segment, Point] | None:
        """The nearest segment: its distance, the segment, and the nearest point on it."""
        best = None
        for segment in self._segments_around(point, point, within_m):
            if ignoring(segment):
                continue
            foot = nearest_on_line(point, self.points[segment.start], self.points[segment.end])
            away_m = distance_m(point, foot)
            if away_m <= within_m and (best is None or away_m < best[0]):
                best = (away_m, segment, foot)
        return best

    def _cross(self, nodes: list[int], point: Point) -> None:
        """Give a drawn road a node of every street that lies between its end and `point`."""
        for crossing, segment in self._crossings(self.points[nodes[-1]], point, nodes[-1]):
            node = self._split(segment, crossing)
            if node not in nodes:
                nodes.append(node)

    def _sprouts(self, rng: Random, parent: Street, growth: Growth) -> Iterator[Sprout]:
        nodes = list(parent.nodes)
        until_next_m = {side: rng.uniform(40, growth.spacing_m[1]) for side in (-1, 1)}
        for before, node, after in zip(nodes, nodes[1:], nodes[2:], strict=False):
            along = heading_rad(self.points[before], self.points[after])
            for side in (-1, 1):
                until_next_m[side] -= distance_m(self.points[before], self.points[node])
                if until_next_m[side] <= 0:
                    away = along + side * math.pi / 2 + rng.gauss(0, 0.1)
                    yield Sprout(parent, node, away)
                    until_next_m[side] = rng.uniform(*growth.spacing_m)

    def _grow_street(
        self, rng: Random, sprout: Sprout, length_m: float, growth: Growth
    ) -> Street | None:
        """Walk on until the length is used up, a street ends the walk, or the land ends."""
        nodes = [sprout.node]
        heading = sprout.heading_rad
        bend_rad_per_m = rng.gauss(0, 0.0007)
        joined = False
        while len(nodes) * STEP_M < length_m and not joined:
            heading += bend_rad_per_m * STEP_M + rng.gauss(0, 0.03)
            here = self.points[nodes[-1]]
            ahead = (here[0] + STEP_M * math.cos(heading), here[1] + STEP_M * math.sin(heading))
            if not growth.may_stand_at(ahead):
                break
            if len(nodes) == 1 and self._is_crowded(ahead, sprout):
                return None
            met = self._street_ahead(here, ahead, nodes[-1])
            if met is None:
                nodes.append(self._add_point(ahead))
                continue
            segment, foot = met
            angle = self._angle_between(segment, here, foot)
            if angle < SHARPEST_JOIN_RAD:
                break
            node = self._split(segment, foot)
            if node in nodes:
                break
            nodes.append(node)
            joined = angle < STRAIGHT_ACROSS_RAD or rng.random() > CROSSROADS_SHARE
        grown_m = polyline_length_m([self.points[node] for node in nodes])
        if grown_m < (SHORTEST_STREET_M if joined else SHORTEST_DEAD_END_M):
            return None
        return self._add_street(Street(growth.rank, nodes, joined_at_end=joined))

    def _is_crowded(self, ahead: Point, sprout: Sprout) -> bool:
        """Whether a street that leaves its parent here would hug another one."""

        def is_origin(segment: Segment) -> bool:
            return segment.street is sprout.parent or sprout.node in (segment.start, segment.end)

        return self.nearest(ahead, CLEARANCE_M, ignoring=is_origin) is not None

    def _street_ahead(
        self, here: Point, ahead: Point, leaving: int
    ) -> tuple[Segment, Point] | None:
        """The street that the next step meets or comes too close to, and where."""

        def is_left_behind(segment: Segment) -> bool:
            return leaving in (segment.start, segment.end)

        for crossing, segment in self._crossings(here, ahead, leaving):
            return segment, crossing
        near = self.nearest(ahead, JOIN_M, ignoring=is_left_behind)
        return (near[1], near[2]) if near else None

    def _angle_between(self, segment: Segment, here: Point, there: Point) -> float:
        along = heading_rad(self.points[segment.start], self.points[segment.end])
        turn = abs(along - heading_rad(here, there)) % math.pi
        return min(turn, math.pi - turn)

    def _crossings(self, here: Point, there: Point, leaving: int) -> list[tuple[Point, Segment]]:
        found = []
        for segment in self._segments_around(here, there, SAME_NODE_M):
            if leaving in (segment.start, segment.end):
                continue
            a, b = self.points[segment.start], self.points[segment.end]
            crossing = intersection(here, there, a, b)
            if crossing is not None:
                found.append((crossing, segment))
        return sorted(found, key=lambda crossing: distance_m(here, crossing[0]))

    def _split(self, segment: Segment, point: Point) -> int:
        """The node of `segment` at `point`, made if there is none close by."""
        nearest_end = min(
            segment.start, segment.end, key=lambda n: distance_m(self.points[n], point)
        )
        if distance_m(self.points[nearest_end], point) < SAME_NODE_M:
            return nearest_end
        node = self._add_point(point)
        nodes = segment.street.nodes
        nodes.insert(nodes.index(segment.start) + 1, node)
        for cell in self._cells_of(segment):
            self._cells[cell].remove(segment)
        self._index(Segment(segment.street, segment.start, node))
        self._index(Segment(segment.street, node, segment.end))
        return node

    def _node_near(self, point: Point) -> int:
        near = self.nearest(point, MAIN_JOIN_M)
        return self._split(near[1], near[2]) if near else self._add_point(point)

    def _add_point(self, point: Point) -> int:
        self.points.append(point)
        return len(self.points) - 1

    def _add_street(self, street: Street) -> Street:
        self.streets.append(street)
        for start, end in pairwise(street.nodes):
            self._index(Segment(street, start, end))
        return street

    def _index(self, segment: Segment) -> None:
        for cell in self._cells_of(segment):
            self._cells[cell].append(segment)

    def _cells_of(self, segment: Segment) -> list[tuple[int, int]]:
        return cells_between(self.points[segment.start], self.points[segment.end], 0)

    def _segments_around(self, here: Point, there: Point, margin_m: float) -> list[Segment]:
        """Each segment whose cell the box touches, once, in a stable order."""
        found = {
            id(segment): segment
            for cell in cells_between(here, there, margin_m)
            for segment in self._cells.get(cell, ())
        }
        return list(found.values())


def distance_m(a: Point, b: Point) -> float:
    """Straight distance."""
    return math.hypot(a[0] - b[0], a[1] - b[1])


def heading_rad(a: Point, b: Point) -> float:
    """Direction from a to b, counter-clockwise from east."""
    return math.atan2(b[1] - a[1], b[0] - a[0])


def polyline_length_m(line: Sequence[Point]) -> float:
    """Length along a line."""
    return sum(distance_m(a, b) for a, b in pairwise(line))


def nearest_on_line(point: Point, a: Point, b: Point) -> Point:
    """The point of the piece a-b that is nearest to `point`."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / (dx * dx + dy * dy)
    share = min(1.0, max(0.0, share))
    return a[0] + share * dx, a[1] + share * dy


def intersection(a: Point, b: Point, c: Point, d: Point) -> Point | None:
    """Where the pieces a-b and c-d cross, if they do."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    cross = rx * sy - ry * sx
    if cross == 0:
        return None
    t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / cross
    u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / cross
    return (a[0] + t * rx, a[1] + t * ry) if 0 < t <= 1 and 0 <= u <= 1 else None


def cells_between(a: Point, b: Point, margin_m: float) -> list[tuple[int, int]]:
    """Cells of the search grid that the box around a and b touches."""
    west, east = sorted((a[0], b[0]))
    south, north = sorted((a[1], b[1]))
    columns = range(
        math.floor((west - margin_m) / CELL_M), math.floor((east + margin_m) / CELL_M) + 1
    )
    rows = range(
        math.floor((south - margin_m) / CELL_M), math.floor((north + margin_m) / CELL_M) + 1
    )
    return [(column, row) for column in columns for row in rows]


def curve(through: Sequence[Point], spacing_m: float) -> list[Point]:
    """A smooth line through the given points (Catmull-Rom), sampled about every `spacing_m`."""
    padded = [through[0], *through, through[-1]]
    line = [through[0]]
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces = max(1, round(distance_m(p1, p2) / spacing_m))
        for piece in range(1, pieces + 1):
            t = piece / pieces
            x, y = (
                0.5
                * (
                    2 * b
                    + (c - a) * t
                    + (2 * a - 5 * b + 4 * c - d) * t * t
                    + (3 * b - a - 3 * c + d) * t**3
                )
                for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
            )
            line.append((x, y))
    return line
