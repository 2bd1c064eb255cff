"""The journal balances, entry by entry; and what leaves the house as CSV runs nothing."""

import csv
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from io import StringIO

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from server.billing import service as billing
from server.billing.csv_text import Number, csv_text
from server.billing.invoice_errors import BadPeriod
from server.billing.payments import record_withheld_fees
from server.billing.service import Posting
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from tests.server.billing.bookkeeping import BUYER, NOON, VIENNA, Office

EVER = {"since": NOON - timedelta(days=30), "until": NOON + timedelta(days=300)}


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


def check_balance(postings: Sequence[Posting]) -> dict[str, int]:
    """Ledger account -> debits less credits; every entry is in balance by itself."""
    entries: dict[tuple[str, str], int] = defaultdict(int)
    ledger: dict[str, int] = defaultdict(int)
    for each in postings:
        assert min(each.debit_minor, each.credit_minor) == 0 < each.debit_minor + each.credit_minor
        entries[each.entry, each.currency] += each.debit_minor - each.credit_minor
        ledger[each.account_code] += each.debit_minor - each.credit_minor
    assert set(entries.values()) <= {0}
    return dict(ledger)


async def test_a_month_of_trade_balances_and_says_what_is_owed(office: Office) -> None:
    acme = await office.account()
    vienna = msgspec.structs.replace(BUYER, address=VIENNA, vat_id="ATU13585627")
    beta = await office.account("BETA", vienna)
    await office.charge(acme, 200, vat_code="reduced")
    first = await office.invoice(acme, 1000)
    await office.invoice(beta, 500)
    await office.credit(first.id)
    lost = await office.pay(300)
    await office.pay(500, account_id=beta)
    async with office.db.transaction() as session:
        before = check_balance(await billing.read_journal(session, **EVER))
        await billing.assign_payment(session, lost.id, acme, by="test")
        await record_withheld_fees(
            session,
            remittance_id=new_id(),
            account_id=acme,
            amount_minor=50,
            currency="EUR",
            by="t",
        )
        after = check_balance(await billing.read_journal(session, **EVER))
    assert before["unassigned_payments"] == -300
    assert after == {
        "receivables": -350,
        "revenue_s_19": 0,
        "revenue_s_7": 0,
        "vat_s_19": 0,
        "vat_s_7": 0,
        "revenue_ae_0": -500,
        "bank": 800,
        "unassigned_payments": 0,
        "fees_withheld": 50,
    }
    assert after["receivables"] == await office.owed_minor(acme) + await office.owed_minor(beta)


async def test_a_period_that_was_exported_does_not_change_any_more(office: Office) -> None:
    acme = await office.account()
    invoice = await office.invoice(acme, 1000)
    lost = await office.pay(300)
    month = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}
    async with office.db.transaction() as session:
        exported = await billing.journal_csv(session, **month)
    office.now += timedelta(days=2)
    await office.credit(invoice.id)
    await office.pay(5, account_id=acme, received_on=NOON.date())
    async with office.db.transaction() as session:
        await billing.assign_payment(session, lost.id, acme, by="test")
    async with office.db.transaction() as session:
        assert await billing.journal_csv(session, **month) == exported


async def test_balances_by_ledger_account_add_up_to_nothing(office: Office) -> None:
    await office.invoice(await office.account(), 1000)
    async with office.db.transaction() as session:
        balances = billing.ledger_balances(await billing.read_journal(session, **EVER))
    assert sum(each.debit_minor - each.credit_minor for each in balances) == 0
    assert [each.account_code for each in balances] == ["receivables", "revenue_s_19", "vat_s_19"]


async def test_a_journal_is_read_for_a_year_at_most(office: Office) -> None:
    with pytest.raises(BadPeriod):
        async with office.db.transaction() as session:
            await billing.read_journal(session, since=NOON, until=NOON + timedelta(days=367))


HOSTILE = '=cmd|"/C calc"!A1'


@pytest.mark.parametrize("program", ["xero", "quickbooks"])
async def test_names_in_sales_files_are_no_formulas(
    office: Office, program: billing.Program
) -> None:
    buyer = msgspec.structs.replace(BUYER, name=HOSTILE, buyer_reference="@SUM(A1)")
    acme = await office.account("ACME", buyer)
    invoice = await office.invoice(acme, 1234, description="+1+1", cost_centre="-2")
    note = await office.credit(invoice.id)
    files = {}
    for kind in ("invoice", "credit_note"):
        async with office.db.transaction() as session:
            files[kind] = await billing.sales_csv(
                session,
                program,
                company="MAIN",
                kind=kind,  # type: ignore[arg-type]
                since=NOON.date(),
                until=NOON.date(),
                revenue_account="200",
            )
    (row,) = csv.DictReader(StringIO(files["invoice"]))
    (back,) = csv.DictReader(StringIO(files["credit_note"]))
    if program == "xero":
        assert row["*ContactName"] == f"'{HOSTILE}"
        assert row["*Description"] == "'+1+1"
        assert (row["*UnitAmount"], back["*UnitAmount"]) == ("12.34", "-12.34")
        assert row["*TaxType"] == "19% (VAT on Income)"
        assert (row["*InvoiceDate"], row["*DueDate"]) == ("02/03/2026", "16/03/2026")
        assert back["*InvoiceNumber"] == note.number
    else:
        assert row["*Customer"] == f"'{HOSTILE}"
        assert (row["*ItemAmount"], back["*ItemAmount"]) == ("12.34", "12.34")
        assert row["Memo"] == "'@SUM(A1)"
        assert row["Location"] == "'-2"


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_whatever_somebody_is_called_no_cell_begins_like_a_formula(cells: list[str]) -> None:
    (read,) = list(csv.reader(StringIO(csv_text(cells, []), newline="")))[:1] or [[]]
    assert len(read) in (len(cells), 0)
    text = csv_text(["a"] * len(cells), [cells])
    (_, row) = csv.reader(StringIO(text, newline=""))
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_a_number_keeps_its_minus() -> None:
    assert csv_text(["a"], [[Number("-5.00")]]).splitlines() == ["a", "-5.00"]
