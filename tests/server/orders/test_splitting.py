"""One order becomes two, two become one, and nothing is won or lost by it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Conflict, Invalid
from server.kit.outbox import OutboxEvent
from server.orders import service as orders
from server.orders.errors import ReplacesGoods
from server.orders.service import OrderLine, OrderView, ParcelSpec, PickingBegan, SplitLine

Capture = Callable[..., Awaitable[OrderView]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LINES = (
    OrderLine(sku="TEA-1", quantity=5, unit_price_minor=300),
    OrderLine(sku="CUP-1", quantity=1),
)


async def told(db: Database) -> list[tuple[str, dict[str, Any]]]:
    async with db.transaction() as session:
        rows = await session.execute(
            select(OutboxEvent.name, OutboxEvent.body)
            .where(OutboxEvent.name.startswith("orders."))
            .order_by(OutboxEvent.id)
        )
        return [(name.removeprefix("orders."), body) for name, body in rows]


async def split(
    db: Database, order: OrderView, *lines: SplitLine, version: int = 1, **more: Any
) -> tuple[OrderView, OrderView]:
    async with db.transaction() as session:
        return await orders.split_order(
            session, order.id, lines, expected_version=version, by="clerk", **more
        )


def quantities(order: OrderView) -> list[tuple[str, int]]:
    return [(line.sku, line.quantity) for line in order.lines]


async def test_a_split_divides_lines_parcels_and_cash(db: Database, capture: Capture) -> None:
    parcels = (ParcelSpec(description="a"), ParcelSpec(description="b"))
    order = await capture(lines=LINES, parcels=parcels, cash_minor=1_500)
    left, second = await split(
        db, order, SplitLine(position=1, quantity=2), parcels=[2], cash_minor=600
    )
    assert (quantities(left), quantities(second)) == (
        [("TEA-1", 3), ("CUP-1", 1)],
        [("TEA-1", 2)],
    )
    assert [each.description for each in left.parcels + second.parcels] == ["a", "b"]
    assert (left.cash_minor, second.cash_minor) == (900, 600)
    assert (second.origin, second.origin_order_id) == ("split", order.id)
    assert left.value_minor + second.value_minor == order.value_minor == 1_500
    assert (left.version, second.version) == (2, 1)
    names = [name for name, _ in await told(db)]
    assert names == ["OrderCaptured", "OrderAmended", "OrderCaptured"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "orders.nothing_split_off"),
        ([SplitLine(position=1, quantity=6)], "orders.unknown_line"),
        ([SplitLine(position=3, quantity=1)], "orders.unknown_line"),
        ([SplitLine(position=1, quantity=3)] * 2, "orders.unknown_line"),
        (
            [SplitLine(position=1, quantity=5), SplitLine(position=2, quantity=1)],
            "orders.nothing_left",
        ),
    ],
)
async def test_a_split_that_leaves_nothing_or_takes_too_much_is_refused(
    db: Database, capture: Capture, lines: list[SplitLine], code: str
) -> None:
    order = await capture(lines=LINES)
    with pytest.raises((Invalid, Conflict)) as refused:
        await split(db, order, *lines)
    assert refused.value.code == code


async def test_a_split_off_part_is_as_doubtful_as_the_whole_but_not_short_of_stock(
    db: Database, capture: Capture
) -> None:
    order = await capture(lines=LINES)
    async with db.transaction() as session:
        await orders.accept_orders(session, [order.id], by="test")
        await orders.hold_order(session, order.id, "no tea", kind="stock", by="test")
    _, free = await split(db, order, SplitLine(position=2, quantity=1))
    assert free.state == "received"
    async with db.transaction() as session:
        await orders.hold_order(session, order.id, "who?", kind="fraud", by="test")
    _, held = await split(db, order, SplitLine(position=1, quantity=1), version=2)
    assert (held.state, [hold.kind for hold in held.holds]) == ("on_hold", ["fraud"])
    async with db.transaction() as session:
        (accepted,) = await orders.accept_orders(session, [free.id], by="test")
    assert accepted.state == "accepted"


async def test_merging_joins_the_goods_and_cancels_the_other_without_a_fee(
    db: Database, capture: Capture
) -> None:
    into = await capture(lines=LINES, cash_minor=100)
    other = await capture(lines=(*LINES, OrderLine(sku="POT-1", quantity=1)), cash_minor=50)
    async with db.transaction() as session:
        merged = await orders.merge_orders(session, into.id, other.id, by="clerk")
        gone = await orders.get_order(session, other.id)
    assert quantities(merged) == [("TEA-1", 10), ("CUP-1", 2), ("POT-1", 1)]
    assert (merged.cash_minor, merged.value_minor) == (150, 3_000)
    assert (gone.state, gone.cancel_code, gone.cancel_fee_minor) == ("cancelled", "merged", 0)
    (*_, (first, cancelled), (last, _)) = await told(db)
    assert (first, last) == ("OrderCancelled", "OrderAmended")  # its stock is free again by then
    assert (cancelled["code"], cancelled["fee_minor"]) == ("merged", 0)


async def test_what_is_not_alike_is_not_merged(db: Database, capture: Capture) -> None:
    order = await capture()
    bob = msgspec.structs.replace(order.consignee, name="Bob")
    for other in (order, await capture(consignee=bob), await capture(currency="CHF")):
        async with db.transaction() as session:
            with pytest.raises(Conflict) as refused:
                await orders.merge_orders(session, order.id, other.id, by="clerk")
        assert refused.value.code == "orders.not_alike"


async def test_a_doubtful_order_does_not_slip_through_by_a_merge(
    db: Database, capture: Capture
) -> None:
    order, other = await capture(), await capture()
    async with db.transaction() as session:
        await orders.hold_order(session, other.id, "who?", kind="fraud", by="test")
        with pytest.raises(Conflict, match="Release it"):
            await orders.merge_orders(session, order.id, other.id, by="clerk")


async def test_once_picking_began_the_lines_stand_fast(db: Database, capture: Capture) -> None:
    order, other = await capture(lines=LINES), await capture(lines=LINES)
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "in_fulfilment", by="test")
        for _ in range(2):
            await orders.begin_picking(session, order.id, by="test")
    with pytest.raises(PickingBegan):
        await split(db, order, SplitLine(position=1, quantity=1))
    async with db.transaction() as session:
        with pytest.raises(PickingBegan):
            await orders.merge_orders(session, other.id, order.id, by="clerk")
    async with db.transaction() as session:
        changes = orders.OrderChanges(lines=LINES[:1])
        with pytest.raises(PickingBegan):
            await orders.amend_order(session, order.id, changes, expected_version=1, by="clerk")


async def test_a_wave_that_was_given_up_lets_the_lines_change_again(
    db: Database, capture: Capture
) -> None:
    order = await capture(lines=LINES)
    async with db.transaction() as session:
        assert await orders.lock_to_pick(session, [order.id]) == {order.id: 1}
        await orders.begin_picking(session, order.id, by="test")
        await orders.end_picking(session, order.id, by="test")
    await split(db, order, SplitLine(position=1, quantity=1))


async def test_what_replaces_goods_of_an_exchange_stays_what_was_agreed(
    db: Database, capture: Capture
) -> None:
    """Merged away, its exchange would be given up though its goods go out."""
    agreed, other = await capture(lines=LINES, origin="exchange"), await capture(lines=LINES)
    with pytest.raises(ReplacesGoods):
        await split(db, agreed, SplitLine(position=1, quantity=1))
    for one, two in ((agreed, other), (other, agreed)):
        async with db.transaction() as session:
            with pytest.raises(ReplacesGoods):
                await orders.merge_orders(session, one.id, two.id, by="clerk")
    async with db.transaction() as session:
        changes = orders.OrderChanges(lines=LINES[:1])
        with pytest.raises(ReplacesGoods):
            await orders.amend_order(session, agreed.id, changes, expected_version=1, by="clerk")
    async with db.transaction() as session:
        changes = orders.OrderChanges(instructions="Knock")
        await orders.amend_order(session, agreed.id, changes, expected_version=1, by="clerk")


async def test_a_clone_is_a_new_order_without_cash_pin_and_number(
    db: Database, capture: Capture, sign_in: SignIn
) -> None:
    order = await capture(external_id="A-1", pin="1234", cash_minor=500, lines=LINES)
    shop = await sign_in(Role.ACCOUNT_USER, order.account_id)
    key = {"Idempotency-Key": "again"}
    first = await shop.post(f"/api/orders/{order.id}/clone", headers=key)
    second = await shop.post(f"/api/orders/{order.id}/clone", headers=key)
    assert first.status_code == 201, first.text
    made = first.json()
    assert made["id"] == second.json()["id"] != str(order.id)
    assert (made["external_id"], made["pin"], made["cash_minor"]) == (None, None, 0)
    assert (made["origin"], made["origin_order_id"]) == ("clone", str(order.id))
    assert len(made["lines"]) == 2
    stranger = await sign_in(Role.CLERK)
    assert (await stranger.post(f"/api/orders/{order.account_id}/clone")).status_code == 404


async def test_cancelling_late_at_a_customers_wish_costs_what_the_rules_say(
    db: Database, capture: Capture, sign_in: SignIn
) -> None:
    admin = await sign_in(Role.ADMIN)
    rules = (await admin.get("/api/order-rules")).json()
    rules |= {"cancel_free_until_s": 3_600, "cancel_fee_minor": 700}
    assert (await admin.put("/api/order-rules", json=rules)).status_code == 200
    window = {
        "window_start_at": NOW + timedelta(hours=2),
        "window_end_at": NOW + timedelta(hours=4),
    }
    early, late, ours = [await capture(**window) for _ in range(3)]
    shop = await sign_in(Role.ACCOUNT_USER, early.account_id)

    async def cancel(who: httpx.AsyncClient, order: OrderView, code: str) -> dict[str, Any]:
        answer = await who.post(f"/api/orders/{order.id}/cancel", json={"code": code})
        found: dict[str, Any] = answer.json()
        return found

    assert (await cancel(shop, early, "customer_request"))["cancel_fee_minor"] == 0
    with clock.running(lambda: NOW + timedelta(hours=1, seconds=1)):
        # who pays does not get away with calling it our mistake
        charged = await cancel(shop, late, "our_mistake")
        free = await cancel(admin, ours, "our_mistake")
    assert (charged["cancel_code"], charged["cancel_fee_minor"]) == ("customer_request", 700)
    assert (free["cancel_code"], free["cancel_fee_minor"]) == ("our_mistake", 0)
    fees = [body["fee_minor"] for name, body in await told(db) if name == "OrderCancelled"]
    assert fees == [0, 700, 0]
    audited = (await admin.get("/api/audit")).json()["items"]
    assert [each["action"] for each in audited].count("order.cancelled") == 3


async def test_a_clerk_splits_and_merges_over_http(capture: Capture, sign_in: SignIn) -> None:
    order = await capture(lines=LINES)
    clerk = await sign_in(Role.CLERK)
    path = f"/api/orders/{order.id}"
    body = {"expected_version": 1, "lines": [{"position": 1, "quantity": 2}]}
    answer = (await clerk.post(f"{path}/split", json=body)).json()
    again = await clerk.post(f"{path}/split", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "orders.changed")
    other = answer["split_off"]["id"]
    merged = (await clerk.post(f"{path}/merge", json={"other_id": other})).json()
    assert [line["quantity"] for line in merged["lines"]] == [5, 1]
    shop = await sign_in(Role.ACCOUNT_USER, order.account_id)
    assert (await shop.post(f"{path}/split", json=body)).status_code == 403
    wrong: tuple[Any, ...] = (
        {"expected_version": 3, "lines": [{"position": 0, "quantity": 1}]},
        {},
        [],
    )
    for bad in wrong:
        assert (await clerk.post(f"{path}/split", json=bad)).status_code == 422
