"""What consignees usually want is learned from what reached them, and forgotten on demand."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import msgspec

from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.preferences import PreferenceView
from server.orders.service import OrderLine, OrderView

Capture = Callable[..., Awaitable[OrderView]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
Relay = Callable[[], Awaitable[int]]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TEA = (OrderLine(sku="TEA-1", quantity=2, unit_price_minor=5),)
CUP = (OrderLine(sku="CUP-1", quantity=1),)


async def deliver(
    db: Database, capture: Capture, relay: Relay, opens_h: int, lines: tuple[OrderLine, ...]
) -> OrderView:
    order = await capture(
        window_start_at=NOW + timedelta(hours=opens_h),
        window_end_at=NOW + timedelta(hours=opens_h + 2),
        lines=lines,
        instructions="Ring twice",
    )
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "delivered", by="test")
    await relay()
    return order


async def known(db: Database, order: OrderView, **said: str) -> list[PreferenceView]:
    said = said or {"phone": order.consignee.phone}
    async with db.transaction() as session:
        return await orders.find_preferences(
            session, order.account_id, **said, zone=ZoneInfo("Europe/Vaduz")
        )


async def test_the_usual_window_and_goods_are_learned_from_what_was_delivered(
    db: Database, capture: Capture, relay: Relay
) -> None:
    for opens_h, lines in ((2, TEA), (6, CUP), (2, TEA)):
        order = await deliver(db, capture, relay, opens_h, lines)
    for phone in (order.consignee.phone, "00423 12345 67"):
        (found,) = await known(db, order, phone=phone)
    assert (found.window_start_local, found.window_end_local) == (time(11), time(13))
    assert [(line.sku, line.quantity, line.unit_price_minor) for line in found.goods] == [
        ("TEA-1", 2, None)
    ]
    assert (found.orders_seen, found.instructions) == (3, "Ring twice")
    assert await known(db, order, phone="+1 555 00") == []
    stranger = msgspec.structs.replace(order, account_id=new_id())
    assert await known(db, stranger) == []


async def test_a_delivery_that_is_told_twice_counts_once(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await deliver(db, capture, relay, 2, TEA)
    async with db.transaction() as session:
        await orders.learn_preferences(session, order.id)
    assert (await known(db, order))[0].orders_seen == 1


async def test_only_the_last_ten_deliveries_say_what_is_usual(
    db: Database, capture: Capture, relay: Relay
) -> None:
    for _ in range(11):
        await deliver(db, capture, relay, 2, TEA)
    for _ in range(6):
        order = await deliver(db, capture, relay, 6, CUP)
    (found,) = await known(db, order)
    assert (found.orders_seen, found.window_start_local) == (10, time(15))


async def test_what_a_person_says_counts_more_and_forgetting_leaves_nothing(
    db: Database, capture: Capture, relay: Relay, sign_in: SignIn
) -> None:
    order = await deliver(db, capture, relay, 2, TEA)
    shop = await sign_in(Role.ACCOUNT_USER, order.account_id)
    asked = {"phone": order.consignee.phone}
    (found,) = (await shop.get("/api/preferences", params=asked)).json()["items"]
    path = f"/api/preferences/{found['id']}"
    said = {
        "window_start_local": "17:00:00",
        "window_end_local": "19:00:00",
        "safe_place": "the shed",
    }
    changed = (await shop.put(path, json=said)).json()
    assert changed | said == changed and changed["orders_seen"] == 1
    for bad in (
        said | {"window_end_local": None},
        said | {"window_end_local": "08:00:00"},
        said | {"safe_place": "x" * 201},
    ):
        assert (await shop.put(path, json=bad)).status_code == 422
    clerk = await sign_in(Role.CLERK)
    assert (await clerk.get("/api/preferences", params=asked)).status_code == 422
    assert (await shop.delete(path)).status_code == 204
    assert (await shop.delete(path)).status_code == 404
    assert (await shop.get("/api/preferences", params=asked)).json() == {"items": []}
    admin = await sign_in(Role.ADMIN)
    (entry,) = [
        each
        for each in (await admin.get("/api/audit")).json()["items"]
        if each["action"] == "preference.forgotten"
    ]
    assert order.consignee.phone not in str(entry)
