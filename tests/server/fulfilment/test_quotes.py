"""The goods of a quote are kept for its own buyer, and for nobody once it is over."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from server.accounts.service import AccountView
from server.inventory import service as inventory
from server.inventory.service import NewSku, Received
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderLine, OrderView, Party, Quote
from server.orders.timers import close_quotes

Relay = Callable[[], Awaitable[int]]
TEA = (OrderLine(sku="TEA-1", quantity=2),)


@pytest_asyncio.fixture
async def tea(db: Database, account: AccountView) -> UUID:
    """Three packets on a shelf, all there are."""
    async with db.transaction() as session:
        warehouse = await inventory.create_location(
            session, kind="warehouse", code=f"W{new_id().hex[-6:]}", parent_id=None, by="test"
        )
        shelf = await inventory.create_location(
            session, kind="bin", code="A", parent_id=warehouse.id, by="test"
        )
        sku = await inventory.create_sku(
            session, NewSku(code="TEA-1", name="Tea"), account_id=account.id, by="test"
        )
        await inventory.receive_stock(
            session,
            account_id=account.id,
            location_id=shelf.id,
            goods=[Received(sku="TEA-1", quantity=3)],
            by="test",
        )
    return sku.id


async def offer(db: Database, account: AccountView, party: Party) -> OrderView:
    draft = OrderDraft(
        account_id=account.id, kind="goods", channel="quote", consignee=party, lines=TEA
    )
    quote = Quote(expires_at=clock.now() + timedelta(hours=2))
    async with db.transaction() as session:
        return await orders.capture_order(session, draft, by="clerk", quote=quote)


async def state_of(db: Database, order: OrderView) -> str:
    async with db.transaction() as session:
        return (await orders.get_order(session, order.id)).state


async def holds(db: Database) -> int:
    async with db.transaction() as session:
        return int(await session.scalar(text("select count(*) from hold where closed_at is null")))


async def test_what_is_quoted_is_kept_from_others_and_not_from_its_own_buyer(
    db: Database, account: AccountView, party: Party, capture: Any, relay: Relay, tea: UUID
) -> None:
    """A mistake of others: a hold that blocks its own buyer."""
    quote = await offer(db, account, party)
    await relay()
    assert await holds(db) == 1
    other = await capture(lines=TEA, channel="api")
    await relay()
    assert await state_of(db, other) == "on_hold"
    async with db.transaction() as session:
        await orders.accept_quote(session, quote.id, by="shop")
    await relay()
    assert (await state_of(db, quote), await holds(db)) == ("in_fulfilment", 0)
    assert await state_of(db, other) == "on_hold"


async def test_a_quote_that_expired_or_was_cancelled_keeps_nothing(
    db: Database, account: AccountView, party: Party, relay: Relay, tea: UUID
) -> None:
    expired = await offer(db, account, party)
    await relay()
    at = clock.now() + timedelta(hours=3)
    with clock.running(lambda: at):
        await close_quotes(db)
        await relay()
    assert (await state_of(db, expired), await holds(db)) == ("cancelled", 0)
    cancelled = await offer(db, account, party)
    await relay()
    assert await holds(db) == 1
    async with db.transaction() as session:
        await orders.cancel_order(session, cancelled.id, by="shop", reason="")
    await relay()
    assert await holds(db) == 0


async def test_a_quote_for_more_than_there_is_stands_and_says_so(
    db: Database, account: AccountView, party: Party, relay: Relay, tea: UUID
) -> None:
    await offer(db, account, party)
    short = await offer(db, account, party)
    await relay()
    async with db.transaction() as session:
        log = await orders.order_history(session, short.id)
    assert next(each.reason for each in log if each.what == "noted").startswith("Not kept.")
    assert await state_of(db, short) == "draft"
