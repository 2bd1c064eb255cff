"""Stock is not where or what the books say: counts, adjustments, transfers."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.inventory.changing import changing_stock
from server.inventory.errors import (
    CountedBelowAllocated,
    NoChange,
    NotAShelf,
    SameLocation,
    SerialsNeeded,
)
from server.inventory.events import StockAdjusted
from server.inventory.ledger import Move, Shelf, level_of, post_moves
from server.inventory.lifecycle import ADJUST, TRANSIT
from server.inventory.locations import load_location, load_shelf
from server.inventory.models import Location, Sku, StockLevel
from server.inventory.skus import find_lot, load_sku, open_lot
from server.kit import clock
from server.kit.outbox import emit


async def adjust_stock(
    session: AsyncSession,
    *,
    sku_id: UUID,
    location_id: UUID,
    change: int,
    reason: str,
    lot: str | None = None,
    serials: tuple[str, ...] = (),
    account_id: UUID | None = None,
    by: str,
) -> None:
    """Book `change` units found, or lost when negative; only free ones can be lost.

    Raises
    ------
    NoChange, NotEnoughHere, UnknownSku, UnknownLocation, NotAShelf and what is wrong with lot or
    serials
    """
    if change == 0:
        raise NoChange
    sku = await load_sku(session, sku_id, account_id=account_id)
    location = await load_shelf(session, location_id)
    async with changing_stock(session, [sku_id]) as skus:
        if change > 0:
            lot_id = await open_lot(session, sku, lot, None)
        else:
            lot_id = await find_lot(session, sku, lot)
        shelf = Shelf(sku_id, location.id, lot_id)
        await book_difference(session, skus, shelf, change, reason=reason, by=by, serials=serials)


async def count_stock(
    session: AsyncSession,
    *,
    sku_id: UUID,
    location_id: UUID,
    counted: int,
    lot: str | None = None,
    reason: str = "counted",
    account_id: UUID | None = None,
    by: str,
) -> int:
    """Make the books say what somebody counted; return the change.

    Raises
    ------
    CountedBelowAllocated
        When fewer units are there than orders were promised of this very shelf.
    SerialsNeeded
        When a SKU with serial numbers was miscounted: adjust it, naming the units.
    UnknownSku, UnknownLocation, NotAShelf and what is wrong with the lot
    """
    sku = await load_sku(session, sku_id, account_id=account_id)
    location = await load_shelf(session, location_id)
    async with changing_stock(session, [sku_id]) as skus:
        shelf = Shelf(sku_id, location.id, await open_lot(session, sku, lot, None))
        on_hand, allocated = await level_of(session, shelf)
        change = counted - on_hand
        if counted < allocated:
            raise CountedBelowAllocated(allocated=allocated, sku=sku.code, path=location.path)
        if change and sku.has_serials:
            raise SerialsNeeded(sku=sku.code, quantity=abs(change))
        if change:
            await book_difference(session, skus, shelf, change, reason=reason, by=by)
        await _note_count(session, shelf)
    return change


async def transfer_stock(
    session: AsyncSession,
    *,
    sku_id: UUID,
    from_location_id: UUID,
    to_location_id: UUID,
    quantity: int,
    lot: str | None = None,
    serials: tuple[str, ...] = (),
    reason: str = "",
    account_id: UUID | None = None,
    by: str,
) -> None:
    """Move free units to another shelf; between warehouses first to TRANSIT, then out of it.

    Raises
    ------
    NotEnoughHere, SameLocation, UnknownSku, UnknownLocation, NotAShelf and what is wrong with lot
    or serials
    """
    sku = await load_sku(session, sku_id, account_id=account_id)
    source = await _shelf_or_transit(session, from_location_id)
    target = await _shelf_or_transit(session, to_location_id)
    if source.id == target.id:
        raise SameLocation(path=source.path)
    async with changing_stock(session, [sku_id]) as skus:
        move = Move(
            sku_id=sku_id,
            lot_id=await find_lot(session, sku, lot),
            from_location_id=source.id,
            to_location_id=target.id,
            quantity=quantity,
            serials=serials,
            kind="transferred",
            reason=reason,
        )
        await post_moves(session, skus, [move], by=by)


async def book_difference(
    session: AsyncSession,
    skus: dict[UUID, Sku],
    shelf: Shelf,
    change: int,
    *,
    reason: str,
    by: str,
    serials: tuple[str, ...] = (),
) -> None:
    """Write it into the books of a locked SKU, within this room."""
    source, target = (ADJUST, shelf.location_id) if change > 0 else (shelf.location_id, ADJUST)
    move = Move(
        sku_id=shelf.sku_id,
        lot_id=shelf.lot_id,
        from_location_id=source,
        to_location_id=target,
        quantity=abs(change),
        serials=serials,
        kind="adjusted",
        reason=reason,
    )
    await post_moves(session, skus, [move], by=by)
    emit(
        session,
        StockAdjusted(
            sku_id=shelf.sku_id, location_id=shelf.location_id, change=change, reason=reason
        ),
    )
    await record_audit(
        session,
        by=by,
        action="stock.adjusted",
        subject=f"sku:{shelf.sku_id}",
        details={"location_id": shelf.location_id, "change": change, "reason": reason},
    )


async def _note_count(session: AsyncSession, shelf: Shelf) -> None:
    await session.execute(
        update(StockLevel)
        .where(
            StockLevel.sku_id == shelf.sku_id,
            StockLevel.location_id == shelf.location_id,
            StockLevel.lot_id.is_not_distinct_from(shelf.lot_id),
        )
        .values(counted_at=clock.now())
        .execution_options(synchronize_session=False)
    )


async def _shelf_or_transit(session: AsyncSession, location_id: UUID) -> Location:
    location = await load_location(session, location_id)
    if location.kind == "virtual" and location.id != TRANSIT:
        raise NotAShelf(path=location.path)
    return location
