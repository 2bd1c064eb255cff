"""The proof that the levels are what the ledger and the allocations add up to."""

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.lifecycle import OPEN, OUTSIDE
from server.inventory.models import StockLevel
from server.inventory.stock import Discrepancy, Reconciliation

SHOWN = 1000


async def reconcile(session: AsyncSession) -> Reconciliation:
    """Compare every level with the sum of its moves, of its open allocations and, where the SKU
    has them, with its serial numbers. One statement, so that all of it is of the same moment."""
    rows = await session.execute(
        RECONCILE, {"outside": list(OUTSIDE), "open": list(OPEN), "shown": SHOWN}
    )
    found = tuple(
        msgspec.convert(row, Discrepancy, from_attributes=True) for row in rows.mappings()
    )
    levels = await session.scalar(select(func.count()).select_from(StockLevel)) or 0
    return Reconciliation(is_consistent=not found, levels=levels, discrepancies=found)


RECONCILE = text(
    """
    with moved as (
        select sku_id, location_id, lot_id, sum(quantity) as quantity
        from (
            select sku_id, to_location_id as location_id, lot_id, quantity from stock_move
            union all
            select sku_id, from_location_id, lot_id, -quantity from stock_move
        ) as entry
        where location_id <> all (cast(:outside as uuid[]))
        group by sku_id, location_id, lot_id
    ), claimed as (
        select sku_id, location_id, lot_id, sum(quantity) as quantity
        from allocation
        where state = any (cast(:open as text[]))
        group by sku_id, location_id, lot_id
    ), numbered as (
        select sku_id, location_id, lot_id, count(*) as quantity
        from serial_unit
        where location_id <> all (cast(:outside as uuid[]))
        group by sku_id, location_id, lot_id
    ), proof (what, sku_id, location_id, lot_id, recorded, proven) as (
        select 'on_hand', sku_id, location_id, lot_id, on_hand, 0 from stock_level
        union all
        select 'on_hand', sku_id, location_id, lot_id, 0, quantity from moved
        union all
        select 'allocated', sku_id, location_id, lot_id, allocated, 0 from stock_level
        union all
        select 'allocated', sku_id, location_id, lot_id, 0, quantity from claimed
        union all
        select 'serials', sku_id, location_id, lot_id, on_hand, 0
        from stock_level join sku on sku.id = sku_id where has_serials
        union all
        select 'serials', sku_id, location_id, lot_id, 0, quantity from numbered
    )
    select what, sku_id, location_id, lot_id,
        cast(sum(recorded) as bigint) as recorded, cast(sum(proven) as bigint) as proven
    from proof
    group by what, sku_id, location_id, lot_id
    having sum(recorded) <> sum(proven)
    order by sku_id, location_id, what
    limit :shown
    """
)
