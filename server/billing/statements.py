"""Use cases: what an account was billed and has paid in a period, and how old its debts are."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute as Attribute

from server.accounts import service as accounts
from server.billing.invoice_errors import BadPeriod
from server.billing.invoice_models import Invoice, InvoiceMatch, Payment

DAYS_MAX = 3660
LINES_MAX = 10_000


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """amount_minor: what it adds to the debt; credit notes and payments are negative."""

    day: date
    kind: Literal["invoice", "credit_note", "payment"]
    id: UUID
    name: str
    amount_minor: int
    balance_minor: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """In minor units of the account's currency; balances are what the account owes."""

    account_id: UUID
    currency: str
    since: date
    until: date
    opening_minor: int
    lines: tuple[StatementLine, ...]
    closing_minor: int


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """What an account owed at the end of a day, by how long it was overdue, in days.

    credit_minor: payments and credit notes that settled nothing yet.
    total_minor: all of it, less that credit; what a statement of that day closes with.
    """

    account_id: UUID
    currency: str
    current_minor: int
    days_1_to_30_minor: int
    days_31_to_60_minor: int
    days_61_to_90_minor: int
    days_over_90_minor: int
    credit_minor: int
    total_minor: int


async def get_statement(
    session: AsyncSession, account_id: UUID, *, since: date, until: date
) -> Statement:
    """since, until: the first and the last day.

    Raises
    ------
    UnknownAccount, BadPeriod
    """
    if not 0 <= (until - since).days <= DAYS_MAX:
        raise BadPeriod(days_max=DAYS_MAX)
    account = await accounts.get_account(session, account_id)
    facts = _facts(account_id).subquery()
    opening = await session.scalar(
        select(func.coalesce(func.sum(facts.c.amount_minor), 0)).where(facts.c.day < since)
    )
    balance = opening_minor = int(opening or 0)
    lines: list[StatementLine] = []
    rows = await session.execute(
        select(facts)
        .where(facts.c.day.between(since, until))
        .order_by(facts.c.day, facts.c.id)
        .limit(LINES_MAX + 1)
    )
    for day, kind, fact_id, name, amount_minor in rows:
        balance += amount_minor
        lines.append(
            StatementLine(
                day=day,
                kind=kind,
                id=fact_id,
                name=name,
                amount_minor=amount_minor,
                balance_minor=balance,
            )
        )
    if len(lines) > LINES_MAX:
        raise BadPeriod(days_max=max((lines[-1].day - since).days - 1, 0))
    return Statement(
        account_id=account_id,
        currency=account.currency,
        since=since,
        until=until,
        opening_minor=opening_minor,
        lines=tuple(lines),
        closing_minor=balance,
    )


async def list_ageing(
    session: AsyncSession,
    *,
    as_of: date,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Ageing]:
    """Account by account what was open at the end of the day `as_of`."""
    items = _open_items(as_of).subquery()
    overdue = literal(as_of) - items.c.due_on

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, items.c.open_minor))), 0)

    is_debt = items.c.kind == "invoice"
    query = (
        select(
            items.c.account_id,
            items.c.currency,
            total(and_(is_debt, overdue <= 0)),
            total(and_(is_debt, overdue.between(1, 30))),
            total(and_(is_debt, overdue.between(31, 60))),
            total(and_(is_debt, overdue.between(61, 90))),
            total(and_(is_debt, overdue > 90)),
            total(~is_debt),
        )
        .group_by(items.c.account_id, items.c.currency)
        .order_by(items.c.account_id)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(items.c.account_id == account_id)
    if after is not None:
        query = query.where(items.c.account_id > after)
    return [_ageing(*row) for row in await session.execute(query)]


def _ageing(account_id: UUID, currency: str, *sums: int) -> Ageing:
    current, to_30, to_60, to_90, over_90, credit = map(int, sums)
    return Ageing(
        account_id=account_id,
        currency=currency,
        current_minor=current,
        days_1_to_30_minor=to_30,
        days_31_to_60_minor=to_60,
        days_61_to_90_minor=to_90,
        days_over_90_minor=over_90,
        credit_minor=credit,
        total_minor=current + to_30 + to_60 + to_90 + over_90 - credit,
    )


def _facts(account_id: UUID) -> Select[tuple[date, str, UUID, str, int]]:
    """What changed the debt of an account, as (day, kind, id, name, amount_minor)."""
    sign = case((Invoice.kind == "invoice", 1), else_=-1)
    invoices = select(
        Invoice.issued_on.label("day"),
        Invoice.kind.label("kind"),
        Invoice.id.label("id"),
        Invoice.number.label("name"),
        (sign * Invoice.gross_minor).label("amount_minor"),
    ).where(Invoice.account_id == account_id, Invoice.state != "draft")
    payments = select(
        Payment.credited_on,
        literal("payment"),
        Payment.id,
        Payment.bank_reference,
        -Payment.amount_minor,
    ).where(Payment.account_id == account_id)
    facts = union_all(invoices, payments).subquery()
    return select(facts)


def _open_items(as_of: date) -> Select[tuple[UUID, str, str, date, int]]:
    """Invoices, credit notes and payments, and what of each was open at the end of the day."""

    def matched(column: Attribute[Any], wanted: Attribute[UUID]) -> ScalarSelect[int]:
        return (
            select(func.coalesce(func.sum(InvoiceMatch.amount_minor), 0))
            .where(
                column == wanted,
                InvoiceMatch.matched_on <= as_of,
                or_(InvoiceMatch.undone_on.is_(None), InvoiceMatch.undone_on > as_of),
            )
            .scalar_subquery()
        )

    used = case(
        (Invoice.kind == "invoice", matched(InvoiceMatch.invoice_id, Invoice.id)),
        else_=matched(InvoiceMatch.credit_note_id, Invoice.id),
    )
    papers = select(
        Invoice.account_id.label("account_id"),
        Invoice.currency.label("currency"),
        Invoice.kind.label("kind"),
        Invoice.due_on.label("due_on"),
        (Invoice.gross_minor - used).label("open_minor"),
    ).where(Invoice.state != "draft", Invoice.issued_on <= as_of)
    payments = select(
        Payment.account_id,
        Payment.currency,
        literal("payment"),
        Payment.credited_on,
        Payment.amount_minor - matched(InvoiceMatch.payment_id, Payment.id),
    ).where(Payment.credited_on <= as_of)
    items = union_all(papers, payments).subquery()
    return select(items)
