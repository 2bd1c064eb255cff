"""Payments: recorded once, matched on sight or by hand, unmatched again, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.billing import service as billing
from server.billing.invoice_errors import (
    MatchTooLarge,
    NothingOpen,
    NothingUnused,
    OneSourceOnly,
    OtherAccount,
    OtherPayment,
    PaidInFuture,
    PaymentAssigned,
    PaymentUnassigned,
    UnknownMatch,
)
from server.kit import clock
from server.kit.db import Database
from tests.server.billing.bookkeeping import Office


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


@pytest.mark.parametrize(
    "remittance",
    [
        "INV-2026-000001",
        "Rechnung inv 2026 000001, danke",
        "RE/INV2026000001",
        "x INV/2026/000001 y",
    ],
)
async def test_the_number_that_the_payer_wrote_finds_account_and_invoice(
    office: Office, remittance: str
) -> None:
    acme = await office.account()
    invoice = await office.invoice(acme, 500)
    payment = await office.pay(595, remittance=remittance)
    assert (payment.account_id, payment.unmatched_minor) == (acme, 0)
    assert (await office.get(invoice.id)).state == "paid"
    assert await office.owed_minor(acme) == 0


async def test_one_payment_for_several_invoices_goes_in_the_order_that_was_written(
    office: Office,
) -> None:
    acme = await office.account()
    first, second = await office.invoice(acme, 500), await office.invoice(acme, 700)
    await office.pay(1000, remittance=f"{second.number} und {first.number}")
    assert [(await office.get(each.id)).open_minor for each in (first, second)] == [428, 0]
    assert (await office.get(first.id)).state == "part_paid"


async def test_the_exact_amount_is_matched_only_when_it_is_clear(office: Office) -> None:
    acme = await office.account()
    only = await office.invoice(acme, 500)
    assert (await office.pay(595, account_id=acme)).unmatched_minor == 0
    assert (await office.get(only.id)).state == "paid"
    for _ in range(2):
        await office.invoice(acme, 700)
    assert (await office.pay(833, account_id=acme)).unmatched_minor == 833


async def test_what_is_paid_too_much_stays_to_the_credit_of_the_account(office: Office) -> None:
    acme = await office.account()
    await office.invoice(acme, 500)
    payment = await office.pay(1000, remittance="INV-2026-000001")
    assert payment.unmatched_minor == 405
    assert await office.owed_minor(acme) == -405
    later = await office.invoice(acme, 100)
    match = await office.match(later.id, payment_id=payment.id)
    assert match.amount_minor == 119
    async with office.db.transaction() as session:
        (shown,) = await billing.list_payments(session, unmatched=True)
    assert (shown.id, shown.unmatched_minor) == (payment.id, 286)


async def test_the_same_line_of_the_bank_is_recorded_once(office: Office) -> None:
    acme = await office.account()
    first = await office.pay(500, account_id=acme, bank_reference="B1")
    again = await office.pay(500, account_id=acme, bank_reference="B1")
    assert again == first
    assert await office.owed_minor(acme) == -500
    with pytest.raises(OtherPayment, match="amount_minor was 500, not 501"):
        await office.pay(501, account_id=acme, bank_reference="B1")


async def test_the_same_line_sent_by_ten_at_once_is_recorded_once(own_db: Database) -> None:
    office = Office(own_db)
    with clock.running(lambda: office.now):
        await office.open()
        acme = await office.account()
        invoice = await office.invoice(acme, 500)
        paid = await asyncio.gather(
            *(
                office.pay(595, remittance=str(invoice.number), bank_reference="B")
                for _ in range(10)
            )
        )
        assert len({payment.id for payment in paid}) == 1
        assert await office.owed_minor(acme) == 0


async def test_two_payments_at_once_never_pay_an_invoice_twice(own_db: Database) -> None:
    office = Office(own_db)
    with clock.running(lambda: office.now):
        await office.open()
        acme = await office.account()
        invoice = await office.invoice(acme, 500)
        paid = await asyncio.gather(
            *(office.pay(400, remittance=str(invoice.number)) for _ in range(6))
        )
        async with own_db.transaction() as session:
            found = await billing.list_payments(session, account_id=acme)
        assert sum(payment.unmatched_minor for payment in found) == 6 * 400 - 595
        assert (await office.get(invoice.id)).state == "paid"
        assert len(paid) == 6
        assert await office.owed_minor(acme) == 595 - 2400


async def test_a_payment_of_nobody_waits_until_somebody_says_whose_it_is(office: Office) -> None:
    acme, beta = await office.account(), await office.account("BETA")
    invoice = await office.invoice(acme, 500)
    payment = await office.pay(595, remittance="thanks")
    assert payment.account_id is None
    with pytest.raises(PaymentUnassigned):
        await office.match(invoice.id, payment_id=payment.id)
    async with office.db.transaction() as session:
        assigned = await billing.assign_payment(session, payment.id, acme, by="test")
    assert assigned.unmatched_minor == 0  # it was exactly what is open
    assert await office.owed_minor(acme) == 0
    with pytest.raises(PaymentAssigned):
        async with office.db.transaction() as session:
            await billing.assign_payment(session, payment.id, beta, by="test")


async def test_a_name_that_two_accounts_could_mean_is_nobody(office: Office) -> None:
    acme, beta = await office.account(), await office.account("BETA")
    one, two = await office.invoice(acme, 500), await office.invoice(beta, 500)
    payment = await office.pay(595, remittance=f"{one.number} {two.number}")
    assert payment.account_id is None


async def test_an_undone_match_opens_the_invoice_and_frees_the_money(office: Office) -> None:
    acme = await office.account()
    invoice = await office.invoice(acme, 500)
    payment = await office.pay(600, account_id=acme)
    match = await office.match(invoice.id, payment_id=payment.id, amount_minor=400)
    assert (await office.get(invoice.id)).state == "part_paid"
    await office.undo(match.id)
    assert (await office.get(invoice.id)).state == "issued"
    with pytest.raises(UnknownMatch):
        await office.undo(match.id)
    async with office.db.transaction() as session:
        assert (await billing.get_payment(session, payment.id)).unmatched_minor == 600
        (kept,) = await billing.list_matches(session, [invoice.id])
    assert kept.undone_on is not None
    assert await office.owed_minor(acme) == -5


async def test_what_cannot_be_matched_is_refused_with_the_reason(office: Office) -> None:
    acme, beta = await office.account(), await office.account("BETA")
    invoice, other = await office.invoice(acme, 500), await office.invoice(beta, 500)
    payment = await office.pay(100, account_id=acme)
    for invoice_id, fields, error in (
        (invoice.id, {}, OneSourceOnly),
        (invoice.id, {"payment_id": payment.id, "amount_minor": 101}, MatchTooLarge),
        (other.id, {"payment_id": payment.id}, OtherAccount),
    ):
        with pytest.raises(error):
            await office.match(invoice_id, **fields)
    await office.match(invoice.id, payment_id=payment.id)
    with pytest.raises(NothingUnused):
        await office.match(invoice.id, payment_id=payment.id)
    await office.pay(495, account_id=acme)
    with pytest.raises(NothingOpen):
        await office.match(invoice.id, payment_id=payment.id)


async def test_a_credit_note_beyond_what_is_open_pays_another_invoice(office: Office) -> None:
    acme = await office.account()
    first = await office.invoice(acme, 500)
    await office.pay(595, remittance=str(first.number))
    note = await office.credit(first.id)
    assert note.open_minor == 595
    second = await office.invoice(acme, 700)
    await office.match(second.id, credit_note_id=note.id)
    assert (await office.get(second.id)).open_minor == 238
    assert await office.owed_minor(acme) == 238


async def test_no_money_comes_from_the_future_or_in_another_currency(office: Office) -> None:
    acme = await office.account()
    with pytest.raises(PaidInFuture):
        await office.pay(100, received_on=office.now.date() + timedelta(days=1))
    with pytest.raises(OtherAccount):
        await office.pay(100, account_id=acme, currency="CHF")


@pytest.mark.parametrize(
    "change", ["amount_minor = 1", "account_id = null, credited_on = null", "received_on = now()"]
)
async def test_the_database_itself_refuses_to_change_a_payment(office: Office, change: str) -> None:
    await office.pay(100, account_id=await office.account())
    for statement in (f"update payment set {change}", "delete from payment"):
        with pytest.raises(DBAPIError, match=r"never changes"):
            async with office.db.transaction() as session:
                await session.execute(text(statement))
