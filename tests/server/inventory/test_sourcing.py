"""From which shelves an order is filled."""

from datetime import date
from uuid import UUID

from server.inventory.ledger import Shelf
from server.inventory.sourcing import FreeShelf, choose_shelves
from server.inventory.stock import SourcingRule

TEA, CUP = UUID(int=101), UUID(int=102)
NORTH, SOUTH, WEST = UUID(int=1), UUID(int=2), UUID(int=3)
PRIORITY = {NORTH: 2, SOUTH: 1, WEST: 3}
DISTANCE_M = {NORTH: 5_000.0, SOUTH: 90_000.0, WEST: 1_000.0}


def shelf(
    warehouse: UUID, sku: UUID, free: int, *, location: int = 0, expires_on: date | None = None
) -> FreeShelf:
    place = UUID(int=warehouse.int * 1000 + location)
    return FreeShelf(Shelf(sku, place, None), free, expires_on, warehouse, PRIORITY[warehouse])


def sources(
    wanted: dict[UUID, int],
    shelves: list[FreeShelf],
    rule: SourcingRule,
    distance_m: dict[UUID, float] | None = None,
) -> list[tuple[UUID, UUID, int]]:
    warehouse = {each.shelf: each.warehouse_id for each in shelves}
    takes = choose_shelves(
        wanted, shelves, rule=rule, distance_m=DISTANCE_M if distance_m is None else distance_m
    )
    return [(warehouse[take.shelf], take.shelf.sku_id, take.quantity) for take in takes]


def test_priority_empties_warehouses_in_the_company_s_order() -> None:
    shelves = [shelf(WEST, TEA, 9), shelf(NORTH, TEA, 2), shelf(SOUTH, TEA, 3)]
    assert sources({TEA: 6}, shelves, "priority") == [
        (SOUTH, TEA, 3),
        (NORTH, TEA, 2),
        (WEST, TEA, 1),
    ]


def test_nearest_takes_from_the_warehouse_next_to_the_consignee() -> None:
    shelves = [shelf(SOUTH, TEA, 9), shelf(NORTH, TEA, 9), shelf(WEST, TEA, 1)]
    assert sources({TEA: 3}, shelves, "nearest") == [(WEST, TEA, 1), (NORTH, TEA, 2)]


def test_fewest_splits_prefers_one_far_warehouse_to_two_near_ones() -> None:
    shelves = [
        shelf(WEST, TEA, 9),
        shelf(NORTH, CUP, 9),
        shelf(SOUTH, TEA, 1),
        shelf(SOUTH, CUP, 1),
    ]
    assert sources({TEA: 1, CUP: 1}, shelves, "fewest_splits") == [
        (SOUTH, TEA, 1),
        (SOUTH, CUP, 1),
    ]


def test_fewest_splits_finds_the_pair_that_a_greedy_choice_would_miss() -> None:
    """North has the most, but with it three would be needed."""
    herb, jar = UUID(int=103), UUID(int=104)
    shelves = [
        *(shelf(NORTH, sku, 5) for sku in (TEA, CUP)),
        *(shelf(SOUTH, sku, 3) for sku in (TEA, herb)),
        *(shelf(WEST, sku, 3) for sku in (CUP, jar)),
    ]
    wanted = {TEA: 3, CUP: 3, herb: 3, jar: 3}
    assert {each[0] for each in sources(wanted, shelves, "fewest_splits")} == {SOUTH, WEST}


def test_of_equal_choices_the_nearest_wins_and_without_a_place_the_first_in_priority() -> None:
    shelves = [shelf(SOUTH, TEA, 9), shelf(NORTH, TEA, 9)]
    assert sources({TEA: 1}, shelves, "fewest_splits") == [(NORTH, TEA, 1)]
    assert sources({TEA: 1}, shelves, "fewest_splits", {}) == [(SOUTH, TEA, 1)]


def test_what_expires_first_leaves_first() -> None:
    shelves = [
        shelf(NORTH, TEA, 2, location=1),
        shelf(NORTH, TEA, 2, location=2, expires_on=date(2027, 3, 1)),
        shelf(NORTH, TEA, 2, location=3, expires_on=date(2027, 1, 1)),
    ]
    takes = choose_shelves({TEA: 5}, shelves, rule="nearest", distance_m={})
    assert [(take.shelf.location_id.int % 1000, take.quantity) for take in takes] == [
        (3, 2),
        (2, 2),
        (1, 1),
    ]


def test_when_there_is_less_than_wanted_all_of_it_is_taken() -> None:
    assert sources({TEA: 9}, [shelf(NORTH, TEA, 2)], "fewest_splits") == [(NORTH, TEA, 2)]
