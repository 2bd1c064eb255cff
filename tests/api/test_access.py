"""Who may call what, seen from outside: each route refuses all whom its declaration leaves out."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from server.identity.access import Access, Principal, Role, public
from server.kit.ids import new_id
from tests.api.company import Company, check_problem

PUBLIC = {
    "GET /",
    "GET /api/health",
    "GET /api/trackers/osmand",
    "GET /dispatch",
    "GET /dispatch/assets/{name:str}",
    "GET /dispatch/{room:str}",
    "GET /dispatch/{room:str}/{part:str}",
    "GET /dispatch/{room:str}/{part:str}/{thing:str}",
    "GET /embed/lookup.js",
    "GET /embed/{account:str}",
    "GET /login",
    "GET /t/{token:str}",
    "GET /t/{token:str}/change",
    "GET /t/{token:str}/events",
    "GET /t/{token:str}/proof",
    "GET /t/{token:str}/proof/{sha256:str}",
    "GET /t/{token:str}/rating",
    "GET /t/{token:str}/return",
    "GET /t/{token:str}/return/{rma:str}/label.pdf",
    "GET /t/{token:str}/status",
    "POST /api/driver/pair",
    "POST /api/login",
    "POST /api/trackers/osmand",
    "POST /api/trackers/owntracks",
    "POST /t/{token:str}/change",
    "POST /t/{token:str}/rating",
    "POST /t/{token:str}/return",
}
"""Whoever opens another door to everybody has to say so here as well."""


class Door(NamedTuple):
    """A route of ours, for one method."""

    method: str
    path: str
    access: Access

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, ids: dict[str, str]) -> str:
        """With the ids of what exists; what nobody has made does not exist."""
        plain = {"int": "0", "date": "2026-03-05"}
        return re.sub(
            r"\{(\w+):(\w+)\}",
            lambda found: plain.get(found[2]) or ids.get(found[1], str(uuid4())),
            self.path,
        )


def doors(app: Litestar) -> Iterator[Door]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.fn.__module__.startswith("server"):
                (access,) = (each for each in handler.guards or () if isinstance(each, Access))
                yield from (Door(method, route.path, access) for method in handler.http_methods)


async def knock(client: httpx.AsyncClient, door: Door, ids: dict[str, str]) -> httpx.Response:
    return await client.request(door.method, door.url(ids), json={})


def test_only_these_routes_are_open_to_everybody(company: Company) -> None:
    assert {str(door) for door in doors(company.app) if door.access is public} == PUBLIC


async def test_nobody_gets_in_without_signing_in(company: Company) -> None:
    closed = [door for door in doors(company.app) if door.access is not public]
    assert len(closed) > 90
    for door in closed:
        check_problem(await knock(company.anonymous, door, company.ids), 401)


@pytest.mark.parametrize("token", ["pk_" + "x" * 43, "pd_" + "x" * 43, "", "\x80", "x" * 10_000])
async def test_a_token_that_is_none_opens_no_door(company: Company, token: str) -> None:
    headers = [(b"authorization", f"Bearer {token}".encode("latin-1"))]
    check_problem(await company.anonymous.get("/api/orders", headers=headers), 401)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_in_only_where_it_is_allowed(company: Company, role: Role) -> None:
    account_id = company.ids["account_id"] if role is Role.ACCOUNT_USER else None
    client = await company.sign_in(role, account_id)
    await check_doors(company, client, Principal(role=role, person_id=new_id()))


async def test_a_phone_gets_in_only_at_the_doors_for_phones(company: Company) -> None:
    phone = Principal(role=Role.DRIVER, person_id=new_id(), device_id=new_id())
    await check_doors(company, company.phone, phone)


async def test_an_api_key_gets_in_only_where_it_has_the_scope(company: Company) -> None:
    asked = {"name": "Reader", "scopes": ["orders:read"]}
    made = await company.admin.post("/api/api-keys", json=asked)
    program = await company.client(Authorization=f"Bearer {made.json()['secret']}")
    key = Principal(
        role=Role.ADMIN, person_id=new_id(), api_key_id=new_id(), scopes=("orders:read",)
    )
    await check_doors(company, program, key)


async def check_doors(company: Company, client: httpx.AsyncClient, principal: Principal) -> None:
    """The same caller is refused, or not, as the declaration of each route says."""
    refused = 0
    for door in doors(company.app):
        if door.access is public or door.path == "/api/logout":
            continue
        answer = await knock(client, door, company.ids)
        refusal = door.access.refusal(principal)
        if refusal is None:
            assert answer.status_code not in (401, 403), f"{door}: {answer.text}"
        else:
            assert check_problem(answer)["code"] == refusal.code, f"{door}: {answer.text}"
            refused += 1
    assert refused


REQUESTS: dict[str, dict[str, Any]] = {
    "GET /api/accounts/{account_id:uuid}/statement": {
        "params": {"since": "2026-03-01", "until": "2026-03-31"}
    },
    "GET /api/accounts/{account_id:uuid}/statement.pdf": {
        "params": {"since": "2026-03-01", "until": "2026-03-31"}
    },
    "POST /api/accounts/{account_id:uuid}/contacts": {"json": {"name": "Mallory"}},
    "PATCH /api/orders/{order_id:uuid}": {"json": {"expected_version": 1, "reference": "mine"}},
    "POST /api/orders/{order_id:uuid}/cancel": {"json": {"reason": "mine"}},
    "POST /api/consignments/{consignment_id:uuid}/tracking-links": {"json": {}},
    "PUT /api/preferences/{preference_id:uuid}": {
        "json": {"window_start_local": None, "window_end_local": None}
    },
    "PUT /api/import-profiles/{name:str}": {"json": {"columns": {"Wer": "to_name"}}},
}
"""What is sent where an empty request would not do."""

OF_THE_CALLER = {"PUT /api/import-profiles/{name:str}"}
"""Names that each account gives for itself: the same one is another thing."""


async def test_what_belongs_to_one_account_does_not_exist_for_another(company: Company) -> None:
    """Everything that names a thing: 404 for BETA, while ACME may; and nothing has changed."""
    user = Principal(role=Role.ACCOUNT_USER, person_id=new_id(), account_id=new_id())
    named = [
        door
        for door in doors(company.app)
        if "{" in door.path and door.access is not public and door.access.refusal(user) is None
    ]
    assert len(named) > 20
    before = await what_acme_sees(company)
    for door in named:
        answer = await send(company.of_beta, door, company.ids)
        if str(door) not in OF_THE_CALLER:
            check_problem(answer, 404)
    assert await what_acme_sees(company) == before
    for door in sorted(named, key=lambda door: door.method != "GET"):
        async with undone(company):
            answer = await send(company.of_acme, door, company.ids)
            assert answer.is_success, f"{door}: {answer.text}"


async def test_lists_and_bodies_that_name_another_account_give_nothing_away(
    company: Company,
) -> None:
    beta, ids = company.of_beta, company.ids
    for url in (
        f"/api/orders?account={ids['account_id']}",
        f"/api/consignments?order_id={ids['order_id']}",
        f"/api/imports?account_id={ids['account_id']}",
        f"/api/invoices?account_id={ids['account_id']}",
        f"/api/ageing?as_of=2026-03-31&account_id={ids['account_id']}",
    ):
        assert (await beta.get(url)).json()["items"] == []
    (only,) = (await beta.get("/api/accounts")).json()["items"]
    assert only["code"] == "BETA"
    before = await what_acme_sees(company)
    order = {
        "account": "ACME",
        "consignee": {"name": "Ada", "address": {"lon": 9.5, "lat": 47.1}},
        "lines": [{"sku": "TEA", "quantity": 1}],
    }
    key = {"name": "Mine", "scopes": ["orders:write"], "account_id": ids["account_id"]}
    check_problem(await beta.post("/api/orders", json=order), 403, 404, 422)
    check_problem(await beta.post("/api/orders/form", data={"account": "ACME"}), 403, 404, 422)
    check_problem(await beta.post("/api/imports?account=ACME", content=b"to_name\n"), 403, 404, 422)
    check_problem(await beta.get("/api/import-profiles?account=ACME"), 403, 404, 422)
    assert (await beta.post("/api/api-keys", json=key)).is_success  # it is BETA's, see below
    for name in ("order_id", "consignment_id"):
        check_problem(await beta.post("/api/returns", json={name: ids[name]}), 404)
    assert await what_acme_sees(company) == before


async def send(client: httpx.AsyncClient, door: Door, ids: dict[str, str]) -> httpx.Response:
    request = {"json": {}} | REQUESTS.get(str(door), {})
    if door.path.endswith("/address-book"):
        request = {"json": {"label": "Mine", "place_id": ids["place_id"]}}
    if door.path.startswith("/api/quotes/"):
        ids = ids | {"order_id": ids["quote_id"]}
    return await client.request(door.method, door.url(ids), **request)


@asynccontextmanager
async def undone(company: Company) -> AsyncIterator[None]:
    before = await company.connection.begin_nested()
    try:
        yield
    finally:
        await before.rollback()


async def what_acme_sees(company: Company) -> dict[str, Any]:
    ids, account = company.ids, f"/api/accounts/{company.ids['account_id']}"
    urls = (
        account,
        f"{account}/contacts",
        f"{account}/address-book",
        "/api/api-keys",
        "/api/import-profiles",
        "/api/imports",
        "/api/orders",
        f"/api/orders/{ids['order_id']}/events",
        "/api/consignments",
        f"/api/consignments/{ids['consignment_id']}",
        "/api/returns",
        "/api/invoices",
        f"/api/invoices/{ids['invoice_id']}",
        f"{account}/billing-profile",
        "/api/ageing?as_of=2026-03-31",
    )
    answers = {url: await company.of_acme.get(url) for url in urls}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {url: answer.json() for url, answer in answers.items()}
