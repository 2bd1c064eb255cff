"""Looking at fulfilments, and putting one aside for a while."""

from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import CannotWait
from server.fulfilment.fulfilments import (
    FulfilmentView,
    by_warehouse,
    find_fulfilment,
    lock_fulfilment,
    move_fulfilment,
    packed_of,
    settle_fulfilments,
    view_of,
)
from server.fulfilment.models import Fulfilment, PackedParcel
from server.fulfilment.shortages import ShortageView, list_shortages
from server.identity.service import record_audit
from server.inventory import service as inventory

MAX_SHORTAGES = 1000


class GoodsView(msgspec.Struct, frozen=True, kw_only=True):
    """What is set aside for a line at one shelf. state: allocated, picked or shipped. packed: units
    of it in closed parcels."""

    allocation_id: UUID
    line: int
    sku_id: UUID
    sku: str
    location: str
    lot: str | None
    quantity: int
    packed: int
    serials: list[str]
    state: str


class FulfilmentDetail(msgspec.Struct, frozen=True, kw_only=True):
    fulfilment: FulfilmentView
    goods: list[GoodsView]
    shortages: list[ShortageView]
    parcel_ids: list[UUID]


async def get_fulfilment(session: AsyncSession, fulfilment_id: UUID) -> FulfilmentDetail:
    """With its goods, what it lacks, and its closed parcels."""
    row = await find_fulfilment(session, fulfilment_id)
    parcels = await session.scalars(
        select(PackedParcel.parcel_id)
        .where(PackedParcel.fulfilment_id == row.id)
        .order_by(PackedParcel.packed_at, PackedParcel.parcel_id)
    )
    return FulfilmentDetail(
        fulfilment=view_of(row),
        goods=await _goods_views(session, row),
        shortages=await list_shortages(session, fulfilment_id=row.id, limit=MAX_SHORTAGES),
        parcel_ids=list(parcels),
    )


async def list_fulfilments(
    session: AsyncSession,
    *,
    order_id: UUID | None = None,
    warehouse_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[FulfilmentView]:
    """Newest first."""
    query = select(Fulfilment).order_by(Fulfilment.id.desc()).limit(limit)
    if order_id:
        query = query.where(Fulfilment.order_id == order_id)
    if warehouse_id:
        query = query.where(Fulfilment.warehouse_id == warehouse_id)
    if state:
        query = query.where(Fulfilment.state == state)
    if after:
        query = query.where(Fulfilment.id < after)
    return [view_of(row) for row in await session.scalars(query)]


async def hold_fulfilment(
    session: AsyncSession, fulfilment_id: UUID, *, reason: str, by: str
) -> FulfilmentView:
    """No wave takes it until it is released.

    Raises
    ------
    UnknownFulfilment, CannotWait
    """
    row, _ = await lock_fulfilment(session, fulfilment_id)
    if row.state not in ("open", "on_hold"):
        raise CannotWait(state=row.state)
    if row.state == "open":
        move_fulfilment(session, row, "on_hold")
        row.hold_reason = reason
        await _record(session, row, "held", by, reason=reason)
    return view_of(row)


async def release_fulfilment(
    session: AsyncSession, fulfilment_id: UUID, *, by: str
) -> FulfilmentView:
    """Let it be picked; nothing changes when it was not on hold.

    Raises
    ------
    UnknownFulfilment
    """
    row, rows = await lock_fulfilment(session, fulfilment_id)
    if row.state == "on_hold":
        move_fulfilment(session, row, "open")
        row.hold_reason = ""
        await settle_fulfilments(session, rows)
        await _record(session, row, "released", by)
    return view_of(row)


async def _record(
    session: AsyncSession, row: Fulfilment, what: str, by: str, **details: str
) -> None:
    await record_audit(
        session,
        by=by,
        action=f"fulfilment.{what}",
        subject=f"fulfilment:{row.id}",
        details=details,
    )
    await session.flush()


async def _goods_views(session: AsyncSession, row: Fulfilment) -> list[GoodsView]:
    stock = await inventory.stock_of_order(session, row.order_id)
    standing = [each for each in stock.allocations if each.state != "released"]
    mine = (await by_warehouse(session, standing)).get(row.warehouse_id, [])
    skus = await inventory.get_skus(session, {each.sku_id for each in mine})
    places = await inventory.get_locations(session, {each.location_id for each in mine})
    lots = await inventory.lot_codes(session, {each.lot_id for each in mine if each.lot_id})
    packed = await packed_of(session, row.order_id)
    return [
        GoodsView(
            allocation_id=each.id,
            line=each.line,
            sku_id=each.sku_id,
            sku=skus[each.sku_id].code,
            location=places[each.location_id].path,
            lot=lots[each.lot_id] if each.lot_id else None,
            quantity=each.quantity,
            packed=packed.get(each.id, 0),
            serials=each.serials,
            state=each.state,
        )
        for each in mine
    ]
