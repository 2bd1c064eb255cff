"""Payments, statements, ageing and the journal over HTTP. Account users read their statements."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing import journal, payment_matches, payments, statements
from server.billing.invoice_parties import CompanyCode
from server.billing.invoice_routes import (
    COMPANY_READS,
    MAY_INVOICE,
    MAY_READ,
    as_file,
    refuse_others,
)
from server.billing.journal import LedgerBalance
from server.billing.payment_matches import MatchView
from server.billing.payments import NewPayment, PaymentView
from server.billing.profiles import get_buyer, get_company
from server.billing.statement_paper import write_statement
from server.billing.statements import Ageing, Statement
from server.identity.access import Principal
from server.kit.inputs import FilledLine, Limit, Note, check_zone
from server.kit.paging import cut_page
from server.orders.service import Currency

Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]
AmountMinor = Annotated[int, Meta(ge=1, le=10**15)]


class PaymentRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """bank_reference: the bank's own name of the line, which makes a repeat harmless.
    account_id: whose it is; null when the bank does not say."""

    company: CompanyCode
    bank_reference: FilledLine
    amount_minor: AmountMinor
    currency: Currency
    received_on: date
    remittance: Note = ""
    account_id: UUID | None = None


class Payer(msgspec.Struct, forbid_unknown_fields=True):
    account_id: UUID


class MatchRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Either payment_id or credit_note_id. amount_minor: null for as much as possible."""

    invoice_id: UUID
    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    amount_minor: AmountMinor | None = None


class PaymentPage(msgspec.Struct):
    items: list[PaymentView]
    next: UUID | None


class AgeingPage(msgspec.Struct):
    items: list[Ageing]
    next: UUID | None


class LedgerBalances(msgspec.Struct):
    items: list[LedgerBalance]


@post("/api/payments", guards=[MAY_INVOICE])
async def record_payment(
    data: JSONBody[PaymentRequest], session: Session, principal: Caller
) -> PaymentView:
    """Record money that came; it settles on sight what the payer named."""
    new = NewPayment(**msgspec.structs.asdict(data))
    return await payments.record_payment(session, new, by=principal.label)


@get("/api/payments", guards=[COMPANY_READS])
async def list_payments(
    session: Session,
    *,
    account_id: FromQuery[UUID | None] = None,
    unmatched: FromQuery[bool] = False,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> PaymentPage:
    """Newest first. unmatched: only those of which something settles no invoice yet."""
    rows = await payments.list_payments(
        session, account_id=account_id, unmatched=unmatched, after=after, limit=limit + 1
    )
    return PaymentPage(*cut_page(rows, limit))


@get("/api/payments/{payment_id:uuid}", guards=[COMPANY_READS])
async def get_payment(payment_id: FromPath[UUID], session: Session) -> PaymentView:
    """One payment."""
    return await payments.get_payment(session, payment_id)


@post("/api/payments/{payment_id:uuid}/assign", guards=[MAY_INVOICE], status_code=200)
async def assign_payment(
    payment_id: FromPath[UUID], data: JSONBody[Payer], session: Session, principal: Caller
) -> PaymentView:
    """Say whose money it is."""
    return await payments.assign_payment(session, payment_id, data.account_id, by=principal.label)


@post("/api/matches", guards=[MAY_INVOICE])
async def match_invoice(
    data: JSONBody[MatchRequest], session: Session, principal: Caller
) -> MatchView:
    """Settle an invoice by a payment or a credit note of its account."""
    return await payment_matches.match_invoice(
        session,
        data.invoice_id,
        payment_id=data.payment_id,
        credit_note_id=data.credit_note_id,
        amount_minor=data.amount_minor,
        by=principal.label,
    )


@post("/api/matches/{match_id:uuid}/undo", guards=[MAY_INVOICE], status_code=200)
async def undo_match(match_id: FromPath[UUID], session: Session, principal: Caller) -> MatchView:
    """Take a match back: the invoice is open again, and the money unused."""
    return await payment_matches.undo_match(session, match_id, by=principal.label)


@get("/api/accounts/{account_id:uuid}/statement", guards=[MAY_READ])
async def get_statement(
    account_id: FromPath[UUID],
    session: Session,
    principal: Caller,
    since: FromQuery[date],
    until: FromQuery[date],
) -> Statement:
    """Invoices, credit notes and payments of a period, with the balance after each."""
    refuse_others(principal, account_id)
    return await statements.get_statement(session, account_id, since=since, until=until)


@get(
    "/api/accounts/{account_id:uuid}/statement.pdf",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="PDF.", media_type="application/pdf")},
)
async def get_statement_pdf(
    account_id: FromPath[UUID],
    session: Session,
    principal: Caller,
    since: FromQuery[date],
    until: FromQuery[date],
) -> Response[bytes]:
    """The same as a letter in the account's language, with what is overdue at its end."""
    refuse_others(principal, account_id)
    statement = await statements.get_statement(session, account_id, since=since, until=until)
    ages = [None, *await statements.list_ageing(session, as_of=until, account_id=account_id)]
    buyer = await get_buyer(session, account_id)
    seller = await get_company(session, buyer.company)
    pdf = await asyncio.to_thread(write_statement, statement, ages[-1], seller, buyer)
    return as_file(pdf, f"statement-{since}-{until}.pdf", "application/pdf")


@get("/api/ageing", guards=[MAY_READ])
async def list_ageing(
    session: Session,
    principal: Caller,
    as_of: FromQuery[date],
    *,
    account_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> AgeingPage:
    """What each account owed at the end of a day, by how long it was overdue."""
    own = principal.own_account_only()
    if own is not None and account_id not in (None, own):
        return AgeingPage([], None)
    rows = await statements.list_ageing(
        session, as_of=as_of, account_id=own or account_id, after=after, limit=limit + 1
    )
    page = rows[:limit]
    return AgeingPage(page, page[-1].account_id if len(rows) > limit else None)


@get("/api/journal/balances", guards=[COMPANY_READS])
async def list_ledger_balances(
    session: Session, since: FromQuery[datetime], until: FromQuery[datetime]
) -> LedgerBalances:
    """What was booked on each ledger account in a period of up to a year."""
    check_zone(since, until)
    postings = await journal.read_journal(session, since=since, until=until)
    return LedgerBalances(journal.ledger_balances(postings))


@get(
    "/api/journal.csv",
    guards=[COMPANY_READS],
    responses={200: ResponseSpec(bytes, description="CSV.", media_type="text/csv")},
)
async def get_journal_csv(
    session: Session, since: FromQuery[datetime], until: FromQuery[datetime]
) -> Response[bytes]:
    """The journal of a period as double entry; every entry is in balance."""
    check_zone(since, until)
    text = await journal.journal_csv(session, since=since, until=until)
    return as_file(text.encode(), "journal.csv", "text/csv; charset=utf-8")


PAYMENT_ROUTES: list[Any] = [
    record_payment,
    list_payments,
    get_payment,
    assign_payment,
    match_invoice,
    undo_match,
    get_statement,
    get_statement_pdf,
    list_ageing,
    list_ledger_balances,
    get_journal_csv,
]
