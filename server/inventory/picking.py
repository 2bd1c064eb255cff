"""Goods leave their shelf, and then the house; or go back."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.allocation import (
    free_allocations,
    load_allocations,
    open_allocations,
    stock_of_order,
)
from server.inventory.changing import changing_stock
from server.inventory.claims import claimed_on
from server.inventory.errors import PickedTooMany
from server.inventory.events import StockPicked, StockShipped
from server.inventory.ledger import (
    Move,
    check_serials,
    lock_skus,
    post_moves,
    raise_serial_elsewhere,
)
from server.inventory.lifecycle import ALLOCATION, CUSTOMER
from server.inventory.models import Allocation, SerialUnit, Sku
from server.inventory.stock import OrderStock
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken for one allocation; fewer units than it asks for is a short pick."""

    allocation_id: UUID
    quantity: int
    serials: tuple[str, ...] = ()


async def pick_stock(session: AsyncSession, picks: Sequence[Pick]) -> dict[UUID, UUID]:
    """The goods are off the shelf, still in the house. What a short pick lacks becomes an
    allocation of its own, to be picked later or released: picked allocation -> that one.

    Raises
    ------
    UnknownAllocation, IllegalMove, PickedTooMany, SerialsNeeded, NoSerials, SerialElsewhere
    """
    ids = [each.allocation_id for each in picks]
    skus = await lock_skus(session, {row.sku_id for row in await load_allocations(session, ids)})
    rows = {row.id: row for row in await load_allocations(session, ids)}
    rests: dict[UUID, UUID] = {}
    for pick in picks:
        row = rows[pick.allocation_id]
        ALLOCATION.check(row.state, "picked")
        if pick.quantity > row.quantity:
            raise PickedTooMany(allocation_id=row.id, quantity=row.quantity, picked=pick.quantity)
        if pick.quantity < row.quantity:
            rest = _rest_of(row, pick.quantity)
            session.add(rest)
            rests[row.id] = rest.id
        row.quantity = pick.quantity
        await _take_serials(session, skus[row.sku_id], row, pick.serials)
        _move(row, "picked")
    for order_id in dict.fromkeys(row.order_id for row in rows.values()):
        picked = tuple(row.id for row in rows.values() if row.order_id == order_id)
        emit(session, StockPicked(order_id=order_id, allocation_ids=picked))
    await session.flush()
    return rests


async def put_back(session: AsyncSession, allocation_ids: Collection[UUID]) -> None:
    """Picked goods of an order that was given up lie on their shelf again."""
    found = await load_allocations(session, allocation_ids)
    async with changing_stock(session, {each.sku_id for each in found}):
        rows = await load_allocations(session, allocation_ids)
        await session.execute(
            update(SerialUnit)
            .where(SerialUnit.allocation_id.in_(allocation_ids))
            .values(allocation_id=None)
        )
        for each in rows:
            each.serials = []
        await free_allocations(session, rows)


async def ship_stock(
    session: AsyncSession,
    order_id: UUID,
    *,
    allocation_ids: Collection[UUID] | None = None,
    by: str,
) -> OrderStock:
    """What is set aside for the order has left for the customer; once, however often it is told.
    What nobody scanned on its shelf was picked all the same.

    allocation_ids: what of it has left; None when all has.

    Raises
    ------
    SerialsNeeded
        When units that are kept by serial numbers were not scanned: nobody knows which left.
    """
    found = await open_allocations(session, order_id)
    skus = await lock_skus(session, {each.sku_id for each in found})
    rows = [
        row
        for row in await open_allocations(session, order_id)
        if allocation_ids is None or row.id in allocation_ids
    ]
    if rows:
        for row in rows:
            if row.state == "allocated":
                _move(row, "picked")
            _move(row, "shipped")
        moves = [_shipment(row) for row in rows]
        await post_moves(session, skus, moves, by=by, released=claimed_on(rows))
        ids = tuple(row.id for row in rows)
        emit(session, StockShipped(order_id=order_id, allocation_ids=ids))
    return await stock_of_order(session, order_id)


def _move(row: Allocation, to: str) -> None:
    ALLOCATION.check(row.state, to)
    row.state = to
    row.changed_at = clock.now()


def _rest_of(row: Allocation, picked: int) -> Allocation:
    return Allocation(
        id=new_id(),
        order_id=row.order_id,
        line=row.line,
        sku_id=row.sku_id,
        kit_id=row.kit_id,
        location_id=row.location_id,
        lot_id=row.lot_id,
        quantity=row.quantity - picked,
        serials=[],
        state="allocated",
        allocated_at=row.allocated_at,
        changed_at=clock.now(),
    )


def _shipment(row: Allocation) -> Move:
    return Move(
        sku_id=row.sku_id,
        lot_id=row.lot_id,
        from_location_id=row.location_id,
        to_location_id=CUSTOMER,
        quantity=row.quantity,
        serials=tuple(row.serials),
        kind="shipped",
        subject=f"order:{row.order_id}",
    )


async def _take_serials(
    session: AsyncSession, sku: Sku, row: Allocation, serials: tuple[str, ...]
) -> None:
    check_serials(sku, row.quantity, serials)
    if not serials:
        return
    taken = await session.execute(
        update(SerialUnit)
        .where(
            SerialUnit.sku_id == sku.id,
            SerialUnit.serial.in_(serials),
            SerialUnit.location_id == row.location_id,
            SerialUnit.lot_id.is_not_distinct_from(row.lot_id),
            SerialUnit.allocation_id.is_(None),
        )
        .values(allocation_id=row.id)
        .returning(SerialUnit.serial)
        .execution_options(synchronize_session=False)
    )
    if len(taken.all()) != row.quantity:
        await raise_serial_elsewhere(session, sku, row.location_id)
    row.serials = list(serials)
