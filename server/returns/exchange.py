"""Exchanges: goods come back and others go out for them, decided in one transaction."""

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.accounts.service import ReturnPolicy
from server.inventory import service as inventory
from server.inventory.service import Wanted
from server.kit import clock
from server.kit.ids import new_id
from server.kit.settings import UTC_ZONE
from server.orders import service as orders
from server.orders.service import AlreadyShipped, OrderDraft, OrderLine, OrderView
from server.returns.booking import approve, book_pickup, request_return
from server.returns.deciding import cancel_return
from server.returns.errors import NothingWentOut, PriceUnknown, UnknownExchange
from server.returns.exchange_progress import (
    exchange_view,
    give_up,
    hold_back,
    lock_exchange,
)
from server.returns.lifecycle import RETURN
from server.returns.lookup import get_return, lock_return
from server.returns.models import Exchange
from server.returns.reasons import approves_itself, rules_for
from server.returns.views import ExchangeRequest, ExchangeView, ReplacementLine, ReturnView

CHANNEL = "exchange"
"""Under which replacement orders come in; their external id is the return's RMA number."""


async def create_exchange(
    session: AsyncSession,
    request: ExchangeRequest,
    *,
    by: str,
    account_id: UUID | None = None,
    lenient: bool = False,
    zone: ZoneInfo = UTC_ZONE,
) -> ExchangeView:
    """Book the return, capture the replacement and set its stock aside: all of it, or nothing.

    account_id: only for an order of this account. lenient: the company itself asks, so the return
    needs no approval and the rules of its reasons do not bind. zone: the company's.

    Raises
    ------
    NotEnoughStock
        With what is available.
    PriceUnknown, and as request_return
    """
    original = await _original_order(session, request.order_id, account_id)
    asked = await request_return(
        session,
        order_id=original.id,
        goods=request.goods,
        reason=request.reason,
        by=by,
        account_id=account_id,
        lenient=lenient,
    )
    returned_minor = sum(
        _price(line.unit_price_minor, line.sku) * line.quantity for line in asked.lines
    )
    lines = _priced(original, request.replacement)
    replacement_minor = sum((line.unit_price_minor or 0) * line.quantity for line in lines)
    policy = await accounts.get_return_policy(session, original.account_id)
    replacement = await orders.capture_order(
        session, _draft(original, request, asked, lines, policy), by=by, zone=zone
    )
    now = clock.now()
    row = Exchange(
        id=new_id(),
        return_id=asked.id,
        order_id=replacement.id,
        account_id=original.account_id,
        state="created",
        currency=original.currency,
        returned_minor=returned_minor,
        replacement_minor=replacement_minor,
        credit_minor=min(returned_minor, replacement_minor),
        due_minor=max(replacement_minor - returned_minor, 0),
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    rules = await rules_for(session, original.account_id, request.goods)
    is_approved = lenient or approves_itself(request.goods, rules)
    if is_approved:
        returning = await lock_return(session, asked.id)
        await approve(session, returning, by=by)
        await book_pickup(
            session,
            returning,
            window_start_at=replacement.window_start_at,
            window_end_at=replacement.window_end_at,
            by=by,
        )
    await _reserve(session, replacement)
    await hold_back(session, row, is_approved=is_approved, by=by)
    return exchange_view(row)


async def cancel_exchange(
    session: AsyncSession,
    exchange_id: UUID,
    *,
    keep_return: bool = False,
    reason: str,
    by: str,
    account_id: UUID | None = None,
) -> ExchangeView:
    """Cancel the replacement as long as it has not left, and the return with it unless that is to
    go on alone, or the goods are on their way already. Cancelling twice is fine.

    Raises
    ------
    UnknownExchange, AlreadyShipped
    """
    row = await lock_exchange(session, exchange_id, account_id=account_id)
    if row.state == "cancelled":
        return exchange_view(row)
    await give_up(session, row, reason=reason, by=by)
    if row.state == "completed":
        order = await orders.get_order(session, row.order_id)
        raise AlreadyShipped(number=order.number, state=order.state)
    returning = await get_return(session, row.return_id)
    if not keep_return and RETURN.allows(returning.state, "cancelled"):
        await cancel_return(session, row.return_id, reason=reason, by=by)
    return exchange_view(row)


async def get_exchange(
    session: AsyncSession, exchange_id: UUID, *, account_id: UUID | None = None
) -> ExchangeView:
    row = await session.get(Exchange, exchange_id, populate_existing=True)
    if row is None or account_id not in (None, row.account_id):
        raise UnknownExchange(exchange_id=exchange_id)
    return exchange_view(row)


async def list_exchanges(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ExchangeView]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Exchange).order_by(Exchange.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Exchange.account_id == account_id)
    if state is not None:
        query = query.where(Exchange.state == state)
    if after is not None:
        query = query.where(Exchange.id < after)
    return [exchange_view(row) for row in await session.scalars(query)]


async def _original_order(
    session: AsyncSession, order_id: UUID, account_id: UUID | None
) -> OrderView:
    order = await orders.get_order(session, order_id, account_id=account_id)
    if order.kind != "goods":
        raise NothingWentOut(order_id=order_id)
    return order


async def _reserve(session: AsyncSession, replacement: OrderView) -> None:
    """Set the stock aside at once. Fulfilment asks again later, and gets what stands."""
    keeps_stock = await inventory.list_skus(session, account_id=replacement.account_id, limit=1)
    if keeps_stock:
        await inventory.allocate_stock(
            session,
            order_id=replacement.id,
            account_id=replacement.account_id,
            lines=[
                Wanted(line=number, sku=line.sku, quantity=line.quantity)
                for number, line in enumerate(replacement.lines, 1)
            ],
        )


def _priced(original: OrderView, wanted: tuple[ReplacementLine, ...]) -> tuple[OrderLine, ...]:
    sold = {line.sku: line.unit_price_minor for line in original.lines}
    return tuple(
        OrderLine(
            sku=each.sku,
            quantity=each.quantity,
            description=each.description,
            unit_price_minor=_price(
                sold.get(each.sku) if each.unit_price_minor is None else each.unit_price_minor,
                each.sku,
            ),
        )
        for each in wanted
    )


def _price(unit_price_minor: int | None, sku: str) -> int:
    if unit_price_minor is None:
        raise PriceUnknown(sku=sku)
    return unit_price_minor


def _draft(
    original: OrderView,
    request: ExchangeRequest,
    asked: ReturnView,
    lines: tuple[OrderLine, ...],
    policy: ReturnPolicy,
) -> OrderDraft:
    """The same goods and other goods to the same door."""
    taken = ", ".join(f"{line.quantity} x {line.sku}" for line in asked.lines)
    otherwise = "hand it over all the same" if policy.swap_without_old else "keep it"
    note = (
        f"Exchange {asked.rma}: take back {taken[:300]}, then hand this over. "
        f"If the old goods are not there, {otherwise}."
    )
    return OrderDraft(
        account_id=original.account_id,
        kind="goods",
        channel=CHANNEL,
        external_id=asked.rma,
        reference=f"Exchange for {original.number}",
        cost_centre=original.cost_centre,
        origin="exchange",
        origin_order_id=original.id,
        consignee=original.consignee,
        lines=lines,
        window_start_at=request.window_start_at,
        window_end_at=request.window_end_at,
        instructions=note,
        skills=original.skills,
        proof=original.proof,
        pin=original.pin,
        currency=original.currency,
    )
