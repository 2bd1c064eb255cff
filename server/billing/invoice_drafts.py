"""Use cases: turn uninvoiced charges into drafts, and discard drafts again.

A draft has no number and burns none. What an account gets back, negative charges, becomes credit
notes. A charge stands on one line of one paper, which the database sees to.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import batched
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.invoice_errors import (
    CorrectedByDraft,
    IssuedAlready,
    NothingToInvoice,
    UnknownInvoice,
)
from server.billing.invoice_models import Invoice, InvoiceLine
from server.billing.invoice_parties import Buyer
from server.billing.invoice_pricing import price_lines
from server.billing.invoice_views import InvoiceKind, InvoiceSummary, summary_of
from server.billing.models import Charge
from server.billing.profiles import get_company, lock_books
from server.identity.service import record_audit
from server.kit import clock

LINES_MAX = 2000
"""More lines than this go on another invoice: a paper has to stay one that a person can read."""

CHARGES_MAX = 20_000
"""Of one account in one transaction; the rest is drafted by asking again."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Charges that are not drafted, and why."""

    currency: str
    charges: int
    reason: str


class Drafts(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[InvoiceSummary, ...]
    left_out: tuple[LeftOut, ...]


class Uninvoiced(msgspec.Struct, frozen=True, kw_only=True):
    """What waits on no invoice yet."""

    account_id: UUID
    currency: str
    charges: int
    net_minor: int
    oldest_at: datetime


async def draft_invoices(
    session: AsyncSession, account_id: UUID, *, until: datetime, by: str
) -> Drafts:
    """Draft what happened before `until` and is on no paper yet, by the account's own rule.

    Raises
    ------
    UnknownAccount, NoBillingProfile, NoVatRate, NothingToInvoice
    """
    account = await accounts.get_account(session, account_id)
    buyer = await lock_books(session, account_id)
    waiting = _waiting(Charge.account_id == account_id, Charge.occurred_at < until)
    rows = await session.scalars(
        waiting.where(Charge.currency == account.currency).order_by(Charge.id).limit(CHARGES_MAX)
    )
    charges = rows.all()
    left_out = await _count_left_out(session, account_id, account.currency, until)
    if not charges and not left_out:
        raise NothingToInvoice
    papers: list[tuple[InvoiceKind, UUID | None, Sequence[Charge]]] = [
        ("invoice", None, group) for group in _invoices(charges, buyer)
    ]
    drafts = [await _draft(session, *paper, buyer=buyer, by=by) for paper in papers]
    papers = [("credit_note", *each) for each in await _credit_notes(session, charges)]
    drafts += [await _draft(session, *paper, buyer=buyer, by=by) for paper in papers]
    await record_audit(
        session,
        by=by,
        action="invoices.drafted",
        subject=f"account:{account_id}",
        details={"drafts": [draft.id for draft in drafts]},
    )
    return Drafts(items=tuple(summary_of(draft) for draft in drafts), left_out=tuple(left_out))


async def discard_draft(session: AsyncSession, invoice_id: UUID, *, by: str) -> None:
    """Take a draft away; its charges wait again.

    Raises
    ------
    UnknownInvoice, IssuedAlready, CorrectedByDraft
    """
    account_id = await account_of(session, invoice_id)
    await lock_books(session, account_id)
    row = await session.get(Invoice, invoice_id, populate_existing=True)
    if row is None:
        raise UnknownInvoice(invoice_id=invoice_id)
    if row.state != "draft":
        raise IssuedAlready(number=row.number)
    if await session.scalar(select(Invoice.id).where(Invoice.corrects_id == invoice_id).limit(1)):
        raise CorrectedByDraft
    await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id))
    await session.delete(row)
    await session.flush()
    await record_audit(session, by=by, action="invoice.discarded", subject=f"invoice:{invoice_id}")


async def list_uninvoiced(
    session: AsyncSession, *, after: UUID | None = None, limit: int = 50
) -> list[Uninvoiced]:
    """What waits to be invoiced, of up to `limit` accounts, in the order of their ids."""
    waiting = _waiting().subquery()
    page = select(waiting.c.account_id).distinct().order_by(waiting.c.account_id).limit(limit)
    if after is not None:
        page = page.where(waiting.c.account_id > after)
    query = (
        select(
            waiting.c.account_id,
            waiting.c.currency,
            func.count(),
            func.sum(waiting.c.net_minor),
            func.min(waiting.c.occurred_at),
        )
        .where(waiting.c.account_id.in_(page))
        .group_by(waiting.c.account_id, waiting.c.currency)
        .order_by(waiting.c.account_id, waiting.c.currency)
    )
    return [
        Uninvoiced(
            account_id=account_id,
            currency=currency,
            charges=charges,
            net_minor=int(net_minor),
            oldest_at=oldest_at,
        )
        for account_id, currency, charges, net_minor, oldest_at in await session.execute(query)
    ]


async def account_of(session: AsyncSession, invoice_id: UUID) -> UUID:
    """Whose paper it is, which never changes.

    Raises
    ------
    UnknownInvoice
    """
    found = await session.scalar(select(Invoice.account_id).where(Invoice.id == invoice_id))
    if found is None:
        raise UnknownInvoice(invoice_id=invoice_id)
    return found


def _waiting(*conditions: ColumnElement[bool]) -> Any:
    on_paper = select(InvoiceLine.charge_id).where(InvoiceLine.charge_id == Charge.id)
    return select(Charge).where(~on_paper.exists(), *conditions)


async def _count_left_out(
    session: AsyncSession, account_id: UUID, currency: str, until: datetime
) -> list[LeftOut]:
    waiting = _waiting(
        Charge.account_id == account_id, Charge.occurred_at < until, Charge.currency != currency
    ).subquery()
    counted = await session.execute(
        select(waiting.c.currency, func.count()).group_by(waiting.c.currency)
    )
    return [
        LeftOut(
            currency=other,
            charges=charges,
            reason=f"The account is kept in {currency}. Reverse these and charge them in it.",
        )
        for other, charges in counted
    ]


def _invoices(charges: Sequence[Charge], buyer: Buyer) -> Iterator[Sequence[Charge]]:
    """The charges that go on one invoice each, by the account's rule."""
    groups: dict[tuple[object, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        if charge.net_minor >= 0:
            order = charge.order_id if buyer.invoice_rule == "per_order" else None
            centre = charge.cost_centre if buyer.cost_centres == "split" else ""
            groups[order, centre].append(charge)
    for group in groups.values():
        group.sort(key=lambda charge: (charge.cost_centre, charge.occurred_at, charge.id))
        yield from batched(group, LINES_MAX)


async def _credit_notes(
    session: AsyncSession, charges: Sequence[Charge]
) -> list[tuple[UUID | None, Sequence[Charge]]]:
    """The charges that go on one credit note each, with the invoice that it corrects, if any."""
    back = [charge for charge in charges if charge.net_minor < 0]
    reversed_ids = [charge.reverses_id for charge in back if charge.reverses_id]
    found = await session.execute(
        select(InvoiceLine.charge_id, InvoiceLine.invoice_id).where(
            InvoiceLine.charge_id.in_(reversed_ids)
        )
    )
    invoice_of = {charge_id: invoice_id for charge_id, invoice_id in found if charge_id}
    groups: dict[UUID | None, list[Charge]] = defaultdict(list)
    for charge in back:
        reverses = charge.reverses_id
        groups[invoice_of.get(reverses) if reverses else None].append(charge)
    return [
        (corrects_id, group)
        for corrects_id, whole in groups.items()
        for group in batched(whole, LINES_MAX)
    ]


async def _draft(
    session: AsyncSession,
    kind: InvoiceKind,
    corrects_id: UUID | None,
    charges: Sequence[Charge],
    *,
    buyer: Buyer,
    by: str,
) -> Invoice:
    company = await get_company(session, buyer.company)
    zone = ZoneInfo(company.timezone)
    days = [charge.occurred_at.astimezone(zone).date() for charge in charges]
    row = Invoice(
        kind=kind,
        state="draft",
        number=None,
        account_id=charges[0].account_id,
        company_code=buyer.company,
        corrects_id=corrects_id,
        reason="",
        currency=charges[0].currency,
        order_id=_only({charge.order_id for charge in charges}),
        cost_centre=_only({charge.cost_centre for charge in charges}) or "",
        period_from_on=min(days),
        period_to_on=max(days),
        buyer_reference=buyer.buyer_reference,
        seller=None,
        buyer=None,
        vat=[],
        net_minor=0,
        vat_minor=0,
        gross_minor=0,
        settled_minor=0,
        created_at=clock.now(),
        created_by=by,
    )
    session.add(row)
    await session.flush()
    credited = await _lines_reversed(session, charges, of=corrects_id)
    session.add_all(
        _line(row.id, number, charge, day, credited.get(charge.reverses_id))
        for number, (charge, day) in enumerate(zip(charges, days, strict=True), 1)
    )
    await session.flush()
    await price_lines(session, row, company, buyer)
    return row


async def _lines_reversed(
    session: AsyncSession, charges: Sequence[Charge], *, of: UUID | None
) -> dict[UUID | None, int]:
    """Charge -> its line on the invoice that is corrected. Who reverses what was given back is
    charged again: that corrects no paper."""
    if of is None:
        return {}
    reversed_ids = [charge.reverses_id for charge in charges if charge.reverses_id]
    found = await session.execute(
        select(InvoiceLine.charge_id, InvoiceLine.number).where(
            InvoiceLine.invoice_id == of, InvoiceLine.charge_id.in_(reversed_ids)
        )
    )
    return {charge_id: number for charge_id, number in found if charge_id}


def _line(
    invoice_id: UUID, number: int, charge: Charge, day: date, credits_line: int | None
) -> InvoiceLine:
    return InvoiceLine(
        invoice_id=invoice_id,
        number=number,
        charge_id=charge.id,
        credits_line=credits_line,
        description=charge.description,
        occurred_on=day,
        cost_centre=charge.cost_centre,
        net_minor=abs(charge.net_minor),
        vat_code=charge.vat_code,
        treatment={},
    )


def _only[T](values: set[T]) -> T | None:
    """The one value that all share; None when there are several."""
    return next(iter(values)) if len(values) == 1 else None
