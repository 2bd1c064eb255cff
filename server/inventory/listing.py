"""Looking at stock: what lies where, and how it came there."""

from uuid import UUID

import msgspec
from sqlalchemy import or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.models import Location, Lot, Sku, StockLevel, StockMove
from server.inventory.stock import LevelView, MoveView


async def list_levels(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    sku_id: UUID | None = None,
    location_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[LevelView]:
    """In the order in which SKUs first came to their locations, all of an account's SKU by SKU;
    empty shelves as well."""
    by_sku = account_id and not location_id  # as the indexes of an account's SKUs have them
    query = (
        select(StockLevel, Sku.code, Location.path, Lot.code.label("lot"), Lot.expires_on)
        .join(Sku, Sku.id == StockLevel.sku_id)
        .join(Location, Location.id == StockLevel.location_id)
        .outerjoin(Lot, Lot.id == StockLevel.lot_id)
        .order_by(*([Sku.id] if by_sku else []), StockLevel.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    if account_id:
        query = query.where(Sku.account_id == account_id)
    if sku_id:
        query = query.where(StockLevel.sku_id == sku_id)
    if location_id:
        query = query.where(StockLevel.location_id == location_id)
    if after and by_sku:
        last = select(StockLevel.sku_id).where(StockLevel.id == after).scalar_subquery()
        query = query.where(Sku.id >= last, or_(Sku.id > last, StockLevel.id > after))
    elif after:
        query = query.where(StockLevel.id > after)
    return [
        LevelView(
            id=level.id,
            sku_id=level.sku_id,
            sku=sku,
            location_id=level.location_id,
            path=path,
            lot=lot,
            expires_on=expires_on,
            on_hand=level.on_hand,
            allocated=level.allocated,
            free=level.on_hand - level.allocated,
            counted_at=level.counted_at,
        )
        for level, sku, path, lot, expires_on in await session.execute(query)
    ]


async def list_moves(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    sku_id: UUID | None = None,
    location_id: UUID | None = None,
    subject: str = "",
    after: UUID | None = None,
    limit: int = 50,
) -> list[MoveView]:
    """Newest first. subject: such as "order:<id>"."""
    asked = select(StockMove.id).order_by(StockMove.id.desc()).limit(limit)
    if account_id:
        asked = asked.join(Sku, Sku.id == StockMove.sku_id).where(Sku.account_id == account_id)
    if sku_id:
        asked = asked.where(StockMove.sku_id == sku_id)
    if subject:
        asked = asked.where(StockMove.subject == subject)
    if after:
        asked = asked.where(StockMove.id < after)
    query = select(StockMove).order_by(StockMove.id.desc()).limit(limit)
    if location_id:  # each side by its own index: an OR of both would read all that ever was there
        came = asked.where(StockMove.to_location_id == location_id).subquery()
        left = asked.where(StockMove.from_location_id == location_id).subquery()
        query = query.where(StockMove.id.in_(union_all(select(came), select(left))))
    else:
        query = query.where(StockMove.id.in_(asked))
    return [
        msgspec.convert(row, MoveView, from_attributes=True) for row in await session.scalars(query)
    ]
