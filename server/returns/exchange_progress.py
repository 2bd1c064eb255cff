"""How an exchange gets on: with the approval of its return, the payment of the difference, the two
legs at the door, and when one of these is given up. The exchange's row is locked by then."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import ConsignmentChanges
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.kit import clock
from server.kit.outbox import emit
from server.orders import service as orders
from server.orders.service import AlreadyShipped, HoldKind
from server.returns.errors import NothingDue, PaidOtherwise, UnknownExchange
from server.returns.events import ExchangeCancelled, ExchangeCompleted, ExchangeReleased
from server.returns.lifecycle import EXCHANGE, OVER
from server.returns.models import Exchange, Return
from server.returns.views import ExchangeView, Settlement

BY = "returns"
PENDING = ("created", "reserved", "awaiting_payment")
CLOSED = ("completed", "cancelled")

APPROVAL: tuple[HoldKind, str] = ("person", "The return of the old goods waits for approval.")
PAYMENT: tuple[HoldKind, str] = ("payment", "The difference of the exchange is not paid yet.")


async def lock_exchange(
    session: AsyncSession, exchange_id: UUID, *, account_id: UUID | None = None
) -> Exchange:
    row = await session.get(Exchange, exchange_id, with_for_update=True, populate_existing=True)
    if row is None or account_id not in (None, row.account_id):
        raise UnknownExchange(exchange_id=exchange_id)
    return row


async def exchange_of_order(session: AsyncSession, order_id: UUID) -> Exchange | None:
    """Locked."""
    found: Exchange | None = await session.scalar(
        select(Exchange)
        .where(Exchange.order_id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def exchanges_among(session: AsyncSession, order_ids: Collection[UUID]) -> list[UUID]:
    """Those of the orders that replace something, in the order of their ids."""
    found = await session.scalars(
        select(Exchange.order_id)
        .where(Exchange.order_id.in_(order_ids))
        .order_by(Exchange.order_id)
    )
    return list(found)


def exchange_view(row: Exchange) -> ExchangeView:
    return msgspec.convert(row, ExchangeView, from_attributes=True)


async def hold_back(session: AsyncSession, row: Exchange, *, is_approved: bool, by: str) -> None:
    """Keep the replacement in the house while the return is not approved, or the difference due."""
    for needed, (kind, reason) in ((not is_approved, APPROVAL), (row.due_minor > 0, PAYMENT)):
        if needed:
            await orders.hold_order(session, row.order_id, reason, kind=kind, by=by)
    await move_exchange(session, row, "reserved", by=by)
    if is_approved:
        await go_on(session, row, by=by)


async def go_on(session: AsyncSession, row: Exchange, *, by: str) -> None:
    """The return is approved: now only the difference can stand in the way."""
    if row.state != "reserved":
        return
    await _release_hold(session, row, APPROVAL[0], by=by)
    if row.due_minor > 0:
        await move_exchange(session, row, "awaiting_payment", by=by)
    else:
        await _release(session, row, by=by)


async def pay_difference(
    session: AsyncSession,
    exchange_id: UUID,
    *,
    settlement: Settlement,
    reference: str,
    by: str,
    account_id: UUID | None = None,
) -> ExchangeView:
    """The difference was paid, or is charged to the account. Told twice, it happens once.

    Raises
    ------
    UnknownExchange, NothingDue, PaidOtherwise
    """
    row = await lock_exchange(session, exchange_id, account_id=account_id)
    if row.settlement is not None:
        if (row.settlement, row.payment_reference) != (settlement, reference):
            raise PaidOtherwise(settlement=row.settlement, reference=row.payment_reference)
        return exchange_view(row)
    if row.state != "awaiting_payment":
        raise NothingDue(state=row.state)
    row.settlement, row.payment_reference = settlement, reference
    await _release_hold(session, row, PAYMENT[0], by=by)
    await _release(session, row, by=by)
    await complete_if_done(session, row)
    return exchange_view(row)


async def give_up(session: AsyncSession, row: Exchange, *, reason: str, by: str) -> None:
    """Cancel the replacement, free its stock, and let the return go on alone.

    Raises
    ------
    AlreadyShipped
        Then nothing has changed.
    """
    if row.state in CLOSED:
        return
    EXCHANGE.check(row.state, "cancelled")
    await orders.cancel_order(session, row.order_id, by=by, reason=reason)
    await inventory.release_stock(session, row.order_id)
    await _part(session, row)
    await move_exchange(session, row, "cancelled", by=by, reason=reason)
    emit(
        session,
        ExchangeCancelled(
            exchange_id=row.id,
            return_id=row.return_id,
            order_id=row.order_id,
            account_id=row.account_id,
            currency=row.currency,
            paid_minor=row.due_minor if row.settlement == "paid" else 0,
        ),
    )


async def return_given_up(session: AsyncSession, row: Exchange, *, reason: str) -> None:
    """The old goods do not come. By the account's rule the replacement then stays here, or goes
    out alone and is paid for in full. One that is on the road can only go on."""
    if row.state in CLOSED:
        return
    policy = await accounts.get_return_policy(session, row.account_id)
    if row.state in PENDING or not policy.swap_without_old:
        try:
            await give_up(session, row, reason=reason, by=BY)
        except AlreadyShipped as late:
            await orders.note_on_order(
                session, row.order_id, f"Its exchange was given up too late. {late}", by=BY
            )
        else:
            return
    await _part(session, row)
    await complete_if_done(session, row)


async def link_legs(session: AsyncSession, row: Exchange) -> None:
    """Bring the two legs to one door at one time, as soon as there are both."""
    returning = await session.get_one(Return, row.return_id, populate_existing=True)
    if row.state in CLOSED or returning.state != "booked" or row.delivery_consignment_id is None:
        return
    assert returning.consignment_id is not None  # a booked return has one
    brings = await consignments.get_consignment(session, row.delivery_consignment_id)
    takes = await consignments.get_consignment(session, returning.consignment_id)
    if takes.consignor.place_id is None or takes.state != "announced":
        return  # it is brought to the counter, or on its way already
    same = ConsignmentChanges(
        consignor=msgspec.structs.replace(takes.consignor, place_id=brings.consignee.place_id),
        window_start_at=brings.window_start_at,
        window_end_at=brings.window_end_at,
    )
    await consignments.link_consignments(session, brings.id, takes.id, by=BY)
    await consignments.amend_consignment(session, takes.id, same, by=BY)


async def complete_if_done(session: AsyncSession, row: Exchange) -> None:
    """The replacement was delivered and the return is over, in whichever order."""
    returning = await session.get_one(Return, row.return_id, populate_existing=True)
    if row.state != "released" or row.delivered_at is None or returning.state not in OVER:
        return
    await move_exchange(session, row, "completed", by=BY)
    emit(
        session,
        ExchangeCompleted(
            exchange_id=row.id,
            return_id=row.return_id,
            order_id=row.order_id,
            account_id=row.account_id,
            currency=row.currency,
            unpaid_minor=0 if returning.state == "resolved" else row.credit_minor,
        ),
    )


async def move_exchange(
    session: AsyncSession, row: Exchange, state: str, *, by: str, reason: str = ""
) -> None:
    EXCHANGE.check(row.state, state)
    row.state, row.changed_at = state, clock.now()
    await record_audit(
        session,
        by=by,
        action=f"exchange.{state}",
        subject=f"exchange:{row.id}",
        details={"reason": reason} if reason else {},
    )
    await session.flush()


async def _release(session: AsyncSession, row: Exchange, *, by: str) -> None:
    await move_exchange(session, row, "released", by=by)
    emit(
        session,
        ExchangeReleased(
            exchange_id=row.id,
            return_id=row.return_id,
            order_id=row.order_id,
            account_id=row.account_id,
            currency=row.currency,
            due_minor=row.due_minor,
            settlement=row.settlement or "none",
            reference=row.payment_reference or "",
        ),
    )


async def _release_hold(session: AsyncSession, row: Exchange, kind: HoldKind, *, by: str) -> None:
    """Unless a person has released it already."""
    order = await orders.get_order(session, row.order_id)
    if any(hold.kind == kind for hold in order.holds):
        await orders.release_order(session, row.order_id, kind=kind, by=by)


async def _part(session: AsyncSession, row: Exchange) -> None:
    if row.delivery_consignment_id is not None:
        await consignments.unlink_consignment(session, row.delivery_consignment_id, by=BY)
