"""Finding in stock what somebody asks about: what ran low, where a unit is, what expires."""

from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.lifecycle import SELLABLE
from server.inventory.models import Allocation, Location, Lot, SerialUnit, Sku, StockLevel
from server.inventory.stock import LotView, LowStockView, SerialView
from server.kit import clock


async def list_low_stock(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[LowStockView]:
    """What somebody should buy, oldest SKU first. It is found out anew each time, so it is true
    after a change of reorder points as well; only SKUs with a reorder point or safety stock are
    looked at."""
    free = (
        select(func.coalesce(func.sum(StockLevel.on_hand - StockLevel.allocated), 0))
        .join(Location, Location.id == StockLevel.location_id)
        .outerjoin(Lot, Lot.id == StockLevel.lot_id)
        .where(
            StockLevel.sku_id == Sku.id,
            Location.kind.in_(SELLABLE),
            Location.warehouse_id.is_not(None),
            or_(Lot.expires_on.is_(None), Lot.expires_on >= clock.now().date()),
        )
        .scalar_subquery()
    )
    watched = (
        select(
            Sku.id,
            Sku.account_id,
            Sku.code.label("sku"),
            Sku.name,
            Sku.reorder_point,
            Sku.safety_stock,
            free.label("free"),
        )
        .where(Sku.active, ~Sku.is_kit, func.greatest(Sku.reorder_point, Sku.safety_stock) > 0)
        .subquery()
    )
    state = case((watched.c.free <= watched.c.safety_stock, "out"), else_="low").label("state")
    query = (
        select(watched, state)
        .where(watched.c.free <= func.greatest(watched.c.reorder_point, watched.c.safety_stock))
        .order_by(watched.c.id)
        .limit(limit)
    )
    if account_id:
        query = query.where(watched.c.account_id == account_id)
    if after:
        query = query.where(watched.c.id > after)
    rows = await session.execute(query)
    return [
        msgspec.convert({**row, "free": int(row["free"])}, LowStockView) for row in rows.mappings()
    ]


async def find_serial(
    session: AsyncSession, serial: str, *, account_id: UUID | None = None, limit: int = 50
) -> list[SerialView]:
    """Where the units with this serial number are; different SKUs may use the same number."""
    query = (
        select(
            SerialUnit.sku_id,
            Sku.code.label("sku"),
            SerialUnit.serial,
            SerialUnit.location_id,
            Location.path,
            Lot.code.label("lot"),
            Allocation.order_id,
        )
        .join(Sku, Sku.id == SerialUnit.sku_id)
        .join(Location, Location.id == SerialUnit.location_id)
        .outerjoin(Lot, Lot.id == SerialUnit.lot_id)
        .outerjoin(Allocation, Allocation.id == SerialUnit.allocation_id)
        .where(SerialUnit.serial == serial)
        .order_by(SerialUnit.sku_id)
        .limit(limit)
    )
    if account_id:
        query = query.where(Sku.account_id == account_id)
    rows = await session.execute(query)
    return [msgspec.convert(dict(row), SerialView) for row in rows.mappings()]


async def list_lots(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    sku_id: UUID | None = None,
    code: str = "",
    expires_by: date | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[LotView]:
    """Oldest first. expires_by: only those whose last day is this one or earlier."""
    on_hand = func.coalesce(func.sum(StockLevel.on_hand), 0).label("on_hand")
    allocated = func.coalesce(func.sum(StockLevel.allocated), 0).label("allocated")
    query = (
        select(
            Lot.id,
            Lot.sku_id,
            Sku.code.label("sku"),
            Lot.code.label("lot"),
            Lot.expires_on,
            on_hand,
            allocated,
        )
        .join(Sku, Sku.id == Lot.sku_id)
        .outerjoin(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.sku_id == Lot.sku_id))
        .group_by(Lot.id, Sku.id)
        .order_by(Lot.id)
        .limit(limit)
    )
    if account_id:
        query = query.where(Sku.account_id == account_id)
    if sku_id:
        query = query.where(Lot.sku_id == sku_id)
    if code:
        query = query.where(Lot.code == code)
    if expires_by:
        query = query.where(Lot.expires_on <= expires_by)
    if after:
        query = query.where(Lot.id > after)
    rows = await session.execute(query)
    return [
        msgspec.convert(
            {**row, "on_hand": int(row["on_hand"]), "allocated": int(row["allocated"])}, LotView
        )
        for row in rows.mappings()
    ]
