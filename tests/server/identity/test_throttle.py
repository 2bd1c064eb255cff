"""Guessing is slowed down, and nobody can lock somebody else out."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from server.app.web import create_app
from server.identity import service as identity
from server.identity import throttle
from server.identity.access import Role
from server.identity.throttle import Limit
from server.identity.timers import forget_expired

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(app):
    """`browser("10.0.0.1")` is a client at that network address."""

    def browser(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://testserver")

    return browser


async def log_in(
    client: httpx.AsyncClient, email: str, password: str = "a wrong guess"
) -> httpx.Response:
    client.cookies.clear()
    return await client.post("/api/login", json={"email": email, "password": password})


async def guess_until_paused(client: httpx.AsyncClient, email: str) -> tuple[int, httpx.Response]:
    for guesses in range(100):
        answer = await log_in(client, email)
        if answer.status_code == 429:
            return guesses, answer
        assert answer.status_code == 401
    raise AssertionError("never paused")


@given(
    st.builds(Limit, free_failures=st.integers(1, 50), longest_pause_s=st.integers(1, 600)),
    st.integers(0, 10**6),
)
def test_pause_starts_after_the_free_failures_grows_and_has_a_limit(limit, failures):
    pause_s, next_s = limit.pause_s(failures), limit.pause_s(failures + 1)
    assert (pause_s == 0) == (failures < limit.free_failures)
    assert pause_s <= next_s <= max(2 * pause_s, 1)
    assert next_s <= limit.longest_pause_s
    assert limit.pause_s(limit.free_failures + 10) == min(1024, limit.longest_pause_s)


async def test_guesses_at_one_person_are_paused_ever_longer(browser, new_person, real_time):
    person = await new_person(Role.CLERK)
    guesser = browser("10.0.0.1")
    guesses, paused = await guess_until_paused(guesser, person.email)
    assert guesses == 5
    assert paused.headers["content-type"] == "application/problem+json"
    assert paused.json()["code"] == "identity.too_many_attempts"
    waits_s = [int(paused.headers["retry-after"])]
    for _ in range(11):
        real_time.pass_by(seconds=waits_s[-1])
        guesses, paused = await guess_until_paused(guesser, person.email)
        assert guesses == 1
        waits_s.append(int(paused.headers["retry-after"]))
    assert waits_s == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


async def test_attempts_during_a_pause_do_not_prolong_it(browser, new_person, real_time):
    person = await new_person(Role.CLERK)
    client = browser("10.0.0.1")
    _, paused = await guess_until_paused(client, person.email)
    for _ in range(20):
        again = await log_in(client, person.email, PASSWORD)
        assert again.status_code == 429, "even the right password waits, or pauses would tell it"
        assert again.headers["retry-after"] == paused.headers["retry-after"]
    real_time.pass_by(seconds=int(paused.headers["retry-after"]))
    assert (await log_in(client, person.email, PASSWORD)).status_code == 200


async def test_unknown_email_is_paused_like_a_known_one(browser):
    guesses, _ = await guess_until_paused(browser("10.0.0.1"), "nobody@example.org")
    assert guesses == 5


async def test_signing_in_ends_the_count(browser, new_person):
    person = await new_person(Role.CLERK)
    client = browser("10.0.0.1")
    for _ in range(10):
        for _ in range(4):
            assert (await log_in(client, person.email)).status_code == 401
        assert (await log_in(client, person.email, PASSWORD)).status_code == 200


async def test_flood_from_elsewhere_does_not_keep_the_owner_out(browser, new_person, real_time):
    person = await new_person(Role.CLERK)
    at_home = browser("192.0.2.1")
    assert (await log_in(at_home, person.email, PASSWORD)).status_code == 200
    for number in range(60):
        await log_in(browser(f"10.0.0.{number}"), person.email)
    assert (await log_in(browser("10.9.9.9"), person.email)).status_code == 429
    assert (await log_in(at_home, person.email, PASSWORD)).status_code == 200
    real_time.pass_by(seconds=60)
    elsewhere = browser("198.51.100.1")
    assert (await log_in(elsewhere, person.email, PASSWORD)).status_code == 200


async def test_guessing_many_people_from_one_address_is_paused(browser, new_person):
    guesser = browser("10.0.0.1")
    answers = [await log_in(guesser, f"person{number}@example.org") for number in range(60)]
    assert [answer.status_code for answer in answers] == [401] * 50 + [429] * 10
    person = await new_person(Role.CLERK)
    assert (await log_in(browser("10.0.0.2"), person.email, PASSWORD)).status_code == 200


async def test_hosts_of_one_ipv6_network_count_as_one(browser):
    email = "nobody@example.org"
    for number in range(5):
        await log_in(browser(f"2001:db8::{number}"), email)
    assert (await log_in(browser("2001:db8::ffff"), email)).status_code == 429
    assert (await log_in(browser("2001:db8:0:1::1"), email)).status_code == 401


async def test_old_password_cannot_be_guessed_in_a_stolen_session(browser, new_person):
    person = await new_person(Role.CLERK)
    client = browser("10.0.0.1")
    signed_in = await log_in(client, person.email, PASSWORD)
    client.headers["X-CSRF-Token"] = signed_in.json()["csrf_token"]
    body = {"old_password": "a wrong guess", "new_password": "a password of mine"}
    answers = [await client.post("/api/me/password", json=body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]


async def test_guesses_at_the_same_moment_are_all_counted(own_db, settings, feed, blobs):
    app = create_app(settings, own_db, feed, blobs)
    transport = httpx.ASGITransport(app, client=("10.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        body = {"email": "nobody@example.org", "password": "a wrong guess"}
        answers = await asyncio.gather(*(client.post("/api/login", json=body) for _ in range(20)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401] * 5 + [429] * 15


async def test_guesses_at_pairing_codes_are_paused(browser, new_person, db, real_time):
    driver = await new_person(Role.DRIVER)
    async with db.transaction() as session:
        code = await identity.create_pairing_code(session, driver.id, by="test")
    guesser = browser("10.0.0.1")
    body = {"code": "AAAAAAAA", "device_model": "A phone"}
    answers = [await guesser.post("/api/driver/pair", json=body) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    right = {"code": code, "device_model": "A phone"}
    assert (await guesser.post("/api/driver/pair", json=right)).status_code == 429
    real_time.pass_by(seconds=int(answers[-1].headers["retry-after"]))
    assert (await guesser.post("/api/driver/pair", json=right)).status_code == 201


async def test_a_depot_may_pair_all_its_phones_from_one_address(browser, new_person, db):
    for _ in range(12):
        driver = await new_person(Role.DRIVER)
        async with db.transaction() as session:
            code = await identity.create_pairing_code(session, driver.id, by="test")
        answer = await browser("10.0.0.1").post(
            "/api/driver/pair", json={"code": code, "device_model": "A phone"}
        )
        assert answer.status_code == 201


async def test_failures_are_forgotten_but_not_who_is_at_home_where(db, real_time):
    async with db.transaction() as session:
        await throttle.admit_login(session, "guessed@example.org", "10.0.0.1")
        await throttle.admit_login(session, "known@example.org", "10.0.0.2")
        await throttle.login_succeeded(session, "known@example.org", "10.0.0.2")

    async def remembered() -> int | None:
        await forget_expired(db)
        async with db.transaction() as session:
            return await session.scalar(text("select count(*) from login_attempt"))

    assert await remembered() == 6
    real_time.pass_by(days=2)
    assert await remembered() == 1
    real_time.pass_by(days=90)
    assert await remembered() == 0
