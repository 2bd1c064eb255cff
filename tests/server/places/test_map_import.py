"""A map replaces the one before, as a whole or not at all; what people pinned stays."""

import os
from collections.abc import Callable
from pathlib import Path

import osmium
import pytest
from osmium.osm.mutable import Node
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from server.kit.db import Database
from server.kit.geo import Position
from server.places.map_import import MapFileEmpty
from server.places.osm import MapFileUnreadable
from server.places.service import (
    MapCounts,
    count_map,
    create_place,
    find_addresses,
    get_places,
    import_map,
    pin_place,
)

WriteMap = Callable[..., Path]


@pytest.fixture
def write_map(tmp_path: Path) -> WriteMap:
    def write_map(*nodes: tuple[float, float, dict[str, str]]) -> Path:
        path = tmp_path / "other.osm.pbf"
        with osmium.SimpleWriter(str(path), overwrite=True) as writer:
            for number, (lon, lat, tags) in enumerate(nodes, start=1):
                writer.add_node(Node(id=number, location=(lon, lat), tags=tags))
        return path

    return write_map


async def table_contents(db: Database) -> list[tuple[object, ...]]:
    query = """
        select n.kind, n.name, n.street, n.city, n.postcode, n.osm_id, a.house_number, a.postcode,
               st_astext(coalesce(a.position, n.position))
        from map_name n left join map_address a on a.name_id = n.id
        order by n.id, a.id
    """
    async with db.transaction() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def test_importing_the_same_map_again_changes_nothing(
    valley: Database, valley_map: Path
) -> None:
    before = await table_contents(valley)

    said: list[str] = []
    async with valley.transaction() as session:
        counts = await import_map(session, valley_map, said.append)

    assert await table_contents(valley) == before
    assert counts == MapCounts(addresses=11, streets=8, places=4)
    assert said[-1] == "11 addresses, 8 streets, 4 places."


async def test_another_map_takes_the_place_of_the_first(
    valley: Database, write_map: WriteMap
) -> None:
    elsewhere = write_map((20.0, 50.0, {"addr:street": "Inselweg", "addr:housenumber": "1"}))

    async with valley.transaction() as session:
        await import_map(session, elsewhere)

        assert await find_addresses(session, "Hauptstrasse 12") == []
        assert [found.line for found in await find_addresses(session, "Inselweg 1")] == [
            "Inselweg 1"
        ]


@pytest.mark.parametrize("content", [b"no map at all", b"", b"\x00\x00\x00\x0d\x0a\x09OSMHeader"])
async def test_broken_file_leaves_the_old_map_in_use(
    valley: Database, tmp_path: Path, content: bytes
) -> None:
    before = await table_contents(valley)
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(content)

    with pytest.raises(MapFileUnreadable):
        async with valley.transaction() as session:
            await import_map(session, broken)

    assert await table_contents(valley) == before


async def test_map_that_breaks_off_halfway_leaves_the_old_one_in_use(
    valley: Database, write_map: WriteMap
) -> None:
    before = await table_contents(valley)
    doors = [
        (20 + number / 1000, 50.0, {"addr:street": os.urandom(20).hex(), "addr:housenumber": "1"})
        for number in range(20_000)
    ]
    half = write_map(*doors)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])

    with pytest.raises(MapFileUnreadable):
        async with valley.transaction() as session:
            await import_map(session, half)

    assert await table_contents(valley) == before


async def test_map_without_any_name_is_refused(valley: Database, write_map: WriteMap) -> None:
    nameless = write_map((20.0, 50.0, {"amenity": "bench"}))

    with pytest.raises(MapFileEmpty, match=r"other\.osm\.pbf"):
        async with valley.transaction() as session:
            await import_map(session, nameless)

    async with valley.transaction() as session:
        assert (await count_map(session)).addresses == 11


async def test_shop_and_its_building_with_one_address_are_found_once(
    db: Database, write_map: WriteMap
) -> None:
    door = {"addr:street": "Marktweg", "addr:housenumber": "5"}
    far_away = {**door, "addr:postcode": "3000"}
    path = write_map(
        (10.0, 47.0, {"place": "village", "name": "Markt"}),
        (10.001, 47.001, door),
        (10.0011, 47.0011, {**door, "addr:postcode": "1000", "shop": "bakery"}),
        (10.05, 47.001, far_away),
    )
    async with db.transaction() as session:
        await import_map(session, path)
        found = await find_addresses(session, "Marktweg 5")

    assert [door.line for door in found] == ["Marktweg 5, 1000 Markt", "Marktweg 5, 3000 Markt"]


async def test_pinned_places_outlive_the_map(valley: Database, write_map: WriteMap) -> None:
    async with valley.transaction() as session:
        place = await create_place(session, "Nirgendweg 3, Oberdorf")
        await pin_place(session, place.id, Position(10.02, 47.02), by="person:1")
    elsewhere = write_map((20.0, 50.0, {"place": "village", "name": "Inseldorf"}))

    async with valley.transaction() as session:
        await import_map(session, elsewhere)
        kept = (await get_places(session, [place.id]))[place.id]

    assert (kept.precision, kept.position) == ("pin", (10.02, 47.02))


async def test_searches_go_on_while_another_map_is_imported(
    own_db: Database, valley_map: Path, write_map: WriteMap
) -> None:
    async with own_db.transaction() as session:
        await import_map(session, valley_map)
    elsewhere = write_map((20.0, 50.0, {"place": "village", "name": "Inseldorf"}))

    async with own_db.transaction() as importing, own_db.transaction() as searching:
        await import_map(importing, elsewhere)
        found = await find_addresses(searching, "Hauptstrasse 12")

    assert found[0].street == "Hauptstrasse"


async def test_name_search_uses_its_index(valley: Database) -> None:
    async with valley.transaction() as session:
        await session.execute(text("set local enable_seqscan = off"))
        plan = await session.scalars(
            text("explain select id from map_name where 'haupstr' <% folded")
        )
        assert "ix_map_name_folded" in "\n".join(plan)


async def test_database_refuses_a_position_that_contradicts_its_precision(db: Database) -> None:
    statement = "update place set precision = 'house' where position is null"
    async with db.transaction() as session:
        await create_place(session, "Nirgendweg 3, Nirgendwo")
        with pytest.raises(IntegrityError, match="ck_place_position"):
            async with session.begin_nested():
                await session.execute(text(statement))
