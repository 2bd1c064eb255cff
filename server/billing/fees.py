"""What orders and returns cost beside the work in the street: giving up late, sending back, and
what a replacement costs more than the goods that it replaces."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.charges import (
    AlreadyReversed,
    NewCharge,
    find_charge,
    record_charges,
    reverse_charge,
)
from server.billing.price_lines import Term, Trace
from server.kit import clock
from server.orders import service as orders
from server.orders.events import OrderCancelled
from server.orders.service import OrderView
from server.returns import service as returns
from server.returns.events import ExchangeCancelled, ExchangeReleased, ReturnResolved
from server.returns.service import UnknownExchange

BY = "billing"


async def charge_cancellation(session: AsyncSession, event: OrderCancelled) -> None:
    """The fee that the rules ask for an order that is given up late."""
    if event.fee_minor > 0:
        order = await orders.get_order(session, event.order_id)
        await _charge(
            session,
            order.account_id,
            "cancellation",
            f"Cancellation of {order.number}",
            net_minor=event.fee_minor,
            currency=order.currency,
            source=f"order:{order.id}:cancelled",
            order=order,
        )


async def charge_return(session: AsyncSession, event: ReturnResolved) -> None:
    """The fee of a return that its account pays; a consignee's is kept back from the refund."""
    if event.fee_minor > 0 and event.fee_payer == "account" and event.account_id is not None:
        await _charge(
            session,
            event.account_id,
            "return_handling",
            f"Handling of {event.rma}",
            net_minor=event.fee_minor,
            currency=event.currency,
            source=f"return:{event.return_id}:fee",
            order=await _order_of(session, event.order_id),
        )


async def charge_exchange(session: AsyncSession, event: ExchangeReleased) -> None:
    """A difference that nobody paid at once and the account took over, unless the exchange was
    given up before we heard of it."""
    if event.due_minor <= 0 or event.settlement != "on_account":
        return
    if not await _was_given_up(session, event.exchange_id):
        await _charge(
            session,
            event.account_id,
            "exchange",
            "Difference of an exchange",
            net_minor=event.due_minor,
            currency=event.currency,
            source=_due(event.exchange_id),
            order=await _order_of(session, event.order_id),
        )


async def take_exchange_back(session: AsyncSession, event: ExchangeCancelled) -> None:
    """Nothing is due for a replacement that does not go out."""
    charge_id = await find_charge(session, _due(event.exchange_id))
    if charge_id is None:
        return
    reason = "The exchange was given up."
    try:
        await reverse_charge(session, charge_id, reason=reason, by=BY)
    except AlreadyReversed:
        return  # a person was quicker


async def _was_given_up(session: AsyncSession, exchange_id: UUID) -> bool:
    try:
        return (await returns.get_exchange(session, exchange_id)).state == "cancelled"
    except UnknownExchange:
        return False


def _due(exchange_id: UUID) -> str:
    return f"exchange:{exchange_id}:due"


async def _order_of(session: AsyncSession, order_id: UUID | None) -> OrderView | None:
    return await orders.get_order(session, order_id) if order_id is not None else None


async def _charge(
    session: AsyncSession,
    account_id: UUID,
    kind: str,
    description: str,
    *,
    net_minor: int,
    currency: str,
    source: str,
    order: OrderView | None,
) -> None:
    fee = Term(words=description, quantity=1, unit="piece", minor=net_minor)
    if not currency:  # of goods of which nobody said a price
        currency = (await accounts.get_account(session, account_id)).currency
    await record_charges(
        session,
        [
            NewCharge(
                account_id=account_id,
                kind=kind,
                description=description,
                net_minor=net_minor,
                currency=currency,
                occurred_at=clock.now(),
                trace=msgspec.to_builtins(Trace(words="A fee as agreed.", terms=(fee,))),
                source=source,
                order_id=order.id if order else None,
                cost_centre=order.cost_centre if order else "",
            )
        ],
    )
