"""Reads the addresses, streets and place names out of an OpenStreetMap file.

Pure reading: nothing here knows the database. The file is streamed; kept in memory are node
locations (by osmium; on disk for large files), the place names, and one point for each street.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import osmium
from osmium.filter import KeyFilter
from osmium.osm import NODE, Area, Node, NodeRefList, TagList, Way

from server.kit.errors import Invalid
from server.kit.geo import Position, haversine_m

EntryKind = Literal["address", "street", "place"]

# How far a settlement's name reaches when an address does not say its city itself.
SETTLEMENT_REACH_M = {"city": 12_000, "town": 4_500, "village": 2_200, "hamlet": 900}
CELLS_PER_DEGREE = 8
NOT_YET_OR_NO_STREET = {"construction", "corridor", "platform", "proposed", "raceway", "rest_area"}
LARGE_FILE_BYTES = 500_000_000


class MapFileUnreadable(Invalid):
    """{file_name} cannot be read as an OpenStreetMap file (.osm.pbf): {reason}."""

    code = "places.map_file_unreadable"


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One findable thing on the map; what the map does not tell is empty."""

    kind: EntryKind
    name: str
    street: str
    house_number: str
    postcode: str
    city: str
    lon: float
    lat: float
    osm_id: str


def read_map(path: Path) -> Iterator[MapEntry]:
    """Yield every place name and address, and each named street once per settlement.

    Raises
    ------
    MapFileUnreadable
        When the file proves broken, which may be after many good entries.
    """
    try:
        settlements = Settlements(path)
        with_addresses = KeyFilter("addr:housenumber", "addr:housename", "place")
        objects = (
            osmium.FileProcessor(path)
            .with_locations(location_storage(path))
            .with_areas(with_addresses)
            .with_filter(KeyFilter("addr:housenumber", "addr:housename", "place", "highway"))
        )
        streets = Streets(settlements)
        for found in objects:
            if isinstance(found, Node):
                at = Position(found.lon, found.lat) if found.location.valid() else None
            elif isinstance(found, Way):
                line = line_of(found.nodes)
                at = centroid_of(line)
                streets.add(found, line)
            elif isinstance(found, Area) and not found.from_way():
                at = centroid_of(max((line_of(ring) for ring in found.outer_rings()), key=len))
            else:
                continue
            if at is not None:
                yield from entries_of(found.tags, at, osm_id_of(found), settlements)
        yield from streets.entries()
    except RuntimeError as problem:  # all that osmium raises
        raise MapFileUnreadable(file_name=path.name, reason=str(problem)) from problem


class Settlements:
    """Tells to which city, town, village or hamlet a position belongs."""

    def __init__(self, path: Path) -> None:
        self._cells: dict[tuple[int, int], list[tuple[str, int, Position]]] = defaultdict(list)
        for node in osmium.FileProcessor(path, NODE).with_filter(KeyFilter("place")):
            assert isinstance(node, Node)
            reach_m = SETTLEMENT_REACH_M.get(node.tags["place"])
            name = node.tags.get("name")
            if reach_m and name and node.location.valid():
                at = Position(node.lon, node.lat)
                self._cells[self._cell_of(at)].append((name, reach_m, at))

    def name_at(self, position: Position) -> str:
        """The settlement that reaches here best, among those within about ten kilometres."""
        column, row = self._cell_of(position)
        nearby = [
            (haversine_m(position, at) / reach_m, name)
            for x in (column - 1, column, column + 1)
            for y in (row - 1, row, row + 1)
            for name, reach_m, at in self._cells.get((x, y), ())
        ]
        return min(nearby)[1] if nearby else ""

    @staticmethod
    def _cell_of(position: Position) -> tuple[int, int]:
        return (
            math.floor(position.lon * CELLS_PER_DEGREE),
            math.floor(position.lat * CELLS_PER_DEGREE),
        )


class Streets:
    """Maps cut streets into many ways; this keeps the middle of each street's longest piece."""

    def __init__(self, settlements: Settlements) -> None:
        self._settlements = settlements
        self._longest: dict[tuple[str, str], tuple[float, Position, str]] = {}

    def add(self, way: Way, line: Sequence[Position]) -> None:
        """Take note of a way, if it is a street with a name."""
        name = way.tags.get("name")
        rank = way.tags.get("highway")
        if not name or not rank or rank in NOT_YET_OR_NO_STREET or len(line) < 2:
            return
        length_m, middle = middle_of(line)
        key = (name, self._settlements.name_at(middle))
        if key not in self._longest or self._longest[key][0] < length_m:
            self._longest[key] = (length_m, middle, osm_id_of(way))

    def entries(self) -> Iterator[MapEntry]:
        """Every street that was added, once per settlement."""
        for (name, city), (_, at, osm_id) in self._longest.items():
            yield MapEntry("street", name, name, "", "", city, at.lon, at.lat, osm_id)


def entries_of(
    tags: TagList, at: Position, osm_id: str, settlements: Settlements
) -> Iterator[MapEntry]:
    """The place name and the addresses that one map object bears."""
    if "place" in tags and "name" in tags:
        name, city = tags["name"], settlements.name_at(at)
        yield MapEntry("place", name, "", "", "", city, at.lon, at.lat, osm_id)
    street = first_of(tags, "addr:street", "addr:place")
    city = first_of(tags, "addr:city") or settlements.name_at(at)
    postcode = first_of(tags, "addr:postcode")
    numbers = first_of(tags, "addr:housenumber", "addr:housename")
    for number in filter(None, (part.strip() for part in re.split("[;,]", numbers))):
        name = f"{street or city} {number}".strip()
        yield MapEntry("address", name, street, number, postcode, city, at.lon, at.lat, osm_id)


def first_of(tags: TagList, *keys: str) -> str:
    """The value of the first key that the object has."""
    return next((tags[key] for key in keys if key in tags), "")


def osm_id_of(found: Node | Way | Area) -> str:
    """The object's name on openstreetmap.org, such as "way/123"."""
    if isinstance(found, Area):
        return f"relation/{found.orig_id()}"
    return f"{'node' if isinstance(found, Node) else 'way'}/{found.id}"


def location_storage(path: Path) -> str:
    """In memory for a small country, in a temporary file for a continent."""
    is_large = path.exists() and path.stat().st_size > LARGE_FILE_BYTES
    return "sparse_file_array" if is_large else "flex_mem"


def line_of(nodes: NodeRefList) -> list[Position]:
    """The nodes that lie inside the file; an extract cuts ways at its edge."""
    return [Position(node.lon, node.lat) for node in nodes if node.location.valid()]


def middle_of(line: Sequence[Position]) -> tuple[float, Position]:
    """A line's length in metres, and the point on it that halves it."""
    pieces_m = [haversine_m(a, b) for a, b in pairwise(line)]
    length_m = sum(pieces_m)
    left_m = length_m / 2
    for (a, b), piece_m in zip(pairwise(line), pieces_m, strict=True):
        if piece_m > 0 and left_m <= piece_m:
            share = left_m / piece_m
            return length_m, Position(
                a.lon + share * (b.lon - a.lon), a.lat + share * (b.lat - a.lat)
            )
        left_m -= piece_m
    return length_m, line[-1]


def centroid_of(ring: Sequence[Position]) -> Position | None:
    """The centre of a closed outline; of an open or flat line, the mean of its points."""
    if not ring:
        return None
    origin = ring[0]
    doubled_area = lon = lat = 0.0
    for a, b in pairwise(ring):
        ax, ay, bx, by = (
            a.lon - origin.lon, a.lat - origin.lat, b.lon - origin.lon, b.lat - origin.lat
        )  # fmt: skip
        cross = ax * by - bx * ay
        doubled_area += cross
        lon += (ax + bx) * cross
        lat += (ay + by) * cross
    if ring[0] == ring[-1] and abs(doubled_area) > 1e-13:
        return Position(
            origin.lon + lon / (3 * doubled_area), origin.lat + lat / (3 * doubled_area)
        )
    points = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    return Position(
        sum(point.lon for point in points) / len(points),
        sum(point.lat for point in points) / len(points),
    )
