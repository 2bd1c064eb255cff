"""What was done is charged, invoiced, paid and credited; drivers' cash is counted and remitted."""

from uuid import UUID

from server.billing import service as billing
from server.billing.service import CreditedLine, NewCharge, NewPayment
from server.kit.ids import new_id
from tests.server.trade.command import Act, command
from tests.server.trade.trader import Trader


def _papers(*states: str, kind: str = "invoice") -> str:
    wanted = ", ".join(f"'{state}'" for state in states)
    return f"""
        select id, id from invoice
        where account_id = :account and kind = '{kind}' and state in ({wanted})
    """


@command()
async def charge_by_hand(trader: Trader, _: None, amount: int) -> Act:
    new = NewCharge(
        account_id=trader.account_id,
        kind="other",
        description="Waiting",
        net_minor=(133, 1, -90)[amount % 3],
        currency="EUR",
        occurred_at=trader.now,
        source=f"by hand:{new_id()}",
        vat_code=("standard", "reduced", "exempt")[amount % 3],
    )
    return lambda session: billing.record_charges(session, [new])


@command(
    """
    select distinct account_id, account_id from charge c where account_id = :account
    and not exists (select from invoice_line line where line.charge_id = c.id)
    """
)
async def invoice(trader: Trader, account_id: UUID, amount: int) -> Act:
    until = trader.now
    return lambda session: billing.draft_invoices(session, account_id, until=until, by="test")


@command(_papers("draft"), any_of="invoice")
async def issue(trader: Trader, draft_id: UUID, amount: int) -> Act:
    return lambda session: billing.issue_invoice(session, draft_id, by="test")


@command(_papers("draft", kind="credit_note"), any_of="invoice")
async def issue_credit_note(trader: Trader, draft_id: UUID, amount: int) -> Act:
    return lambda session: billing.issue_invoice(session, draft_id, by="test")


@command(_papers("draft"), any_of="invoice")
async def discard(trader: Trader, draft_id: UUID, amount: int) -> Act:
    return lambda session: billing.discard_draft(session, draft_id, by="test")


@command(_papers("issued", "part_paid", "paid"), any_of="invoice")
async def credit(trader: Trader, invoice_id: UUID, amount: int) -> Act:
    lines = [CreditedLine(line=1, net_minor=(None, 250, None)[amount % 3])]
    return lambda session: billing.credit_invoice(
        session, invoice_id, lines=lines if amount % 4 else (), reason="Damaged", by="test"
    )


@command(
    """
    select c.id, line.invoice_id from charge c left join invoice_line line on line.charge_id = c.id
    where c.account_id = :account and c.reverses_id is null
    and not exists (select from charge back where back.reverses_id = c.id)
    """,
    any_of="charge",
)
async def take_charge_back(trader: Trader, charge_id: UUID, amount: int) -> Act:
    return lambda session: billing.reverse_charge(session, charge_id, reason="lost", by="test")


@command()
async def is_paid(trader: Trader, _: None, amount: int) -> Act:
    """Sometimes nobody knows by whom."""
    new = NewPayment(
        company="MAIN",
        bank_reference=f"bank:{new_id()}",
        amount_minor=(594, 1, 1188, 5000)[amount % 4],
        currency="EUR",
        received_on=trader.now.date(),
        account_id=trader.account_id if amount % 3 else None,
    )
    return lambda session: billing.record_payment(session, new, by="test")


@command("select id, id from payment where account_id is null")
async def assign_payment(trader: Trader, payment_id: UUID, amount: int) -> Act:
    return lambda session: billing.assign_payment(session, payment_id, trader.account_id, by="test")


@command(
    """
    select i.id, i.id from invoice i where i.account_id = :account and i.kind = 'invoice'
    and i.state in ('issued', 'part_paid') and exists (
        select from payment where account_id = :account and matched_minor < amount_minor
    )
    """,
    any_of="invoice",
)
async def match(trader: Trader, invoice_id: UUID, amount: int) -> Act | None:
    query = """
        select id from payment where account_id = :account
        order by matched_minor < amount_minor desc, id
    """
    payments = await trader.rows(query)
    if not payments:
        return None
    payment_id = payments[amount % len(payments) if amount % 8 == 0 else 0][0]
    return lambda session: billing.match_invoice(
        session, invoice_id, payment_id=payment_id, by="test"
    )


@command(
    """
    select m.id, i.id from invoice_match m join invoice i on i.id = m.invoice_id
    where i.account_id = :account and m.undone_on is null
    """
)
async def unmatch(trader: Trader, match_id: UUID, amount: int) -> Act:
    return lambda session: billing.undo_match(session, match_id, by="test")


@command(
    """
    select distinct cash.driver_id, cash.driver_id from cash_taken cash
    where cash.account_id = :account
    and not exists (select from cash_debrief_line line where line.cash_id = cash.id)
    """
)
async def debrief(trader: Trader, driver_id: UUID, amount: int) -> Act | None:
    async with trader.db.transaction() as session:
        expected = await billing.expected_cash(session, driver_id)
    if not expected:
        return None
    cash = expected[0]
    missing = min(amount % 3, max(cash.expected_minor, 0))
    return lambda session: billing.debrief_driver(
        session,
        driver_id,
        currency=cash.currency,
        expected_minor=cash.expected_minor,
        counted_minor=max(cash.expected_minor, 0) - missing,
        reason="lost a coin" if missing else "",
        by="test",
    )


@command(
    """
    select distinct cash.account_id, cash.account_id from cash_taken cash
    join cash_debrief_line counted on counted.cash_id = cash.id
    where cash.account_id = :account
    and not exists (select from remittance_line line where line.cash_id = cash.id)
    """
)
async def remit(trader: Trader, account_id: UUID, amount: int) -> Act | None:
    async with trader.db.transaction() as session:
        due = await billing.due_cash(session, account_id)
    ready = [each for each in due if each.gross_minor > 0]
    if not ready:
        return None
    return lambda session: billing.remit_cash(
        session,
        account_id,
        currency=ready[0].currency,
        gross_minor=ready[0].gross_minor,
        reference=f"R{amount}",
        by="test",
    )
