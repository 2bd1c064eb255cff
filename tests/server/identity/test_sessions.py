"""Signing in and out in a browser."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from server.app.web import create_app
from server.identity import passwords
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings

PASSWORD = "correct horse battery"
NEW_PASSWORD = "staple and a new horse"


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    answer = await client.post("/api/login", json={"email": email, "password": password})
    if answer.is_success:
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return answer


def cookie_in(answer: httpx.Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])["postrider_session"]


async def test_right_password_opens_a_session(client, new_person):
    person = await new_person(Role.DISPATCHER)
    answer = await log_in(client, person.email)
    assert answer.status_code == 200
    assert answer.json()["person"]["id"] == str(person.id)
    me = await client.get("/api/me")
    assert me.json() == answer.json()


async def test_email_is_read_in_any_case_and_with_spaces_around(client, new_person):
    person = await new_person(Role.CLERK)
    assert (await log_in(client, f" {person.email.upper()} ")).status_code == 200


@pytest.mark.parametrize("wrong", ["nobody", "password", "disabled", "no password", "nonsense"])
async def test_every_failed_sign_in_gets_the_same_answer_after_the_same_work(
    wrong, client, new_person, sign_in, monkeypatch
):
    person = await new_person(Role.CLERK, password=None if wrong == "no password" else PASSWORD)
    if wrong == "disabled":
        admin = await sign_in(Role.ADMIN)
        await admin.patch(f"/api/people/{person.id}", json={"active": False})
    checks = []
    verify = PasswordHasher.verify

    def counting_verify(self, hash, password):
        checks.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting_verify)
    email = {"nobody": "nobody@example.org", "nonsense": "\x00 no email"}.get(wrong, person.email)
    answer = await log_in(client, email, "a wrong password" if wrong == "password" else PASSWORD)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "identity.wrong_credentials"
    assert answer.json()["detail"] == "The email or the password is wrong."
    assert len(checks) == 1
    assert "set-cookie" not in answer.headers


async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(client, new_person):
    cookie = cookie_in(await log_in(client, (await new_person(Role.CLERK)).email))
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) == 7 * 24 * 3600
    assert not cookie["secure"], "http://testserver could not send it back"


async def test_cookie_is_secure_where_the_page_is(
    settings: Settings, db: Database, feed: Feed, blobs: Blobs, new_person
):
    app = create_app(replace(settings, base_url="https://courier.example"), db, feed, blobs)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://courier.example") as client:
        cookie = cookie_in(await log_in(client, (await new_person(Role.CLERK)).email))
    assert cookie["secure"]


async def test_no_secret_is_stored_as_it_is(client, new_person, db):
    answer = await log_in(client, (await new_person(Role.CLERK)).email)
    token = cookie_in(answer).value
    async with db.transaction() as session:
        stored = (await session.execute(text("select * from browser_session"))).all()
        people = (await session.execute(text("select * from person"))).all()
    assert stored
    assert token not in str(stored)
    assert PASSWORD not in str(people)


async def test_signing_in_again_replaces_the_session_of_this_browser(
    client, new_person, new_client
):
    person = await new_person(Role.CLERK)
    await log_in(client, person.email)
    old = client.cookies["postrider_session"]
    del client.headers["X-CSRF-Token"]  # a login page knows none
    assert (await log_in(client, person.email)).status_code == 200
    assert client.cookies["postrider_session"] != old
    thief = await new_client()
    thief.cookies.set("postrider_session", old)
    assert (await thief.get("/api/me")).status_code == 401


async def test_signing_out_ends_the_session_and_removes_the_cookie(client, new_person, new_client):
    await log_in(client, (await new_person(Role.CLERK)).email)
    token = client.cookies["postrider_session"]
    answer = await client.post("/api/logout")
    assert answer.status_code == 204
    assert cookie_in(answer).value == ""
    assert cookie_in(answer)["max-age"] == "0"
    thief = await new_client()
    thief.cookies.set("postrider_session", token)
    assert (await thief.get("/api/me")).status_code == 401


async def test_session_lives_while_it_is_used_and_ends_when_it_is_not(sign_in, real_time):
    clerk = await sign_in(Role.CLERK)
    for _ in range(3):
        real_time.pass_by(hours=11)
        assert (await clerk.get("/api/me")).status_code == 200
    real_time.pass_by(hours=12)
    assert (await clerk.get("/api/me")).status_code == 401


async def test_no_session_outlives_a_week(sign_in, real_time):
    clerk = await sign_in(Role.CLERK)
    for _ in range(7 * 24 // 8 - 1):
        real_time.pass_by(hours=8)
        assert (await clerk.get("/api/me")).status_code == 200
    real_time.pass_by(hours=8)
    assert (await clerk.get("/api/me")).status_code == 401


async def change_password(
    client: httpx.AsyncClient, old_password: str = PASSWORD, new_password: str = NEW_PASSWORD
) -> httpx.Response:
    body = {"old_password": old_password, "new_password": new_password}
    return await client.post("/api/me/password", json=body)


async def test_new_password_signs_out_every_other_browser(client, new_person, new_client):
    person = await new_person(Role.CLERK)
    elsewhere = await new_client()
    await log_in(elsewhere, person.email)
    await log_in(client, person.email)
    answer = await change_password(client)
    assert answer.status_code == 200
    assert (await elsewhere.get("/api/me")).status_code == 401
    assert (await client.get("/api/me")).json() == answer.json()
    assert (await log_in(elsewhere, person.email)).status_code == 401
    assert (await log_in(elsewhere, person.email, NEW_PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("not my password", NEW_PASSWORD, "identity.wrong_password"),
        (PASSWORD, PASSWORD, "identity.same_password"),
        (PASSWORD, "short", "identity.password_too_short"),
        (PASSWORD, "x" * 201, "identity.password_too_long"),
    ],
)
async def test_bad_password_change_changes_nothing(old, new, code, client, new_person):
    person = await new_person(Role.CLERK)
    await log_in(client, person.email)
    answer = await change_password(client, old, new)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get("/api/me")).status_code == 200
    assert (await log_in(client, person.email)).status_code == 200


async def test_one_time_password_opens_nothing_but_its_own_change(client, new_person):
    person = await new_person(Role.ADMIN, must_change_password=True)
    answer = await log_in(client, person.email)
    assert answer.json()["person"]["must_change_password"]
    refused = await client.get("/api/people")
    assert refused.status_code == 403
    assert refused.json()["code"] == "identity.password_must_change"
    assert (await client.get("/api/me")).status_code == 200
    changed = await change_password(client)
    client.headers["X-CSRF-Token"] = changed.json()["csrf_token"]
    assert not changed.json()["person"]["must_change_password"]
    assert (await client.get("/api/people")).status_code == 200


async def test_one_who_must_change_the_password_can_sign_out_instead(client, new_person):
    await log_in(client, (await new_person(Role.ADMIN, must_change_password=True)).email)
    assert (await client.post("/api/logout")).status_code == 204


async def test_password_is_hashed_anew_when_the_parameters_grow(
    client, new_person, db, monkeypatch
):
    person = await new_person(Role.CLERK)

    async def stored() -> str:
        query = text("select password_hash from person where id = :id")
        async with db.transaction() as session:
            return str(await session.scalar(query, {"id": person.id}))

    before = await stored()
    await log_in(client, person.email)
    assert await stored() == before
    stronger = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", stronger)
    await log_in(client, person.email)
    assert not stronger.check_needs_rehash(await stored())
    assert (await log_in(client, person.email)).status_code == 200


async def test_password_is_the_same_from_every_keyboard(client, new_person):
    person = await new_person(Role.CLERK, password="caf\u00e9 cr\u00e8me br\u00fbl\u00e9e")
    typed = "cafe\u0301 cre\u0300me bru\u0302le\u0301e"
    assert (await log_in(client, person.email, typed)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 422),
        ("{", 400),
        ("[]", 422),
        ('{"email": 1, "password": 2}', 422),
        ('{"email": "a@b", "password": "\\ud800"}', 400),
    ],
)
async def test_unreadable_login_is_a_problem_document(body, status, client):
    answer = await client.post("/api/login", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_signing_in_and_out_and_changing_the_password_are_audited(
    client, new_person, audited: Callable[[], Awaitable[set[str]]]
):
    await log_in(client, (await new_person(Role.CLERK)).email)
    changed = await change_password(client)
    client.headers["X-CSRF-Token"] = changed.json()["csrf_token"]
    await client.post("/api/logout")
    assert {"session.opened", "person.password_changed", "session.closed"} <= await audited()
