"""Roads from a map of a few streets that the tests draw themselves, and straight lines."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import osmium
import pytest

from routing.problem import (
    UNREACHABLE,
    Job,
    Matrix,
    NumberOutOfRange,
    Problem,
    TimeWindow,
    Vehicle,
)
from routing.road_errors import (
    BadPosition,
    BuildFailed,
    NoRoad,
    RoadsNotBuilt,
    RoadsUnavailable,
    UnknownProfile,
)
from routing.roads import Fix, HaversineRoads, OsrmRoads, build_roads, find_cut_off, open_roads
from routing.solve import solve
from routing.speed_limits import FILES, read_limit
from routing.traffic import Traffic, slow_down

WEST, SOUTH, STEP = 9.5, 47.1, 0.002
SIDE = 5
ISLAND = (9.60, 47.10)
LIECHTENSTEIN = Path(__file__).parents[2].parent / "shared" / "osm" / "liechtenstein.osm.pbf"


def corner(column: int, row: int) -> tuple[float, float]:
    return WEST + column * STEP, SOUTH + row * STEP


def draw_map(path: Path) -> None:
    """A grid of streets, one of its streets for bicycles only, and a street on an island."""
    writer = osmium.SimpleWriter(str(path))
    node_of = {(c, r): 1 + c + SIDE * r for r in range(SIDE) for c in range(SIDE)}
    for (column, row), node in node_of.items():
        writer.add_node(osmium.osm.mutable.Node(id=node, location=corner(column, row)))
    for k in (0, 1):
        place = (ISLAND[0] + k * STEP, ISLAND[1])
        writer.add_node(osmium.osm.mutable.Node(id=100 + k, location=place))
    lines = [[node_of[c, r] for c in range(SIDE)] for r in range(SIDE)]
    lines += [[node_of[c, r] for r in range(SIDE)] for c in range(SIDE)]
    lines.append([100, 101])
    for way, nodes in enumerate(lines, 1):
        tags = {"highway": "residential", "name": f"Street {way}"}
        if nodes[0] == 100:
            tags |= {"maxspeed": "30", "maxspeed:backward": "20 mph"}
        writer.add_way(osmium.osm.mutable.Way(id=way, nodes=nodes, tags=tags))
    path_nodes = [node_of[0, 0], node_of[1, 1]]
    tags = {"highway": "cycleway"}
    writer.add_way(osmium.osm.mutable.Way(id=99, nodes=path_nodes, tags=tags))
    writer.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("map")
    draw_map(base / "town.osm.pbf")
    steps: list[str] = []
    build_roads(base / "town.osm.pbf", base / "roads", progress=steps.append)
    assert len(steps) == 5
    return base / "roads"


@pytest.fixture(scope="module")
def roads(folder: Path) -> Iterator[OsrmRoads]:
    with OsrmRoads(folder) as opened:
        yield opened


def test_table_follows_the_streets(roads: OsrmRoads) -> None:
    matrix = roads.table([corner(0, 0), corner(1, 0), corner(1, 1)])
    east_m, north_m = 152, 222  # 0.002 degrees at 47.1 degrees north
    assert matrix.distance_m[0].tolist() == pytest.approx([0, east_m, east_m + north_m], abs=3)
    assert matrix.duration_s.dtype == np.int32
    assert (matrix.duration_s[0, 1:] > 0).all()
    by_bicycle = roads.table([corner(0, 0), corner(1, 1)], "bicycle")
    assert by_bicycle.distance_m[0, 1] == pytest.approx((east_m**2 + north_m**2) ** 0.5, abs=3)
    assert roads.table([]).duration_s.shape == (0, 0)


def test_route_tells_when_each_point_is_passed(roads: OsrmRoads) -> None:
    stops = [corner(0, 0), corner(3, 0), corner(3, 2)]
    route = roads.route(stops)
    matrix = roads.table(stops)
    assert len(route.legs) == 2
    assert route.geometry[0] == pytest.approx(stops[0], abs=1e-5)
    assert route.geometry[-1] == pytest.approx(stops[2], abs=1e-5)
    for leg, k in zip(route.legs, (0, 1), strict=True):
        assert leg.distance_m == pytest.approx(matrix.distance_m[k, k + 1], abs=2)
        assert leg.duration_s == pytest.approx(matrix.duration_s[k, k + 1], abs=2)
        assert len(leg.passed_s) == len(leg.geometry)
        assert list(leg.passed_s) == sorted(leg.passed_s)
        assert leg.passed_s[0] == 0
        assert leg.passed_s[-1] == pytest.approx(leg.duration_s, abs=0.6)
    assert (route.duration_s, route.distance_m) == (
        sum(leg.duration_s for leg in route.legs),
        sum(leg.distance_m for leg in route.legs),
    )


def test_standing_still_is_a_route_too(roads: OsrmRoads) -> None:
    route = roads.route([corner(1, 1), corner(1, 1)])
    assert (route.duration_s, route.distance_m) == (0, 0)
    assert len(route.legs[0].passed_s) == len(route.legs[0].geometry)


def test_nearest_snaps_to_the_street(roads: OsrmRoads) -> None:
    lon, lat = corner(1, 0)
    snap = roads.nearest((lon + STEP / 2, lat - 0.0009))
    assert snap.position == pytest.approx((lon + STEP / 2, lat), abs=1e-5)
    assert snap.distance_m == pytest.approx(100, abs=2)


def test_an_island_is_marked_and_reported_but_not_fatal(roads: OsrmRoads) -> None:
    places = [corner(0, 0), corner(2, 2), ISLAND, corner(4, 4)]
    matrix = roads.table(places)
    assert matrix.duration_s[0, 2] == matrix.distance_m[2, 0] == UNREACHABLE
    assert matrix.duration_s[0, 1] < UNREACHABLE
    assert find_cut_off(matrix) == (2,)
    with pytest.raises(NoRoad):
        roads.route([places[0], ISLAND])
    van = Vehicle(
        id="van", start_place=0, end_place=0, shift=TimeWindow(start_s=0, end_s=3600), cost_per_km=1
    )
    jobs = tuple(Job(id=f"j{k}", place=k) for k in (1, 2, 3))
    problem = Problem(places=tuple(places), jobs=jobs, vehicles=(van,), matrices={"car": matrix})
    [left] = solve(problem, budget_s=0.2).unassigned
    assert (left.id, left.code) == ("j2", "unreachable")


def test_a_place_far_from_any_road_is_cut_off(roads: OsrmRoads) -> None:
    matrix = roads.table([corner(0, 0), corner(1, 0), (9.5, 46.9)])
    assert find_cut_off(matrix) == (2,)
    with pytest.raises(NoRoad, match="away from any road"):
        roads.route([corner(0, 0), (9.5, 46.9)])


def test_the_process_is_started_again_when_it_dies(roads: OsrmRoads) -> None:
    before = roads.table([corner(0, 0), corner(1, 0)])
    first_id = roads.process_id
    assert first_id is not None
    os.kill(first_id, signal.SIGKILL)
    assert roads.table([corner(0, 0), corner(1, 0)]) == before
    assert roads.process_id != first_id


def test_many_threads_may_ask_at_once(roads: OsrmRoads) -> None:
    corners = [corner(c, r) for c in range(SIDE) for r in range(SIDE)]
    with ThreadPoolExecutor(8) as pool:
        snaps = list(pool.map(roads.nearest, corners))
    assert [snap.position for snap in snaps] == [pytest.approx(c, abs=1e-5) for c in corners]


def test_wrong_questions_are_told_apart(roads: OsrmRoads) -> None:
    with pytest.raises(UnknownProfile, match="bicycle, car, van, not 'boat'"):
        roads.table([corner(0, 0)], "boat")
    with pytest.raises(BadPosition, match="not a longitude"):
        roads.nearest((47.1, 195.0))
    with pytest.raises(BadPosition, match="at least two"):
        roads.route([corner(0, 0)])


def test_a_folder_without_a_sound_map_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RoadsNotBuilt):
        open_roads(tmp_path)
    (tmp_path / "roads.json").write_text((folder / "roads.json").read_text())
    with pytest.raises(RoadsUnavailable):
        open_roads(tmp_path)


def test_a_failed_build_leaves_the_old_map(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"this is no map")
    before = sorted(path.name for path in folder.parent.iterdir())
    with pytest.raises(BuildFailed, match="osrm-extract"):
        build_roads(broken, folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == before
    with OsrmRoads(folder) as still:
        assert still.nearest(corner(0, 0)).distance_m < 1
    with pytest.raises(BuildFailed, match="something other"):
        build_roads(broken, tmp_path)
    draw_map(tmp_path / "town.osm.pbf")
    with pytest.raises(UnknownProfile):
        build_roads(tmp_path / "town.osm.pbf", tmp_path / "out", profiles=("boat",))


def test_straight_lines_have_the_same_interface() -> None:
    roads = open_roads(None)
    assert (roads.source, roads.profiles) == (
        "haversine",
        frozenset({"car", "van", "bicycle", "foot"}),
    )
    places = [(9.5, 47.0), (9.5, 47.1)]
    matrix = roads.table(places)
    assert matrix.distance_m[0, 1] == pytest.approx(1.3 * 11_119.5, rel=1e-3)
    assert matrix.duration_s[0, 1] == pytest.approx(matrix.distance_m[0, 1] / 40 * 3.6, abs=1)
    route = roads.route(places, "bicycle")
    assert route.duration_s == roads.table(places, "bicycle").duration_s[0, 1]
    assert route.geometry == tuple(places)
    assert roads.nearest(places[0]).position == places[0]
    with pytest.raises(UnknownProfile):
        HaversineRoads().nearest(places[0], "boat")
    roads.close()


@pytest.mark.skipif(not LIECHTENSTEIN.exists(), reason="no real map beside the repository")
def test_a_real_country_builds_and_answers(tmp_path: Path) -> None:
    build_roads(LIECHTENSTEIN, tmp_path / "roads", profiles=("car",))
    with OsrmRoads(tmp_path / "roads") as roads:
        vaduz, ruggell = (9.5209, 47.1410), (9.5270, 47.2390)
        route = roads.route([vaduz, ruggell])
        assert 11_000 < route.distance_m < 18_000
        assert 600 < route.duration_s < 1800


def make_trail(roads: OsrmRoads, wobble: float = 2e-5) -> list[Fix]:
    """Along two streets, a little beside them."""
    way = roads.route([corner(0, 0), corner(3, 0), corner(3, 3)]).geometry
    return [
        Fix(position=(lon + wobble * (-1) ** k, lat + wobble), at_s=1_000 + 20 * k)
        for k, (lon, lat) in enumerate(way)
    ]


def test_a_trail_is_put_on_the_streets_that_it_took(roads: OsrmRoads) -> None:
    matched = roads.match(make_trail(roads))
    [stretch] = matched.stretches
    assert stretch.distance_m == pytest.approx(3 * 152 + 3 * 222, abs=30)
    assert None not in matched.positions
    assert len(matched.positions) == len(make_trail(roads))


def test_limits_are_those_of_the_street_and_the_direction_that_a_trail_took(
    roads: OsrmRoads,
) -> None:
    places = [(ISLAND[0] + share * STEP, ISLAND[1]) for share in (0.1, 0.4, 0.7, 0.9)]
    forth = [Fix(position=place, at_s=1_000 + 8 * k) for k, place in enumerate(places)]
    back = [Fix(position=place, at_s=1_000 + 8 * k) for k, place in enumerate(reversed(places))]
    assert roads.limits_kmh(forth) == (30, 30, 30, 30)
    assert roads.limits_kmh(back, "van") == (32, 32, 32, 32), "20 miles an hour"
    trail = make_trail(roads)
    assert roads.limits_kmh(trail) == (None,) * len(trail), "of these streets the map says nothing"
    assert HaversineRoads().limits_kmh(forth) == (None,) * 4


@pytest.mark.parametrize(
    ("said", "kmh"),
    [
        *(("50", 50), ("50 km/h", 50), ("30 mph", 48), (" 7 ", 7), ("0", None), ("none", None)),
        *(("walk", None), ("DE:urban", None), ("50;30", None), ("", None), ("999", None)),
    ],
)
def test_a_limit_is_read_where_it_is_a_number(said: str, kmh: int | None) -> None:
    assert read_limit(said) == kmh


def test_a_map_that_was_built_without_limits_has_none(
    folder: Path, tmp_path: Path, roads: OsrmRoads
) -> None:
    old = tmp_path / "roads"
    old.mkdir()
    for each in folder.iterdir():
        if each.name not in FILES:
            (old / each.name).symlink_to(each)
    places = [(ISLAND[0] + share * STEP, ISLAND[1]) for share in (0.1, 0.9)]
    trail = [Fix(position=place, at_s=1_000 + 20 * k) for k, place in enumerate(places)]
    assert roads.limits_kmh(trail) == (30, 30)
    with OsrmRoads(old) as opened:
        assert opened.limits_kmh(trail) == (None, None)


def test_an_outlier_is_left_out_of_a_trail(roads: OsrmRoads) -> None:
    trail = make_trail(roads)
    middle = len(trail) // 2
    trail[middle] = Fix(position=(9.9, 47.5), at_s=trail[middle].at_s)
    matched = roads.match(trail)
    assert matched.positions[middle] is None
    assert sum(spot is None for spot in matched.positions) <= 2  # it may cost a neighbour, too


def test_trails_that_make_no_sense_are_refused_and_far_ones_find_no_road(roads: OsrmRoads) -> None:
    here, there = corner(0, 0), corner(1, 0)
    backwards = [Fix(position=here, at_s=10), Fix(position=there, at_s=5)]
    for bad in (backwards, backwards[:1], [Fix(position=here, at_s=-1), *backwards[:1]]):
        for provider in (roads, HaversineRoads()):
            with pytest.raises(BadPosition):
                provider.match(bad)
    with pytest.raises(NoRoad):
        roads.match([Fix(position=(0.0, 0.0), at_s=0), Fix(position=(0.1, 0.0), at_s=60)])
    straight = HaversineRoads().match([Fix(position=here, at_s=0), Fix(position=there, at_s=60)])
    assert straight.stretches[0].distance_m == pytest.approx(152, abs=2)


def test_a_van_takes_longer_on_the_same_streets_than_a_car(roads: OsrmRoads) -> None:
    positions = [corner(0, 0), corner(4, 4)]
    car, van = roads.table(positions), roads.table(positions, "van")
    assert (car.distance_m == van.distance_m).all()
    assert van.duration_s[0, 1] == round(car.duration_s[0, 1] * 40 / 36)
    route = roads.route(positions, "van")
    assert route.duration_s == pytest.approx(van.duration_s[0, 1], abs=2)
    assert {"car", "van", "bicycle", "foot"} == HaversineRoads().profiles


def test_places_on_one_spot_are_not_below_zero_apart_and_tables_have_a_limit(
    roads: OsrmRoads,
) -> None:
    spots = [(9.5 + k * 1e-7, 47.1) for k in range(60)]
    assert roads.table(spots).distance_m.min() == 0
    with pytest.raises(BadPosition, match="more than the 5000"):
        roads.table([corner(0, 0)] * 5_001)


def test_rush_hour_makes_driving_longer_and_leaves_the_cut_off_alone() -> None:
    rush = Traffic(by_hour=tuple(1.5 if hour in (7, 8) else 1.0 for hour in range(24)))
    assert rush.factor_at(8 * 3600) == rush.factor_at(32 * 3600) == 1.5
    assert rush.factor_between(8 * 3600, 10 * 3600) == pytest.approx(1.25)
    assert rush.factor_between(9 * 3600, 9 * 3600) == 1.0
    numbers = np.array([[0, 100], [UNREACHABLE, 0]], dtype=np.int32)
    slower = slow_down(Matrix(duration_s=numbers, distance_m=numbers), 1.25)
    assert slower.duration_s.tolist() == [[0, 125], [UNREACHABLE, 0]]
    assert slower.distance_m.tolist() == numbers.tolist()
    for wrong in ((1.0,) * 23, (0.0,) * 24):
        with pytest.raises(NumberOutOfRange):
            Traffic(by_hour=wrong)
