"""Use cases: record the money that came, once per line of the bank, and find out whose it is."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.events import PaymentRecorded
from server.billing.invoice_errors import (
    OtherAccount,
    OtherPayment,
    PaidInFuture,
    PaymentAssigned,
)
from server.billing.invoice_models import Invoice, Payment
from server.billing.payment_matches import load_payment, match_on_sight, numbers_in
from server.billing.postings import BANK, FEES_WITHHELD
from server.billing.profiles import get_company, lock_books, today
from server.identity.service import record_audit
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came to one of our companies.

    bank_reference: the bank's own name of the line; the same one is recorded once.
    account_id: whose it is; None when the bank does not say. remittance: the payer's words.
    """

    company: str
    bank_reference: str
    amount_minor: int
    currency: str
    received_on: date
    remittance: str = ""
    account_id: UUID | None = None


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """unmatched_minor: what settles no invoice yet; it stands to the credit of the account."""

    id: UUID
    company_code: str | None
    account_id: UUID | None
    bank_reference: str
    amount_minor: int
    unmatched_minor: int
    currency: str
    received_on: date
    remittance: str
    recorded_at: datetime


async def record_payment(session: AsyncSession, new: NewPayment, *, by: str) -> PaymentView:
    """Record a payment, find its account by the invoice numbers that the payer wrote, and settle
    what can be settled on sight. A repeat gets the first answer; one in a transaction.

    Raises
    ------
    UnknownCompany, UnknownAccount, NoBillingProfile, OtherAccount, PaidInFuture, OtherPayment
    """
    company = await get_company(session, new.company)
    if new.received_on > today(company):
        raise PaidInFuture(received_on=new.received_on.isoformat())
    account_id = new.account_id or await _account_named(session, new)
    if account_id is not None:
        await lock_books(session, account_id)
        await _check_currency(session, account_id, new.currency)
    values = {
        "id": new_id(),
        "company_code": new.company,
        "bank_reference": new.bank_reference,
        "amount_minor": new.amount_minor,
        "currency": new.currency,
        "received_on": new.received_on,
        "remittance": new.remittance,
        "account_id": account_id,
        "credited_on": new.received_on if account_id else None,
        "paid_into": BANK,
        "matched_minor": 0,
        "recorded_at": clock.now(),
        "recorded_by": by,
    }
    payment_id = await session.scalar(
        insert(Payment)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["bank_reference"])
        .returning(Payment.id)
    )
    if payment_id is None:
        return await _recorded_before(session, new)
    payment = await load_payment(session, payment_id)
    await record_audit(
        session,
        by=by,
        action="payment.recorded",
        subject=f"payment:{payment_id}",
        details={"bank_reference": new.bank_reference, "amount_minor": new.amount_minor},
    )
    emit(session, PaymentRecorded(payment_id=payment_id, account_id=account_id))
    if account_id is not None:
        await _credit(session, payment, account_id, by=by)
    return payment_view(payment)


async def record_withheld_fees(
    session: AsyncSession,
    *,
    remittance_id: UUID,
    account_id: UUID,
    amount_minor: int,
    currency: str,
    by: str,
) -> PaymentView:
    """Count the fees that were kept from a remittance of cash as a payment of the account. What it
    settles is left to a person, since the account has not said it."""
    payment = Payment(
        company_code=None,
        bank_reference=f"remittance:{remittance_id}",
        amount_minor=amount_minor,
        currency=currency,
        received_on=clock.now().date(),
        remittance="",
        account_id=account_id,
        credited_on=clock.now().date(),
        assigned_at=None,
        paid_into=FEES_WITHHELD,
        matched_minor=0,
        recorded_at=clock.now(),
        recorded_by=by,
    )
    session.add(payment)
    await session.flush()
    await accounts.add_to_owed(session, account_id, -amount_minor, by=by)
    return payment_view(payment)


async def assign_payment(
    session: AsyncSession, payment_id: UUID, account_id: UUID, *, by: str
) -> PaymentView:
    """Say whose money it is. A repeat changes nothing.

    Raises
    ------
    UnknownPayment, UnknownAccount, NoBillingProfile, PaymentAssigned, OtherAccount
    """
    await lock_books(session, account_id)
    payment = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    payment = payment or await load_payment(session, payment_id)
    if payment.account_id == account_id:
        return payment_view(payment)
    if payment.account_id is not None:
        raise PaymentAssigned
    await _check_currency(session, account_id, payment.currency)
    assert payment.company_code is not None  # it came by the bank
    company = await get_company(session, payment.company_code)
    payment.account_id = account_id
    payment.credited_on = today(company)
    payment.assigned_at = clock.now()
    await session.flush()
    await record_audit(
        session,
        by=by,
        action="payment.assigned",
        subject=f"payment:{payment_id}",
        details={"account_id": account_id},
    )
    await _credit(session, payment, account_id, by=by)
    return payment_view(payment)


async def get_payment(session: AsyncSession, payment_id: UUID) -> PaymentView:
    """Raises UnknownPayment."""
    return payment_view(await load_payment(session, payment_id))


async def list_payments(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    unmatched: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> list[PaymentView]:
    """Newest first. unmatched: only those of which something settles no invoice yet."""
    query = select(Payment).order_by(Payment.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Payment.account_id == account_id)
    if unmatched:
        query = query.where(Payment.matched_minor < Payment.amount_minor)
    if after is not None:
        query = query.where(Payment.id < after)
    return [payment_view(row) for row in await session.scalars(query)]


async def _account_named(session: AsyncSession, new: NewPayment) -> UUID | None:
    """The one account whose invoices the payer named, in this currency; None if unclear."""
    numbers = numbers_in(new.remittance)
    found = await session.scalars(
        select(Invoice.account_id)
        .where(Invoice.number.in_(numbers), Invoice.currency == new.currency)
        .distinct()
    )
    accounts_named = found.all()
    return accounts_named[0] if len(accounts_named) == 1 else None


async def _check_currency(session: AsyncSession, account_id: UUID, currency: str) -> None:
    if (await accounts.get_account(session, account_id)).currency != currency:
        raise OtherAccount


async def _recorded_before(session: AsyncSession, new: NewPayment) -> PaymentView:
    row = await session.scalar(select(Payment).where(Payment.bank_reference == new.bank_reference))
    assert row is not None  # it was in the way just now, and payments are never deleted
    for name, was, now in (
        ("amount_minor", row.amount_minor, new.amount_minor),
        ("currency", row.currency, new.currency),
        ("received_on", row.received_on, new.received_on),
        ("company", row.company_code, new.company),
    ):
        if was != now:
            raise OtherPayment(
                bank_reference=new.bank_reference, difference=f"{name} was {was}, not {now}"
            )
    return payment_view(row)


async def _credit(session: AsyncSession, payment: Payment, account_id: UUID, *, by: str) -> None:
    await accounts.add_to_owed(session, account_id, -payment.amount_minor, by=by)
    await match_on_sight(session, payment, by=by)


def payment_view(row: Payment) -> PaymentView:
    return PaymentView(
        id=row.id,
        company_code=row.company_code,
        account_id=row.account_id,
        bank_reference=row.bank_reference,
        amount_minor=row.amount_minor,
        unmatched_minor=row.amount_minor - row.matched_minor,
        currency=row.currency,
        received_on=row.received_on,
        remittance=row.remittance,
        recorded_at=row.recorded_at,
    )
