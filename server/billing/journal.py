"""The journal: every invoice, credit note, payment, and all that cash and settlements mean, as
double entry. It is read from facts that never change, and booked when they became known, so a
month that was exported stays as it was.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.csv_text import Number, csv_text
from server.billing.invoice_errors import BadPeriod
from server.billing.invoice_models import Invoice, Payment
from server.billing.invoice_xml import amount_text, rate_text
from server.billing.postings import Posting, balanced_entry, journal_postings
from server.billing.vat import VatGroup

RECEIVABLES = "receivables"
UNASSIGNED_PAYMENTS = "unassigned_payments"
DAYS_MAX = 366

COLUMNS = ("Entry", "Booked at", "Ledger account", "Debit", "Credit", "Currency", "Account", "Text")


class LedgerBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked on a ledger account in a period."""

    account_code: str
    currency: str
    debit_minor: int
    credit_minor: int


async def read_journal(session: AsyncSession, *, since: datetime, until: datetime) -> list[Posting]:
    """All postings of since <= booked_at < until, in that order.

    Raises
    ------
    BadPeriod
    """
    if not since <= until <= since + timedelta(days=DAYS_MAX):
        raise BadPeriod(days_max=DAYS_MAX)
    postings = await journal_postings(session, since=since, until=until)
    postings += await _invoice_postings(session, since, until)
    postings += await _payment_postings(session, since, until)
    return sorted(postings, key=lambda posting: (posting.booked_at, posting.entry))


def ledger_balances(postings: Sequence[Posting]) -> list[LedgerBalance]:
    """By ledger account and currency; in each currency debits and credits are equal."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for each in postings:
        debit, credit = sums.get((each.account_code, each.currency), (0, 0))
        sums[each.account_code, each.currency] = (
            debit + each.debit_minor,
            credit + each.credit_minor,
        )
    return [
        LedgerBalance(
            account_code=account_code, currency=currency, debit_minor=debit, credit_minor=credit
        )
        for (account_code, currency), (debit, credit) in sorted(sums.items())
    ]


async def journal_csv(session: AsyncSession, *, since: datetime, until: datetime) -> str:
    """The journal of a period for the accounting program.

    Raises
    ------
    BadPeriod
    """
    postings = await read_journal(session, since=since, until=until)
    owners = await accounts.get_accounts(
        session, {posting.account_id for posting in postings if posting.account_id}
    )

    def account(account_id: UUID | None) -> str:
        return owners[account_id].code if account_id in owners and account_id else ""

    return csv_text(
        COLUMNS,
        (
            (
                posting.entry,
                posting.booked_at.isoformat(),
                posting.account_code,
                Number(amount_text(posting.debit_minor, posting.currency)),
                Number(amount_text(posting.credit_minor, posting.currency)),
                posting.currency,
                account(posting.account_id),
                posting.words,
            )
            for posting in postings
        ),
    )


async def _invoice_postings(
    session: AsyncSession, since: datetime, until: datetime
) -> list[Posting]:
    """An invoice: the account owes it, we have earned the net, and owe the tax to the state."""
    postings: list[Posting] = []
    issued = await session.scalars(
        select(Invoice).where(Invoice.issued_at >= since, Invoice.issued_at < until)
    )
    for row in issued:
        sign = 1 if row.kind == "invoice" else -1
        sides = {RECEIVABLES: sign * row.gross_minor}
        for group in msgspec.convert(row.vat, tuple[VatGroup, ...]):
            treatment = group.treatment
            rate = f"{treatment.category}_{rate_text(treatment.rate_bp)}".lower()
            for name, minor in (
                (f"revenue_{rate}", group.net_minor),
                (f"vat_{rate}", group.vat_minor),
            ):
                sides[name] = sides.get(name, 0) - sign * minor
        assert row.issued_at is not None  # the query asks for it
        postings += balanced_entry(
            f"{row.kind}:{row.id}",
            row.issued_at,
            row.currency,
            f"{row.number}",
            sides,
            account_id=row.account_id,
        )
    return postings


async def _payment_postings(
    session: AsyncSession, since: datetime, until: datetime
) -> list[Posting]:
    """A payment: the money has come, and the account owes less; until somebody says whose it is,
    it waits on an account of its own."""
    postings: list[Posting] = []
    recorded = await session.scalars(
        select(Payment).where(Payment.recorded_at >= since, Payment.recorded_at < until)
    )
    for row in recorded:
        known = row.account_id is not None and row.assigned_at is None
        postings += balanced_entry(
            f"payment:{row.id}",
            row.recorded_at,
            row.currency,
            row.bank_reference,
            {
                row.paid_into: row.amount_minor,
                RECEIVABLES if known else UNASSIGNED_PAYMENTS: -row.amount_minor,
            },
            account_id=row.account_id if known else None,
        )
    assigned = await session.scalars(
        select(Payment).where(Payment.assigned_at >= since, Payment.assigned_at < until)
    )
    for row in assigned:
        assert row.assigned_at is not None  # the query asks for it
        postings += balanced_entry(
            f"payment_assigned:{row.id}",
            row.assigned_at,
            row.currency,
            row.bank_reference,
            {UNASSIGNED_PAYMENTS: row.amount_minor, RECEIVABLES: -row.amount_minor},
            account_id=row.account_id,
        )
    return postings
