"""Who is calling: cookies, CSRF and bearer tokens."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide

from server.app.web import answer_problem, provide_principal
from server.identity import service as identity
from server.identity.access import OFFICE, Principal, Role, allow, devices_only, public
from server.identity.authentication import Authentication
from server.kit.db import Database
from server.kit.errors import PostriderError
from server.kit.settings import Settings


@get("/things", guards=[allow(*OFFICE, Role.ACCOUNT_USER, scope="things:read")])
async def get_things(principal: NamedDependency[Principal]) -> str:
    return principal.label


@post("/things", guards=[allow(*OFFICE, scope="things:write")], status_code=200)
async def change_things(principal: NamedDependency[Principal]) -> str:
    return principal.label


@get("/office", guards=[allow(*OFFICE)])
async def get_office() -> str:
    return "people only"


@get("/phone", guards=[devices_only])
async def get_phone(principal: NamedDependency[Principal]) -> str:
    return principal.label


@post("/open", guards=[public], status_code=200)
async def change_open() -> str:
    return "open"


@pytest.fixture
def probe(db: Database, settings: Settings) -> Litestar:
    """An application that has only authentication and doors to try."""
    return Litestar(
        [get_things, change_things, get_office, get_phone, change_open],
        middleware=[Authentication()],
        state=State({"db": db, "settings": settings}),
        dependencies={"principal": Provide(provide_principal)},
        exception_handlers={PostriderError: answer_problem},
        logging_config=None,
    )


@pytest_asyncio.fixture
async def door(probe: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(probe, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


async def cookies_and_token(db: Database, person: identity.PersonView) -> tuple[str, str]:
    async with db.transaction() as session:
        opened = await identity.open_session(session, person.id)
    return f"postrider_session={opened.token}", opened.csrf_token


async def new_key(
    db: Database, person: identity.PersonView, *scopes: str, **asked: Any
) -> identity.NewApiKey:
    by = Principal(role=person.role, person_id=person.id, account_id=person.account_id)
    async with db.transaction() as session:
        return await identity.create_api_key(session, name="A key", scopes=scopes, by=by, **asked)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_change_by_cookie_needs_the_csrf_token_of_the_session(door, db, new_person):
    person = await new_person(Role.CLERK)
    cookie, csrf_token = await cookies_and_token(db, person)
    _, anothers = await cookies_and_token(db, person)
    for wrong in (None, "", "x", anothers, csrf_token + "x", "é"):
        headers = {"Cookie": cookie} | ({} if wrong is None else {"X-CSRF-Token": wrong})
        raw = [(name, value.encode()) for name, value in headers.items()]
        refused = await door.post("/things", headers=raw)
        assert refused.status_code == 403, wrong
        assert refused.json()["code"] == "identity.csrf_token_wrong"
        assert refused.headers["content-type"] == "application/problem+json"
    done = await door.post("/things", headers={"Cookie": cookie, "X-CSRF-Token": csrf_token})
    assert (done.status_code, done.text) == (200, f"person:{person.id}")


async def test_reading_by_cookie_needs_no_csrf_token(door, db, new_person):
    cookie, _ = await cookies_and_token(db, await new_person(Role.CLERK))
    assert (await door.get("/things", headers={"Cookie": cookie})).status_code == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "http://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
async def test_change_from_another_sites_page_is_refused(foreign, door, db, new_person):
    cookie, csrf_token = await cookies_and_token(db, await new_person(Role.CLERK))
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf_token, **foreign}
    refused = await door.post("/things", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.foreign_page")
    without_cookie = await door.post("/open", headers=foreign)
    assert without_cookie.status_code == 403, "else a page could sign its visitor in as another"


@pytest.mark.parametrize(
    "own",
    [
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver", "Host": "10.0.0.7:8000"},  # a proxy in front
        {"Origin": "http://10.0.0.7:8000", "Host": "10.0.0.7:8000"},  # by another name
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_change_from_our_own_page_is_done(own, door, db, new_person):
    cookie, csrf_token = await cookies_and_token(db, await new_person(Role.CLERK))
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf_token, **own}
    assert (await door.post("/things", headers=headers)).status_code == 200


async def test_open_door_stays_open_for_a_browser_with_a_cookie(door, db, new_person):
    cookie, _ = await cookies_and_token(db, await new_person(Role.CLERK))
    assert (await door.post("/open", headers={"Cookie": cookie})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "postrider_session=made-up"},
        {"Cookie": "postrider_session="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer made-up"},
        {"Authorization": "Bearer pk_made_up"},
        {"Authorization": f"Bearer pk_{'0' * 32}_secret"},
        {"Authorization": "Bearer pd_madeup"},
        {"Authorization": "Basic YWxhZGRpbjpvcGVu"},
    ],
)
async def test_unknown_caller_is_asked_to_sign_in(headers, door):
    answer = await door.get("/things", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_wrong_bearer_token_does_not_fall_back_to_the_cookie(door, db, new_person):
    cookie, csrf_token = await cookies_and_token(db, await new_person(Role.CLERK))
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf_token, **bearer("made-up")}
    assert (await door.post("/things", headers=headers)).status_code == 401


async def test_key_opens_what_its_scopes_say_and_nothing_else(door, db, new_person):
    key = await new_key(db, await new_person(Role.CLERK), "things:read")
    assert (await door.get("/things", headers=bearer(key.secret))).text == f"api_key:{key.id}"
    for refused in (
        await door.post("/things", headers=bearer(key.secret)),
        await door.get("/office", headers=bearer(key.secret)),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.scope_missing")


async def test_key_changes_without_csrf_token_from_anywhere(door, db, new_person):
    key = await new_key(db, await new_person(Role.CLERK), "things:write")
    headers = bearer(key.secret) | {"Origin": "https://shop.example"}
    assert (await door.post("/things", headers=headers)).status_code == 200


async def test_altered_key_is_unknown(door, db, new_person):
    secret = (await new_key(db, await new_person(Role.CLERK), "things:read")).secret
    other = (await new_key(db, await new_person(Role.CLERK), "things:read")).secret
    mixed = secret[:36] + other[36:]
    for altered in (secret[:-1], secret + "A", mixed, secret.upper(), secret[:36]):
        assert (await door.get("/things", headers=bearer(altered))).status_code == 401


async def test_phone_opens_only_what_is_for_phones(door, db, new_person):
    driver = await new_person(Role.DRIVER)
    async with db.transaction() as session:
        code = await identity.create_pairing_code(session, driver.id, by="test")
        paired = await identity.pair_device(session, code, "A phone", address="10.0.0.1")
    answer = await door.get("/phone", headers=bearer(paired.token))
    assert answer.text == f"device:{paired.device_id}"
    assert (await door.get("/things", headers=bearer(paired.token))).status_code == 403
    cookie, _ = await cookies_and_token(db, driver)
    assert (await door.get("/phone", headers={"Cookie": cookie})).status_code == 403
