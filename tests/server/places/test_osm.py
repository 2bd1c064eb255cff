"""What the reader finds in a map, on hand-made maps and, where it lies at hand, on a real one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import osmium
import pytest
from osmium.osm.mutable import Node, Relation, Way

from server.kit.geo import Position, haversine_m
from server.places.osm import MapEntry, MapFileUnreadable, read_map

REAL_MAP = Path(__file__).parents[4] / "shared" / "osm" / "liechtenstein.osm.pbf"

Tags = Mapping[str, str]


class MapDraft:
    """A small map, written object by object."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._nodes: list[Node] = []
        self._ways: list[Way] = []
        self._relations: list[Relation] = []

    def node(self, lon: float, lat: float, **tags: str) -> int:
        self._nodes.append(Node(id=len(self._nodes) + 1, location=(lon, lat), tags=osm(tags)))
        return len(self._nodes)

    def way(self, line: Sequence[tuple[float, float]], **tags: str) -> int:
        ids = [self.node(*point) for point in line]
        if line[0] == line[-1]:
            ids[-1] = ids[0]
        return self.way_through(ids, **tags)

    def way_through(self, node_ids: Sequence[int], **tags: str) -> int:
        self._ways.append(Way(id=len(self._ways) + 1, nodes=list(node_ids), tags=osm(tags)))
        return len(self._ways)

    def multipolygon(self, outer_ways: Sequence[int], **tags: str) -> None:
        members = [("w", way, "outer") for way in outer_ways]
        tags["type"] = "multipolygon"
        self._relations.append(
            Relation(id=len(self._relations) + 1, members=members, tags=osm(tags))
        )

    def read(self) -> list[MapEntry]:
        with osmium.SimpleWriter(str(self.path), overwrite=True) as writer:
            for node in self._nodes:
                writer.add_node(node)
            for way in self._ways:
                writer.add_way(way)
            for relation in self._relations:
                writer.add_relation(relation)
        return list(read_map(self.path))


def osm(tags: Tags) -> dict[str, str]:
    """Keyword names cannot hold a colon: addr_street stands for addr:street."""
    return {key.replace("addr_", "addr:"): value for key, value in tags.items()}


@pytest.fixture
def draft(tmp_path: Path) -> MapDraft:
    return MapDraft(tmp_path / "draft.osm.pbf")


def test_address_point_is_read_with_all_that_it_says(draft: MapDraft) -> None:
    node = draft.node(
        10.5, 47.5,
        addr_street="Hauptstrasse", addr_housenumber="12a", addr_postcode="9490", addr_city="Vaduz",
    )  # fmt: skip

    assert draft.read() == [
        MapEntry(
            "address", "Hauptstrasse 12a", "Hauptstrasse", "12a", "9490", "Vaduz", 10.5, 47.5,
            f"node/{node}",
        )
    ]  # fmt: skip


def test_building_with_an_address_is_found_at_its_centre(draft: MapDraft) -> None:
    square = [(10.0, 47.0), (10.2, 47.0), (10.2, 47.1), (10.0, 47.1), (10.0, 47.0)]
    draft.way(square, building="yes", addr_street="Bahnhofstrasse", addr_housenumber="3")

    (entry,) = draft.read()

    assert (entry.name, entry.osm_id) == ("Bahnhofstrasse 3", "way/1")
    assert (entry.lon, entry.lat) == pytest.approx((10.1, 47.05), abs=1e-6)


def test_centre_of_a_building_does_not_depend_on_how_densely_its_walls_are_drawn(
    draft: MapDraft,
) -> None:
    wall = [(10.0 + step / 100, 47.0) for step in range(21)]
    draft.way([*wall, (10.2, 47.1), (10.0, 47.1), (10.0, 47.0)], addr_housenumber="1")

    (entry,) = draft.read()

    assert (entry.lon, entry.lat) == pytest.approx((10.1, 47.05), abs=1e-6)


def test_building_made_of_several_ways_is_found_once(draft: MapDraft) -> None:
    a, b, c, d = (
        draft.node(lon, lat)
        for lon, lat in ((10.0, 47.0), (10.2, 47.0), (10.2, 47.1), (10.0, 47.1))
    )
    halves = [draft.way_through([a, b, c]), draft.way_through([c, d, a])]
    draft.multipolygon(halves, building="yes", addr_street="Ringweg", addr_housenumber="7")

    (entry,) = draft.read()

    assert (entry.name, entry.osm_id) == ("Ringweg 7", "relation/1")
    assert (entry.lon, entry.lat) == pytest.approx((10.1, 47.05), abs=1e-6)


def test_address_without_a_street_takes_its_place_name(draft: MapDraft) -> None:
    draft.node(10.0, 47.0, addr_place="Oberhof", addr_housenumber="4")

    (entry,) = draft.read()

    assert (entry.street, entry.name) == ("Oberhof", "Oberhof 4")


def test_door_with_two_numbers_is_found_under_each(draft: MapDraft) -> None:
    draft.node(10.0, 47.0, addr_street="Markt", addr_housenumber="12; 14")

    assert [entry.name for entry in draft.read()] == ["Markt 12", "Markt 14"]


def test_house_with_a_name_instead_of_a_number_is_an_address(draft: MapDraft) -> None:
    draft.node(10.0, 47.0, addr_street="Mill Lane", addr_housename="Rose Cottage")

    (entry,) = draft.read()

    assert (entry.kind, entry.name) == ("address", "Mill Lane Rose Cottage")


def test_missing_city_is_the_settlement_that_reaches_farthest_here(draft: MapDraft) -> None:
    draft.node(10.00, 47.0, place="town", name="Grossstadt")
    draft.node(10.06, 47.0, place="hamlet", name="Weiler")
    draft.node(10.03, 47.0, addr_street="Am Rand", addr_housenumber="1")  # nearer to the hamlet
    draft.node(10.04, 47.0, addr_street="Am Rand", addr_housenumber="2", addr_city="Anderswo")

    cities = {entry.name: entry.city for entry in draft.read()}

    assert cities["Am Rand 1"] == "Grossstadt"
    assert cities["Am Rand 2"] == "Anderswo"


def test_pieces_of_one_street_are_one_entry_on_the_road_itself(draft: MapDraft) -> None:
    draft.way([(10.00, 47.0), (10.001, 47.0)], highway="residential", name="Lange Gasse")
    bend = [(10.001, 47.0), (10.011, 47.0), (10.011, 47.005)]
    draft.way(bend, highway="residential", name="Lange Gasse")

    (entry,) = draft.read()

    assert (entry.kind, entry.name, entry.osm_id) == ("street", "Lange Gasse", "way/2")
    to_start_m = haversine_m(Position(10.001, 47.0), Position(entry.lon, entry.lat))
    assert entry.lat == pytest.approx(47.0, abs=1e-6) or entry.lon == pytest.approx(10.011)
    assert to_start_m > 300


def test_streets_of_the_same_name_in_two_towns_are_two(draft: MapDraft) -> None:
    draft.node(10.0, 47.0, place="village", name="Oberdorf")
    draft.node(10.1, 47.0, place="village", name="Unterdorf")
    draft.way([(10.0, 47.0), (10.001, 47.0)], highway="residential", name="Dorfstrasse")
    draft.way([(10.1, 47.0), (10.101, 47.0)], highway="residential", name="Dorfstrasse")

    streets = {(e.name, e.city) for e in draft.read() if e.kind == "street"}

    assert streets == {("Dorfstrasse", "Oberdorf"), ("Dorfstrasse", "Unterdorf")}


def test_street_that_is_not_built_yet_is_left_out(draft: MapDraft) -> None:
    draft.way([(10.0, 47.0), (10.001, 47.0)], highway="proposed", name="Zukunftsstrasse")

    assert draft.read() == []


def test_place_mapped_as_an_area_is_found(draft: MapDraft) -> None:
    square = [(10.0, 47.0), (10.2, 47.0), (10.2, 47.1), (10.0, 47.1), (10.0, 47.0)]
    draft.way(square, place="island", name="Ufenau")

    (entry,) = draft.read()

    assert (entry.kind, entry.name, entry.osm_id) == ("place", "Ufenau", "way/1")


def test_way_cut_at_the_edge_of_the_extract_is_read_without_its_missing_nodes(
    draft: MapDraft,
) -> None:
    inside = [draft.node(10.0, 47.0), draft.node(10.01, 47.0)]
    draft.way_through([*inside, 999], highway="residential", name="Grenzweg")
    draft.way_through([997, 998], highway="residential", name="Drüben")

    assert [entry.name for entry in draft.read()] == ["Grenzweg"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello " * 500, b"PK\x03\x04 a zip file"],
    ids=["empty", "text", "archive"],
)
def test_file_that_is_no_map_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.osm.pbf"
    path.write_bytes(content)

    with pytest.raises(MapFileUnreadable, match=r"wrong\.osm\.pbf"):
        list(read_map(path))


def test_download_that_broke_off_is_refused(draft: MapDraft) -> None:
    for number in range(2000):
        draft.node(10 + number / 10_000, 47.0, addr_street="Weg", addr_housenumber=str(number))
    draft.read()
    whole = draft.path.read_bytes()
    draft.path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(MapFileUnreadable):
        list(read_map(draft.path))


def test_missing_file_and_unknown_ending_are_refused(tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text("nothing")

    for name in ("missing.osm.pbf", "map.txt"):
        with pytest.raises(MapFileUnreadable, match=name):
            list(read_map(tmp_path / name))


@pytest.mark.skipif(not REAL_MAP.exists(), reason="the real map lies outside of the project")
def test_real_country_is_read_completely() -> None:
    entries = list(read_map(REAL_MAP))
    by_kind = {
        kind: [entry for entry in entries if entry.kind == kind]
        for kind in ("address", "street", "place")
    }

    assert len({entry.osm_id for entry in by_kind["address"]}) >= 1008
    assert len(by_kind["street"]) > 900
    assert "Vaduz" in {entry.name for entry in by_kind["place"]}
    museum = next(e for e in by_kind["address"] if e.name == "Städtle 43")
    assert (museum.city, museum.postcode) == ("Vaduz", "9490")
    assert haversine_m(Position(museum.lon, museum.lat), Position(9.5214, 47.1387)) < 300
    assert all(entry.city for entry in entries)
