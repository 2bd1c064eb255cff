"""Drivers' phones: pairing codes and revoking."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from server.identity import service as identity
from server.identity.access import Role
from server.identity.devices import WrongPairingCode
from server.identity.timers import forget_expired
from server.identity.tokens import CODE_LETTERS
from server.kit.outbox import OutboxEvent
from server.kit.settings import read_settings


async def pair(client, code: str):
    return await client.post("/api/driver/pair", json={"code": code, "device_model": "Nokia 3310"})


async def new_code(client, driver_id) -> str:
    answer = await client.post(f"/api/drivers/{driver_id}/pairing-codes")
    assert answer.status_code == 201
    return answer.json()["code"]


async def events(db) -> list[tuple[str, dict[str, str]]]:
    async with db.transaction() as session:
        rows = await session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))
        return [(row.name, row.body) for row in rows]


async def test_code_pairs_a_phone_that_then_speaks_for_its_driver(sign_in, client, new_person, db):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    code = await new_code(dispatcher, driver.id)
    assert len(code) == 8
    assert set(code) <= set(CODE_LETTERS)
    paired = await pair(client, code)
    assert paired.status_code == 201
    assert paired.json()["driver_id"] == str(driver.id)
    token = paired.json()["token"]
    assert token.startswith("pd_")
    async with db.transaction() as session:
        caller = await identity.principal_of_device(session, token)
        stored = (await session.execute(text("select token_hash from device"))).all()
    assert caller is not None
    assert (caller.role, caller.person_id) == (Role.DRIVER, driver.id)
    assert str(caller.device_id) == paired.json()["device_id"]
    assert token not in str(stored)
    ids = {"device_id": str(caller.device_id), "driver_id": str(driver.id)}
    assert ("identity.DevicePaired", ids) in await events(db)


async def test_code_may_be_typed_in_any_case_with_spaces(sign_in, client, new_person):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    code = await new_code(dispatcher, driver.id)
    assert (await pair(client, f" {code[:4].lower()}-{code[4:]} ")).status_code == 201


async def test_code_works_once(sign_in, client, new_person):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    code = await new_code(dispatcher, driver.id)
    assert (await pair(client, code)).status_code == 201
    again = await pair(client, code)
    assert (again.status_code, again.json()["code"]) == (422, "identity.wrong_pairing_code")
    assert len((await dispatcher.get("/api/devices")).json()["items"]) == 1


async def test_code_works_for_ten_minutes(sign_in, client, new_person, real_time):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    code = await new_code(dispatcher, driver.id)
    real_time.pass_by(minutes=10)
    assert (await pair(client, code)).status_code == 422


async def test_new_code_ends_the_one_before(sign_in, client, new_person):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    first = await new_code(dispatcher, driver.id)
    second = await new_code(dispatcher, driver.id)
    assert (await pair(client, first)).status_code == 422
    assert (await pair(client, second)).status_code == 201


async def test_code_used_twice_at_the_same_moment_pairs_one_phone(own_db):
    async with own_db.transaction() as session:
        driver = await identity.create_person(
            session, name="D", email="d@example.org", role=Role.DRIVER, by="test"
        )
        code = await identity.create_pairing_code(session, driver.id, by="test")
    barrier = asyncio.Barrier(8)

    async def try_to_pair(number: int) -> bool:
        try:
            async with own_db.transaction() as session:
                await session.execute(text("select 1"))
                await barrier.wait()
                await identity.pair_device(session, code, f"Phone {number}", address="10.0.0.1")
        except WrongPairingCode:
            return False
        return True

    paired = await asyncio.gather(*(try_to_pair(number) for number in range(8)))
    assert sorted(paired) == [False] * 7 + [True]
    async with own_db.transaction() as session:
        assert len(await identity.list_devices(session)) == 1


@pytest.mark.parametrize("role", [None, Role.CLERK])
async def test_only_active_drivers_get_codes(role, sign_in, new_person):
    dispatcher = await sign_in(Role.DISPATCHER)
    person_id = (await new_person(role)).id if role else uuid4()
    answer = await dispatcher.post(f"/api/drivers/{person_id}/pairing-codes")
    assert (answer.status_code, answer.json()["code"]) == (404, "identity.unknown_driver")


async def test_revoked_phone_is_not_heard_again(sign_in, client, new_person, db):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    lost = (await pair(client, await new_code(dispatcher, driver.id))).json()
    kept = (await pair(client, await new_code(dispatcher, driver.id))).json()
    for _ in range(2):
        assert (await dispatcher.delete(f"/api/devices/{lost['device_id']}")).status_code == 204
    async with db.transaction() as session:
        assert await identity.principal_of_device(session, lost["token"]) is None
        assert await identity.principal_of_device(session, kept["token"]) is not None
    told = [body for name, body in await events(db) if name == "identity.DeviceRevoked"]
    assert told == [{"device_id": lost["device_id"], "driver_id": str(driver.id)}]
    listed = (await dispatcher.get("/api/devices", params={"driver_id": str(driver.id)})).json()
    assert [phone["revoked_at"] is None for phone in listed["items"]] == [False, True]


async def test_unknown_phone_cannot_be_revoked(sign_in):
    dispatcher = await sign_in(Role.DISPATCHER)
    answer = await dispatcher.delete(f"/api/devices/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "identity.unknown_device")


@pytest.mark.parametrize("role", [Role.CLERK, Role.WAREHOUSE, Role.DRIVER])
async def test_only_dispatchers_and_admins_keep_phones(role, sign_in, new_person):
    client, driver = await sign_in(role), await new_person(Role.DRIVER)
    for refused in (
        await client.get("/api/devices"),
        await client.delete(f"/api/devices/{uuid4()}"),
        await client.post(f"/api/drivers/{driver.id}/pairing-codes"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.role_not_allowed")


async def test_expired_codes_and_sessions_are_swept_away(sign_in, new_person, db, real_time):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    await new_code(dispatcher, driver.id)

    async def left() -> tuple[int, int]:
        await forget_expired(db)
        count = "(select count(*) from browser_session), (select count(*) from pairing_code)"
        async with db.transaction() as session:
            return tuple((await session.execute(text(f"select {count}"))).one())

    assert await left() == (1, 1)
    real_time.pass_by(minutes=10)
    assert await left() == (1, 0)
    real_time.pass_by(hours=12)
    assert await left() == (0, 0)


async def test_phones_are_audited(sign_in, client, new_person, audited):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    phone = (await pair(client, await new_code(dispatcher, driver.id))).json()
    await dispatcher.delete(f"/api/devices/{phone['device_id']}")
    assert {"pairing_code.created", "device.paired", "device.revoked"} <= await audited()


async def test_pairing_link_names_the_servers_key_where_one_is_set(
    app, settings, sign_in, new_person
):
    dispatcher, driver = await sign_in(Role.DISPATCHER), await new_person(Role.DRIVER)
    path = f"/api/drivers/{driver.id}/pairing-codes"
    plain = (await dispatcher.post(path)).json()
    assert plain["link_code"] == plain["code"]
    app.state.settings = replace(settings, tls_pin="p" * 43)
    pinned = (await dispatcher.post(path)).json()
    assert pinned["link_code"] == f"{pinned['code']}.{'p' * 43}"


def test_a_pin_that_is_none_is_refused_at_the_start():
    places = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    with pytest.raises(SystemExit, match="POSTRIDER_TLS_PIN"):
        read_settings(places | {"POSTRIDER_TLS_PIN": "short"})
