"""The end of a return: what is paid back, what it cost, and whom. Billing makes its papers of the
event; nothing here knows of invoices."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.kit import clock
from server.kit.outbox import emit
from server.returns.booking import move_return
from server.returns.errors import FeeTooHigh
from server.returns.events import ResolvedLine, ReturnResolved
from server.returns.exchange_progress import CLOSED, complete_if_done
from server.returns.lookup import exchange_of_return, get_return, lines_of, lock_return
from server.returns.models import Return, ReturnLine
from server.returns.reasons import fee_of, rules_of_codes
from server.returns.views import Payer, ReturnView


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """goods_minor: what the goods are worth by now. Either refund_minor is paid back, or due_minor
    is still to be paid for the replacement; in minor units of one currency."""

    goods_minor: int
    fee_minor: int
    payer: Payer
    credit_minor: int
    refund_minor: int
    due_minor: int


def refund_of(unit_price_minor: int | None, quantity: int, percent: int) -> int:
    """For these units together, a half minor unit rounded up."""
    return ((unit_price_minor or 0) * quantity * percent + 50) // 100


def balance(goods_minor: int, fee_minor: int, payer: Payer, credit_minor: int) -> Balance:
    """A fee is kept back only from the consignee, and never more of it than the goods are worth."""
    kept_minor = min(fee_minor, goods_minor) if payer == "consignee" else 0
    left_minor = goods_minor - kept_minor - credit_minor
    return Balance(
        goods_minor=goods_minor,
        fee_minor=kept_minor if payer == "consignee" else fee_minor,
        payer=payer,
        credit_minor=credit_minor,
        refund_minor=max(left_minor, 0),
        due_minor=max(-left_minor, 0),
    )


async def resolve_return(
    session: AsyncSession,
    return_id: UUID,
    *,
    fee_minor: int | None = None,
    note: str = "",
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """Reckon up a return whose goods differed from what was announced. Resolving twice is fine.

    fee_minor: instead of what its reasons say, such as 0 out of goodwill.

    Raises
    ------
    UnknownReturn, IllegalMove, FeeTooHigh
    """
    row = await lock_return(session, return_id, account_id=account_id)
    if row.state != "resolved":
        lines = await lines_of(session, [row.id])
        await resolve(session, row, lines, fee_minor=fee_minor, note=note, by=by)
    return await get_return(session, row.id)


async def resolve(
    session: AsyncSession,
    row: Return,
    lines: Sequence[ReturnLine],
    *,
    fee_minor: int | None = None,
    note: str = "",
    by: str,
) -> None:
    """With the return locked, and its exchange before it."""
    resolved = tuple(_resolved(line) for line in lines if line.disposition is not None)
    rules = await rules_of_codes(
        session, row.account_id, [line.reason_code for line in lines if line.received_quantity]
    )
    usual_minor, payer = fee_of(rules)
    goods_minor = sum(line.refund_minor for line in resolved)
    if fee_minor is not None:
        payer = payer if rules else "consignee"
        if payer == "consignee" and fee_minor > goods_minor:
            raise FeeTooHigh(fee_minor=fee_minor, refund_minor=goods_minor)
        usual_minor = fee_minor
    exchange = await exchange_of_return(session, row.id)
    credit_minor = exchange.credit_minor if exchange and exchange.state not in CLOSED else 0
    result = balance(goods_minor, usual_minor, payer, credit_minor)
    row.refund_minor, row.fee_minor = result.refund_minor, result.fee_minor
    row.due_minor = result.due_minor
    row.expires_at = None
    await move_return(session, row, "resolved", by=by, reason=note)
    await _end_journey(session, row, by=by)
    emit(
        session,
        ReturnResolved(
            return_id=row.id,
            rma=row.rma,
            kind=row.kind,
            order_id=row.order_id,
            account_id=row.account_id,
            consignment_id=row.consignment_id,
            original_consignment_id=row.original_consignment_id,
            exchange_id=exchange.id if exchange and exchange.state not in CLOSED else None,
            currency=row.currency,
            goods_minor=result.goods_minor,
            fee_minor=result.fee_minor,
            fee_payer=result.payer,
            credit_minor=result.credit_minor,
            refund_minor=result.refund_minor,
            due_minor=result.due_minor,
            lines=resolved,
        ),
    )
    if exchange is not None:
        await complete_if_done(session, exchange)


def _resolved(line: ReturnLine) -> ResolvedLine:
    quantity, percent = line.received_quantity or 0, line.refund_percent or 0
    return ResolvedLine(
        line_id=line.id,
        order_line=line.order_line,
        sku=line.sku,
        description=line.description,
        quantity=quantity,
        unit_price_minor=line.unit_price_minor,
        refund_percent=percent,
        refund_minor=refund_of(line.unit_price_minor, quantity, percent),
        disposition=line.disposition or "",
        reason_code=line.reason_code,
    )


async def _end_journey(session: AsyncSession, row: Return, *, by: str) -> None:
    """The parcels are no more: their labels mean nothing that is on the way."""
    journey_id = row.original_consignment_id if row.kind == "to_sender" else row.consignment_id
    if journey_id is None:
        return
    journey = await consignments.get_consignment(session, journey_id)
    over = ("returning",) if row.kind == "to_sender" else ("at_depot",)
    now = clock.now()
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in journey.parcels if parcel.state in over],
        state="returned",
        occurred_at=now,
        received_at=now,
        by=by,
        strict=False,
    )
