"""The drawn map: what is taken from the file, and how it is cut into tiles and sketches."""

import re
from pathlib import Path

import osmium
import pytest
from osmium.osm.mutable import Node, Way
from sqlalchemy import text

from server.kit.db import Database
from server.kit.geo import Position
from server.places.basemap import import_basemap
from server.places.osm import MapFileUnreadable
from server.places.tiles import (
    SKETCH_BYTES_MAX,
    SKETCH_WIDTH,
    NoSuchTile,
    read_tile,
    sketch_streets,
)

CENTRE = Position(10.0, 47.0)
TILE_AT_14 = (14, 8647, 5762)
"""The tile of zoom 14 around the centre."""

LINES = [
    ([(9.99, 47.0), (10.01, 47.0)], {"highway": "primary", "name": "Hauptstrasse"}),
    ([(10.0, 46.999), (10.0, 47.001)], {"highway": "residential", "name": "Bergweg"}),
    ([(9.99, 47.002), (10.01, 47.002)], {"railway": "rail"}),
    ([(10.0, 47.0), (10.001, 47.0005)], {"highway": "proposed"}),
]
POND = [(10.002, 47.0), (10.004, 47.0), (10.004, 47.0015), (10.002, 47.0015), (10.002, 47.0)]
HOUSE = [(9.9995, 47.0002), (9.9997, 47.0002), (9.9997, 47.0003), (9.9995, 47.0002)]


@pytest.fixture(scope="module")
def hamlet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hamlet") / "hamlet.osm.pbf"
    nodes = [Node(id=1, location=CENTRE, tags={"place": "village", "name": "Weiler"})]
    ways = []
    for line, tags in [*LINES, (POND, {"natural": "water"}), (HOUSE, {"building": "yes"})]:
        ids = {at: len(nodes) + number for number, at in enumerate(dict.fromkeys(line), start=1)}
        nodes += [Node(id=node_id, location=at) for at, node_id in ids.items()]
        ways.append(Way(id=len(ways) + 1, nodes=[ids[at] for at in line], tags=tags))
    cut_off = Way(id=99, nodes=[1, 9_999], tags={"highway": "primary"})
    with osmium.SimpleWriter(str(path)) as writer:
        for node in nodes:
            writer.add_node(node)
        for way in [*ways, cut_off]:
            writer.add_way(way)
    return path


async def test_streets_rails_water_houses_and_place_names_are_drawn(
    db: Database, hamlet: Path
) -> None:
    async with db.transaction() as session:
        await import_basemap(session, hamlet)
        rows = await session.execute(text("select layer, kind, name from map_shape"))
        drawn = {tuple(row) for row in rows}
    assert drawn == {
        ("road", "primary", "Hauptstrasse"),
        ("road", "minor", "Bergweg"),
        ("rail", "rail", None),
        ("water", "water", None),
        ("building", "building", None),
        ("place", "village", "Weiler"),
    }


async def test_importing_again_replaces_the_drawn_map(db: Database, hamlet: Path) -> None:
    async with db.transaction() as session:
        first = await import_basemap(session, hamlet)
        assert await import_basemap(session, hamlet) == first > 0


async def test_tile_holds_more_the_further_it_is_zoomed_in(db: Database, hamlet: Path) -> None:
    async with db.transaction() as session:
        await import_basemap(session, hamlet)
        near = await read_tile(session, *TILE_AT_14)
        far = await read_tile(session, 8, 135, 90)
        elsewhere = await read_tile(session, 14, 0, 0)
    assert all(word in near for word in (b"Hauptstrasse", b"Bergweg", b"Weiler", b"building"))
    assert b"Hauptstrasse" in far
    assert b"Bergweg" not in far and b"building" not in far
    assert elsewhere == b""


@pytest.mark.parametrize(
    ("z", "x", "y"), [(-1, 0, 0), (15, 0, 0), (99, 1, 1), (3, 8, 0), (3, 0, 8), (3, -1, 0)]
)
async def test_tile_outside_of_the_world_is_refused(db: Database, z: int, x: int, y: int) -> None:
    async with db.transaction() as session:
        with pytest.raises(NoSuchTile):
            await read_tile(session, z, x, y)


async def test_sketch_shows_the_streets_around_a_position(db: Database, hamlet: Path) -> None:
    async with db.transaction() as session:
        await import_basemap(session, hamlet)
        sketch = await sketch_streets(session, CENTRE, half_m=500)
    assert {"primary", "minor", "rail", "water"} <= set(sketch.paths)
    assert sum(map(len, sketch.paths.values())) <= SKETCH_BYTES_MAX
    start = re.match(r"M ?(-?\d+) (-?\d+)", sketch.paths["primary"])
    assert start is not None
    assert int(start[2]) == SKETCH_WIDTH // 2, "the main street goes through the middle"


async def test_sketch_tells_where_a_position_lies_in_it(db: Database) -> None:
    async with db.transaction() as session:
        sketch = await sketch_streets(session, CENTRE, half_m=500)
    assert sketch.pixel_of(CENTRE) == (SKETCH_WIDTH // 2, SKETCH_WIDTH // 2)
    north = Position(10.0, 47.0 + 250 / 111_195)
    x, y = sketch.pixel_of(north)
    assert x == SKETCH_WIDTH // 2
    assert y == pytest.approx(SKETCH_WIDTH / 4, abs=1)


async def test_broken_file_changes_nothing(db: Database, hamlet: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(hamlet.read_bytes()[:-40])
    async with db.transaction() as session:
        before = await import_basemap(session, hamlet)
    with pytest.raises(MapFileUnreadable):
        async with db.transaction() as session:
            await import_basemap(session, broken)
    async with db.transaction() as session:
        assert await session.scalar(text("select count(*) from map_shape")) == before
