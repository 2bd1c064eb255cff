"""From charges to issued invoices that never change, with numbers that leave no gap."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.billing import service as billing
from server.billing.invoice_errors import (
    BadCountry,
    BadIban,
    BadVatId,
    CorrectedByDraft,
    IssuedAlready,
    IssueInvoiceFirst,
    NoBillingProfile,
    NothingToInvoice,
    NoVatRate,
    PrefixTaken,
)
from server.billing.service import VatRateView
from server.kit import clock
from server.kit.db import Database
from tests.server.billing.bookkeeping import BERLIN, BUYER, COMPANY, VIENNA, Office

replace = msgspec.structs.replace


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


async def test_a_month_of_charges_becomes_one_invoice_with_exact_sums(office: Office) -> None:
    acme = await office.account()
    await office.charge(acme, 1_05, 2_07, 99)
    await office.charge(acme, 5_00, vat_code="reduced")
    (draft,) = await office.draft(acme)
    invoice = await office.issue(draft)
    assert invoice.number == "INV-2026-000001"
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 3, 2), date(2026, 3, 16))
    assert [(g.treatment.rate_bp, g.net_minor, g.vat_minor) for g in invoice.vat] == [
        (1900, 411, 78),
        (700, 500, 35),
    ]
    assert (invoice.net_minor, invoice.vat_minor, invoice.gross_minor) == (911, 113, 1024)
    assert await office.owed_minor(acme) == 1024
    assert (invoice.buyer, invoice.seller) == (BUYER, COMPANY)


async def test_a_charge_stands_on_one_invoice_only(office: Office) -> None:
    acme = await office.account()
    await office.charge(acme, 500)
    await office.draft(acme)
    with pytest.raises(NothingToInvoice):
        await office.draft(acme)


async def test_numbers_are_not_burnt_by_drafts(office: Office) -> None:
    """A mistake of others: invoice numbers burnt by drafts."""
    acme = await office.account()
    for turn in range(3):
        await office.charge(acme, 500)
        (draft,) = await office.draft(acme)
        async with office.db.transaction() as session:
            await billing.discard_draft(session, draft, by="test")
        issued = await office.invoice(acme, 100)
        assert issued.number == f"INV-2026-00000{turn + 1}"
        assert issued.net_minor == 600  # what was on the discarded draft waited again


async def test_each_year_and_each_company_counts_for_itself(office: Office) -> None:
    other = replace(COMPANY, name="Elbe Nacht UG", invoice_prefix="NIGHT", credit_note_prefix="NC")
    async with office.db.transaction() as session:
        await billing.put_company(session, "NIGHT", other, by="test")
    acme = await office.account()
    beta = await office.account("BETA", replace(BUYER, company="NIGHT"))
    numbers = [(await office.invoice(account, 100)).number for account in (acme, beta, acme)]
    office.now += timedelta(days=365)
    numbers.append((await office.invoice(acme, 100)).number)
    assert numbers == [
        "INV-2026-000001",
        "NIGHT-2026-000001",
        "INV-2026-000002",
        "INV-2027-000001",
    ]


async def test_two_series_never_begin_alike(office: Office) -> None:
    for company in (COMPANY, replace(COMPANY, invoice_prefix="X", credit_note_prefix="INV")):
        with pytest.raises(PrefixTaken):
            async with office.db.transaction() as session:
                await billing.put_company(session, "OTHER", company, by="test")


class PowerCut(Exception):
    """The process dies before it can commit."""


async def test_thirty_two_issue_at_once_with_crashes_between_and_leave_no_gap(
    own_db: Database,
) -> None:
    office = Office(own_db)
    with clock.running(lambda: office.now):
        await office.open()
        owners = [await office.account(f"A{number}") for number in range(4)]
        drafts: list[UUID] = []
        for number in range(32):
            owner = owners[number % len(owners)]
            await office.charge(owner, 100 + number)
            drafts += await office.draft(owner)

        async def issue(number: int, draft: UUID) -> None:
            async with own_db.transaction() as session:
                await billing.issue_invoice(session, draft, by="test")
                if number % 3 == 0:
                    raise PowerCut

        first = await asyncio.gather(*map(issue, range(32), drafts), return_exceptions=True)
        assert [type(each) for each in first if each] == [PowerCut] * 11
        again = [draft for number, draft in enumerate(drafts) if number % 3 == 0]
        await asyncio.gather(*(office.issue(draft) for draft in again))
        issued = [await office.get(draft) for draft in drafts]
        assert sorted(str(each.number) for each in issued) == [
            f"INV-2026-{number:06d}" for number in range(1, 33)
        ]
        owed = sum([await office.owed_minor(owner) for owner in owners])
        assert owed == sum(each.gross_minor for each in issued)


async def test_the_same_draft_is_issued_once_and_drafted_once_by_all_who_try_at_once(
    own_db: Database,
) -> None:
    office = Office(own_db)
    with clock.running(lambda: office.now):
        await office.open()
        acme = await office.account()
        await office.charge(acme, 500, 700)
        drafted = await asyncio.gather(
            *(office.draft(acme) for _ in range(8)), return_exceptions=True
        )
        (drafts,) = [each for each in drafted if isinstance(each, list)]
        answers = await asyncio.gather(
            *(office.issue(drafts[0]) for _ in range(8)), return_exceptions=True
        )
        refused = [type(each) for each in answers if isinstance(each, Exception)]
        assert refused == [IssuedAlready] * 7
        assert await office.owed_minor(acme) == 1428


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set net_minor = 0, gross_minor = vat_minor",
        "update invoice set buyer = '{}'",
        "update invoice set number = 'INV-2026-000009'",
        "update invoice set state = 'draft', number = null",
        "delete from invoice",
        "truncate invoice cascade",
        "update invoice_line set net_minor = 1",
        "update invoice_line set description = 'Nothing'",
        "delete from invoice_line",
    ],
)
async def test_the_database_itself_refuses_to_change_what_is_issued(
    office: Office, statement: str
) -> None:
    await office.invoice(await office.account(), 500)
    with pytest.raises(DBAPIError, match=r"never change|append-only"):
        async with office.db.transaction() as session:
            await session.execute(text(statement))


async def test_no_line_is_added_to_what_is_issued(office: Office) -> None:
    invoice = await office.invoice(await office.account(), 500)
    with pytest.raises(DBAPIError, match="never change"):
        async with office.db.transaction() as session:
            await session.execute(
                text(
                    "insert into invoice_line select invoice_id, 2, null, null, description,"
                    " occurred_on, cost_centre, 0, vat_code, treatment from invoice_line"
                    f" where invoice_id = '{invoice.id}'"
                )
            )


async def test_an_issued_invoice_keeps_the_address_that_it_was_sent_to(office: Office) -> None:
    acme = await office.account()
    before = await office.invoice(acme, 500)
    moved = replace(BUYER, address=VIENNA, vat_id="ATU13585627", name="Teehaus Süd GmbH")
    async with office.db.transaction() as session:
        await billing.put_buyer(session, acme, moved, by="test")
    after = await office.invoice(acme, 500)
    assert (await office.get(before.id)).buyer == BUYER
    assert after.buyer == moved
    assert [group.treatment.category for group in after.vat] == ["AE"]


async def test_an_invoice_per_order_or_per_period_as_the_account_likes(office: Office) -> None:
    """Orders need a whole desk here; charges without one share an invoice in both rules."""
    acme = await office.account("ACME", replace(BUYER, invoice_rule="per_order"))
    await office.charge(acme, 500, 700)
    assert len(await office.draft(acme)) == 1


@pytest.mark.parametrize(("rule", "invoices"), [("group", 1), ("split", 3)])
async def test_cost_centres_are_grouped_or_split(office: Office, rule: str, invoices: int) -> None:
    acme = await office.account("ACME", replace(BUYER, cost_centres=rule))
    for centre in ("Lab", "", "Shop", "Lab"):
        await office.charge(acme, 500, cost_centre=centre)
    drafts = [await office.get(draft) for draft in await office.draft(acme)]
    assert len(drafts) == invoices
    for draft in drafts:
        centres = [line.cost_centre for line in draft.lines]
        assert centres == sorted(centres)


async def test_charges_in_another_currency_are_named_and_left_out(office: Office) -> None:
    acme = await office.account()
    await office.charge(acme, 500)
    await office.charge(acme, 500, currency="CHF")
    async with office.db.transaction() as session:
        drafts = await billing.draft_invoices(session, acme, until=office.now, by="test")
    assert [draft.net_minor for draft in drafts.items] == [500]
    assert [(left.currency, left.charges) for left in drafts.left_out] == [("CHF", 1)]


async def test_what_is_refunded_becomes_a_credit_note_for_the_invoice(office: Office) -> None:
    acme = await office.account()
    (charge,) = await office.charge(acme, 500)
    (draft,) = await office.draft(acme)
    async with office.db.transaction() as session:
        await billing.reverse_charge(session, charge, reason="lost", by="test")
    office.now += timedelta(hours=2)
    (credit,) = await office.draft(acme)
    with pytest.raises(CorrectedByDraft):
        async with office.db.transaction() as session:
            await billing.discard_draft(session, draft, by="test")
    with pytest.raises(IssueInvoiceFirst):
        await office.issue(credit)
    invoice = await office.issue(draft)
    note = await office.issue(credit)
    assert (note.kind, note.number) == ("credit_note", "CN-2026-000001")
    assert (note.corrects_number, note.gross_minor) == (invoice.number, 595)
    assert (await office.get(invoice.id)).state == "paid"
    assert await office.owed_minor(acme) == 0


async def test_a_refund_of_no_charge_is_a_credit_on_the_account(office: Office) -> None:
    acme = await office.account()
    await office.charge(acme, -300)
    (draft,) = await office.draft(acme)
    note = await office.issue(draft)
    assert (note.kind, note.corrects_id, note.open_minor) == ("credit_note", None, 357)
    assert await office.owed_minor(acme) == -357


async def test_a_refund_that_is_taken_back_is_charged_on_an_invoice_that_corrects_nothing(
    office: Office,
) -> None:
    acme = await office.account()
    (refund,) = await office.charge(acme, -300)
    (draft,) = await office.draft(acme)
    await office.issue(draft)
    async with office.db.transaction() as session:
        await billing.reverse_charge(session, refund, reason="not lost", by="test")
    office.now += timedelta(hours=2)
    (draft,) = await office.draft(acme)
    invoice = await office.issue(draft)
    assert (invoice.kind, invoice.corrects_id, invoice.gross_minor) == ("invoice", None, 357)
    assert [line.credits_line for line in invoice.lines] == [None]
    assert await office.owed_minor(acme) == 0


async def test_without_a_billing_address_nothing_is_invoiced(office: Office) -> None:
    acme = await office.account(buyer=None)
    await office.charge(acme, 500)
    with pytest.raises(NoBillingProfile):
        await office.draft(acme)


async def test_without_a_rate_nothing_is_invoiced(office: Office) -> None:
    swiss = replace(
        COMPANY,
        address=replace(BERLIN, country="CH"),
        vat_id="",
        invoice_prefix="CH",
        credit_note_prefix="CHC",
    )
    async with office.db.transaction() as session:
        await billing.put_company(session, "SWISS", swiss, by="test")
    acme = await office.account("ACME", replace(BUYER, company="SWISS"))
    await office.charge(acme, 500)
    with pytest.raises(NoVatRate, match="standard VAT rate for CH on 2026-03-02"):
        await office.draft(acme)


async def test_each_line_has_the_rate_of_its_day(office: Office) -> None:
    raised = VatRateView(country="DE", code="standard", valid_from=date(2026, 3, 1), rate_bp=2000)
    async with office.db.transaction() as session:
        await billing.put_vat_rate(session, raised, by="test")
    acme = await office.account()
    await office.charge(acme, 1000, occurred_at=office.now - timedelta(days=3))
    invoice = await office.invoice(acme, 1000)
    assert [(g.treatment.rate_bp, g.vat_minor) for g in invoice.vat] == [(2000, 200), (1900, 190)]


@pytest.mark.parametrize(
    ("buyer", "error"),
    [
        (replace(BUYER, vat_id="DE136695977"), BadVatId),
        (replace(BUYER, vat_id="ATU13585627"), BadVatId),
        (replace(BUYER, address=replace(BERLIN, country="ZZ")), BadCountry),
    ],
)
async def test_a_wrong_billing_profile_is_refused(
    office: Office, buyer: billing.Buyer, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await office.account("ACME", buyer)


async def test_an_iban_with_a_typing_error_is_refused(office: Office) -> None:
    with pytest.raises(BadIban):
        await office.open(replace(COMPANY, iban="DE89370400440532013001"))
