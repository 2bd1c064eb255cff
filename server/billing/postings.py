"""What cash and driver settlements mean for the books: double entry, each entry in balance.

For the journal, which knows invoices and payments itself. Booked when we heard of it, so that a
period that was exported does not change any more.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.models import CashDebrief, CashTaken, Remittance, Settlement

CASH_WITH_DRIVERS = "cash_with_drivers"
CASH_OWED = "cash_owed_to_accounts"
TILL = "till"
CASH_DIFFERENCES = "cash_differences"
BANK = "bank"
FEES_WITHHELD = "fees_withheld"
"""A clearing account: the payment that CashWithheld tells of takes it back to zero."""
DRIVER_PAY = "driver_pay"
OWED_TO_DRIVERS = "owed_to_drivers"


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an entry; either debit or credit is 0, none is negative.

    entry: groups the postings of one fact, such as "cash_debrief:<id>"; they sum to zero in one
        currency. account_code: of the ledger. account_id, person_id: of whom it tells.
    """

    entry: str
    booked_at: datetime
    account_code: str
    debit_minor: int
    credit_minor: int
    currency: str
    words: str
    account_id: UUID | None = None
    person_id: UUID | None = None


async def journal_postings(
    session: AsyncSession, *, since: datetime, until: datetime
) -> list[Posting]:
    """All postings of since <= booked_at < until, in that order."""
    postings: list[Posting] = []
    for cash in await session.scalars(
        select(CashTaken).where(CashTaken.noted_at >= since, CashTaken.noted_at < until)
    ):
        postings += balanced_entry(
            f"cash_taken:{cash.id}",
            cash.noted_at,
            cash.currency,
            "Cash taken at the door",
            {CASH_WITH_DRIVERS: cash.amount_minor, CASH_OWED: -cash.amount_minor},
            account_id=cash.account_id,
            person_id=cash.driver_id,
        )
    for debrief in await session.scalars(
        select(CashDebrief).where(
            CashDebrief.debriefed_at >= since, CashDebrief.debriefed_at < until
        )
    ):
        missing_minor = debrief.expected_minor - debrief.counted_minor
        postings += balanced_entry(
            f"cash_debrief:{debrief.id}",
            debrief.debriefed_at,
            debrief.currency,
            f"Debrief of a driver. {debrief.reason}".strip(),
            {
                TILL: debrief.counted_minor,
                CASH_DIFFERENCES: missing_minor,
                CASH_WITH_DRIVERS: -debrief.expected_minor,
            },
            person_id=debrief.driver_id,
        )
    for remittance in await session.scalars(
        select(Remittance).where(Remittance.remitted_at >= since, Remittance.remitted_at < until)
    ):
        postings += balanced_entry(
            f"remittance:{remittance.id}",
            remittance.remitted_at,
            remittance.currency,
            f"Cash remitted {remittance.reference}".strip(),
            {
                CASH_OWED: remittance.gross_minor,
                BANK: remittance.withheld_minor - remittance.gross_minor,
                FEES_WITHHELD: -remittance.withheld_minor,
            },
            account_id=remittance.account_id,
        )
    for settlement in await session.scalars(
        select(Settlement).where(Settlement.closed_at >= since, Settlement.closed_at < until)
    ):
        postings += balanced_entry(
            f"settlement:{settlement.id}",
            settlement.closed_at,
            settlement.currency,
            f"Driver's pay {settlement.first_day} to {settlement.last_day}",
            {DRIVER_PAY: settlement.total_minor, OWED_TO_DRIVERS: -settlement.total_minor},
            person_id=settlement.driver_id,
        )
    return sorted(postings, key=lambda posting: (posting.booked_at, posting.entry))


def balances(postings: Sequence[Posting]) -> dict[tuple[str, str], int]:
    """(ledger account, currency) -> debits less credits; they sum to zero in each currency."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for each in postings:
        sums[each.account_code, each.currency] += each.debit_minor - each.credit_minor
    return dict(sums)


def balanced_entry(
    entry: str,
    booked_at: datetime,
    currency: str,
    words: str,
    sides: dict[str, int],
    *,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
) -> list[Posting]:
    """sides: debits, credits as negative numbers."""
    assert sum(sides.values()) == 0, f"{entry} is out of balance"
    return [
        Posting(
            entry=entry,
            booked_at=booked_at,
            account_code=account_code,
            debit_minor=max(minor, 0),
            credit_minor=max(-minor, 0),
            currency=currency,
            words=words,
            account_id=account_id,
            person_id=person_id,
        )
        for account_code, minor in sides.items()
        if minor
    ]
