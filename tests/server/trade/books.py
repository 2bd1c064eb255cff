"""What is true of a trader's books whatever happened: rules that tie the rooms to each other.

They are read from the tables, not through the services whose work they judge; each is a query of
what breaks it: (the rule, of what, what the books say, what it should be).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing import service as billing

ALWAYS = {
    "a level is the sum of its moves, never below zero": """
        select sku_id::text || location_id, sum(on_hand), sum(moved) from (
            select sku_id, location_id, on_hand, 0 as moved from stock_level
            union all
            select sku_id, to_location_id, 0, quantity from stock_move
            union all
            select sku_id, from_location_id, 0, -quantity from stock_move
        ) entry where sku_id in (select id from sku where account_id = :account)
            and location_id not in (select id from location where path in
                ('SUPPLIER', 'CUSTOMER', 'SCRAP', 'ADJUST'))
        group by sku_id, location_id having sum(on_hand) <> sum(moved) or sum(moved) < 0
    """,
    "what is allocated of a level is what orders claim, and never more than is there": """
        select sku_id::text || location_id, sum(allocated), sum(claimed) from (
            select sku_id, location_id, on_hand, allocated, 0 as claimed from stock_level
            union all
            select sku_id, location_id, 0, 0, quantity from allocation
            where state in ('allocated', 'picked')
        ) entry where sku_id in (select id from sku where account_id = :account)
        group by sku_id, location_id
        having sum(allocated) <> sum(claimed) or sum(allocated) > sum(on_hand)
    """,
    "what orders shipped left the shelves, once": """
        select owner || sku_id, sum(claimed), sum(moved) from (
            select 'order:' || order_id as owner, sku_id, quantity as claimed, 0 as moved
            from allocation where state = 'shipped'
            union all
            select subject, sku_id, 0, quantity from stock_move where kind = 'shipped'
        ) entry where sku_id in (select id from sku where account_id = :account)
        group by owner, sku_id having sum(claimed) <> sum(moved)
    """,
    "a task is open as long as its goods wait for it, and a wave as long as it has one": """
        select t.id::text, t.kind || ' ' || a.state, w.state
        from pick_task t join allocation a on a.id = t.allocation_id
        left join pick_wave w on w.id = t.wave_id
        where a.sku_id in (select id from sku where account_id = :account) and t.state = 'open'
            and (a.state <> case t.kind when 'pick' then 'allocated' else 'picked' end
                or w.state <> 'open')
        union all
        select w.id::text, w.state, 'done' from pick_wave w where w.state = 'open'
            and not exists (select from pick_task where wave_id = w.id and state = 'open')
    """,
    "no parcel holds more than was picked for it": """
        select c.allocation_id::text, sum(c.quantity), max(a.quantity)
        from packed_content c join allocation a on a.id = c.allocation_id
        where a.sku_id in (select id from sku where account_id = :account)
        group by c.allocation_id having sum(c.quantity) > max(a.quantity)
    """,
    "what waits for inspection is what came back and has no place yet": """
        select sku_id::text, sum(on_hand), sum(waiting) from (
            select sku_id, on_hand, 0 as waiting from stock_level
            where location_id = (select id from location where path = 'RETURN_QC')
            union all
            select sku_id, 0, quantity from returned_goods where state = 'in_inspection'
        ) entry where sku_id in (select id from sku where account_id = :account)
        group by sku_id having sum(on_hand) <> sum(waiting)
    """,
    "goods of a return line came in once, and went where the inspection says": """
        select line.id::text, line.received_quantity, goods.quantity
        from return_line line join return on return.id = line.return_id
        full join returned_goods goods on goods.return_line_id = line.id
        where return.account_id = :account and (
            coalesce(case when line.sku_id is not null then line.received_quantity end, 0)
                <> coalesce(goods.quantity, 0)
            or goods.state <> coalesce(line.disposition, 'in_inspection')
        )
    """,
    "of what went out no more is on its way back than was sold": """
        select ret.order_id::text, sum(line.quantity), max(sold.quantity)
        from return ret join return_line line on line.return_id = ret.id
        join order_line sold on sold.order_id = ret.order_id and sold.position = line.order_line
        where ret.account_id = :account and line.kit_line_id is null
            and ret.state in ('requested', 'approved', 'booked', 'collected')
        group by ret.order_id, line.order_line having sum(line.quantity) > max(sold.quantity)
    """,
    "an exchange credits what comes back, and what is due is the rest": """
        select id::text, credit_minor + due_minor, replacement_minor from exchange
        where account_id = :account and (credit_minor + due_minor <> replacement_minor
            or credit_minor > returned_minor)
    """,
    "an exchange brings the goods for which its difference was reckoned": """
        select e.id::text, e.replacement_minor, sum(line.quantity * line.unit_price_minor)
        from exchange e join order_line line on line.order_id = e.order_id
        where e.account_id = :account group by e.id
        having e.replacement_minor <> sum(line.quantity * line.unit_price_minor)
    """,
    "the sums of a paper are those of its lines": """
        select paper.id::text, paper.net_minor, coalesce(sum(line.net_minor), 0)
        from invoice paper left join invoice_line line on line.invoice_id = paper.id
        where paper.account_id = :account
        group by paper.id having paper.net_minor <> coalesce(sum(line.net_minor), 0)
    """,
    "the sums of a paper are those of its VAT groups": """
        select paper.id::text, paper.gross_minor, sum(vat.net_minor + vat.vat_minor)
        from invoice paper cross join lateral jsonb_to_recordset(paper.vat)
            as vat (net_minor bigint, vat_minor bigint, treatment jsonb)
        where paper.account_id = :account
        group by paper.id having paper.net_minor <> sum(vat.net_minor)
            or paper.vat_minor <> sum(vat.vat_minor)
    """,
    "the tax on an invoice, and on all that is credited of one, is rounded once for each rate": """
        select coalesce(paper.corrects_id, paper.id)::text || (vat.treatment ->> 'rate_bp'),
            sum(vat.vat_minor),
            round(sum(vat.net_minor) * (vat.treatment ->> 'rate_bp')::int / 10000.0)
        from invoice paper cross join lateral jsonb_to_recordset(paper.vat)
            as vat (net_minor bigint, vat_minor bigint, treatment jsonb)
        where paper.account_id = :account and (paper.kind = 'invoice' or paper.state <> 'draft')
        group by paper.kind, coalesce(paper.corrects_id, paper.id), vat.treatment
        having sum(vat.vat_minor)
            <> round(sum(vat.net_minor) * (vat.treatment ->> 'rate_bp')::int / 10000.0)
    """,
    "numbers of a series have no gap": """
        select series, max(counted), count(*) from (
            select substring(number from '^(.*)-[0-9]+$') as series,
                substring(number from '([0-9]+)$')::int as counted
            from invoice where number is not null
        ) numbered group by series having max(counted) <> count(*)
    """,
    "no line is credited beyond what it says": """
        select line.invoice_id::text || line.number, line.net_minor, sum(credit.net_minor)
        from invoice_line line
        join invoice note on note.corrects_id = line.invoice_id and note.state <> 'draft'
        join invoice_line credit on credit.invoice_id = note.id
            and credit.credits_line = line.number
        where note.account_id = :account
        group by line.invoice_id, line.number, line.net_minor
        having sum(credit.net_minor) > line.net_minor
    """,
    "what is settled of an invoice is what was matched to it": """
        select paper.id::text, paper.settled_minor, coalesce(sum(m.amount_minor), 0)
        from invoice paper left join invoice_match m on m.undone_on is null
            and paper.id in (m.invoice_id, m.credit_note_id)
        where paper.account_id = :account
        group by paper.id having paper.settled_minor <> coalesce(sum(m.amount_minor), 0)
    """,
    "what is used of a payment is what was matched of it": """
        select payment.id::text, payment.matched_minor, coalesce(sum(m.amount_minor), 0)
        from payment left join invoice_match m
            on m.undone_on is null and m.payment_id = payment.id
        where payment.account_id = :account
        group by payment.id having payment.matched_minor <> coalesce(sum(m.amount_minor), 0)
    """,
    "an account owes what it was billed and has not paid": """
        select account.code, account.owed_minor, billed.minor - paid.minor
        from account, lateral (
            select coalesce(sum(case kind when 'invoice' then gross_minor else -gross_minor end), 0)
                as minor from invoice where account_id = account.id and state <> 'draft'
        ) billed, lateral (
            select coalesce(sum(amount_minor), 0) as minor
            from payment where account_id = account.id
        ) paid
        where account.id = :account and account.owed_minor <> billed.minor - paid.minor
    """,
    "work that is settled has its charges, at the price of the tariff": """
        select work.source, 499, coalesce(sum(charge.net_minor), 0)
        from billable_work work left join charge on charge.source like work.source || ':%'
            and charge.reverses_id is null
        where work.account_id = :account and work.settled_at is not null and work.work = 'delivery'
        group by work.source having coalesce(sum(charge.net_minor), 0) <> 499
    """,
    "a charge is taken back whole": """
        select charge.id::text, charge.net_minor, -back.net_minor
        from charge join charge back on back.reverses_id = charge.id
        where charge.account_id = :account and charge.net_minor <> -back.net_minor
    """,
    "cash is counted once, and remitted once it is counted": """
        select cash.id::text, cash.amount_minor, null from cash_taken cash
        join remittance_line line on line.cash_id = cash.id
        where cash.account_id = :account
            and not exists (select from cash_debrief_line d where d.cash_id = cash.id)
    """,
}
"""After every step, whatever news is still on its way."""

ONCE_NEWS_HAS_ARRIVED = {
    "no reaction failed": """
        select reaction || ': ' || coalesce(error, ''), attempts, 0
        from outbox_reaction where done_at is null
    """,
    "an order that is filled from our shelves has all that it asked for, and nothing else": """
        select o.number || ' ' || o.state || ', line ' || entry.line, sum(asked), sum(has) from (
            select order_id, position as line,
                quantity * case sku when 'SET' then 3 else 1 end as asked, 0 as has
            from order_line
            union all
            select order_id, line, 0, quantity from allocation where state <> 'released'
            union all
            select f.order_id, s.line, 0, s.quantity from shortage s
            join fulfilment f on f.id = s.fulfilment_id where s.state in ('open', 'left_out')
        ) entry join orders o on o.id = entry.order_id
        where o.account_id = :account
            and o.state in ('in_fulfilment', 'shipped', 'delivered', 'completed')
            and not exists (select from stock_wait where order_id = o.id)
        group by o.id, entry.line having sum(asked) <> sum(has)
    """,
    "nobody picks for an order that asks for more than is set aside for it": """
        select o.number, 1, 0 from orders o join fulfilment f on f.order_id = o.id
        where o.account_id = :account and f.state not in ('open', 'cancelled')
            and exists (select from stock_wait where order_id = o.id)
    """,
    "an order that is given up keeps nothing from others": """
        select o.number, sum(a.quantity), 0 from orders o join allocation a on a.order_id = o.id
        where o.account_id = :account and o.state = 'cancelled' and a.state = 'allocated'
        group by o.number
    """,
    "goods that were picked for nothing are asked back to their shelf": """
        select o.number, sum(a.quantity), 0 from orders o join allocation a on a.order_id = o.id
        where o.account_id = :account and o.state = 'cancelled' and a.state = 'picked'
            and not exists (
                select from pick_task t where t.allocation_id = a.id and t.kind = 'put_back'
                    and t.state = 'open'
            ) group by o.number
    """,
    "an order is delivered when its parcels are": """
        select o.number || ' ' || o.state, count(*), 0
        from orders o join consignment c on c.order_id = o.id and c.kind = 'delivery'
            and c.cancelled_at is null
        where o.account_id = :account group by o.id, o.number, o.state
        having bool_and(c.state = 'delivered') and o.state not in ('delivered', 'completed')
            and o.state <> 'cancelled'
            or o.state = 'delivered' and not bool_or(c.state in ('delivered', 'returning'))
    """,
    "what was delivered is charged, and nothing else is": """
        select c.waybill || ' ' || c.state, count(work.id), 1
        from consignment c left join billable_work work
            on work.consignment_id = c.id and work.work = 'delivery'
        where c.account_id = :account and c.kind = 'delivery' group by c.id
        having (c.state = 'delivered') and count(work.id) <> 1
    """,
    "what was charged waits for no tariff": """
        select source, 0, 1 from billable_work
        where account_id = :account and settled_at is null
    """,
    "cash that was taken is noted": """
        select task.id::text, max(task.cash_minor), coalesce(sum(cash.amount_minor), 0)
        from task join consignment c on c.id = task.consignment_id
        left join cash_taken cash on cash.task_id = task.id
        where c.account_id = :account and task.cash_minor is not null group by task.id
        having max(task.cash_minor) <> coalesce(sum(cash.amount_minor), 0)
    """,
    "nobody is sent for what was cancelled": """
        select task.id::text, 1, 0 from task join consignment c on c.id = task.consignment_id
        where c.account_id = :account and c.cancelled_at is not null
            and task.state not in ('completed', 'failed', 'cancelled')
    """,
    "an order has one consignment that stands": """
        select o.number, count(c.id), 1 from orders o left join consignment c
            on c.order_id = o.id and c.kind = 'delivery' and c.cancelled_at is null
        where o.account_id = :account
            and o.state in ('in_fulfilment', 'shipped', 'delivered', 'completed')
        group by o.id having count(c.id) <> 1
    """,
    "an exchange is given up with its replacement": """
        select e.id::text, null, null from exchange e join orders o on o.id = e.order_id
        where e.account_id = :account and (e.state = 'cancelled') <> (o.state = 'cancelled')
            and o.state not in ('shipped', 'delivered', 'completed')
    """,
    "an exchange is over with both its halves": """
        select e.id::text || e.state, null, null from exchange e
        join orders o on o.id = e.order_id join return r on r.id = e.return_id
        where e.account_id = :account and e.state <> 'cancelled'
            and (e.state = 'completed') <> (o.state in ('delivered', 'completed')
                and (r.state in ('resolved', 'declined', 'cancelled', 'expired')
                    -- goods of a return that was given up may come all the same
                    or e.state = 'completed' and exists (
                        select from audit_entry where subject = 'return:' || r.id
                        and action in ('return.cancelled', 'return.expired'))))
    """,
    "the difference of an exchange is charged if it was taken over and goes out": """
        select e.id::text || ' ' || e.state, coalesce(sum(charge.net_minor), 0), 0
        from exchange e left join charge on charge.source = 'exchange:' || e.id || ':due'
            or charge.reverses_id = (
                select id from charge where source = 'exchange:' || e.id || ':due')
        where e.account_id = :account group by e.id
        having e.state = 'cancelled' and coalesce(sum(charge.net_minor), 0) <> 0
            or (e.settlement = 'on_account' and e.state <> 'cancelled') <> (count(charge.id) > 0)
            and e.state <> 'cancelled'
    """,
}
"""When every event has had its reactions."""


def _joined(rules: Mapping[str, str]) -> str:
    """One statement, so that all rules are looked at in one moment and one round trip."""
    return " union all ".join(
        f"select '{rule}', subject, says::text, should_be::text"
        f" from ({query}) broken (subject, says, should_be)"
        for rule, query in rules.items()
    )


async def check_books(
    session: AsyncSession, account_id: UUID, *, news_has_arrived: bool, since: datetime
) -> None:
    """since: when the trader began, who alone trades in the following weeks."""
    rules = ALWAYS | (ONCE_NEWS_HAS_ARRIVED if news_has_arrived else {})
    rows = await session.execute(text(_joined(rules)), {"account": account_id})
    broken = [tuple(row) for row in rows]
    assert not broken, "\n".join(map(str, broken))
    sums: dict[str, int] = {}
    owed_minor = 0
    for each in await billing.read_journal(session, since=since, until=since + timedelta(days=25)):
        signed_minor = each.debit_minor - each.credit_minor
        sums[each.entry] = sums.get(each.entry, 0) + signed_minor
        owed_minor += signed_minor if each.account_code == "receivables" else 0
    assert not any(sums.values()), sums
    recorded = await session.execute(
        text("select owed_minor from account where id = :account"), {"account": account_id}
    )
    assert owed_minor == recorded.scalar_one()
