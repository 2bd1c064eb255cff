"""Several reasons may hold one order; it goes on with the last of them, once."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, select

from server.identity.access import Role
from server.kit.db import Database
from server.kit.errors import IllegalMove
from server.kit.outbox import OutboxEvent
from server.orders import service as orders
from server.orders.service import NoSuchHold, OrderView

Capture = Callable[..., Awaitable[OrderView]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def releases(db: Database) -> int:
    async with db.transaction() as session:
        told = select(func.count()).where(OutboxEvent.name == "orders.OrderReleased")
        return await session.scalar(told) or 0


async def test_an_order_goes_on_when_the_last_of_its_holds_is_released(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "accepted", by="test")
        await orders.hold_order(session, order.id, "over the limit", kind="credit", by="system")
        held = await orders.hold_order(session, order.id, "no tea", kind="stock", by="system")
        assert [(hold.kind, hold.reason) for hold in held.holds] == [
            ("credit", "over the limit"),
            ("stock", "no tea"),
        ]
        held = await orders.release_order(session, order.id, kind="stock", by="system")
        assert (held.state, [hold.kind for hold in held.holds]) == ("on_hold", ["credit"])
    assert await releases(db) == 0
    async with db.transaction() as session:
        free = await orders.release_order(session, order.id, kind="credit", by="clerk")
    assert (free.state, free.holds) == ("accepted", ())
    assert await releases(db) == 1


async def test_the_same_reason_holds_an_order_once(db: Database, capture: Capture) -> None:
    order = await capture()
    async with db.transaction() as session:
        for _ in range(2):
            held = await orders.hold_order(session, order.id, "no tea", kind="stock", by="system")
    assert len(held.holds) == 1


async def test_an_order_held_before_it_was_accepted_is_received_again(
    db: Database, capture: Capture
) -> None:
    """So that nothing that acceptance looks at is passed over."""
    order = await capture()
    async with db.transaction() as session:
        await orders.hold_order(session, order.id, "call me first", by="clerk")
        assert (await orders.release_order(session, order.id, by="clerk")).state == "received"


async def test_a_hold_that_does_not_stand_cannot_be_released(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    async with db.transaction() as session:
        with pytest.raises(NoSuchHold):
            await orders.release_order(session, order.id, by="clerk")
        await orders.hold_order(session, order.id, "no tea", kind="stock", by="system")
        with pytest.raises(NoSuchHold, match="credit"):
            await orders.release_order(session, order.id, kind="credit", by="clerk")


async def test_an_order_in_fulfilment_cannot_be_held(db: Database, capture: Capture) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "in_fulfilment", by="test")
        with pytest.raises(IllegalMove):
            await orders.hold_order(session, order.id, "too late", by="clerk")


async def test_a_clerk_holds_and_releases_over_http(capture: Capture, sign_in: SignIn) -> None:
    clerk, order = await sign_in(Role.CLERK), await capture()
    path = f"/api/orders/{order.id}"
    held = await clerk.post(f"{path}/hold", json={"reason": "who are they?"})
    assert [hold["reason"] for hold in held.json()["holds"]] == ["who are they?"]
    wrong = await clerk.post(f"{path}/release", json={"kind": "stock"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "orders.no_such_hold")
    free = await clerk.post(f"{path}/release")
    assert free.json()["state"] == "received"
    assert (await clerk.post(f"{path}/release", json={})).status_code == 409
