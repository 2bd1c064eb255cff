"""The made-up town is a real map: it can be driven, it has addresses, it is the same every time."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import osmium
import pytest
from osmium.osm import Node, Way

from server.app.demo.town import CLOSED_TO_CARS, Town, write_town
from server.kit.db import Database
from server.places.osm import MapEntry, read_map
from server.places.service import Address, import_map, locate

SEED = 1


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return write_town(tmp_path_factory.mktemp("town") / "town.osm.pbf", seed=SEED)


@pytest.fixture(scope="module")
def entries(town: Town) -> list[MapEntry]:
    return list(read_map(town.path))


def ways_of(town: Town) -> Iterator[tuple[dict[str, str], list[int]]]:
    for way in osmium.FileProcessor(town.path):
        if isinstance(way, Way):
            yield dict(way.tags), [node.ref for node in way.nodes]


def test_same_seed_gives_the_same_file_and_another_seed_another_town(
    town: Town, tmp_path: Path
) -> None:
    again = write_town(tmp_path / "again.osm.pbf", seed=SEED)
    other = write_town(tmp_path / "other.osm.pbf", seed=SEED + 1)

    assert again.path.read_bytes() == town.path.read_bytes()
    assert other.path.read_bytes() != town.path.read_bytes()


def test_town_replaces_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "town.osm.pbf"
    path.write_bytes(b"an older map")

    write_town(path, seed=SEED)

    assert any(read_map(path))


def test_town_is_big_enough_for_a_working_day(town: Town, entries: list[MapEntry]) -> None:
    addresses = [entry for entry in entries if entry.kind == "address"]
    assert len(addresses) == town.address_count >= 600
    assert len({entry.street for entry in addresses}) >= 100
    assert len({entry.name for entry in entries if entry.kind == "street"}) == town.street_count
    assert {entry.name for entry in entries if entry.kind == "place"} == {
        "Maravik", "Oskelo", "Sundra", "Ilvane", "Dorvika", "Pelmira", "Kastovo",
    }  # fmt: skip
    assert {entry.city for entry in addresses} == {"Maravik", "Pelmira", "Kastovo"}


def test_no_two_doors_have_the_same_address(entries: list[MapEntry]) -> None:
    doors = [
        (entry.street, entry.house_number, entry.city)
        for entry in entries
        if entry.kind == "address"
    ]
    assert len(set(doors)) == len(doors)


def test_exactly_two_bridges_cross_the_river(town: Town) -> None:
    bridges = [tags for tags, _ in ways_of(town) if tags.get("bridge") == "yes"]
    rivers = [nodes for tags, nodes in ways_of(town) if tags.get("waterway") == "river"]
    road_nodes = {node for tags, nodes in ways_of(town) if "highway" in tags for node in nodes}

    assert len(bridges) == 2
    assert all("highway" in tags and tags["layer"] == "1" for tags in bridges)
    assert len(rivers) == 1
    assert road_nodes.isdisjoint(rivers[0])


def test_town_has_every_sort_of_street_that_a_courier_meets(town: Town) -> None:
    ways = [tags for tags, _ in ways_of(town) if "highway" in tags]

    assert {tags["highway"] for tags in ways} == {
        "primary", "secondary", "tertiary", "residential", "living_street", "pedestrian",
        "cycleway",
    }  # fmt: skip
    assert {tags["maxspeed"] for tags in ways if "maxspeed" in tags} == {"30", "50", "70", "80"}
    assert sum(tags.get("oneway") == "yes" for tags in ways) >= 8


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_car_can_reach_and_leave_every_street_in_any_town(seed: int, tmp_path: Path) -> None:
    town = write_town(tmp_path / "town.osm.pbf", seed=seed)
    onward: dict[int, set[int]] = defaultdict(set)
    backward: dict[int, set[int]] = defaultdict(set)
    for tags, nodes in ways_of(town):
        if tags.get("highway", "cycleway") in CLOSED_TO_CARS:
            continue
        for a, b in pairwise(nodes):
            onward[a].add(b)
            backward[b].add(a)
            if tags.get("oneway") != "yes":
                onward[b].add(a)
                backward[a].add(b)

    everywhere = onward.keys() | backward.keys()
    for ways in (onward, backward):
        seen: set[int] = set()
        waiting = [min(everywhere)]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(ways[node])
        assert seen == everywhere


def test_nothing_lies_near_real_land(town: Town) -> None:
    for node in osmium.FileProcessor(town.path):
        if isinstance(node, Node):
            assert abs(node.lon - town.lon) < 0.15
            assert abs(node.lat - town.lat) < 0.1


@pytest.mark.parametrize("profile", ["car", "bicycle"])
def test_every_door_can_be_reached_on_real_roads(
    profile: str, town: Town, entries: list[MapEntry], tmp_path: Path
) -> None:
    osrm = pytest.importorskip("osrm")
    lua = Path(osrm.__file__).parent / "share" / "profiles" / f"{profile}.lua"
    tiles = tmp_path / "town.osrm"
    source = tmp_path / "town.osm.pbf"
    source.write_bytes(town.path.read_bytes())
    for step in (["extract", "-p", str(lua), str(source)], ["contract", str(tiles)]):
        subprocess.run([sys.executable, "-m", "osrm", *step], check=True, capture_output=True)
    roads = osrm.OSRM(algorithm="CH", storage_config=str(tiles), use_shared_memory=False)
    doors = [(entry.lon, entry.lat) for entry in entries if entry.kind == "address"][::60]

    table = roads.Table(osrm.TableParameters(coordinates=doors, annotations=["duration"]))

    durations_s = [s for row in table["durations"] for s in row]
    assert len(durations_s) == len(doors) ** 2
    assert all(s is not None for s in durations_s)
    longest_allowed_s = 40 * 60 if profile == "car" else 100 * 60
    assert 300 < max(float(s) for s in durations_s) < longest_allowed_s


async def test_orders_to_the_towns_doors_need_no_pin(
    db: Database, town: Town, entries: list[MapEntry]
) -> None:
    doors = [entry for entry in entries if entry.kind == "address"][::50]
    async with db.transaction() as session:
        await import_map(session, town.path)
        for door in doors:
            address = Address(
                street=door.street,
                house_number=door.house_number,
                postcode=door.postcode,
                city=door.city,
            )
            located = await locate(session, address)
            assert located.precision == "house", address.line
            assert located.position == pytest.approx((door.lon, door.lat)), address.line
