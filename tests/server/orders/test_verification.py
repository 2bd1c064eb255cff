"""Orders that raise a doubt are held with every reason named, and never dropped."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from server.accounts import service as accounts
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.orders import service as orders
from server.orders.service import (
    Credit,
    OrderDraft,
    OrderLine,
    OrderView,
    Party,
    RulesView,
)
from server.places import service as places
from server.places.service import Address

Capture = Callable[..., Awaitable[OrderView]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TEA = (OrderLine(sku="TEA-1", quantity=2, unit_price_minor=1_000),)


def credit(limit_minor: int | None, owed_minor: int = 0, **more: Any) -> Credit:
    return Credit(limit_minor=limit_minor, owed_minor=owed_minor, currency="EUR", **more)


async def accept(db: Database, order: OrderView, terms: Credit | None = None) -> OrderView:
    async def credit_of(account_id: UUID) -> Credit:
        assert terms and account_id == order.account_id
        return terms

    asked = credit_of if terms else None
    async with db.transaction() as session:
        (seen,) = await orders.accept_orders(session, [order.id], credit_of=asked, by="test")
    return seen


async def set_rules(db: Database, **changes: Any) -> None:
    async with db.transaction() as session:
        rules = await orders.get_rules(session)
        await orders.save_rules(session, msgspec.structs.replace(rules, **changes), by="test")


def kinds(order: OrderView) -> list[str]:
    return [hold.kind for hold in order.holds]


async def test_the_same_goods_from_another_channel_are_held_naming_the_other_order(
    db: Database, capture: Capture
) -> None:
    first = await accept(db, await capture(channel="api", external_id="A-1"))
    second = await accept(db, await capture(channel="counter"))
    assert (first.state, second.state) == ("accepted", "on_hold")
    (hold,) = second.holds
    assert hold.kind == "duplicate" and first.number in hold.reason


async def test_orders_looked_at_together_are_held_as_if_they_came_one_by_one(
    db: Database, capture: Capture
) -> None:
    """Each fits the limit, both together do not; and the last one is the first one again."""

    async def credit_of(_: UUID) -> Credit:
        return credit(3_000)

    first = await capture(channel="api", external_id="A-1", lines=TEA)
    other = await capture(
        lines=(OrderLine(sku="TEA-2", quantity=2, unit_price_minor=1_000),), reference="too much"
    )
    again = await capture(channel="counter", lines=TEA)
    small = await capture(lines=(OrderLine(sku="TEA-3", quantity=1, unit_price_minor=1_000),))
    async with db.transaction() as session:
        seen = await orders.accept_orders(
            session,
            [small.id, again.id, other.id, first.id],
            credit_of=credit_of,
            by="test",
        )
    assert [each.id for each in seen] == [first.id, other.id, again.id, small.id]
    assert [each.state for each in seen] == ["accepted", "on_hold", "on_hold", "accepted"]
    assert [kinds(each) for each in seen] == [[], ["credit"], ["credit", "duplicate"], []]


async def test_of_two_duplicates_exactly_one_waits_whichever_is_looked_at_first(
    db: Database, capture: Capture
) -> None:
    first, second = await capture(channel="api"), await capture(channel="counter")
    later = await accept(db, second)
    earlier = await accept(db, first)
    assert (later.state, earlier.state) == ("on_hold", "accepted")


@pytest.mark.parametrize(
    "different",
    [
        {"lines": (OrderLine(sku="TEA-1", quantity=3),)},
        {"channel": "api"},
        {"origin": "clone"},
    ],
)
async def test_what_differs_or_was_copied_on_purpose_is_no_duplicate(
    db: Database, capture: Capture, different: dict[str, Any]
) -> None:
    await accept(db, await capture(channel="api", external_id="A-1"))
    fields = {"channel": "counter"} | different
    assert (await accept(db, await capture(**fields))).state == "accepted"


async def test_a_repeat_without_a_number_is_held_when_the_company_says_so(
    db: Database, capture: Capture
) -> None:
    await set_rules(db, repeat_within_s=600)
    await accept(db, await capture(channel="counter"))
    assert kinds(await accept(db, await capture(channel="counter"))) == ["duplicate"]
    numbered = await capture(channel="api", external_id="A-1")
    await accept(db, numbered)
    await set_rules(db, duplicate_within_s=None)
    other = await accept(db, await capture(channel="api", external_id="A-2"))
    assert other.state == "accepted"


async def test_what_was_ordered_long_ago_or_is_cancelled_is_no_duplicate(
    db: Database, capture: Capture
) -> None:
    first = await capture(channel="api", external_id="A-1")
    async with db.transaction() as session:
        await orders.cancel_order(session, first.id, by="clerk", reason="")
    assert (await accept(db, await capture(channel="counter"))).state == "accepted"
    with clock.running(lambda: NOW + timedelta(days=2)):
        assert (await accept(db, await capture(channel="api"))).state == "accepted"


async def test_an_order_over_the_credit_limit_waits_and_one_at_the_limit_does_not(
    db: Database, capture: Capture
) -> None:
    first = await accept(db, await capture(lines=TEA), credit(5_000, 1_000))
    second = await accept(db, await capture(lines=TEA), credit(5_000, 1_000))
    third = await accept(db, await capture(lines=TEA), credit(5_000, 1_000))
    assert [order.state for order in (first, second, third)] == ["accepted", "accepted", "on_hold"]
    assert "70.00 EUR" in third.holds[0].reason and "50.00 EUR" in third.holds[0].reason


async def test_a_limit_in_another_currency_and_a_closed_account_are_a_persons_to_decide(
    db: Database, capture: Capture
) -> None:
    foreign = await accept(db, await capture(currency="CHF"), credit(5_000))
    closed = await accept(db, await capture(), credit(None, active=False))
    assert (kinds(foreign), kinds(closed)) == (["credit"], ["credit"])


async def test_two_orders_that_fit_the_limit_only_one_by_one_do_not_both_pass_at_once(
    own_db: Database,
) -> None:
    async with own_db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        place = await places.create_place(
            session, Address(street="Main Street"), position=Position(9.5, 47.1)
        )
    draft = OrderDraft(
        account_id=account.id,
        kind="goods",
        channel="test",
        consignee=Party(name="Ada", place_id=place.id),
        lines=TEA,
    )
    async with own_db.transaction() as session:
        made = [await orders.capture_order(session, draft, by="test") for _ in range(6)]
    done = await asyncio.gather(*(accept(own_db, order, credit(6_000)) for order in made))
    assert sorted(order.state for order in done) == ["accepted"] * 3 + ["on_hold"] * 3


async def test_every_doubt_is_named_at_once(
    db: Database, capture: Capture, sign_in: SignIn
) -> None:
    await set_rules(db, cash_limit_minor=10_000, new_place_orders=1)
    clerk = await sign_in(Role.CLERK)
    for kind, value in (("phone", "00423/123 45 67"), ("email", "ADA@example.org")):
        answer = await clerk.post(
            "/api/blocked-consignees", json={"kind": kind, "value": value, "reason": "unpaid"}
        )
        assert answer.status_code == 201, answer.text
    first = await capture(channel="api")
    party = msgspec.structs.replace(first.consignee, email="ada@example.org")
    order = await capture(channel="counter", consignee=party, cash_minor=10_001, lines=TEA)
    await accept(db, first)
    held = await accept(db, order, credit(0))
    assert kinds(held) == ["credit", *["fraud"] * 4, "duplicate"]
    reasons = " ".join(hold.reason for hold in held.holds)
    for said in ("100.01 EUR", "phone is on the block list: unpaid", "email", "never got one"):
        assert said in reasons


async def test_what_a_person_released_is_not_held_again_for_the_same(
    db: Database, capture: Capture
) -> None:
    order = await accept(db, await capture(lines=TEA), credit(0))
    async with db.transaction() as session:
        assert (await orders.release_order(session, order.id, by="clerk")).state == "accepted"
    assert (await accept(db, order, credit(0))).state == "accepted"


async def test_who_asks_for_more_while_held_is_looked_at_again(
    db: Database, capture: Capture
) -> None:
    order = await accept(db, await capture(lines=TEA), credit(0))
    async with db.transaction() as session:
        more = (OrderLine(sku="TEA-1", quantity=200, unit_price_minor=1_000),)
        changes = orders.OrderChanges(lines=more)
        await orders.amend_order(session, order.id, changes, expected_version=1, by="shop")
        assert (await orders.release_order(session, order.id, by="clerk")).state == "received"
    assert (await accept(db, order, credit(2_000))).state == "on_hold"


async def test_a_place_that_got_goods_before_may_get_many(db: Database, capture: Capture) -> None:
    await set_rules(db, new_place_orders=1)
    first = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, first.id, "delivered", by="test")
    assert (await accept(db, await capture())).state == "accepted"


async def test_only_an_administrator_changes_the_rules(db: Database, sign_in: SignIn) -> None:
    clerk, admin = await sign_in(Role.CLERK), await sign_in(Role.ADMIN)
    rules = (await clerk.get("/api/order-rules")).json()
    assert rules["duplicate_within_s"] == 86_400
    changed = rules | {"cash_limit_minor": 50_000}
    assert (await clerk.put("/api/order-rules", json=changed)).status_code == 403
    assert (await admin.put("/api/order-rules", json=changed)).json() == changed
    assert RulesView(**(await clerk.get("/api/order-rules")).json()).cash_limit_minor == 50_000
    bad = rules | {"duplicate_within_s": 1}
    assert (await admin.put("/api/order-rules", json=bad)).status_code == 422


async def test_the_block_list_is_kept_over_http(sign_in: SignIn) -> None:
    clerk, shop = await sign_in(Role.CLERK), await sign_in(Role.DISPATCHER)
    path = "/api/blocked-consignees"
    assert (await shop.get(path)).status_code == 403
    made = (await clerk.post(path, json={"kind": "phone", "value": "+41 79 1"})).json()
    assert made["value"] == "41791"
    again = await clerk.post(path, json={"kind": "phone", "value": "0041 791"})
    assert (again.status_code, again.json()["code"]) == (409, "orders.already_blocked")
    empty = await clerk.post(path, json={"kind": "phone", "value": "nobody"})
    assert (empty.status_code, empty.json()["code"]) == (422, "orders.nothing_to_block")
    assert [each["id"] for each in (await clerk.get(path)).json()["items"]] == [made["id"]]
    assert (await clerk.delete(f"{path}/{made['id']}")).status_code == 204
    assert (await clerk.delete(f"{path}/{made['id']}")).status_code == 404
