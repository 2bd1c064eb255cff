"""How much of a SKU can be promised."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.inventory.ledger import Shelf
from server.inventory.lifecycle import SELLABLE
from server.inventory.models import Hold, HoldLine, Location, Lot, Sku, StockLevel
from server.inventory.skus import bills_of, load_sku
from server.inventory.sourcing import FreeShelf
from server.inventory.stock import Availability
from server.kit import clock
from server.kit.geo import Position, haversine_m

WAREHOUSE = aliased(Location)


# Written once: building a statement anew each time costs more than running it.
FREE_SHELVES = (
    select(
        StockLevel.sku_id,
        StockLevel.location_id,
        StockLevel.lot_id,
        (StockLevel.on_hand - StockLevel.allocated).label("free"),
        Lot.expires_on,
        WAREHOUSE.id.label("warehouse_id"),
        WAREHOUSE.priority,
    )
    .join(Location, Location.id == StockLevel.location_id)
    .join(WAREHOUSE, WAREHOUSE.id == Location.warehouse_id)
    .outerjoin(Lot, Lot.id == StockLevel.lot_id)
    .where(
        StockLevel.sku_id.in_(bindparam("sku_ids", expanding=True)),
        StockLevel.on_hand > StockLevel.allocated,
        Location.kind.in_(SELLABLE),
        or_(Lot.expires_on.is_(None), Lot.expires_on >= bindparam("today")),
    )
)


async def free_shelves(session: AsyncSession, sku_ids: Collection[UUID]) -> list[FreeShelf]:
    """Where something that may be sold lies free. Lots past their last day are no goods."""
    rows = await session.execute(
        FREE_SHELVES, {"sku_ids": list(sku_ids), "today": clock.now().date()}
    )
    return [
        FreeShelf(
            Shelf(row.sku_id, row.location_id, row.lot_id),
            row.free,
            row.expires_on,
            row.warehouse_id,
            row.priority,
        )
        for row in rows
    ]


def free_by_sku(shelves: Iterable[FreeShelf]) -> dict[UUID, int]:
    free: dict[UUID, int] = defaultdict(int)
    for each in shelves:
        free[each.shelf.sku_id] += each.free
    return free


async def held_by_sku(
    session: AsyncSession, sku_ids: Collection[UUID], *, except_hold: UUID | None = None
) -> dict[UUID, int]:
    """Units in holds that count now, but for one hold: it must not block its own buyer."""
    query = (
        select(HoldLine.sku_id, func.sum(HoldLine.quantity))
        .join(Hold, Hold.id == HoldLine.hold_id)
        .where(
            HoldLine.sku_id.in_(sku_ids),
            Hold.closed_at.is_(None),
            Hold.expires_at > clock.now(),
        )
        .group_by(HoldLine.sku_id)
    )
    if except_hold:
        query = query.where(Hold.id != except_hold)
    held: dict[UUID, int] = defaultdict(int)
    for sku_id, quantity in await session.execute(query):
        held[sku_id] = int(quantity)
    return held


async def availability(
    session: AsyncSession, sku_ids: Collection[UUID], *, except_hold: UUID | None = None
) -> dict[UUID, Availability]:
    """What can be promised of these SKUs."""
    free = free_by_sku(await free_shelves(session, sku_ids))
    held = await held_by_sku(session, sku_ids, except_hold=except_hold)
    skus = await session.scalars(select(Sku).where(Sku.id.in_(sku_ids)))
    return {
        sku.id: Availability(
            sku_id=sku.id,
            sku=sku.code,
            free=free[sku.id],
            held=held[sku.id],
            safety_stock=sku.safety_stock,
            available=free[sku.id] - held[sku.id] - sku.safety_stock,
        )
        for sku in skus
    }


async def get_availability(
    session: AsyncSession, sku_id: UUID, *, account_id: UUID | None = None
) -> Availability:
    """What can be promised of one SKU; of a kit, as many as its scarcest component allows."""
    sku = await load_sku(session, sku_id, account_id=account_id)
    if not sku.is_kit:
        return (await availability(session, [sku_id]))[sku_id]
    bill = (await bills_of(session, [sku]))[sku_id]
    parts = await availability(session, [each.component_id for each in bill])
    return Availability(
        sku_id=sku_id,
        sku=sku.code,
        free=min(parts[each.component_id].free // each.quantity for each in bill),
        held=0,
        safety_stock=0,
        available=min(parts[each.component_id].available // each.quantity for each in bill),
    )


async def distances_m(session: AsyncSession, near: Position | None) -> dict[UUID, float]:
    """Warehouse -> metres from `near`; empty without one."""
    if near is None:
        return {}
    rows = await session.execute(
        select(Location.id, Location.position).where(Location.kind == "warehouse")
    )
    return {location_id: haversine_m(near, there) for location_id, there in rows if there}
