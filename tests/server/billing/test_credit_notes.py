"""Credit notes: an invoice is never edited, and never credited beyond what it says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.billing.invoice_errors import (
    CreditExceedsLine,
    NotAnInvoice,
    NothingLeftToCredit,
    NotIssued,
    UnknownInvoiceLine,
)
from server.billing.service import CreditedLine, InvoiceView
from server.billing.vat import VatTreatment, tax_minor, vat_groups
from server.kit import clock
from server.kit.db import Database
from tests.server.billing.bookkeeping import Office


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


async def test_a_whole_credit_settles_the_whole_invoice(office: Office) -> None:
    acme = await office.account()
    invoice = await office.invoice(acme, 500, 700)
    note = await office.credit(invoice.id)
    assert (note.number, note.corrects_number) == ("CN-2026-000001", invoice.number)
    assert (note.gross_minor, note.reason) == (invoice.gross_minor, "Damaged")
    after = await office.get(invoice.id)
    assert (after.state, after.open_minor) == ("paid", 0)
    assert [line.credited_minor for line in after.lines] == [500, 700]
    assert await office.owed_minor(acme) == 0
    with pytest.raises(NothingLeftToCredit):
        await office.credit(invoice.id)


async def test_one_rounding_for_all_partial_credits_leaves_no_cent_open(office: Office) -> None:
    """A mistake of others: one rounding per place, cents open for ever."""
    acme = await office.account()
    invoice = await office.invoice(acme, 13)
    assert invoice.gross_minor == 15
    notes = [await office.credit(invoice.id, CreditedLine(line=1, net_minor=1)) for _ in range(13)]
    assert sum(note.vat_minor for note in notes) == invoice.vat_minor == 2
    assert (await office.get(invoice.id)).state == "paid"
    assert await office.owed_minor(acme) == 0


async def test_a_line_is_credited_no_further_than_it_goes(office: Office) -> None:
    invoice = await office.invoice(await office.account(), 500, 700)
    await office.credit(invoice.id, CreditedLine(line=1, net_minor=400))
    for lines, error in (
        ([CreditedLine(line=1, net_minor=101)], CreditExceedsLine),
        (
            [CreditedLine(line=1, net_minor=60), CreditedLine(line=1, net_minor=60)],
            CreditExceedsLine,
        ),
        ([CreditedLine(line=3)], UnknownInvoiceLine),
    ):
        with pytest.raises(error):
            await office.credit(invoice.id, *lines)
    rest = await office.credit(invoice.id)
    assert [line.net_minor for line in rest.lines] == [100, 700]


async def test_a_refund_by_charge_and_a_credit_by_hand_do_not_add_up_to_more_than_the_line(
    office: Office,
) -> None:
    acme = await office.account()
    (charge,) = await office.charge(acme, 500)
    (draft,) = await office.draft(acme)
    invoice = await office.issue(draft)
    await office.charge(acme, -500, reverses_id=charge)
    (back,) = await office.draft(acme)
    await office.credit(invoice.id, CreditedLine(line=1, net_minor=1))
    with pytest.raises(CreditExceedsLine, match="only 499 minor units"):
        await office.issue(back)


async def test_a_draft_and_a_credit_note_cannot_be_credited(office: Office) -> None:
    acme = await office.account()
    await office.charge(acme, 500)
    (draft,) = await office.draft(acme)
    with pytest.raises(NotIssued):
        await office.credit(draft)
    await office.issue(draft)
    note = await office.credit(draft)
    with pytest.raises(NotAnInvoice):
        await office.credit(note.id)


async def test_ten_who_credit_the_same_line_at_once_get_it_once(own_db: Database) -> None:
    office = Office(own_db)
    with clock.running(lambda: office.now):
        await office.open()
        acme = await office.account()
        invoice = await office.invoice(acme, 500, 700)
        answers = await asyncio.gather(
            *(office.credit(invoice.id, CreditedLine(line=1)) for _ in range(10)),
            return_exceptions=True,
        )
        given = [each for each in answers if isinstance(each, InvoiceView)]
        refused = {type(each) for each in answers if isinstance(each, Exception)}
        assert (len(given), refused) == (1, {NothingLeftToCredit})
        assert await office.owed_minor(acme) == invoice.gross_minor - given[0].gross_minor


@given(
    parts=st.lists(st.integers(0, 10_000), min_size=1, max_size=12),
    rate_bp=st.sampled_from([0, 250, 700, 810, 1900, 2550]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tax_of_the_parts_is_the_tax_of_the_whole(parts: list[int], rate_bp: int) -> None:
    treatment = VatTreatment(category="S", rate_bp=rate_bp)
    taxes = []
    for number, part in enumerate(parts):
        before = {treatment: sum(parts[:number])}
        (group,) = vat_groups([(treatment, part)], before)
        assert 0 <= group.vat_minor <= tax_minor(part, rate_bp) + 1
        taxes.append(group.vat_minor)
    assert sum(taxes) == tax_minor(sum(parts), rate_bp)
