"""Accounts over HTTP: the office keeps them, account users see their own and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id
from server.places.service import create_place

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def open_account(clerk: httpx.AsyncClient, code: str = "ACME") -> dict[str, Any]:
    answer = await clerk.post("/api/accounts", json={"name": f"{code} Ltd", "code": code})
    assert answer.status_code == 201, answer.text
    account: dict[str, Any] = answer.json()
    return account


async def test_clerk_opens_renames_and_closes_an_account(db: Database, sign_in: SignIn) -> None:
    clerk = await sign_in(Role.CLERK)
    account = await open_account(clerk)

    changed = await clerk.patch(
        f"/api/accounts/{account['id']}", json={"name": "Acme & Co", "active": False}
    )

    assert account["currency"] == "EUR"
    assert changed.json() == {**account, "name": "Acme & Co", "active": False}
    assert (await clerk.get(f"/api/accounts/{account['id']}")).json() == changed.json()


async def test_accounts_are_listed_page_by_page(db: Database, sign_in: SignIn) -> None:
    clerk = await sign_in(Role.CLERK)
    accounts = [await open_account(clerk, code) for code in ("AAA", "BBB", "CCC")]

    first = (await clerk.get("/api/accounts?limit=2")).json()
    second = (await clerk.get(f"/api/accounts?limit=2&after={first['next']}")).json()

    assert first["items"] + second["items"] == accounts
    assert second["next"] is None


async def test_code_that_is_taken_is_a_conflict(db: Database, sign_in: SignIn) -> None:
    clerk = await sign_in(Role.CLERK)
    await open_account(clerk)

    answer = await clerk.post("/api/accounts", json={"name": "Another", "code": "ACME"})

    assert (answer.status_code, answer.json()["code"]) == (409, "accounts.code_taken")


async def test_account_user_keeps_contacts_and_an_address_book(
    db: Database, sign_in: SignIn
) -> None:
    account = await open_account(await sign_in(Role.CLERK))
    shop = await sign_in(Role.ACCOUNT_USER, account_id=UUID(account["id"]))
    async with db.transaction() as session:
        place = await create_place(session, "Hauptstrasse 12, Oberdorf")
    own = f"/api/accounts/{account['id']}"

    contact = await shop.post(f"{own}/contacts", json={"name": "Ada", "email": "ada@example.org"})
    entry = await shop.post(
        f"{own}/address-book", json={"label": "Store", "place_id": str(place.id)}
    )

    assert (contact.status_code, entry.status_code) == (201, 201)
    assert (await shop.get(f"{own}/contacts")).json() == {"items": [contact.json()]}
    book = (await shop.get(f"{own}/address-book")).json()
    assert book == {"items": [entry.json()], "next": None}
    for removed in (f"contacts/{contact.json()['id']}", f"address-book/{entry.json()['id']}"):
        assert (await shop.delete(f"{own}/{removed}")).status_code == 204
        assert (await shop.delete(f"{own}/{removed}")).status_code == 404


async def test_other_accounts_do_not_exist_for_an_account_user(
    db: Database, sign_in: SignIn
) -> None:
    clerk = await sign_in(Role.CLERK)
    own, other = await open_account(clerk, "OWN"), await open_account(clerk, "OTHER")
    shop = await sign_in(Role.ACCOUNT_USER, account_id=UUID(own["id"]))
    theirs = f"/api/accounts/{other['id']}"
    contact = (await clerk.post(f"{theirs}/contacts", json={"name": "Eve"})).json()

    answers = [
        await shop.get(theirs),
        await shop.get(f"{theirs}/contacts"),
        await shop.post(f"{theirs}/contacts", json={"name": "Mallory"}),
        await shop.delete(f"{theirs}/contacts/{contact['id']}"),
        await shop.get(f"{theirs}/address-book"),
        await shop.post(f"{theirs}/address-book", json={"label": "x", "place_id": str(new_id())}),
        await shop.delete(f"{theirs}/address-book/{new_id()}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.json()["code"] for answer in answers} == {"accounts.unknown_account"}
    assert (await shop.get("/api/accounts")).json()["items"] == [own]
    assert (await clerk.get(f"{theirs}/contacts")).json()["items"] == [contact]


async def test_account_user_opens_and_changes_no_account(db: Database, sign_in: SignIn) -> None:
    account = await open_account(await sign_in(Role.CLERK))
    shop = await sign_in(Role.ACCOUNT_USER, account_id=UUID(account["id"]))

    opened = await shop.post("/api/accounts", json={"name": "Mine", "code": "MINE"})
    changed = await shop.patch(f"/api/accounts/{account['id']}", json={"active": True})

    assert (opened.status_code, changed.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"name": "", "code": "ACME"}),
        ("", {"name": "x" * 201, "code": "ACME"}),
        ("", {"name": "Acme", "code": "a b"}),
        ("", {"name": "Acme", "code": "ACME", "currency": "euro"}),
        ("", {"name": "Acme\x00", "code": "ACME"}),
        ("", {"name": "Acme", "code": "ACME", "id": "1"}),
        ("/{id}/contacts", {"name": "Ada", "email": "no address"}),
        ("/{id}/contacts", {"email": "ada@example.org"}),
        ("/{id}/address-book", {"label": "Store"}),
        ("/{id}/address-book", {"label": "Store", "place_id": "here"}),
        ("/{id}/address-book", {"label": "Store", "place_id": str(UUID(int=0))}),
    ],
)
async def test_what_is_not_well_formed_is_refused(
    db: Database, sign_in: SignIn, path: str, body: dict[str, object]
) -> None:
    clerk = await sign_in(Role.CLERK)
    account = await open_account(clerk, "FIRST")

    answer = await clerk.post(f"/api/accounts{path.format(**account)}", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (await clerk.get("/api/accounts")).json()["items"] == [account]


async def test_unknown_account_is_a_problem(db: Database, sign_in: SignIn) -> None:
    clerk = await sign_in(Role.CLERK)
    answer = await clerk.get(f"/api/accounts/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "accounts.unknown_account")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=me"])
async def test_page_out_of_range_is_refused(db: Database, sign_in: SignIn, query: str) -> None:
    clerk = await sign_in(Role.CLERK)
    assert (await clerk.get(f"/api/accounts?{query}")).status_code == 422


async def test_only_an_administrator_sets_a_credit_limit(db: Database, sign_in: SignIn) -> None:
    clerk, admin = await sign_in(Role.CLERK), await sign_in(Role.ADMIN)
    path = f"/api/accounts/{(await open_account(clerk))['id']}/credit-limit"
    assert (await clerk.put(path, json={"credit_limit_minor": 5})).status_code == 403
    assert (await admin.put(path, json={"credit_limit_minor": -1})).status_code == 422
    limited = (await admin.put(path, json={"credit_limit_minor": 50_000})).json()
    assert (limited["credit_limit_minor"], limited["owed_minor"]) == (50_000, 0)
    free = (await admin.put(path, json={"credit_limit_minor": None})).json()
    assert free["credit_limit_minor"] is None
    audited = (await admin.get("/api/audit")).json()["items"]
    assert [each["action"] for each in audited].count("account.credit_limit_set") == 2
