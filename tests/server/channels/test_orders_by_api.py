"""Orders through the API and the counter's form."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.app.web import create_app
from server.identity import service as identity
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings

Json = dict[str, Any]


async def count(db: Database, table: str) -> int:
    async with db.transaction() as session:
        return await session.scalar(select(func.count()).select_from(text(table))) or 0


async def test_an_order_is_taken_and_can_be_looked_at(shop: httpx.AsyncClient, order: Json) -> None:
    taken = await shop.post("/api/orders", json=order)
    assert taken.status_code == 201, taken.text
    body = taken.json()
    assert (body["state"], body["version"], body["needs_pin"]) == ("received", 1, [])
    seen = (await shop.get(f"/api/orders/{body['id']}")).json()
    assert seen["number"] == body["number"]
    assert seen["consignee"]["name"] == "Ada Lovelace"
    assert [each["id"] for each in (await shop.get("/api/orders")).json()["items"]] == [body["id"]]
    events = (await shop.get(f"/api/orders/{body['id']}/events")).json()
    assert [event["what"] for event in events] == ["captured"]


async def test_the_same_key_and_body_give_the_same_answer(
    db: Database, shop: httpx.AsyncClient, order: Json
) -> None:
    del order["external_id"]
    headers = {"Idempotency-Key": "k1"}
    first = await shop.post("/api/orders", json=order, headers=headers)
    second = await shop.post("/api/orders", json=order, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert await count(db, "orders") == 1


async def test_the_same_key_with_another_body_is_refused(
    db: Database, shop: httpx.AsyncClient, order: Json
) -> None:
    headers = {"Idempotency-Key": "k1"}
    await shop.post("/api/orders", json=order, headers=headers)
    order["external_id"] = "A-2"
    other = await shop.post("/api/orders", json=order, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.another_body")
    assert await count(db, "orders") == 1


async def test_two_requests_with_one_key_at_once_make_one_order(
    settings: Settings, own_db: Database, feed: Feed, blobs: Blobs, order: Json
) -> None:
    del order["external_id"]
    async with own_db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        person = await identity.create_person(
            session, name="Eva", email="e@example.org", role=Role.CLERK, by="test"
        )
        opened = await identity.open_session(session, person.id)
    app = create_app(settings, own_db, feed, blobs)
    order["account"] = account.code
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        client.cookies.set("postrider_session", opened.token)
        headers = {"X-CSRF-Token": opened.csrf_token, "Idempotency-Key": "k1"}
        answers = await asyncio.gather(
            *(client.post("/api/orders", json=order, headers=headers) for _ in range(5))
        )
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(own_db, "orders") == 1


async def test_your_order_number_again_is_the_same_order(
    db: Database, shop: httpx.AsyncClient, order: Json
) -> None:
    first = await shop.post("/api/orders", json=order)
    second = await shop.post("/api/orders", json=order)
    assert (second.status_code, second.json()["is_new"]) == (200, False)
    assert first.json()["id"] == second.json()["id"]
    order["lines"][0]["quantity"] = 3
    third = await shop.post("/api/orders", json=order)
    assert (third.status_code, third.json()["code"]) == (409, "orders.number_taken")
    assert (await count(db, "orders"), await count(db, "place")) == (1, 1)


async def test_an_address_that_is_not_found_is_taken_and_needs_a_pin(
    shop: httpx.AsyncClient, order: Json
) -> None:
    order["consignee"]["address"] = {"line": "Hidden Lane 7, 9999 Nowhere"}
    taken = await shop.post("/api/orders", json=order)
    assert taken.status_code == 201, taken.text
    assert taken.json()["needs_pin"] == [taken.json()["consignee"]["place_id"]]


async def test_a_courier_is_booked_from_door_to_door(shop: httpx.AsyncClient, order: Json) -> None:
    address = {"street": "Side Street", "house_number": "2", "lon": 9.51, "lat": 47.13}
    order |= {
        "kind": "courier",
        "consignor": {"name": "Bob", "address": address},
        "lines": [],
        "parcels": [{"weight_g": 1200}],
        "service_level": "express",
    }
    booked = (await shop.post("/api/orders", json=order)).json()
    assert booked["consignor"]["name"] == "Bob"
    assert booked["window_end_at"] == "2026-11-23T11:00:00Z"
    assert booked["pickup_window_start_at"] == "2026-11-23T08:00:00Z"


@pytest.mark.parametrize(
    "change",
    [
        {"lines": [{"sku": "T", "quantity": 0}]},
        {"lines": [{"sku": "", "quantity": 1}]},
        {"lines": [{"sku": " ", "quantity": 1}]},
        {"lines": [{"sku": "T", "quantity": 1, "price": 3}]},
        {"parcels": [{"weight_g": 1_000_001}]},
        {"parcels": [{"weight_g": -1}]},
        {"parcels": [{"length_mm": 10_001}]},
        {"parcels": [{}] * 201},
        {"parcels": [{"weight_g": 1.5}]},
        {"reference": "x" * 201},
        {"reference": "a\u0000b"},
        {"instructions": "a\u0000b"},
        {"external_id": ""},
        {"skills": ["two person"]},
        {"proof": {"photo": "maybe"}},
        {"pin": "12"},
        {"pin": "12ab"},
        {"cash_minor": -1},
        {"currency": "euro"},
        {"kind": "gift"},
        {"window_start_at": "2026-11-24T08:00:00", "window_end_at": "2026-11-24T09:00:00"},
        {"window_start_at": "soon", "window_end_at": "later"},
        {"consignee": {"name": "A", "address": {"line": "X 1", "lon": 181, "lat": 0}}},
        {"consignee": {"name": "A", "address": {"line": "X 1", "lon": 9}}},
        {"consignee": {"name": "A\u0000", "address": {"line": "X 1"}}},
        {"consignee": {"name": "A", "address": {"line": "X 1\u0000"}}},
        {"consignee": {"name": "A", "address": {}}},
        {"consignee": {"name": "A", "phone": "call me", "address": {"line": "X 1"}}},
        {"consignee": {"name": "A", "email": "nowhere", "address": {"line": "X 1"}}},
        {"consignee": {}},
        {"consignee": None},
        {"account": "OTHER"},
        {"unknown": 1},
        {"account": "a\u0000"},
    ],
    ids=str,
)
async def test_bad_orders_are_refused_and_leave_nothing_behind(
    db: Database, shop: httpx.AsyncClient, order: Json, change: Json
) -> None:
    refused = await shop.post("/api/orders", json=order | change)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["code"]
    assert (await count(db, "orders"), await count(db, "place")) == (0, 0)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"a": "\xff"}', b'"\\ud800"', b"null", b'{"lines":' * 2000]
)
async def test_bodies_that_are_no_order_are_refused(shop: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/api/orders", "/api/orders/form"):
        refused = await shop.post(path, content=body, headers=headers)
        assert 400 <= refused.status_code < 500, (path, refused.text)


@pytest.mark.parametrize("query", ["text=%00", "limit=0", "limit=201", "after=x", "state=lost"])
async def test_bad_questions_are_refused(shop: httpx.AsyncClient, query: str) -> None:
    refused = await shop.get(f"/api/orders?{query}")
    assert refused.status_code == 422, refused.text


async def test_a_clerk_says_which_account_pays(
    sign_in: Any, order: Json, account: AccountView
) -> None:
    clerk = await sign_in(Role.CLERK)
    missing = await clerk.post("/api/orders", json=order)
    assert (missing.status_code, missing.json()["code"]) == (422, "channels.account_missing")
    unknown = await clerk.post("/api/orders", json=order | {"account": "NOBODY"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "channels.account_unknown")
    taken = await clerk.post("/api/orders", json=order | {"account": "SHOP"})
    assert taken.json()["account_id"] == str(account.id)


async def test_others_orders_are_not_there(
    db: Database, sign_in: Any, shop: httpx.AsyncClient, order: Json
) -> None:
    mine = (await shop.post("/api/orders", json=order)).json()["id"]
    async with db.transaction() as session:
        other = await accounts.create_account(session, name="Other", code="OTHER", by="test")
    stranger = await sign_in(Role.ACCOUNT_USER, other.id)
    assert (await stranger.get("/api/orders")).json()["items"] == []
    url = f"/api/orders/{mine}"
    cancel = stranger.post(f"{url}/cancel", json={})
    amend = stranger.patch(url, json={"expected_version": 1, "reference": "x"})
    for answer in (
        await stranger.get(url),
        await stranger.get(f"{url}/events"),
        await cancel,
        await amend,
    ):
        assert answer.status_code == 404, answer.text
    assert (await stranger.get(f"/api/orders?account={mine}")).json()["items"] == []


async def test_an_api_key_needs_the_scope_and_orders_for_its_account(
    db: Database, sign_in: Any, client: httpx.AsyncClient, order: Json, account: AccountView
) -> None:
    admin = await sign_in(Role.ADMIN)
    me = (await admin.get("/api/me")).json()
    async with db.transaction() as session:
        principal = await identity.principal_of_session(session, admin.cookies["postrider_session"])
        assert principal is not None, me
        secrets = [
            (
                await identity.create_api_key(
                    session, name="shop", scopes=(scope,), account_id=account.id, by=principal
                )
            ).secret
            for scope in ("orders:read", "orders:write")
        ]
    answers = [
        await client.post("/api/orders", json=order, headers={"Authorization": f"Bearer {secret}"})
        for secret in secrets
    ]
    assert [answer.status_code for answer in answers] == [403, 201], answers[1].text
    assert UUID(answers[1].json()["account_id"]) == account.id


async def test_an_amendment_changes_the_phone_and_keeps_the_place(
    db: Database, shop: httpx.AsyncClient, order: Json
) -> None:
    taken = (await shop.post("/api/orders", json=order)).json()
    url = f"/api/orders/{taken['id']}"
    amendment = {"expected_version": 1, "consignee": {"phone": "999"}}
    amended = (await shop.patch(url, json=amendment)).json()
    assert amended["version"] == 2
    assert amended["consignee"] == taken["consignee"] | {"phone": "999"}
    stale = await shop.patch(url, json=amendment | {"reference": "x"})
    assert (stale.status_code, stale.json()["code"]) == (409, "orders.changed")
    assert stale.json()["changes"]["consignee"][1]["phone"] == "999"


async def test_an_amended_address_is_another_place(shop: httpx.AsyncClient, order: Json) -> None:
    taken = (await shop.post("/api/orders", json=order)).json()
    amendment = {"expected_version": 1, "consignee": {"address": {"line": "Elsewhere 3, Nowhere"}}}
    amended = (await shop.patch(f"/api/orders/{taken['id']}", json=amendment)).json()
    assert amended["consignee"]["place_id"] != taken["consignee"]["place_id"]
    assert amended["needs_pin"] == [amended["consignee"]["place_id"]]


@pytest.mark.parametrize(
    "amendment",
    [
        {},
        {"expected_version": 0},
        {"expected_version": 1, "lines": []},
        {"expected_version": 1, "window_end_at": "2020-01-01T00:00:00Z"},
        {"expected_version": 1, "consignor": {"name": "Bob"}},
        {"expected_version": 1, "instructions": "\u0000"},
        {"expected_version": 1, "state": "delivered"},
        {"expected_version": 1, "proof": {"pin": "required"}},
    ],
    ids=str,
)
async def test_bad_amendments_are_refused_and_change_nothing(
    shop: httpx.AsyncClient, order: Json, amendment: Json
) -> None:
    taken = (await shop.post("/api/orders", json=order)).json()
    url = f"/api/orders/{taken['id']}"
    refused = await shop.patch(url, json=amendment)
    assert refused.status_code == 422, refused.text
    assert (await shop.get(url)).json()["version"] == 1


async def test_an_order_is_cancelled_and_says_why(shop: httpx.AsyncClient, order: Json) -> None:
    taken = (await shop.post("/api/orders", json=order)).json()
    url = f"/api/orders/{taken['id']}"
    cancelled = await shop.post(f"{url}/cancel", json={"reason": "too late"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    log = (await shop.get(f"{url}/events")).json()[-1]
    assert (log["reason"], log["changes"]) == ("too late", {"state": ["received", "cancelled"]})
    assert log["by"].startswith("person:")


async def test_service_levels_are_changed_by_admins_only(
    sign_in: Any, shop: httpx.AsyncClient
) -> None:
    levels = (await shop.get("/api/service-levels")).json()
    assert {level["code"] for level in levels} >= {"express", "same_day", "next_day"}
    night = levels[0] | {"code": "night", "window_start_local": "20:00:00", "within_s": None}
    night |= {"window_end_local": "23:00:00", "cut_off_local": "15:00:00"}
    assert (await shop.put("/api/service-levels", json=night)).status_code == 403
    admin = await sign_in(Role.ADMIN)
    assert (await admin.put("/api/service-levels", json=night)).json() == night
    upside_down = night | {"window_end_local": "19:00:00"}
    assert (await admin.put("/api/service-levels", json=upside_down)).status_code == 422


@pytest.fixture
def form() -> dict[str, str]:
    return {
        "account": "SHOP",
        "to_name": "Ada Lovelace",
        "to_address": "Main Street 1, 9490 Vaduz",
        "weight_kg": "2,5",
        "day": "2026-11-24",
        "window_start": "14:00",
        "window_end": "16:00",
        "cash": "12.50",
    }


async def test_the_counters_form_takes_an_order_by_the_same_rules(
    sign_in: Any, account: AccountView, form: dict[str, str]
) -> None:
    clerk = await sign_in(Role.CLERK)
    headers = {"Idempotency-Key": "k"}
    taken = await clerk.post("/api/orders/form", data=form, headers=headers)
    assert taken.status_code == 201, taken.text
    body = taken.json()
    assert (body["channel"], body["cash_minor"], body["currency"]) == ("counter", 1250, "EUR")
    assert body["parcels"][0]["weight_g"] == 2500
    assert body["window_start_at"] == "2026-11-24T14:00:00Z"
    again = await clerk.post("/api/orders/form", data=form, headers=headers)
    assert again.json() == body


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight_kg": "heavy"}, "weight_kg is not a number"),
        ({"weight_kg": "1001"}, "weight_kg must be between 0 and 1000 kg"),
        ({"to_name": ""}, "to_name is missing"),
        ({"window_end": ""}, "window_end is missing"),
        ({"colour": "red"}, "unknown fields colour"),
        ({"cash": "12.345"}, "not an amount in EUR"),
        ({"to_phone": "\x00"}, "to_phone must be"),
    ],
)
async def test_a_bad_form_says_which_field_is_wrong(
    sign_in: Any,
    account: AccountView,
    form: dict[str, str],
    change: dict[str, str],
    said: str,
) -> None:
    clerk = await sign_in(Role.CLERK)
    refused = await clerk.post("/api/orders/form", data=form | change)
    assert refused.status_code == 422, refused.text
    assert said in refused.json()["detail"]


async def test_a_form_with_a_field_twice_is_refused(
    sign_in: Any, account: AccountView, form: dict[str, str]
) -> None:
    clerk = await sign_in(Role.CLERK)
    refused = await clerk.post("/api/orders/form", data=form | {"pin": ["1234", "5678"]})
    assert refused.status_code == 422, refused.text
