"""A small made-up valley: two villages with a street of the same name, and some hard cases."""

from pathlib import Path

import osmium
import pytest
import pytest_asyncio
from osmium.osm.mutable import Node, Way

from server.kit.db import Database
from server.places.service import import_map

OBERDORF, UNTERDORF = (10.0, 47.0), (10.15, 47.0)
PLACES = {OBERDORF: "Oberdorf", UNTERDORF: "Unterdorf", (10.3, 47.0): "Altheim-Neustadt"}
DOORS = {
    (10.001, 47.001): ("Hauptstrasse", "12", "1000", "Oberdorf"),
    (10.002, 47.001): ("Hauptstrasse", "14-18", "1000", "Oberdorf"),
    (10.003, 47.003): ("Bergweg", "5", "", ""),
    (10.004, 47.003): ("Käsegässle", "7a", "", ""),
    (10.005, 47.005): ("Mill Lane", "Rose Cottage", "", ""),
    (10.006, 47.005): ("Lindenhofweg", "2", "", ""),
    (10.007, 47.006): ("", "4", "", "Weiler"),
    (10.151, 47.001): ("Hauptstrasse", "12", "2000", "Unterdorf"),
    (10.152, 47.001): ("Hauptstrasse", "3", "2000", "Unterdorf"),
    (10.153, 47.003): ("Rue de l'Église", "8", "2000", "Unterdorf"),
    (10.301, 47.001): ("Ringstrasse", "1", "", ""),
}
STREETS = {"Hauptstrasse": OBERDORF, "Sackgasse": UNTERDORF}


@pytest.fixture(scope="session")
def valley_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("valley") / "valley.osm.pbf"
    nodes: list[Node] = []

    def node(at: tuple[float, float], tags: dict[str, str]) -> int:
        nodes.append(Node(id=len(nodes) + 1, location=at, tags=tags))
        return len(nodes)

    for at, name in PLACES.items():
        node(at, {"place": "village", "name": name})
    for at, (street, number, postcode, city) in DOORS.items():
        key = "addr:housenumber" if number[0].isdigit() else "addr:housename"
        tags = {"addr:street": street, key: number, "addr:postcode": postcode, "addr:city": city}
        node(at, {key: value for key, value in tags.items() if value})
    ways: list[Way] = []
    for street, (lon, lat) in STREETS.items():
        ends = [node((lon, lat), {}), node((lon + 0.004, lat), {})]
        ways.append(
            Way(id=len(ways) + 1, nodes=ends, tags={"highway": "residential", "name": street})
        )
    with osmium.SimpleWriter(str(path)) as writer:
        for one in nodes:
            writer.add_node(one)
        for way in ways:
            writer.add_way(way)
    return path


@pytest_asyncio.fixture
async def valley(db: Database, valley_map: Path) -> Database:
    """The database with the valley's map."""
    async with db.transaction() as session:
        await import_map(session, valley_map)
    return db
