"""Whether the books of the month are true: rules that tie the rooms to each other, read from the
tables and not through the services whose work they judge."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.app.bench.month_company import Firm
from server.billing import service as billing
from server.inventory import service as inventory

RULES = {
    "every reaction took effect": "select reaction from outbox_reaction where done_at is null",
    "no event waits": "select name from outbox_event where published_at is null",
    "every order is over": """
        select number || ' ' || state from orders where state not in ('delivered', 'completed',
            'cancelled') and not exists (
            select from return where order_id = orders.id and kind = 'to_sender'
            and state = 'resolved')
    """,
    "what orders shipped left the shelves, once": """
        select owner || sku_id from (
            select 'order:' || order_id as owner, sku_id, quantity as claimed, 0 as moved
            from allocation where state = 'shipped'
            union all
            select subject, sku_id, 0, quantity from stock_move where kind = 'shipped'
        ) entry group by owner, sku_id having sum(claimed) <> sum(moved)
    """,
    "nothing stays set aside": """
        select order_id::text from allocation where state in ('allocated', 'picked')
    """,
    "every return has come to its end": """
        select rma || ' ' || state from return
        where state not in ('resolved', 'declined', 'cancelled', 'expired')
    """,
    "every unit that came back went where its inspection says": """
        select line.id::text from return_line line
        full join returned_goods goods on goods.return_line_id = line.id
        where coalesce(case when line.sku_id is not null then line.received_quantity end, 0)
            <> coalesce(goods.quantity, 0) or goods.state <> coalesce(line.disposition, '')
    """,
    "nothing waits for inspection": """
        select sku_id::text from stock_level where on_hand <> 0
            and location_id = (select id from location where path = 'RETURN_QC')
    """,
    "exchanges are over": """
        select id::text || ' ' || state from exchange where state not in ('completed', 'cancelled')
    """,
    "every delivery is charged, by the tariff of its day": """
        select c.waybill from consignment c where c.kind = 'delivery' and c.state = 'delivered'
            and not exists (
                select from billable_work work join charge on charge.consignment_id = c.id
                join tariff on tariff.id = charge.tariff_id
                where work.consignment_id = c.id and work.settled_at is not null
                and charge.kind = 'flat' and charge.occurred_at >= tariff.valid_from
                and (tariff.valid_until is null or charge.occurred_at < tariff.valid_until)
            )
    """,
    "every charge is on one paper": """
        select charge.id::text from charge left join invoice_line line
            on line.charge_id = charge.id
        group by charge.id having count(line.invoice_id) <> 1
    """,
    "papers say what their lines say": """
        select paper.id::text from invoice paper join invoice_line line
            on line.invoice_id = paper.id
        group by paper.id having paper.net_minor <> sum(line.net_minor)
            or paper.gross_minor <> paper.net_minor + paper.vat_minor
    """,
    "the tax is rounded once for each rate": """
        select coalesce(paper.corrects_id, paper.id)::text
        from invoice paper cross join lateral jsonb_to_recordset(paper.vat)
            as vat (net_minor bigint, vat_minor bigint, treatment jsonb)
        group by paper.kind, coalesce(paper.corrects_id, paper.id), vat.treatment
        having sum(vat.vat_minor)
            <> round(sum(vat.net_minor) * (vat.treatment ->> 'rate_bp')::int / 10000.0)
    """,
    "numbers of a series have no gap": """
        select series from (
            select substring(number from '^(.*)-[0-9]+$') as series,
                substring(number from '([0-9]+)$')::int as counted
            from invoice where number is not null
        ) numbered group by series having max(counted) <> count(*)
    """,
    "cash that was taken is counted and remitted": """
        select cash.id::text from cash_taken cash
        left join cash_debrief_line counted on counted.cash_id = cash.id
        left join remittance_line remitted on remitted.cash_id = cash.id
        where counted.cash_id is null or remitted.cash_id is null
    """,
    "cash that drivers reported is noted": """
        select task.id::text from task left join cash_taken cash on cash.task_id = task.id
        where task.cash_minor <> 0 and coalesce(cash.amount_minor, 0) <> task.cash_minor
    """,
    "an account owes its invoices less its credit notes and payments": """
        select account.code from account, lateral (
            select coalesce(sum(case kind when 'invoice' then gross_minor else -gross_minor end), 0)
                as minor from invoice where account_id = account.id and state <> 'draft'
        ) billed, lateral (
            select coalesce(sum(amount_minor), 0) as minor
            from payment where account_id = account.id
        ) paid where account.owed_minor <> billed.minor - paid.minor
    """,
}


class Taxed(msgspec.Struct, frozen=True, kw_only=True):
    """What was invoiced less what was credited, by country of the buyer and treatment."""

    country: str
    category: str
    rate_bp: int
    net_minor: int
    vat_minor: int


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    ledger_account: str
    debit_minor: int
    credit_minor: int


class Owing(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer's statement closes, and what else says so."""

    customer: str
    billed_minor: int
    credited_minor: int
    paid_minor: int
    statement_minor: int
    ageing_minor: int

    @property
    def is_right(self) -> bool:
        owed_minor = self.billed_minor - self.credited_minor - self.paid_minor
        return owed_minor == self.statement_minor == self.ageing_minor


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """wrong: the rules that were broken, with an example each."""

    taxed: list[Taxed]
    booked: list[Booked]
    owing: list[Owing]
    journal_entries: int
    charges_by_tariff: dict[str, int]
    goods_back: dict[str, int]
    units_shipped: int
    wrong: list[str]


async def prove(session: AsyncSession, firm: Firm, *, since: datetime, until: datetime) -> Proof:
    """since, until: the month with the days in which its last work was done."""
    wrong = []
    for rule, query in RULES.items():
        broken = (await session.execute(text(query))).all()
        if broken:
            wrong.append(f"{rule}: {len(broken)} times not, such as {broken[0][0]}")
    stock = await inventory.reconcile(session)
    if not stock.is_consistent:
        wrong.append(f"levels are moves: not, {len(stock.discrepancies)} times")
    postings = await billing.read_journal(session, since=since, until=until)
    sums: dict[str, int] = {}
    for each in postings:
        sums[each.entry] = sums.get(each.entry, 0) + each.debit_minor - each.credit_minor
    if any(sums.values()):
        wrong.append("every entry of the journal balances: not")
    booked = [
        Booked(
            ledger_account=each.account_code,
            debit_minor=each.debit_minor,
            credit_minor=each.credit_minor,
        )
        for each in billing.ledger_balances(postings)
    ]
    left = {each.ledger_account: each.debit_minor - each.credit_minor for each in booked}
    owing = [
        await _owing(session, firm, number, since, until) for number in range(len(firm.customers))
    ]
    wrong += [
        f"the statement of {each.customer} adds up: not" for each in owing if not each.is_right
    ]
    if left.get("receivables", 0) != sum(each.statement_minor for each in owing):
        wrong.append("the receivables of the journal are what customers owe: not")
    wrong += [
        f"{name} ends at zero: not, {left[name]}"
        for name in ("cash_with_drivers", "cash_owed_to_accounts", "unassigned_payments")
        if left.get(name)
    ]
    return Proof(
        taxed=await _taxed(session),
        booked=booked,
        owing=owing,
        journal_entries=len(sums),
        charges_by_tariff=await _counts(
            session,
            "select tariff.name, count(*) from charge join tariff on tariff.id = charge.tariff_id"
            " group by tariff.name, tariff.valid_from order by tariff.valid_from",
        ),
        goods_back=await _counts(
            session,
            "select disposition, sum(received_quantity) from return_line"
            " where disposition is not null and sku_id is not null group by 1 order by 1",
        ),
        units_shipped=(
            await _counts(
                session,
                "select 'all', coalesce(sum(quantity), 0) from allocation where state = 'shipped'",
            )
        )["all"],
        wrong=wrong,
    )


async def _owing(
    session: AsyncSession, firm: Firm, number: int, since: datetime, until: datetime
) -> Owing:
    customer = firm.customers[number]
    sums = await session.execute(
        text("""
            select coalesce(sum(gross_minor) filter (where kind = 'invoice'), 0),
                coalesce(sum(gross_minor) filter (where kind = 'credit_note'), 0),
                (select coalesce(sum(amount_minor), 0) from payment where account_id = :account)
            from invoice where account_id = :account and state <> 'draft'
        """),
        {"account": customer.account_id},
    )
    billed_minor, credited_minor, paid_minor = map(int, sums.one())
    last = (until - timedelta(seconds=1)).date()
    statement = await billing.get_statement(
        session, customer.account_id, since=since.date(), until=last
    )
    ageing = await billing.list_ageing(session, as_of=last, account_id=customer.account_id)
    return Owing(
        customer=customer.buyer.name,
        billed_minor=billed_minor,
        credited_minor=credited_minor,
        paid_minor=paid_minor,
        statement_minor=statement.closing_minor,
        ageing_minor=sum(each.total_minor for each in ageing),
    )


async def _taxed(session: AsyncSession) -> list[Taxed]:
    rows = await session.execute(
        text("""
            select paper.buyer #>> '{address,country}', vat.treatment ->> 'category',
                (vat.treatment ->> 'rate_bp')::int,
                sum(case paper.kind when 'invoice' then 1 else -1 end * vat.net_minor),
                sum(case paper.kind when 'invoice' then 1 else -1 end * vat.vat_minor)
            from invoice paper cross join lateral jsonb_to_recordset(paper.vat)
                as vat (net_minor bigint, vat_minor bigint, treatment jsonb)
            where paper.state <> 'draft' group by 1, 2, 3 order by 1, 2, 3
        """)
    )
    return [
        Taxed(
            country=country,
            category=category,
            rate_bp=rate_bp,
            net_minor=int(net_minor),
            vat_minor=int(vat_minor),
        )
        for country, category, rate_bp, net_minor, vat_minor in rows
    ]


async def _counts(session: AsyncSession, query: str, **values: Any) -> dict[str, int]:
    return {name: int(count) for name, count in await session.execute(text(query), values)}
