"""A quote is an order that nobody works on until it is accepted, and that ends by itself."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Conflict, Invalid
from server.kit.outbox import OutboxEvent
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderView, Quote
from server.orders.timers import close_quotes

NewDraft = Callable[..., OrderDraft]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


async def offer(db: Database, draft: OrderDraft, hours: float = 3) -> OrderView:
    quote = Quote(expires_at=NOW + timedelta(hours=hours), price_note="as last year")
    async with db.transaction() as session:
        return await orders.capture_order(session, draft, by="clerk", quote=quote)


async def told(db: Database) -> list[str]:
    async with db.transaction() as session:
        names = select(OutboxEvent.name).where(OutboxEvent.name.startswith("orders."))
        rows = await session.scalars(names.order_by(OutboxEvent.id))
        return [name.removeprefix("orders.") for name in rows]


async def test_a_quote_becomes_an_order_once_however_often_it_is_accepted(
    db: Database, new_draft: NewDraft
) -> None:
    quote = await offer(db, new_draft())
    assert (quote.state, quote.price_note) == ("draft", "as last year")
    assert await told(db) == ["OrderQuoted"]
    for _ in range(2):
        async with db.transaction() as session:
            order = await orders.accept_quote(session, quote.id, by="shop")
        assert (order.id, order.state) == (quote.id, "received")
    assert await told(db) == ["OrderQuoted", "QuoteAccepted", "OrderCaptured"]


async def test_a_quote_that_nobody_accepts_expires_and_cannot_be_accepted_any_more(
    db: Database, new_draft: NewDraft
) -> None:
    quote, other = await offer(db, new_draft()), await offer(db, new_draft(), hours=5)
    with clock.running(lambda: NOW + timedelta(hours=4)):
        async with db.transaction() as session:
            with pytest.raises(Conflict, match="expired"):  # the timer has not looked yet
                await orders.accept_quote(session, quote.id, by="shop")
        for _ in range(2):
            await close_quotes(db)
        async with db.transaction() as session:
            gone = await orders.get_order(session, quote.id)
            assert (gone.state, gone.cancel_code) == ("cancelled", "expired")
            with pytest.raises(Conflict, match="expired"):
                await orders.accept_quote(session, quote.id, by="shop")
            assert (await orders.get_order(session, other.id)).state == "draft"
    assert (await told(db)).count("QuoteExpired") == 1


@pytest.mark.parametrize("hours", [-1, 0, 24 * 30])
async def test_a_quote_expires_in_the_future_and_before_its_window_closes(
    db: Database, new_draft: NewDraft, hours: float
) -> None:
    with pytest.raises(Invalid, match="must expire"):
        await offer(db, new_draft(), hours)
    assert await told(db) == []


async def test_a_quote_is_offered_and_accepted_over_http(sign_in: SignIn, account: object) -> None:
    shop = await sign_in(Role.ACCOUNT_USER, account.id)  # type: ignore[attr-defined]
    body = {
        "order": {
            "consignee": {"name": "Ada", "address": {"street": "Main", "lon": 9.5, "lat": 47.1}},
            "lines": [{"sku": "TEA-1", "quantity": 1, "unit_price_minor": 250}],
        },
        "expires_at": "2026-11-23T12:00:00Z",
        "price_note": "free of charge from 5",
    }
    made = await shop.post("/api/quotes", json=body, headers={"Idempotency-Key": "q"})
    again = await shop.post("/api/quotes", json=body, headers={"Idempotency-Key": "q"})
    assert made.status_code == 201, made.text
    assert again.json() == made.json()
    quote = made.json()
    assert (quote["state"], quote["value_minor"]) == ("draft", 250)
    path = f"/api/quotes/{quote['id']}/accept"
    stranger = await sign_in(Role.ACCOUNT_USER, await open_account(sign_in))
    assert (await stranger.post(path)).status_code == 404
    assert (await shop.post(path)).json()["state"] == "received"
    split = {"expected_version": 1, "lines": [{"position": 1, "quantity": 1}]}
    clerk = await sign_in(Role.CLERK)
    other = (await shop.post("/api/quotes", json=body)).json()
    refused = await clerk.post(f"/api/orders/{other['id']}/split", json=split)
    assert refused.json()["code"] == "orders.quote_is_open"


async def open_account(sign_in: SignIn) -> str:
    clerk = await sign_in(Role.CLERK)
    answer = await clerk.post("/api/accounts", json={"name": "Other", "code": "OTHER"})
    found: str = answer.json()["id"]
    return found
