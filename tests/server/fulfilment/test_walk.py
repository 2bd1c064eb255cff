"""The walk through a warehouse is as short as it can be, and never longer than the serpentine."""

from itertools import pairwise, permutations
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from server.fulfilment.walk import EXACT_UP_TO, Floor, Spot, natural, serpentine
from server.inventory.service import LocationView
from server.kit.geo import Position, haversine_m
from server.kit.ids import new_id

AISLES, BINS = 6, 12


def place(
    kind: str, path: str, parent_id: UUID | None, position: Position | None = None
) -> LocationView:
    return LocationView(
        id=new_id(),
        parent_id=parent_id,
        warehouse_id=None,
        kind=kind,
        path=path,
        name=path,
        priority=0,
        position=position,
    )


def warehouse(aisles: int = AISLES, bins: int = BINS) -> list[LocationView]:
    root = place("warehouse", "W", None)
    made = [root]
    for number in range(1, aisles + 1):
        aisle = place("aisle", f"W/{number}", root.id)
        bays = [place("bin", f"W/{number}/{bay}", aisle.id) for bay in range(1, bins + 1)]
        made += [aisle, *bays]
    return made


HOUSE = warehouse()
FLOOR = Floor(HOUSE)
SHELVES = [each.id for each in HOUSE if each.kind == "bin"]
PATHS = {each.id: each.path for each in HOUSE}
SOME = st.lists(st.sampled_from(SHELVES), min_size=1, unique=True)


def length_m(order: list[UUID]) -> float:
    spots = [Spot(0, 0), *(FLOOR.spot(each) for each in order), Spot(0, 0)]
    return sum(FLOOR.distance_m(a, b) for a, b in pairwise(spots))


@given(chosen=st.lists(st.sampled_from(SHELVES), min_size=1, max_size=6, unique=True))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_short_walk_is_the_best_of_all_orders(chosen: list[UUID]) -> None:
    order, walked_m = FLOOR.shortest_walk(chosen)
    best = min(length_m(list(each)) for each in permutations(chosen))
    assert sorted(order) == sorted(chosen)
    assert abs(walked_m - best) < 1e-6
    assert abs(length_m(order) - walked_m) < 1e-6


@given(chosen=st.lists(st.sampled_from(SHELVES), min_size=EXACT_UP_TO + 1, unique=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_long_walk_is_never_longer_than_the_serpentine(chosen: list[UUID]) -> None:
    order, walked_m = FLOOR.shortest_walk(chosen)
    usual = sorted(chosen, key=lambda each: serpentine(FLOOR.spot(each)))
    assert sorted(order) == sorted(chosen)
    assert walked_m <= length_m(usual) + 1e-6


@given(a=st.sampled_from(SHELVES), b=st.sampled_from(SHELVES), c=st.sampled_from(SHELVES))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_distance_is_one_that_can_be_walked(a: UUID, b: UUID, c: UUID) -> None:
    spot = FLOOR.spot
    there = FLOOR.distance_m(spot(a), spot(c))
    assert there == FLOOR.distance_m(spot(c), spot(a)) and (there == 0) == (a == c)
    by_b = FLOOR.distance_m(spot(a), spot(b)) + FLOOR.distance_m(spot(b), spot(c))
    assert there <= by_b + 1e-9


def test_the_next_aisle_is_entered_by_the_nearer_end() -> None:
    by_path = {path: shelf for shelf, path in PATHS.items()}
    front = FLOOR.distance_m(FLOOR.spot(by_path["W/1/1"]), FLOOR.spot(by_path["W/2/1"]))
    back = FLOOR.distance_m(FLOOR.spot(by_path["W/1/12"]), FLOOR.spot(by_path["W/2/12"]))
    assert front == back == 3.0 + 2 * 1.0


def test_numbers_in_codes_count_as_numbers() -> None:
    codes = ["W/10/1", "W/9/10", "W/9/9", "W/9", "W/A-10", "W/A-2"]
    assert sorted(codes, key=natural) == ["W/A-2", "W/A-10", "W/9", "W/9/9", "W/9/10", "W/10/1"]


def test_shelves_with_positions_are_walked_by_these() -> None:
    spots = [Position(9.52 + 0.0001 * number, 47.14) for number in range(12)]
    root = place("warehouse", "W", None)
    shelves = [place("bin", f"W/{number}", root.id, spots[number * 5 % 12]) for number in range(12)]
    order, walked_m = Floor([root, *shelves]).shortest_walk([each.id for each in shelves])
    assert abs(walked_m - haversine_m(spots[0], spots[-1])) < 0.01
    by_id = {each.id: each.position for each in shelves}
    assert [by_id[each] for each in order] in (spots, spots[::-1])


def test_two_hundred_shelves_are_ordered_at_once() -> None:
    house = warehouse(aisles=20, bins=10)
    shelves = [each.id for each in house if each.kind == "bin"]
    order, walked_m = Floor(house).shortest_walk(shelves)
    assert len(order) == 200
    assert 200 <= walked_m <= 20 * 12 + 2 * 19 * 3 + 100
