"""Setting stock aside: what orders ask for becomes allocations on shelves. The SKUs are locked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.errors import NotEnoughStock, UnknownSku
from server.inventory.ledger import Shelf, change_levels, lock_skus
from server.inventory.models import Allocation, KitComponent, Sku
from server.inventory.skus import bills_of, find_skus, needed_for
from server.inventory.sourcing import Take
from server.inventory.stock import Wanted
from server.kit import clock
from server.kit.ids import new_id


class Demand(NamedTuple):
    """What an order line needs of one SKU that is no kit."""

    line: int
    sku_id: UUID
    kit_id: UUID | None
    quantity: int


async def demands_of(
    session: AsyncSession, account_id: UUID, lines: Iterable[Wanted]
) -> list[Demand]:
    """The lines with kits taken apart."""
    lines = list(lines)
    skus = await find_skus(session, account_id, [line.sku for line in lines])
    return _taken_apart(lines, skus, await bills_of(session, skus.values()))


async def locked_demands(
    session: AsyncSession, asked: Sequence[tuple[UUID, Sequence[Wanted]]]
) -> tuple[list[list[Demand] | UnknownSku], dict[UUID, Sku]]:
    """The same for each of what several accounts ask for, or why not, and all the SKUs that they
    need, locked in one statement."""
    codes: dict[UUID, set[str]] = defaultdict(set)
    for account_id, lines in asked:
        codes[account_id].update(line.sku for line in lines)
    skus = await lock_skus(session, needed_for(codes))
    by_code = {(sku.account_id, sku.code): sku for sku in skus.values()}
    demands: list[list[Demand] | UnknownSku] = []
    for account_id, lines in asked:
        known = {line.sku: sku for line in lines if (sku := by_code.get((account_id, line.sku)))}
        try:
            if all(line.sku in known for line in lines):  # most orders have no kits
                demands.append(_taken_apart(lines, known, {}))
            else:
                demands.append(await demands_of(session, account_id, lines))
        except UnknownSku as unknown:
            demands.append(unknown)
    return demands, skus


def _taken_apart(
    lines: Iterable[Wanted],
    skus: Mapping[str, Sku],
    bills: Mapping[UUID, Sequence[KitComponent]],
) -> list[Demand]:
    if retired := [sku.code for sku in skus.values() if not sku.active]:
        raise UnknownSku(sku=", ".join(retired))
    demands = []
    for line in lines:
        sku = skus[line.sku]
        if sku.is_kit:
            demands += [
                Demand(line.line, each.component_id, sku.id, each.quantity * line.quantity)
                for each in bills[sku.id]
            ]
        else:
            demands.append(Demand(line.line, sku.id, None, line.quantity))
    return demands


def summed(demands: Iterable[Demand]) -> dict[UUID, int]:
    """SKU -> what all lines need of it together."""
    total: dict[UUID, int] = defaultdict(int)
    for demand in demands:
        total[demand.sku_id] += demand.quantity
    return total


def refuse_shortage(
    skus: Mapping[UUID, Sku], wanted: Mapping[UUID, int], available: Mapping[UUID, int]
) -> None:
    """Raise NotEnoughStock, which names every SKU that is short and how much of it there is."""
    short = [
        {"sku": skus[sku_id].code, "wanted": quantity, "available": max(available[sku_id], 0)}
        for sku_id, quantity in wanted.items()
        if quantity > max(available[sku_id], 0)
    ]
    if short:
        named = ", ".join(
            f"{each['sku']} ({each['available']} of {each['wanted']})" for each in short
        )
        raise NotEnoughStock(skus=named, short=short)


async def claim(
    session: AsyncSession, order_id: UUID, demands: Sequence[Demand], takes: Sequence[Take]
) -> tuple[list[Allocation], list[Demand]]:
    """Allocate what is taken to the lines in their order; also return what they still lack."""
    allocations, lacking = share_out(order_id, demands, takes)
    await store_claims(session, allocations)
    return allocations, lacking


async def store_claims(session: AsyncSession, allocations: Sequence[Allocation]) -> None:
    """Write them, and what they claim on their shelves."""
    await change_levels(session, allocated=claimed_on(allocations))
    session.add_all(allocations)
    await session.flush()


def share_out(
    order_id: UUID, demands: Sequence[Demand], takes: Sequence[Take]
) -> tuple[list[Allocation], list[Demand]]:
    """What is taken as allocations to the lines in their order, not stored yet, and what the lines
    still lack."""
    stock: dict[UUID, list[Take]] = defaultdict(list)
    for take in takes:
        stock[take.shelf.sku_id].append(take)
    now = clock.now()
    allocations: list[Allocation] = []
    lacking: list[Demand] = []
    for demand in demands:
        missing = demand.quantity
        shelves = stock[demand.sku_id]
        while missing and shelves:
            shelf, there = shelves.pop(0)
            quantity = min(missing, there)
            missing -= quantity
            if there > quantity:
                shelves.insert(0, Take(shelf, there - quantity))
            allocations.append(
                Allocation(
                    id=new_id(),
                    order_id=order_id,
                    line=demand.line,
                    kit_id=demand.kit_id,
                    **shelf._asdict(),
                    quantity=quantity,
                    serials=[],
                    state="allocated",
                    allocated_at=now,
                    changed_at=now,
                )
            )
        if missing:
            lacking.append(demand._replace(quantity=missing))
    return allocations, lacking


def claimed_on(allocations: Iterable[Allocation]) -> dict[Shelf, int]:
    """Shelf -> units that these allocations claim there."""
    claimed: dict[Shelf, int] = defaultdict(int)
    for each in allocations:
        claimed[Shelf(each.sku_id, each.location_id, each.lot_id)] += each.quantity
    return claimed
