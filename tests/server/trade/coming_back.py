"""Goods are returned and exchanged."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from server.inventory import service as inventory
from server.returns import service as returns
from server.returns.service import (
    CountedLine,
    ExchangeRequest,
    Finding,
    FoundGoods,
    ReplacementLine,
    ReturningGoods,
)
from tests.server.trade.command import Act, command
from tests.server.trade.trader import PRICES, Trader

DISPOSITIONS: tuple[inventory.Disposition, ...] = ("restock", "quarantine", "scrap", "vendor")

RETURNABLE = """
    select o.id, o.id from orders o join order_line sold
        on sold.order_id = o.id and sold.position = 1
    where o.account_id = :account and o.state in ('delivered', 'completed')
    and sold.quantity > (
        select coalesce(sum(coalesce(line.received_quantity, line.quantity)), 0)
        from return r join return_line line on line.return_id = r.id
        where r.order_id = o.id and line.order_line = 1 and line.kit_line_id is null
        and r.state not in ('declined', 'cancelled', 'expired')
    )
"""


def _returns(*states: str) -> str:
    wanted = ", ".join(f"'{state}'" for state in states)
    return f"select id, order_id from return where account_id = :account and state in ({wanted})"


def _exchanges(*states: str) -> str:
    wanted = ", ".join(f"'{state}'" for state in states)
    return f"select id, order_id from exchange where account_id = :account and state in ({wanted})"


@command(RETURNABLE, any_of="orders")
async def announce_return(trader: Trader, order_id: UUID, amount: int) -> Act:
    goods = [ReturningGoods(order_line=1, quantity=(1, 1, 2, 3)[amount % 4])]
    return lambda session: returns.create_return(
        session, order_id=order_id, goods=goods, reason="", by="test"
    )


@command(RETURNABLE, any_of="orders")
async def ask_for_return(trader: Trader, order_id: UUID, amount: int) -> Act:
    goods = [ReturningGoods(order_line=1, quantity=1, reason="fit")]
    return lambda session: returns.ask_for_return(
        session, order_id=order_id, goods=goods, reason="", by="customer"
    )


@command(_returns("requested"), any_of="return")
async def approve(trader: Trader, return_id: UUID, amount: int) -> Act:
    return lambda session: returns.approve_return(session, return_id, by="test")


@command(_returns("requested"), any_of="return")
async def decline(trader: Trader, return_id: UUID, amount: int) -> Act:
    return lambda session: returns.decline_return(session, return_id, reason="no", by="test")


@command(_returns("requested", "approved", "booked"), any_of="return")
async def give_return_up(trader: Trader, return_id: UUID, amount: int) -> Act:
    return lambda session: returns.cancel_return(session, return_id, reason="", by="test")


@command(
    """
    select r.id, r.order_id from return r where r.account_id = :account
    and r.state in ('received', 'collected', 'booked') and (
        not exists (select from return_line line where line.return_id = r.id)
        or exists (
            select from return_line line where line.return_id = r.id
            and line.kit_line_id is null and line.received_quantity is null
        )
    )
    """,
    any_of="return",
)
async def open_box(trader: Trader, return_id: UUID, amount: int) -> Act:
    """Mostly what was announced is in it."""
    async with trader.db.transaction() as session:
        coming = await returns.get_return(session, return_id)
    counted = [
        CountedLine(line_id=line.id, quantity=max(line.quantity - (amount % 4 == 0), 0))
        for line in coming.lines
        if line.kit_line_id is None and line.received_quantity is None
    ]
    found = [FoundGoods(sku="CUP", quantity=1)] if amount % 5 == 0 or not counted else []
    return lambda session: returns.receive_goods(
        session, return_id, counted=counted, found=found, by="test"
    )


def _lines(*, stocked: bool) -> str:
    return f"""
        select line.id, r.order_id from return_line line join return r on r.id = line.return_id
        where r.account_id = :account and r.state = 'received' and line.disposition is null
        and line.received_quantity > 0 and (line.sku_id is not null) = {stocked}
    """


@command(_lines(stocked=True))
async def inspect(trader: Trader, line_id: UUID, amount: int) -> Act:
    return _inspect(trader, line_id, amount, is_stocked=True)


@command(_lines(stocked=False))
async def inspect_a_kit(trader: Trader, line_id: UUID, amount: int) -> Act:
    """Its parts are what is kept in stock."""
    return _inspect(trader, line_id, amount, is_stocked=False)


def _inspect(trader: Trader, line_id: UUID, amount: int, *, is_stocked: bool) -> Act:
    disposition = DISPOSITIONS[amount % 4]
    shelf = {"restock": trader.shelves[0], "quarantine": trader.quarantine}.get(disposition)
    finding = Finding(
        grade="used",
        disposition=disposition,
        location_id=shelf if is_stocked else None,
        quantity=1 if amount % 3 == 0 else None,
        refund_percent=(100, 50)[amount % 2],
    )
    return lambda session: returns.inspect_line(session, line_id, finding, by="test")


@command(_returns("inspected"), any_of="return")
async def resolve(trader: Trader, return_id: UUID, amount: int) -> Act:
    return lambda session: returns.resolve_return(session, return_id, by="test")


@command(
    """
    select d.id, r.order_id from return_difference d join return r on r.id = d.return_id
    where d.account_id = :account and d.settled_at is null
    """
)
async def settle_difference(trader: Trader, difference_id: UUID, amount: int) -> Act:
    return lambda session: returns.settle_difference(session, difference_id, note="seen", by="test")


@command(RETURNABLE, any_of="orders")
async def swap(trader: Trader, order_id: UUID, amount: int) -> Act:
    """For the dearest thing, the cheapest one, or one of which there is none."""
    sku = ("SET", "TEA", "SET", "MUG")[amount % 4]
    request = ExchangeRequest(
        order_id=order_id,
        goods=(ReturningGoods(order_line=1, quantity=1),),
        replacement=(ReplacementLine(sku=sku, quantity=1, unit_price_minor=PRICES[sku]),),
        window_start_at=trader.now,
        window_end_at=trader.now + timedelta(hours=10),
    )
    return lambda session: returns.create_exchange(
        session, request, by="test", lenient=amount % 3 > 0
    )


@command(_exchanges("awaiting_payment"), any_of="exchange")
async def pay_difference(trader: Trader, exchange_id: UUID, amount: int) -> Act:
    settlement: Any = ("paid", "on_account")[amount % 2]
    return lambda session: returns.pay_difference(
        session, exchange_id, settlement=settlement, reference="1", by="test"
    )


@command(_exchanges("reserved", "awaiting_payment", "released"), any_of="exchange")
async def give_exchange_up(trader: Trader, exchange_id: UUID, amount: int) -> Act:
    return lambda session: returns.cancel_exchange(
        session, exchange_id, keep_return=amount % 3 == 0, reason="", by="test"
    )
