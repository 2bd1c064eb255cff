"""How the company of the month is paid, and pays: invoices, payments, credits, cash of drivers."""

from datetime import timedelta
from uuid import UUID

from server.app.bench.month_company import BY, Customer
from server.app.bench.month_work import Work
from server.billing import service as billing
from server.billing.service import CreditedLine, NewPayment
from server.kit.errors import Conflict


async def bill(work: Work, customer: Customer) -> None:
    """All that was done and is on no paper yet: drafted, and issued."""
    try:
        async with work.db.transaction() as session:
            drafts = await billing.draft_invoices(
                session, customer.account_id, until=work.now, by=BY
            )
    except Conflict:  # there is nothing to invoice
        return
    for draft in drafts.items:
        async with work.db.transaction() as session:
            await billing.issue_invoice(session, draft.id, by=BY)
        work.did["invoices" if draft.kind == "invoice" else "credit_notes"] += 1
    await work.news()


async def money_comes(work: Work, *, after: timedelta) -> None:
    """Some days after its issue most invoices are paid: whole, in two parts, or by somebody whose
    name the bank does not tell. A few are credited in part, and some stay open."""
    for invoice_id, account_id, open_minor in await work.rows(
        "select id, account_id, gross_minor - settled_minor from invoice where kind = 'invoice'"
        " and state in ('issued', 'part_paid') and gross_minor > settled_minor"
        " and issued_at <= :issued_before order by id",
        issued_before=work.now - after,
    ):
        luck = work.dice.random()
        if luck < 0.10:
            continue
        if luck < 0.14:
            await _credit(work, invoice_id)
        elif luck < 0.25:
            await _pay(work, invoice_id, account_id, open_minor // 2)
        else:
            await _pay(work, invoice_id, account_id, open_minor, known=luck < 0.9)


async def _credit(work: Work, invoice_id: UUID) -> None:
    """A cent of the first line, if there is as much left."""
    lines = [CreditedLine(line=1, net_minor=1)]
    try:
        async with work.db.transaction() as session:
            await billing.credit_invoice(session, invoice_id, lines=lines, reason="Too late", by=BY)
    except Conflict:
        return
    work.did["credit_notes"] += 1


async def _pay(
    work: Work, invoice_id: UUID, account_id: UUID, amount_minor: int, *, known: bool = True
) -> None:
    if amount_minor <= 0:
        return
    work.did["payments"] += 1
    work.did["paid_minor"] += amount_minor
    new = NewPayment(
        company="US",
        bank_reference=f"bank:{work.did['payments']}",
        amount_minor=amount_minor,
        currency="EUR",
        received_on=work.now.date(),
        account_id=account_id if known else None,
    )
    async with work.db.transaction() as session:
        payment = await billing.record_payment(session, new, by=BY)
        if not known:
            payment = await billing.assign_payment(session, payment.id, account_id, by=BY)
        if payment.unmatched_minor:  # else it was plain what it pays
            await billing.match_invoice(session, invoice_id, payment_id=payment.id, by=BY)


async def count_cash(work: Work) -> None:
    """Every driver hands over what was taken today; now and then a little is missing."""
    for driver_id, _ in work.firm.crews:
        async with work.db.transaction() as session:
            for cash in await billing.expected_cash(session, driver_id):
                missing = work.dice.choice((0, 0, 0, 0, 50))
                await billing.debrief_driver(
                    session,
                    driver_id,
                    currency=cash.currency,
                    expected_minor=cash.expected_minor,
                    counted_minor=cash.expected_minor - missing,
                    reason="miscounted change" if missing else "",
                    by=BY,
                )
                work.did["debriefs"] += 1


async def remit(work: Work) -> None:
    """What was counted goes to whose it is."""
    for customer in work.firm.customers:
        async with work.db.transaction() as session:
            for due in await billing.due_cash(session, customer.account_id):
                if due.gross_minor:
                    await billing.remit_cash(
                        session,
                        customer.account_id,
                        currency=due.currency,
                        gross_minor=due.gross_minor,
                        reference=f"remit {work.now:%d.%m.}",
                        by=BY,
                    )
                    work.did["remittances"] += 1
    work.now += timedelta(seconds=1)
