"""Which goods can come back: what was delivered, less what is on its way back already."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.orders import service as orders
from server.orders.service import OrderView, UnknownOrder
from server.returns.errors import (
    NothingToReturn,
    NothingWentOut,
    NotInOrder,
    NotReturnable,
    TooManyUnits,
    WhichGoods,
)
from server.returns.lifecycle import GIVEN_UP
from server.returns.models import Return, ReturnLine, ReturnParcel
from server.returns.views import ReturnableGoods, ReturningGoods, ReturningParcel


async def original_of(
    session: AsyncSession,
    consignment_id: UUID | None,
    order_id: UUID | None,
    account_id: UUID | None = None,
) -> ConsignmentView:
    """The consignment on which the goods went out.

    Raises
    ------
    WhichGoods, NothingWentOut, UnknownConsignment
    """
    if (consignment_id is None) == (order_id is None):
        raise WhichGoods
    if order_id is not None:
        found = await consignments.consignment_of_order(session, order_id)
        if found is None or account_id not in (None, found.account_id):
            raise NothingWentOut(order_id=order_id)
        consignment_id = found.id
    assert consignment_id is not None  # one of the two was given
    return await consignments.get_consignment(session, consignment_id, account_id=account_id)


async def lock_goods(session: AsyncSession, original: ConsignmentView) -> None:
    """Two requests at once for the same goods: the second waits, then sees the first."""
    goods = str(original.order_id or original.id)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(goods, 8))))


async def order_behind(session: AsyncSession, original: ConsignmentView) -> OrderView | None:
    """The order whose goods they are; None for a consignment without one."""
    if original.order_id is None:
        return None
    try:
        return await orders.get_order(session, original.order_id)
    except UnknownOrder:
        return None


async def returnable_goods(
    session: AsyncSession, original: ConsignmentView, order: OrderView | None
) -> list[ReturnableGoods]:
    """The lines of the order that was delivered, with what of each can still come back.

    Which line is in which parcel is not known here, so goods count as delivered as soon as one
    parcel was.
    """
    if order is None or order.kind != "goods":
        return []
    is_here = any(parcel.state == "delivered" for parcel in original.parcels)
    coming = await _units_coming(session, order.id)
    return [
        ReturnableGoods(
            order_line=number,
            sku=line.sku,
            description=line.description,
            delivered=line.quantity if is_here else 0,
            free=max(line.quantity - coming[number], 0) if is_here else 0,
            unit_price_minor=line.unit_price_minor,
        )
        for number, line in enumerate(order.lines, 1)
    ]


def check_goods(wanted: Iterable[ReturningGoods], returnable: Iterable[ReturnableGoods]) -> None:
    """Never more units than can come back, also when one line is named twice.

    Raises
    ------
    NotInOrder, TooManyUnits
    """
    known = {each.order_line: each for each in returnable}
    asked: Counter[int] = Counter()
    for each in wanted:
        if each.order_line not in known:
            raise NotInOrder(order_line=each.order_line)
        asked[each.order_line] += each.quantity
    for number, quantity in asked.items():
        line = known[number]
        if quantity > line.free:
            raise TooManyUnits(order_line=number, sku=line.sku, free=line.free, quantity=quantity)


async def returnable_parcels(
    session: AsyncSession, original: ConsignmentView, wanted: Sequence[ReturningParcel]
) -> Sequence[ReturningParcel]:
    """The parcels that are to come back, or all, checked against what was delivered and is not
    coming back already.

    Raises
    ------
    NothingToReturn, NotReturnable
    """
    coming = set(
        await session.scalars(
            select(ReturnParcel.barcode)
            .join(Return, Return.id == ReturnParcel.return_id)
            .where(
                Return.original_consignment_id == original.id,
                Return.state.not_in(GIVEN_UP),
            )
        )
    )
    free = {
        parcel.barcode: ReturningParcel(
            barcode=parcel.barcode, description=parcel.description, weight_g=parcel.weight_g
        )
        for parcel in original.parcels
        if parcel.state == "delivered" and parcel.barcode not in coming
    }
    if not free:
        raise NothingToReturn(waybill=original.waybill)
    barcodes = [parcel.barcode for parcel in wanted if parcel.barcode is not None]
    for barcode in barcodes:
        if barcode not in free or barcodes.count(barcode) > 1:
            raise NotReturnable(barcode=barcode, waybill=original.waybill)
    return wanted or list(free.values())


async def delivered_at(session: AsyncSession, original: ConsignmentView) -> datetime | None:
    """When the last parcel was handed over."""
    story = await consignments.story(session, original.id)
    return max((entry.occurred_at for entry in story if entry.state == "delivered"), default=None)


async def _units_coming(session: AsyncSession, order_id: UUID) -> Counter[int]:
    """Order line -> units that are coming back or came. Counted units count, not announced ones:
    what was missing from the box is with the customer still."""
    units = func.coalesce(ReturnLine.received_quantity, ReturnLine.quantity)
    rows = await session.execute(
        select(ReturnLine.order_line, func.sum(units))
        .join(Return, Return.id == ReturnLine.return_id)
        .where(
            Return.order_id == order_id,
            Return.state.not_in(GIVEN_UP),
            ReturnLine.order_line.is_not(None),
            ReturnLine.kit_line_id.is_(None),
        )
        .group_by(ReturnLine.order_line)
    )
    return Counter({number: int(total) for number, total in rows if number is not None})


async def returnable_of(
    session: AsyncSession, consignment_id: UUID, *, account_id: UUID | None = None
) -> list[ReturnableGoods]:
    """What of a consignment can still come back, line by line."""
    original = await original_of(session, consignment_id, None, account_id)
    return await returnable_goods(session, original, await order_behind(session, original))
