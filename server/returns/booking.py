"""Announced returns: asked for, then booked to be collected at the door or brought to the counter.

Who decides on them, and what that does to an exchange, is in `deciding`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.orders.service import OrderView
from server.returns.errors import NotDoorToDepot, NothingToReturn
from server.returns.events import ReturnMoved
from server.returns.goods import (
    check_goods,
    delivered_at,
    lock_goods,
    order_behind,
    original_of,
    returnable_goods,
    returnable_parcels,
)
from server.returns.lifecycle import RETURN
from server.returns.lookup import get_return, parcels_of
from server.returns.models import RMA_NUMBERS, Return, ReturnLine, ReturnParcel
from server.returns.reasons import check_rules, rules_for
from server.returns.views import (
    ReturnableGoods,
    ReturningGoods,
    ReturningParcel,
    ReturnKind,
    ReturnView,
)

MAX_DESCRIPTION = 200


async def request_return(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    order_id: UUID | None = None,
    parcels: Sequence[ReturningParcel] = (),
    goods: Sequence[ReturningGoods] = (),
    reason: str,
    by: str,
    account_id: UUID | None = None,
    lenient: bool = False,
) -> ReturnView:
    """Ask for a return, which somebody of the company then approves or declines.

    parcels, goods: neither means all that was delivered and is not on its way back already; goods
        alone come in a box of their own.
    account_id: only for goods of this account.
    lenient: the rules of the reasons do not bind, since it is the company that asks.

    Raises
    ------
    WhichGoods, UnknownConsignment, NothingWentOut, NothingToReturn, NotReturnable, NotInOrder,
    TooManyUnits, UnknownReason, ReturnWindowOver, PhotoNeeded
    """
    original = await original_of(session, consignment_id, order_id, account_id)
    await lock_goods(session, original)
    # Read again: whoever was first may have changed it while we waited.
    original = await consignments.get_consignment(session, original.id)
    order = await order_behind(session, original)
    returnable = await returnable_goods(session, original, order)
    rules = await rules_for(session, original.account_id, goods)
    if not lenient:
        since = await delivered_at(session, original)
        check_rules(goods, rules, delivered_at=since, now=clock.now())
    check_goods(goods, returnable)
    if parcels or not goods:
        parcels = await returnable_parcels(session, original, parcels)
        if not goods and _are_all(parcels, original):
            goods = _all_goods(returnable)
            if returnable and not goods:
                raise NothingToReturn(waybill=original.waybill)
    row = await add_return(session, original, state="requested", reason=reason, by=by)
    await add_lines(session, row, order, goods)
    session.add_all(parcels_for(row.id, parcels or [_box(row.rma, goods, returnable)]))
    await session.flush()
    return await get_return(session, row.id)


async def book_pickup(
    session: AsyncSession,
    row: Return,
    *,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
) -> ConsignmentView:
    """Book the way back of an approved return: from the consignee's door to the depot."""
    original = await _original_of_row(session, row)
    if original.consignee.place_id is None:
        raise NotDoorToDepot(waybill=original.waybill)
    window = (window_start_at, window_end_at)
    return await _book(session, row, original, original.consignee, window, by=by)


async def book_drop_off(session: AsyncSession, row: Return, *, by: str) -> ConsignmentView:
    """Book that the goods are brought to the depot: there is a label, and nobody drives."""
    original = await _original_of_row(session, row)
    giver = msgspec.structs.replace(original.consignee, place_id=None)
    return await _book(session, row, original, giver, (None, None), by=by)


async def _book(
    session: AsyncSession,
    row: Return,
    original: ConsignmentView,
    giver: Party,
    window: tuple[datetime | None, datetime | None],
    *,
    by: str,
) -> ConsignmentView:
    RETURN.check(row.state, "booked")
    booked = await consignments.create_consignment(
        session,
        NewConsignment(
            kind="return",
            order_id=original.order_id,
            account_id=original.account_id,
            consignor=giver,
            consignee=Party(name=original.consignor.name),
            parcels=tuple(
                NewParcel(
                    former_barcode=each.barcode,
                    description=each.description,
                    weight_g=each.weight_g,
                )
                for each in (await parcels_of(session, [row.id]))[row.id]
            ),
            window_start_at=window[0],
            window_end_at=window[1],
            instructions=f"Return {row.rma}",
            origin_depot_id=original.origin_depot_id,
        ),
        by=by,
    )
    row.consignment_id = booked.id
    await move_return(session, row, "booked", by=by)
    return booked


async def approve(session: AsyncSession, row: Return, *, by: str) -> None:
    """Wait for the goods from now on, as long as was agreed with the account."""
    policy = await accounts.get_return_policy(session, row.account_id)
    row.expires_at = clock.now() + timedelta(days=policy.days_to_hand_over)
    await move_return(session, row, "approved", by=by)


async def move_return(
    session: AsyncSession, row: Return, state: str, *, by: str, reason: str = ""
) -> None:
    """Move a locked return, audit it, and tell it."""
    RETURN.check(row.state, state)
    row.state, row.changed_at = state, clock.now()
    emit(session, ReturnMoved(return_id=row.id, account_id=row.account_id, state=state))
    await record_audit(
        session,
        by=by,
        action=f"return.{state}",
        subject=f"return:{row.id}",
        details={"reason": reason} if reason else {},
    )
    await session.flush()


async def add_return(
    session: AsyncSession,
    original: ConsignmentView,
    *,
    state: str,
    reason: str,
    by: str,
    kind: ReturnKind = "asked",
) -> Return:
    now = clock.now()
    row = Return(
        id=new_id(),
        rma=await next_rma(session),
        kind=kind,
        state=state,
        announced=kind == "asked",
        account_id=original.account_id,
        order_id=original.order_id,
        original_consignment_id=original.id,
        reason=reason,
        currency="",
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def add_lines(
    session: AsyncSession,
    row: Return,
    order: OrderView | None,
    goods: Sequence[ReturningGoods],
) -> list[ReturnLine]:
    """A line for each, with what the order knows of it."""
    if order is None or not goods:
        return []
    row.currency = order.currency
    skus = await stocked_skus(
        session, order.account_id, {order.lines[each.order_line - 1].sku for each in goods}
    )
    lines = []
    for number, each in enumerate(goods, 1):
        sold = order.lines[each.order_line - 1]
        sku = skus.get(sold.sku)
        lines.append(
            ReturnLine(
                id=new_id(),
                return_id=row.id,
                number=number,
                order_line=each.order_line,
                sku=sold.sku,
                sku_id=sku.id if sku and not sku.components else None,
                description=sold.description or (sku.name if sku else ""),
                quantity=each.quantity,
                unit_price_minor=sold.unit_price_minor,
                serials=list(each.serials),
                reason_code=each.reason,
                note=each.note,
                photos=list(each.photos),
                inspection_note="",
                inspection_photos=[],
            )
        )
    session.add_all(lines)
    await session.flush()
    return lines


async def stocked_skus(
    session: AsyncSession, account_id: UUID | None, codes: set[str]
) -> Mapping[str, inventory.SkuView]:
    """Those of the codes that the account keeps with us, kits included."""
    if account_id is None:
        return {}
    found = {}
    for code in sorted(codes):
        for sku in await inventory.list_skus(session, account_id=account_id, code=code):
            found[code] = sku
    return found


async def next_rma(session: AsyncSession) -> str:
    return f"RMA-{await session.scalar(RMA_NUMBERS.next_value()):06d}"


def parcels_for(return_id: UUID, parcels: Sequence[ReturningParcel]) -> list[ReturnParcel]:
    return [
        ReturnParcel(
            return_id=return_id,
            number=number,
            barcode=parcel.barcode,
            description=parcel.description,
            weight_g=parcel.weight_g,
        )
        for number, parcel in enumerate(parcels, start=1)
    ]


def _box(
    rma: str, goods: Sequence[ReturningGoods], returnable: Sequence[ReturnableGoods]
) -> ReturningParcel:
    """What goods come in when nobody says in which parcel."""
    skus = {each.order_line: each.sku for each in returnable}
    contents = ", ".join(f"{each.quantity} x {skus[each.order_line]}" for each in goods)
    return ReturningParcel(description=f"{rma}: {contents}"[:MAX_DESCRIPTION])


def _are_all(parcels: Sequence[ReturningParcel], original: ConsignmentView) -> bool:
    """Whether nothing that was delivered stays, so that all goods are in these parcels."""
    delivered = {each.barcode for each in original.parcels if each.state == "delivered"}
    return delivered <= {each.barcode for each in parcels}


def _all_goods(returnable: Sequence[ReturnableGoods]) -> tuple[ReturningGoods, ...]:
    return tuple(
        ReturningGoods(order_line=each.order_line, quantity=each.free)
        for each in returnable
        if each.free
    )


async def _original_of_row(session: AsyncSession, row: Return) -> ConsignmentView:
    assert row.original_consignment_id is not None  # announced returns always have one
    return await consignments.get_consignment(session, row.original_consignment_id)
