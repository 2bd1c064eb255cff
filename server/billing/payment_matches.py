"""Use cases: settle invoices by payments and credit notes, by hand or on sight, and undo it.

Whoever matches holds the account's books (profiles.lock_books). Matching moves no money: what the
account owes in all is the same before and after.
"""

import re
from collections.abc import Iterable
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.events import InvoicePaid
from server.billing.invoice_errors import (
    MatchTooLarge,
    NotAnInvoice,
    NothingOpen,
    NothingUnused,
    NotIssued,
    OneSourceOnly,
    OtherAccount,
    PaymentUnassigned,
    UnknownInvoice,
    UnknownMatch,
    UnknownPayment,
)
from server.billing.invoice_lifecycle import INVOICE, state_when_settled
from server.billing.invoice_models import Invoice, InvoiceMatch, Payment
from server.billing.invoice_parties import Company
from server.billing.profiles import get_company, lock_books, today
from server.identity.service import record_audit
from server.kit import clock
from server.kit.outbox import emit

NUMBERS_MAX = 50
"""Of invoices that one remittance text may name."""


class MatchView(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a payment or a credit note settles so much of an invoice."""

    id: UUID
    invoice_id: UUID
    payment_id: UUID | None
    credit_note_id: UUID | None
    amount_minor: int
    matched_on: date
    undone_on: date | None


async def match_invoice(
    session: AsyncSession,
    invoice_id: UUID,
    *,
    payment_id: UUID | None = None,
    credit_note_id: UUID | None = None,
    amount_minor: int | None = None,
    by: str,
) -> MatchView:
    """Settle an invoice by a payment or a credit note of its account.

    amount_minor: None for as much as possible.

    Raises
    ------
    UnknownInvoice, UnknownPayment, OneSourceOnly, OtherAccount, PaymentUnassigned, NotIssued,
    NotAnInvoice, NothingOpen, NothingUnused, MatchTooLarge
    """
    if (payment_id is None) == (credit_note_id is None):
        raise OneSourceOnly
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None:
        raise UnknownInvoice(invoice_id=invoice_id)
    await lock_books(session, invoice.account_id)
    await session.refresh(invoice)
    source: Payment | Invoice
    if payment_id is not None:
        source = await load_payment(session, payment_id)
        if source.account_id is None:
            raise PaymentUnassigned
    else:
        found = await session.get(Invoice, credit_note_id, populate_existing=True)
        if found is None or found.kind != "credit_note":
            raise UnknownInvoice(invoice_id=credit_note_id)
        source = found
    if isinstance(source, Invoice) and source.state == "draft":
        raise NotIssued
    _check_open(invoice)
    if (source.account_id, source.currency) != (invoice.account_id, invoice.currency):
        raise OtherAccount
    possible_minor = min(_open_minor(invoice), _unused_minor(source))
    if possible_minor == 0:
        raise NothingUnused
    if amount_minor is not None and amount_minor > possible_minor:
        raise MatchTooLarge(possible_minor=possible_minor)
    company = await get_company(session, invoice.company_code)
    match = await _match(
        session, invoice, source, amount_minor or possible_minor, today(company), by=by
    )
    await record_audit(
        session,
        by=by,
        action="invoice.matched",
        subject=f"invoice:{invoice_id}",
        details={"match_id": match.id, "amount_minor": match.amount_minor},
    )
    return _view(match)


async def undo_match(session: AsyncSession, match_id: UUID, *, by: str) -> MatchView:
    """Take a match back: the invoice is open again, and the money unused.

    Raises
    ------
    UnknownMatch
    """
    match = await session.get(InvoiceMatch, match_id)
    if match is None:
        raise UnknownMatch(match_id=match_id)
    invoice = await session.get_one(Invoice, match.invoice_id)
    await lock_books(session, invoice.account_id)
    await session.refresh(match)
    if match.undone_on is not None:
        raise UnknownMatch(match_id=match_id)
    await session.refresh(invoice)
    match.undone_on = today(await get_company(session, invoice.company_code))
    match.undone_by = by
    _settle(invoice, -match.amount_minor)
    _use(await _source_of(session, match), -match.amount_minor)
    await session.flush()
    await record_audit(
        session,
        by=by,
        action="invoice.unmatched",
        subject=f"invoice:{invoice.id}",
        details={"match_id": match_id, "amount_minor": match.amount_minor},
    )
    return _view(match)


async def list_matches(session: AsyncSession, invoice_ids: Iterable[UUID]) -> list[MatchView]:
    """Of these invoices, undone ones too, in the order in which they were made."""
    rows = await session.scalars(
        select(InvoiceMatch)
        .where(InvoiceMatch.invoice_id.in_(list(invoice_ids)))
        .order_by(InvoiceMatch.id)
    )
    return [_view(row) for row in rows]


async def settle_by_credit_note(
    session: AsyncSession, note: Invoice, invoice_id: UUID, company: Company, *, by: str
) -> None:
    """Let a credit note settle what is open of the invoice that it corrects."""
    invoice = await session.get_one(Invoice, invoice_id, populate_existing=True)
    amount_minor = min(_open_minor(invoice), _unused_minor(note))
    if amount_minor:
        await _match(session, invoice, note, amount_minor, today(company), by=by)


async def match_on_sight(session: AsyncSession, payment: Payment, *, by: str) -> None:
    """Settle the open invoices whose numbers the payer wrote, in that order; or else the only one
    that is open with exactly this amount. Nothing else is guessed."""
    open_ones = await session.scalars(
        select(Invoice)
        .where(
            Invoice.account_id == payment.account_id,
            Invoice.currency == payment.currency,
            Invoice.kind == "invoice",
            Invoice.state.in_(("issued", "part_paid")),
        )
        .order_by(Invoice.due_on, Invoice.id)
        .execution_options(populate_existing=True)
    )
    found = {invoice.number: invoice for invoice in open_ones}
    named = [found[number] for number in numbers_in(payment.remittance) if number in found]
    exact = [each for each in found.values() if _open_minor(each) == payment.amount_minor]
    if not named and len(exact) == 1:
        named = exact
    for invoice in named:
        amount_minor = min(_open_minor(invoice), _unused_minor(payment))
        if amount_minor:
            company = await get_company(session, invoice.company_code)
            await _match(session, invoice, payment, amount_minor, today(company), by=by)


def numbers_in(remittance: str) -> list[str]:
    """What could be invoice numbers in the words of a payer, each once, in their order."""
    written = re.findall(
        r"\b([A-Z]{1,8})[-\s/]?(20[0-9]{2})[-\s/]?([0-9]{6,})\b", remittance.upper()
    )
    return list(dict.fromkeys("-".join(parts) for parts in written))[:NUMBERS_MAX]


async def load_payment(session: AsyncSession, payment_id: UUID) -> Payment:
    """The payment as it is now.

    Raises
    ------
    UnknownPayment
    """
    payment = await session.get(Payment, payment_id, populate_existing=True)
    if payment is None:
        raise UnknownPayment(payment_id=payment_id)
    return payment


async def _match(
    session: AsyncSession,
    invoice: Invoice,
    source: Payment | Invoice,
    amount_minor: int,
    day: date,
    *,
    by: str,
) -> InvoiceMatch:
    match = InvoiceMatch(
        invoice_id=invoice.id,
        payment_id=source.id if isinstance(source, Payment) else None,
        credit_note_id=source.id if isinstance(source, Invoice) else None,
        amount_minor=amount_minor,
        matched_on=day,
        matched_at=clock.now(),
        matched_by=by,
    )
    session.add(match)
    _settle(invoice, amount_minor)
    _use(source, amount_minor)
    await session.flush()
    if invoice.state == "paid":
        emit(session, InvoicePaid(invoice_id=invoice.id, account_id=invoice.account_id))
    return match


async def _source_of(session: AsyncSession, match: InvoiceMatch) -> Payment | Invoice:
    if match.payment_id is not None:
        return await load_payment(session, match.payment_id)
    return await session.get_one(Invoice, match.credit_note_id, populate_existing=True)


def _check_open(invoice: Invoice) -> None:
    if invoice.state == "draft":
        raise NotIssued
    if invoice.kind != "invoice":
        raise NotAnInvoice(number=invoice.number)
    if _open_minor(invoice) == 0:
        raise NothingOpen(number=invoice.number)


def _open_minor(invoice: Invoice) -> int:
    return invoice.gross_minor - invoice.settled_minor


def _unused_minor(source: Payment | Invoice) -> int:
    if isinstance(source, Payment):
        return source.amount_minor - source.matched_minor
    return _open_minor(source)


def _settle(invoice: Invoice, change_minor: int) -> None:
    invoice.settled_minor += change_minor
    wanted = state_when_settled(invoice.gross_minor, invoice.settled_minor)
    if wanted != invoice.state:
        INVOICE.check(invoice.state, wanted)
        invoice.state = wanted


def _use(source: Payment | Invoice, change_minor: int) -> None:
    if isinstance(source, Payment):
        source.matched_minor += change_minor
    else:
        _settle(source, change_minor)


def _view(row: InvoiceMatch) -> MatchView:
    return msgspec.convert(row, MatchView, from_attributes=True)
