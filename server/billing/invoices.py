"""Use cases: issue a draft. From then on it has its number and never changes."""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.events import InvoiceIssued
from server.billing.invoice_drafts import account_of
from server.billing.invoice_errors import (
    CreditExceedsLine,
    IssuedAlready,
    IssueInvoiceFirst,
    UnknownInvoice,
)
from server.billing.invoice_lifecycle import INVOICE, state_when_settled
from server.billing.invoice_models import Invoice, NumberSeries
from server.billing.invoice_parties import Buyer, Company
from server.billing.invoice_pricing import price_lines
from server.billing.invoice_views import (
    InvoiceView,
    credited_by_line,
    lines_of,
    view_invoice,
)
from server.billing.payment_matches import settle_by_credit_note
from server.billing.profiles import get_company, lock_books, today
from server.identity.service import record_audit
from server.kit import clock
from server.kit.outbox import emit


async def issue_invoice(session: AsyncSession, invoice_id: UUID, *, by: str) -> InvoiceView:
    """Give a draft, of an invoice or a credit note, its number. Issue one in a transaction: its
    series is locked until the end of it.

    Raises
    ------
    UnknownInvoice, IssuedAlready, NoBillingProfile, NoVatRate, IssueInvoiceFirst, CreditExceedsLine
    """
    buyer = await lock_books(session, await account_of(session, invoice_id))
    row = await session.get(Invoice, invoice_id, populate_existing=True)
    if row is None:
        raise UnknownInvoice(invoice_id=invoice_id)
    if row.state != "draft":
        raise IssuedAlready(number=row.number)
    await issue_draft(session, row, buyer, by=by)
    return await view_invoice(session, row)


async def issue_draft(session: AsyncSession, row: Invoice, buyer: Buyer, *, by: str) -> None:
    """Issue a draft of an account whose books are locked."""
    if buyer.company != row.company_code:
        # The account has moved to another of our companies since; the paper moves with it.
        row.company_code = buyer.company
    company = await get_company(session, row.company_code)
    if row.corrects_id is not None:
        await _check_left(session, row, row.corrects_id)
    await price_lines(session, row, company, buyer)
    INVOICE.check(row.state, "issued")
    row.issued_on = today(company)
    row.issued_at = clock.now()
    row.due_on = row.issued_on + timedelta(days=buyer.payment_days)
    account = await accounts.get_account(session, row.account_id)
    row.buyer_reference = buyer.buyer_reference or account.code
    row.seller = msgspec.to_builtins(company)
    row.buyer = msgspec.to_builtins(buyer)
    row.number = await _next_number(session, row, company)
    row.state = state_when_settled(row.gross_minor, 0)
    await session.flush()
    sign = 1 if row.kind == "invoice" else -1
    await accounts.add_to_owed(session, row.account_id, sign * row.gross_minor, by=by)
    if row.corrects_id is not None:
        await settle_by_credit_note(session, row, row.corrects_id, company, by=by)
    await record_audit(
        session,
        by=by,
        action=f"{row.kind}.issued",
        subject=f"invoice:{row.id}",
        details={"number": row.number, "gross_minor": row.gross_minor, "currency": row.currency},
    )
    emit(
        session,
        InvoiceIssued(
            invoice_id=row.id,
            kind=row.kind,
            number=row.number,
            account_id=row.account_id,
            gross_minor=row.gross_minor,
            currency=row.currency,
        ),
    )


async def _next_number(session: AsyncSession, row: Invoice, company: Company) -> str:
    """The next number of its series; whoever wants one after it waits for our commit, so that a
    number that is not used after all is given to them."""
    assert row.issued_on is not None  # set just before
    is_invoice = row.kind == "invoice"
    prefix = company.invoice_prefix if is_invoice else company.credit_note_prefix
    year = row.issued_on.year
    number = await session.scalar(
        insert(NumberSeries)
        .values(prefix=prefix, year=year, last_number=1)
        .on_conflict_do_update(
            index_elements=["prefix", "year"],
            set_={"last_number": NumberSeries.last_number + 1},
        )
        .returning(NumberSeries.last_number)
    )
    return f"{prefix}-{year}-{number:06d}"


async def _check_left(session: AsyncSession, row: Invoice, corrects_id: UUID) -> None:
    """No line is credited beyond what it says."""
    corrected = await session.get_one(Invoice, corrects_id)
    if corrected.state == "draft":
        raise IssueInvoiceFirst
    credited = await credited_by_line(session, corrects_id)
    left = {
        line.number: line.net_minor - credited.get(line.number, 0)
        for line in await lines_of(session, corrects_id)
    }
    for line in await lines_of(session, row.id):
        if line.credits_line is None:
            continue
        if line.net_minor > left[line.credits_line]:
            raise CreditExceedsLine(
                line=line.credits_line,
                number=corrected.number,
                left_minor=left[line.credits_line],
            )
        left[line.credits_line] -= line.net_minor
