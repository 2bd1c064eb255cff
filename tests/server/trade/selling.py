"""Goods come in and are ordered."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from server.inventory import service as inventory
from server.inventory.service import Received
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.service import OrderChanges, OrderDraft, OrderLine, SplitLine
from tests.server.trade.command import Act, command
from tests.server.trade.trader import PRICES, Trader

OPEN = "('received', 'accepted', 'on_hold', 'in_fulfilment')"
OPEN_ORDERS = f"""
    select id, id from orders where account_id = :account and state in {OPEN}
"""


def lines(which: int, amount: int) -> tuple[OrderLine, ...]:
    wanted = (("TEA",), ("CUP", "TEA"), ("SET",), ("TEA", "SET"), ("MUG", "TEA"))[which % 5]
    return tuple(
        OrderLine(sku=sku, quantity=amount % 3 + 1, unit_price_minor=PRICES[sku]) for sku in wanted
    )


@command()
async def goods_come(trader: Trader, _: None, amount: int) -> Act:
    sku = ("TEA", "CUP", "TEA", "CUP", "MUG")[amount % 5]
    goods = [Received(sku=sku, quantity=1 if sku == "MUG" else amount % 7 + 1)]
    return lambda session: inventory.receive_stock(
        session,
        account_id=trader.account_id,
        location_id=trader.shelves[amount % 2],
        goods=goods,
        by="test",
    )


@command()
async def correct_a_shelf(trader: Trader, _: None, amount: int) -> Act:
    return lambda session: inventory.adjust_stock(
        session,
        sku_id=trader.skus[("TEA", "CUP", "MUG")[amount % 3]],
        location_id=trader.shelves[amount % 2],
        change=(-1, 1, -2, -3)[amount % 4],
        reason="found or lost",
        by="test",
    )


@command()
async def transfer(trader: Trader, _: None, amount: int) -> Act:
    there, here = trader.shelves if amount % 4 < 2 else trader.shelves[::-1]
    return lambda session: inventory.transfer_stock(
        session,
        sku_id=trader.skus[("TEA", "CUP")[amount % 2]],
        from_location_id=there,
        to_location_id=here,
        quantity=amount % 3 + 1,
        by="test",
    )


@command()
async def order(trader: Trader, _: None, amount: int) -> Act:
    draft = OrderDraft(
        account_id=trader.account_id,
        kind="goods",
        channel="test",
        external_id=str(new_id()),
        consignee=trader.consignee,
        lines=lines(amount, amount // 2),
        cash_minor=(0, 1234)[amount % 2],
        window_start_at=trader.now,
        window_end_at=trader.now + timedelta(hours=10),
    )
    return lambda session: orders.capture_order(session, draft, by="test")


@command(
    """
    select id, id from orders where account_id = :account
    and state in ('received', 'accepted', 'on_hold')
    """,
    any_of="orders",
)
async def hold(trader: Trader, order_id: UUID, amount: int) -> Act:
    return lambda session: orders.hold_order(
        session, order_id, f"why? {amount % 2}", kind="person", by="test"
    )


@command(
    "select id, id from orders where account_id = :account and state = 'on_hold'", any_of="orders"
)
async def release(trader: Trader, order_id: UUID, amount: int) -> Act:
    kind: Any = (None, "person", None, "stock", "payment")[amount % 5]
    return lambda session: orders.release_order(session, order_id, kind=kind, by="test")


@command(f"{OPEN_ORDERS} and picking_began_at is null and origin = ''", any_of="orders")
async def amend(trader: Trader, order_id: UUID, amount: int) -> Act:
    version = await _version(trader, order_id)
    changes = OrderChanges(lines=lines(amount // 3, amount), cash_minor=500 * (amount % 2))
    return lambda session: orders.amend_order(
        session, order_id, changes, expected_version=version, by="test"
    )


@command(
    f"""
    select o.id, o.id from orders o join order_line line on line.order_id = o.id
    where o.account_id = :account and o.state in {OPEN} and o.picking_began_at is null
    group by o.id having sum(line.quantity) > 1
    """,
    any_of="orders",
)
async def split(trader: Trader, order_id: UUID, amount: int) -> Act:
    version = await _version(trader, order_id)
    part = [SplitLine(position=1, quantity=amount % 4 // 3 + 1)]
    return lambda session: orders.split_order(
        session, order_id, part, expected_version=version, by="test"
    )


@command(
    f"""
    select o.id, o.id from orders o where o.account_id = :account and o.state in {OPEN}
    and o.picking_began_at is null and o.origin <> 'exchange' and not exists (
        select from order_hold h where h.order_id = o.id and h.released_at is null
        and h.kind <> 'stock'
    )
    """,
    any_of="orders",
)
async def merge(trader: Trader, order_id: UUID, amount: int) -> Act | None:
    others = await trader.rows(
        f"""
        select id from orders where account_id = :account and id <> :order and state in {OPEN}
        order by picking_began_at is not null, origin = 'exchange', id
        """,
        order=order_id,
    )
    if not others:
        return None
    other_id = others[amount % len(others) if amount % 3 == 0 else 0][0]
    return lambda session: orders.merge_orders(session, order_id, other_id, by="test")


@command(OPEN_ORDERS, any_of="orders")
async def cancel(trader: Trader, order_id: UUID, amount: int) -> Act:
    return lambda session: orders.cancel_order(session, order_id, reason="no more", by="test")


async def _version(trader: Trader, order_id: UUID) -> int:
    async with trader.db.transaction() as session:
        return (await orders.get_order(session, order_id)).version
