"""What follows from every change of stock: who waited gets it, and who must buy more is told."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.availability import free_by_sku, free_shelves, held_by_sku
from server.inventory.claims import Demand, claim
from server.inventory.events import BackorderFilled, StockRanLow, StockRanOut
from server.inventory.ledger import lock_skus
from server.inventory.models import Backorder, Sku
from server.inventory.sourcing import FreeShelf, choose_shelves
from server.kit import clock
from server.kit.outbox import emit


@asynccontextmanager
async def changing_stock(
    session: AsyncSession, sku_ids: Iterable[UUID]
) -> AsyncIterator[dict[UUID, Sku]]:
    """Lock the SKUs for a change that may add or take free stock; then fill backorders from what
    came, and tell what ran low or out."""
    skus = await lock_skus(session, sku_ids)
    before = free_by_sku(await free_shelves(session, skus.keys()))
    yield skus
    await session.flush()
    await _fill_backorders(session, skus)
    after = free_by_sku(await free_shelves(session, skus.keys()))
    tell_shortage(session, skus, before=before, after=after)


def tell_shortage(
    session: AsyncSession,
    skus: Mapping[UUID, Sku],
    *,
    before: Mapping[UUID, int],
    after: Mapping[UUID, int],
) -> None:
    """Told when it happens, and not again until the stock has risen in between."""
    for sku_id, sku in skus.items():
        had, free = before.get(sku_id, 0), after.get(sku_id, 0)
        if had > sku.reorder_point >= free and sku.reorder_point:
            emit(
                session,
                StockRanLow(
                    sku_id=sku_id,
                    account_id=sku.account_id,
                    free=free,
                    reorder_point=sku.reorder_point,
                ),
            )
        if had > sku.safety_stock >= free:
            emit(session, StockRanOut(sku_id=sku_id, account_id=sku.account_id))


async def _fill_backorders(session: AsyncSession, skus: Mapping[UUID, Sku]) -> None:
    """Who waits longest is served first, with as much as there is."""
    waiting = (
        await session.scalars(
            select(Backorder)
            .where(Backorder.sku_id.in_(skus), Backorder.closed_at.is_(None))
            .order_by(Backorder.sku_id, Backorder.id)
        )
    ).all()
    if not waiting:
        return
    held = await held_by_sku(session, {each.sku_id for each in waiting})
    for each in waiting:
        sku = skus[each.sku_id]
        shelves = await free_shelves(session, [sku.id])
        available = free_by_sku(shelves)[sku.id] - held[sku.id] - sku.safety_stock
        quantity = min(each.quantity, available)
        if quantity > 0:
            await _fill(session, each, quantity, shelves)


async def _fill(
    session: AsyncSession, backorder: Backorder, quantity: int, shelves: list[FreeShelf]
) -> None:
    takes = choose_shelves(
        {backorder.sku_id: quantity}, shelves, rule="fewest_splits", distance_m={}
    )
    demand = Demand(backorder.line, backorder.sku_id, backorder.kit_id, quantity)
    await claim(session, backorder.order_id, [demand], takes)
    backorder.quantity -= quantity
    if not backorder.quantity:
        backorder.closed_at = clock.now()
    emit(
        session,
        BackorderFilled(
            order_id=backorder.order_id,
            sku_id=backorder.sku_id,
            quantity=quantity,
            remaining=backorder.quantity,
        ),
    )
