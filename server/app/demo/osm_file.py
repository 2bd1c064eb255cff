"""Collects map objects drawn in metres and writes them as an .osm.pbf."""

import math
from collections.abc import Sequence
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way

from server.app.demo.streets import Point

METRES_PER_DEGREE = 111_320.0
WRITER_NAME = "postrider demo town"


class OsmFile:
    """Nodes and ways around one centre, in the order in which OSM files want them."""

    def __init__(self, centre_lon: float, centre_lat: float) -> None:
        self._centre = (centre_lon, centre_lat)
        self._nodes: list[Node] = []
        self._ways: list[Way] = []

    def add_node(self, point: Point, tags: dict[str, str] | None = None) -> int:
        """Add one point and return its id."""
        node_id = len(self._nodes) + 1
        location = self.lon_lat(point)
        self._nodes.append(Node(id=node_id, version=1, location=location, tags=tags or {}))
        return node_id

    def add_way(self, node_ids: Sequence[int], tags: dict[str, str]) -> None:
        """Add a line through nodes that were added before."""
        self._ways.append(Way(id=len(self._ways) + 1, version=1, nodes=list(node_ids), tags=tags))

    def add_area(self, outline: Sequence[Point], tags: dict[str, str]) -> None:
        """Add a closed way."""
        node_ids = [self.add_node(point) for point in outline]
        self.add_way([*node_ids, node_ids[0]], tags)

    def lon_lat(self, point: Point) -> tuple[float, float]:
        """Longitude and latitude of a point in metres, rounded as OSM stores them."""
        lon, lat = self._centre
        metres_per_degree_lon = METRES_PER_DEGREE * math.cos(math.radians(lat))
        return (
            round(lon + point[0] / metres_per_degree_lon, 7),
            round(lat + point[1] / METRES_PER_DEGREE, 7),
        )

    def write(self, path: Path) -> None:
        """Write everything; the same content gives the same bytes."""
        header = osmium.io.Header()
        header.set("generator", WRITER_NAME)
        with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
            for node in self._nodes:
                writer.add_node(node)
            for way in self._ways:
                writer.add_way(way)
