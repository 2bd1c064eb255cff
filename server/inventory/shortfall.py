"""More stock for an order that has its allocations: another shelf for what was not on its own,
something else instead, or what came in after all."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.allocation import free_allocations, load_allocations
from server.inventory.availability import free_by_sku, free_shelves, held_by_sku
from server.inventory.changing import changing_stock
from server.inventory.claims import Demand, claim, refuse_shortage
from server.inventory.corrections import book_difference
from server.inventory.errors import AlreadyPicked, KitHasNoStock, UnknownSku
from server.inventory.events import StockAllocated
from server.inventory.ledger import Shelf
from server.inventory.models import Allocation, Location, Sku
from server.inventory.skus import load_sku
from server.inventory.sourcing import FreeShelf, choose_shelves
from server.inventory.stock import AllocationView
from server.kit.outbox import emit


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """Where missing goods of an order line are taken instead. missing: units that are nowhere."""

    line: int
    kit_id: UUID | None
    allocations: tuple[AllocationView, ...]
    missing: int


async def replace_missing(
    session: AsyncSession, allocation_id: UUID, *, reason: str, by: str
) -> Replaced:
    """The goods of an allocation are not on their shelf. The books follow what was seen there,
    and the same is set aside on other shelves, those of the same warehouse first.

    Units with serial numbers stay in the books until somebody counts: nobody knows which are gone.

    Raises
    ------
    UnknownAllocation, AlreadyPicked, IllegalMove
    """
    (found,) = await load_allocations(session, [allocation_id])
    async with changing_stock(session, [found.sku_id]) as skus:
        (row,) = await load_allocations(session, [allocation_id])
        if row.state == "picked":
            raise AlreadyPicked
        await free_allocations(session, [row])
        shelf = Shelf(row.sku_id, row.location_id, row.lot_id)
        if not skus[row.sku_id].has_serials:
            await book_difference(session, skus, shelf, -row.quantity, reason=reason, by=by)
        shelves = [
            each for each in await free_shelves(session, [row.sku_id]) if each.shelf != shelf
        ]
        held = (await held_by_sku(session, [row.sku_id]))[row.sku_id]
        # Safety stock is there for such a day: it was kept because shelves may lack what books say.
        available = max(free_by_sku(shelves)[row.sku_id] - held, 0)
        demand = Demand(row.line, row.sku_id, row.kit_id, min(row.quantity, available))
        here = (await session.get_one(Location, row.location_id)).warehouse_id
        claimed = await _claim(session, row.order_id, demand, shelves, here)
    return Replaced(
        line=row.line,
        kit_id=row.kit_id,
        allocations=claimed,
        missing=row.quantity - demand.quantity,
    )


async def allocate_more(
    session: AsyncSession,
    *,
    order_id: UUID,
    line: int,
    sku_id: UUID,
    quantity: int,
    kit_id: UUID | None = None,
    warehouse_id: UUID | None = None,
    account_id: UUID,
) -> tuple[AllocationView, ...]:
    """Set aside more of one SKU for a line of the order: all of it, or nothing.

    warehouse_id: where it is taken if it can be.

    Raises
    ------
    NotEnoughStock, UnknownSku, KitHasNoStock
    """
    sku = await load_sku(session, sku_id, account_id=account_id)
    if not sku.active:
        raise UnknownSku(sku=sku.code)
    if sku.is_kit:
        raise KitHasNoStock(sku=sku.code)
    async with changing_stock(session, [sku_id]) as skus:
        shelves = await free_shelves(session, [sku_id])
        await _refuse_shortage(session, skus, sku_id, quantity, shelves)
        demand = Demand(line, sku_id, kit_id, quantity)
        return await _claim(session, order_id, demand, shelves, warehouse_id)


async def _refuse_shortage(
    session: AsyncSession,
    skus: Mapping[UUID, Sku],
    sku_id: UUID,
    quantity: int,
    shelves: list[FreeShelf],
) -> None:
    held = (await held_by_sku(session, [sku_id]))[sku_id]
    available = free_by_sku(shelves)[sku_id] - held - skus[sku_id].safety_stock
    refuse_shortage(skus, {sku_id: quantity}, {sku_id: available})


async def _claim(
    session: AsyncSession,
    order_id: UUID,
    demand: Demand,
    shelves: list[FreeShelf],
    warehouse_id: UUID | None,
) -> tuple[AllocationView, ...]:
    if not demand.quantity:
        return ()
    takes = choose_shelves(
        {demand.sku_id: demand.quantity},
        shelves,
        rule="nearest",
        distance_m={warehouse_id: 0.0} if warehouse_id else {},
    )
    rows, _ = await claim(session, order_id, [demand], takes)
    ids = tuple(row.id for row in rows)
    emit(session, StockAllocated(order_id=order_id, allocation_ids=ids, backordered=False))
    await session.flush()
    return tuple(_view(row) for row in rows)


def _view(row: Allocation) -> AllocationView:
    return msgspec.convert(row, AllocationView, from_attributes=True)
