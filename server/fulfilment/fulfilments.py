"""Fulfilments: made for what is set aside, moved by what was picked and packed.

Locks, everywhere in this room: the order, then fulfilments by id, then stock, then the consignment.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import UnknownFulfilment
from server.fulfilment.events import FulfilmentMoved, PickingGivenUp
from server.fulfilment.lifecycle import FULFILMENT, road
from server.fulfilment.models import (
    Fulfilment,
    PackedContent,
    PackedParcel,
    PickTask,
    Shortage,
)
from server.inventory import service as inventory
from server.inventory.service import AllocationView, OrderStock
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.orders.service import OrderView


async def make_fulfilments(session: AsyncSession, order: OrderView, stock: OrderStock) -> None:
    """One for each warehouse from which something of the locked order is taken, unless there is."""
    wanted = set(await by_warehouse(session, open_ones(stock)))
    standing = [
        each for each in await lock_fulfilments(session, order.id) if each.state != "cancelled"
    ]
    wanted -= {each.warehouse_id for each in standing}
    version = standing[0].order_version if standing else order.version
    now = clock.now()
    session.add_all(
        Fulfilment(
            id=new_id(),
            order_id=order.id,
            order_number=order.number,
            order_version=version,
            account_id=order.account_id,
            warehouse_id=warehouse_id,
            state="open",
            hold_reason="",
            due_at=order.window_end_at,
            created_at=now,
            changed_at=now,
        )
        for warehouse_id in sorted(wanted)
    )
    await session.flush()


def follow_version(rows: Iterable[Fulfilment], order: OrderView) -> None:
    """The warehouse has the locked order as it is now."""
    for row in rows:
        row.order_version = order.version


async def lock_fulfilments(session: AsyncSession, *order_ids: UUID) -> list[Fulfilment]:
    """All of these orders, cancelled ones too, until the end of the transaction."""
    rows = await session.scalars(
        select(Fulfilment)
        .where(Fulfilment.order_id.in_(order_ids))
        .order_by(Fulfilment.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def lock_fulfilment(
    session: AsyncSession, fulfilment_id: UUID
) -> tuple[Fulfilment, list[Fulfilment]]:
    """One of them, and with it all those of its order."""
    found = await find_fulfilment(session, fulfilment_id)
    rows = await lock_fulfilments(session, found.order_id)
    return found, rows


async def find_fulfilment(session: AsyncSession, fulfilment_id: UUID) -> Fulfilment:
    """The row itself, within this room."""
    found = await session.get(Fulfilment, fulfilment_id)
    if found is None:
        raise UnknownFulfilment(fulfilment_id=fulfilment_id)
    return found


def open_ones(stock: OrderStock) -> list[AllocationView]:
    """What is set aside and in the house."""
    return [each for each in stock.allocations if each.state in ("allocated", "picked")]


async def by_warehouse(
    session: AsyncSession, allocations: Sequence[AllocationView]
) -> dict[UUID, list[AllocationView]]:
    places = await inventory.get_locations(session, {each.location_id for each in allocations})
    found: dict[UUID, list[AllocationView]] = defaultdict(list)
    for each in allocations:
        warehouse_id = places[each.location_id].warehouse_id
        assert warehouse_id is not None, "only shelves of warehouses are allocated"
        found[warehouse_id].append(each)
    return found


async def goods_of(session: AsyncSession, row: Fulfilment) -> list[AllocationView]:
    """What of its order is set aside in its warehouse, and in the house."""
    stock = await inventory.stock_of_order(session, row.order_id)
    return (await by_warehouse(session, open_ones(stock))).get(row.warehouse_id, [])


async def packed_of(session: AsyncSession, order_id: UUID) -> dict[UUID, int]:
    """Allocation -> how many of its units are in closed parcels."""
    rows = await session.execute(
        select(PackedContent.allocation_id, func.sum(PackedContent.quantity))
        .join(PackedParcel, PackedParcel.parcel_id == PackedContent.parcel_id)
        .join(Fulfilment, Fulfilment.id == PackedParcel.fulfilment_id)
        .where(Fulfilment.order_id == order_id)
        .group_by(PackedContent.allocation_id)
    )
    return {allocation_id: int(quantity) for allocation_id, quantity in rows}


async def settle_fulfilments(session: AsyncSession, rows: Sequence[Fulfilment]) -> None:
    """Bring the locked fulfilments of one order to where their goods are. Only what is still in
    the house is moved: what left is told by the custody of its parcels."""
    if not rows:
        return
    order_id = rows[0].order_id
    stock = await inventory.stock_of_order(session, order_id)
    standing = [each for each in stock.allocations if each.state != "released"]
    goods = await by_warehouse(session, standing)
    packed = await packed_of(session, order_id)
    ids = [each.id for each in rows]
    short = set(
        await session.scalars(
            select(Shortage.fulfilment_id).where(
                Shortage.fulfilment_id.in_(ids), Shortage.state == "open"
            )
        )
    )
    at_work = set(
        await session.scalars(
            select(PickTask.fulfilment_id).where(
                PickTask.fulfilment_id.in_(ids), PickTask.state == "open", PickTask.kind == "pick"
            )
        )
    )
    for row in rows:
        if row.state in AT_WORK:
            mine = goods.get(row.warehouse_id, [])
            lacks = row.id in short or not stock.is_complete
            state = _state_of(mine, packed, lacks=lacks, is_at_work=row.id in at_work)
            move_fulfilment(session, row, state)
    if all(row.state in ("packed", "ready", "cancelled") for row in rows):
        for row in rows:
            if row.state == "packed":
                move_fulfilment(session, row, "ready")
    await session.flush()


AT_WORK = ("open", "picking", "picked", "packed", "ready")


def _state_of(
    goods: Sequence[AllocationView],
    packed: dict[UUID, int],
    *,
    lacks: bool,
    is_at_work: bool,
) -> str:
    if not goods and not lacks:
        return "cancelled"
    if lacks or any(each.state == "allocated" for each in goods):
        begun = is_at_work or any(each.state == "picked" for each in goods)
        return "picking" if begun or lacks else "open"
    if any(each.state == "picked" and packed.get(each.id, 0) < each.quantity for each in goods):
        return "picked"
    return "packed"


def move_fulfilment(session: AsyncSession, row: Fulfilment, to: str) -> None:
    """Bring a locked fulfilment to this state by the moves that its life cycle allows; what cannot
    come there any more stays where it is."""
    steps = ("cancelled",) if to == "cancelled" else road(row.state, to)
    if row.state == "ready" and to == "packed":
        return  # ready is packed, and the rest of its order too
    for state in steps:
        FULFILMENT.check(row.state, state)
        row.state, row.changed_at = state, clock.now()
    if steps:
        emit(
            session,
            FulfilmentMoved(fulfilment_id=row.id, order_id=row.order_id, state=row.state),
        )
        if row.state == "open":
            emit(session, PickingGivenUp(order_id=row.order_id))


class FulfilmentView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    order_id: UUID
    order_number: str
    account_id: UUID
    warehouse_id: UUID
    state: str
    hold_reason: str
    cancellation: str | None
    due_at: datetime
    created_at: datetime
    changed_at: datetime


def view_of(row: Fulfilment) -> FulfilmentView:
    return msgspec.convert(row, FulfilmentView, from_attributes=True)
