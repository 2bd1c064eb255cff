"""From which shelves an order is filled. Pure.

Within a warehouse the goods that expire first leave first. Between warehouses a rule decides:
`priority` empties them in the company's order, `nearest` by their distance, and `fewest_splits`
takes as few of them as will do, the first of these by distance or, without one, by priority.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from server.inventory.ledger import Shelf
from server.inventory.stock import SourcingRule

EXACT_UP_TO = 3
"""Above so many warehouses for one order, one more does not matter; they are taken in order."""


class FreeShelf(NamedTuple):
    shelf: Shelf
    free: int
    expires_on: date | None
    warehouse_id: UUID
    priority: int


class Take(NamedTuple):
    shelf: Shelf
    quantity: int


def choose_shelves(
    wanted: Mapping[UUID, int],
    shelves: Sequence[FreeShelf],
    *,
    rule: SourcingRule,
    distance_m: Mapping[UUID, float],
) -> list[Take]:
    """What to take where, for `wanted` units of each SKU; less when there is less.

    distance_m: warehouse -> metres to the consignee; one that is not in it counts as farthest.
    """
    order = _warehouses(shelves, rule, distance_m)
    if rule == "fewest_splits":
        order = _fewest(wanted, shelves, order)
    rank = {warehouse: number for number, warehouse in enumerate(order)}
    usable = [each for each in shelves if each.warehouse_id in rank]
    usable.sort(
        key=lambda each: (
            rank[each.warehouse_id],
            each.expires_on or date.max,
            each.shelf.rank,
        )
    )
    missing = dict(wanted)
    takes = []
    for each in usable:
        quantity = min(each.free, missing.get(each.shelf.sku_id, 0))
        if quantity > 0:
            missing[each.shelf.sku_id] -= quantity
            takes.append(Take(each.shelf, quantity))
    return takes


def _warehouses(
    shelves: Iterable[FreeShelf], rule: SourcingRule, distance_m: Mapping[UUID, float]
) -> list[UUID]:
    priority = {each.warehouse_id: each.priority for each in shelves}
    if rule == "priority":
        return sorted(priority, key=lambda each: (priority[each], each))
    far = float("inf")
    return sorted(priority, key=lambda each: (distance_m.get(each, far), priority[each], each))


def _fewest(
    wanted: Mapping[UUID, int], shelves: Iterable[FreeShelf], order: list[UUID]
) -> list[UUID]:
    stock: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for each in shelves:
        stock[each.warehouse_id][each.shelf.sku_id] += each.free
    for number in range(1, EXACT_UP_TO + 1):
        for chosen in combinations(order, number):
            if all(
                sum(stock[warehouse][sku_id] for warehouse in chosen) >= quantity
                for sku_id, quantity in wanted.items()
            ):
                return list(chosen)
    return order
