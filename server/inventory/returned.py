"""Goods come back from customers: into RETURN_QC, and out of it to where they belong. Both once."""

from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.inventory.changing import changing_stock
from server.inventory.errors import (
    AlreadyDecided,
    NotQuarantine,
    NotSellable,
    ReturnedOtherwise,
    UnknownReturnedGoods,
)
from server.inventory.events import ReturnedStockDecided, StockReturned
from server.inventory.ledger import Move, check_serials, lock_skus, post_moves
from server.inventory.lifecycle import (
    CUSTOMER,
    RETURN_QC,
    RETURNED_GOODS,
    SCRAP,
    SELLABLE,
    SUPPLIER,
)
from server.inventory.locations import load_shelf
from server.inventory.models import Allocation, Lot, ReturnedGoods, Sku
from server.inventory.skus import load_sku, open_lot
from server.inventory.stock import Disposition, ReturnedGoodsView
from server.kit import clock
from server.kit.outbox import emit

MOVE_KINDS = {
    "restock": "restocked",
    "quarantine": "quarantined",
    "scrap": "scrapped",
    "vendor": "sent_to_vendor",
}


async def lot_sent(session: AsyncSession, order_id: UUID, *, line: int, sku_id: UUID) -> str | None:
    """The lot that went out for an order line. Of several the one that expires first, so that
    nothing that comes back is called fresher than it may be."""
    code: str | None = await session.scalar(
        select(Lot.code)
        .join(Allocation, Allocation.lot_id == Lot.id)
        .where(
            Allocation.order_id == order_id,
            Allocation.line == line,
            Allocation.sku_id == sku_id,
            Allocation.state == "shipped",
        )
        .order_by(Lot.expires_on, Lot.id)
        .limit(1)
    )
    return code


async def receive_returned(
    session: AsyncSession,
    *,
    return_line_id: UUID,
    sku_id: UUID,
    quantity: int,
    lot: str | None = None,
    serials: tuple[str, ...] = (),
    account_id: UUID | None = None,
    by: str,
) -> ReturnedGoodsView:
    """The goods of a return line are here, to be inspected; once, however often it is told.

    Raises
    ------
    ReturnedOtherwise
        When another SKU or quantity was received for this line.
    UnknownSku, KitHasNoStock and what is wrong with lot or serials
    """
    sku = await load_sku(session, sku_id, account_id=account_id)
    skus = await lock_skus(session, [sku_id])
    if before := await session.get(ReturnedGoods, return_line_id, populate_existing=True):
        if (before.sku_id, before.quantity) != (sku_id, quantity):
            raise ReturnedOtherwise(return_line_id=return_line_id, quantity=before.quantity)
        return _view(before)
    goods = ReturnedGoods(
        return_line_id=return_line_id,
        sku_id=sku_id,
        lot_id=await open_lot(session, sku, lot, None),
        quantity=quantity,
        serials=list(serials),
        state="in_inspection",
        received_at=clock.now(),
        decided_at=None,
    )
    session.add(goods)
    await _post(session, skus, goods, source=CUSTOMER, target=RETURN_QC, kind="returned", by=by)
    emit(session, StockReturned(return_line_id=return_line_id, sku_id=sku_id, quantity=quantity))
    return _view(goods)


async def decide_returned(
    session: AsyncSession,
    *,
    return_line_id: UUID,
    disposition: Disposition,
    location_id: UUID | None = None,
    account_id: UUID | None = None,
    by: str,
) -> ReturnedGoodsView:
    """What becomes of the goods of a return line; once, however often it is told.

    location_id: the shelf, for goods that stay.

    Raises
    ------
    AlreadyDecided
        When something else became of them.
    UnknownReturnedGoods, UnknownLocation, NotSellable, NotQuarantine
    """
    found = await session.get(ReturnedGoods, return_line_id)
    if found is None:
        raise UnknownReturnedGoods(return_line_id=return_line_id)
    if account_id:
        await _require_own(session, found, account_id)
    async with changing_stock(session, [found.sku_id]) as skus:
        await session.refresh(found)
        if found.state == disposition:
            return _view(found)
        if found.state != "in_inspection":
            raise AlreadyDecided(return_line_id=return_line_id, state=found.state)
        target = await _destination(session, disposition, location_id)
        RETURNED_GOODS.check(found.state, disposition)
        found.state, found.decided_at = disposition, clock.now()
        await _post(
            session,
            skus,
            found,
            source=RETURN_QC,
            target=target,
            kind=MOVE_KINDS[disposition],
            by=by,
        )
        emit(
            session,
            ReturnedStockDecided(
                return_line_id=return_line_id,
                sku_id=found.sku_id,
                quantity=found.quantity,
                disposition=disposition,
            ),
        )
    return _view(found)


async def split_returned(
    session: AsyncSession,
    *,
    return_line_id: UUID,
    new_line_id: UUID,
    quantity: int,
    serials: tuple[str, ...] = (),
    by: str,
) -> ReturnedGoodsView:
    """Some units of what is in inspection are to be judged apart: from then on they are the goods
    of another return line. They stay where they are, so no stock moves.

    quantity: of the units that go apart, fewer than there are. serials: of the same units.

    Raises
    ------
    UnknownReturnedGoods, AlreadyDecided, ReturnedOtherwise, SerialsNeeded, NoSerials
    """
    found = await session.get(ReturnedGoods, return_line_id)
    if found is None:
        raise UnknownReturnedGoods(return_line_id=return_line_id)
    skus = await lock_skus(session, [found.sku_id])
    await session.refresh(found)
    if found.state != "in_inspection":
        raise AlreadyDecided(return_line_id=return_line_id, state=found.state)
    if quantity >= found.quantity or not set(serials) <= set(found.serials):
        raise ReturnedOtherwise(return_line_id=return_line_id, quantity=found.quantity)
    check_serials(skus[found.sku_id], quantity, serials)
    apart = ReturnedGoods(
        return_line_id=new_line_id,
        sku_id=found.sku_id,
        lot_id=found.lot_id,
        quantity=quantity,
        serials=list(serials),
        state="in_inspection",
        received_at=found.received_at,
        decided_at=None,
    )
    found.quantity -= quantity
    found.serials = [serial for serial in found.serials if serial not in serials]
    session.add(apart)
    await record_audit(
        session,
        by=by,
        action="returned_goods.split",
        subject=f"return_line:{return_line_id}",
        details={"into": str(new_line_id), "quantity": quantity},
    )
    await session.flush()
    return _view(apart)


async def _require_own(session: AsyncSession, goods: ReturnedGoods, account_id: UUID) -> None:
    sku = await load_sku(session, goods.sku_id)
    if sku.account_id != account_id:
        raise UnknownReturnedGoods(return_line_id=goods.return_line_id)


async def _destination(
    session: AsyncSession, disposition: Disposition, location_id: UUID | None
) -> UUID:
    if disposition == "scrap":
        return SCRAP
    if disposition == "vendor":
        return SUPPLIER
    if location_id is None:
        raise NotSellable(path="none") if disposition == "restock" else NotQuarantine(path="none")
    location = await load_shelf(session, location_id)
    if disposition == "restock" and location.kind not in SELLABLE:
        raise NotSellable(path=location.path)
    if disposition == "quarantine" and location.kind != "quarantine":
        raise NotQuarantine(path=location.path)
    return location.id


async def _post(
    session: AsyncSession,
    skus: dict[UUID, Sku],
    goods: ReturnedGoods,
    *,
    source: UUID,
    target: UUID,
    kind: str,
    by: str,
) -> None:
    move = Move(
        sku_id=goods.sku_id,
        lot_id=goods.lot_id,
        from_location_id=source,
        to_location_id=target,
        quantity=goods.quantity,
        serials=tuple(goods.serials),
        kind=kind,
        subject=f"return_line:{goods.return_line_id}",
    )
    await post_moves(session, skus, [move], by=by)


def _view(goods: ReturnedGoods) -> ReturnedGoodsView:
    return msgspec.convert(goods, ReturnedGoodsView, from_attributes=True)
