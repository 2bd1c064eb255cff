"""Use cases: correct an issued invoice, which itself never changes."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.invoice_drafts import account_of
from server.billing.invoice_errors import (
    CreditExceedsLine,
    NotAnInvoice,
    NothingLeftToCredit,
    NotIssued,
    UnknownInvoice,
    UnknownInvoiceLine,
)
from server.billing.invoice_models import Invoice, InvoiceLine
from server.billing.invoice_views import (
    InvoiceView,
    credited_by_line,
    lines_of,
    view_invoice,
)
from server.billing.invoices import issue_draft
from server.billing.profiles import get_company, lock_books, today
from server.kit import clock


class CreditedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """net_minor: how much of the line is taken back; None for all that is left of it."""

    line: Annotated[int, Meta(ge=1, le=1_000_000)]
    net_minor: Annotated[int, Meta(ge=1, le=10**15)] | None = None


async def credit_invoice(
    session: AsyncSession,
    invoice_id: UUID,
    *,
    lines: Sequence[CreditedLine] = (),
    reason: str,
    by: str,
) -> InvoiceView:
    """Take back an issued invoice, or some of its lines, by a credit note that is issued at once.
    It settles what is still open of the invoice; the rest stays to the credit of the account.

    lines: none means all that is left of the invoice.

    Raises
    ------
    UnknownInvoice, NotIssued, NotAnInvoice, UnknownInvoiceLine, NothingLeftToCredit,
    CreditExceedsLine
    """
    buyer = await lock_books(session, await account_of(session, invoice_id))
    invoice = await session.get(Invoice, invoice_id, populate_existing=True)
    if invoice is None:
        raise UnknownInvoice(invoice_id=invoice_id)
    if invoice.state == "draft":
        raise NotIssued
    if invoice.kind != "invoice":
        raise NotAnInvoice(number=invoice.number)
    company = await get_company(session, invoice.company_code)
    taken = await _amounts(session, invoice, lines)
    note = Invoice(
        kind="credit_note",
        state="draft",
        number=None,
        account_id=invoice.account_id,
        company_code=invoice.company_code,
        corrects_id=invoice.id,
        reason=reason,
        currency=invoice.currency,
        order_id=invoice.order_id,
        cost_centre=invoice.cost_centre,
        period_from_on=invoice.period_from_on,
        period_to_on=invoice.period_to_on,
        buyer_reference=invoice.buyer_reference,
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
    session.add(note)
    await session.flush()
    session.add_all(
        InvoiceLine(
            invoice_id=note.id,
            number=number,
            charge_id=None,
            credits_line=line.number,
            description=line.description,
            occurred_on=today(company),
            cost_centre=line.cost_centre,
            net_minor=net_minor,
            vat_code=line.vat_code,
            treatment=line.treatment,
        )
        for number, (line, net_minor) in enumerate(taken, 1)
    )
    await session.flush()
    await issue_draft(session, note, buyer, by=by)
    return await view_invoice(session, note)


async def _amounts(
    session: AsyncSession, invoice: Invoice, wanted: Sequence[CreditedLine]
) -> list[tuple[InvoiceLine, int]]:
    """The lines of the invoice that are credited, with how much of each."""
    lines = {line.number: line for line in await lines_of(session, invoice.id)}
    credited = await credited_by_line(session, invoice.id)
    left = {number: line.net_minor - credited.get(number, 0) for number, line in lines.items()}
    if not wanted:
        wanted = [CreditedLine(line=number) for number, minor in left.items() if minor]
    taken: list[tuple[InvoiceLine, int]] = []
    for each in wanted:
        if each.line not in lines:
            raise UnknownInvoiceLine(number=invoice.number, line=each.line)
        net_minor = left[each.line] if each.net_minor is None else each.net_minor
        if net_minor > left[each.line]:
            raise CreditExceedsLine(
                line=each.line, number=invoice.number, left_minor=left[each.line]
            )
        left[each.line] -= net_minor
        taken.append((lines[each.line], net_minor))
    if not any(net_minor for _, net_minor in taken):
        raise NothingLeftToCredit(number=invoice.number)
    return [(line, net_minor) for line, net_minor in taken if net_minor]
