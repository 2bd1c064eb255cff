"""People: adding, changing, disabling, and the first admin."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.identity import service as identity
from server.identity.access import Principal, Role
from server.identity.people import BadEmail, normal_email
from server.identity.person_changes import LastAdmin
from server.kit.outbox import OutboxEvent

ADA = {"name": "Ada", "email": "Ada@Example.org", "role": "clerk"}


async def test_admin_adds_somebody_who_signs_in_with_a_one_time_password(sign_in, client):
    admin = await sign_in(Role.ADMIN)
    added = await admin.post("/api/people", json=ADA)
    assert added.status_code == 201
    ada = added.json()
    assert ada == {
        "id": ada["id"],
        "name": "Ada",
        "email": "ada@example.org",
        "role": "clerk",
        "account_id": None,
        "active": True,
        "must_change_password": False,
    }
    credentials = {"email": "ada@example.org", "password": ""}
    assert (await client.post("/api/login", json=credentials)).status_code == 401
    given = await admin.post(f"/api/people/{ada['id']}/one-time-password")
    assert given.status_code == 201
    credentials["password"] = given.json()["password"]
    signed_in = await client.post("/api/login", json=credentials)
    assert signed_in.status_code == 200
    assert signed_in.json()["person"]["must_change_password"]


async def test_one_time_password_replaces_the_old_one_and_signs_out(sign_in):
    admin, clerk = await sign_in(Role.ADMIN), await sign_in(Role.CLERK)
    person = (await clerk.get("/api/me")).json()["person"]
    await admin.post(f"/api/people/{person['id']}/one-time-password")
    assert (await clerk.get("/api/me")).status_code == 401


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_admins_change_people(role, sign_in):
    account_id = uuid4() if role is Role.ACCOUNT_USER else None
    client = await sign_in(role, account_id)
    me = (await client.get("/api/me")).json()["person"]["id"]
    for refused in (
        await client.post("/api/people", json=ADA),
        await client.patch(f"/api/people/{me}", json={"role": "admin"}),
        await client.post(f"/api/people/{me}/one-time-password"),
        await client.get("/api/audit"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.role_not_allowed")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"email": "ada"}, 422, "identity.bad_email"),
        ({"email": "ada@example.org\u0000"}, 422, "identity.bad_email"),
        ({"email": "a@b@c"}, 422, "identity.bad_email"),
        ({"role": "account_user"}, 422, "identity.account_needed"),
        ({"account_id": str(uuid4())}, 422, "identity.account_not_allowed"),
        ({"role": "king"}, 422, None),
        ({"name": ""}, 422, None),
        ({"name": "x" * 201}, 422, None),
        ({"name": "A\u0000da"}, 422, None),
        ({"name": 5}, 422, None),
        ({"nickname": "A"}, 422, None),
    ],
)
async def test_nonsense_adds_nobody(wrong, status, code, sign_in):
    admin = await sign_in(Role.ADMIN)
    answer = await admin.post("/api/people", json=ADA | wrong)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if code:
        assert answer.json()["code"] == code
    assert len((await admin.get("/api/people")).json()["items"]) == 1


async def test_an_email_belongs_to_one_person(sign_in):
    admin = await sign_in(Role.ADMIN)
    assert (await admin.post("/api/people", json=ADA)).status_code == 201
    again = await admin.post("/api/people", json=ADA | {"email": "ADA@example.org "})
    assert (again.status_code, again.json()["code"]) == (409, "identity.email_taken")
    bob = (await admin.post("/api/people", json=ADA | {"email": "bob@example.org"})).json()
    taken = await admin.patch(f"/api/people/{bob['id']}", json={"email": "ada@example.org"})
    assert (taken.status_code, taken.json()["code"]) == (409, "identity.email_taken")
    assert (await admin.get(f"/api/people/{bob['id']}")).json()["email"] == "bob@example.org"


async def test_unknown_person_is_not_found(sign_in):
    admin, unknown = await sign_in(Role.ADMIN), uuid4()
    for answer in (
        await admin.get(f"/api/people/{unknown}"),
        await admin.patch(f"/api/people/{unknown}", json={"name": "A"}),
        await admin.post(f"/api/people/{unknown}/one-time-password"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "identity.unknown_person")


async def test_people_are_listed_by_role_page_by_page(sign_in, new_person):
    admin = await sign_in(Role.ADMIN)
    drivers = [str((await new_person(Role.DRIVER)).id) for _ in range(5)]
    seen, after = [], None
    while True:
        query = {"role": "driver", "limit": 2} | ({"after": after} if after else {})
        page = (await admin.get("/api/people", params=query)).json()
        assert 1 <= len(page["items"]) <= 2
        seen += [person["id"] for person in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == drivers


async def test_new_name_leaves_access_as_it_is(sign_in):
    admin, clerk = await sign_in(Role.ADMIN), await sign_in(Role.CLERK)
    person = (await clerk.get("/api/me")).json()["person"]
    changed = await admin.patch(f"/api/people/{person['id']}", json={"name": "New Name"})
    assert changed.json() == person | {"name": "New Name"}
    assert (await clerk.get("/api/me")).json()["person"]["name"] == "New Name"


async def test_disabling_ends_sessions_keys_and_phones(sign_in, new_person, db):
    admin = await sign_in(Role.ADMIN)
    driver = await new_person(Role.DRIVER)
    async with db.transaction() as session:
        opened = await identity.open_session(session, driver.id)
        by = Principal(role=Role.DRIVER, person_id=driver.id)
        key = await identity.create_api_key(session, name="A key", scopes=["a:b"], by=by)
        used = await identity.create_pairing_code(session, driver.id, by="test")
        phone = await identity.pair_device(session, used, "A phone", address="10.0.0.1")
        unused = await identity.create_pairing_code(session, driver.id, by="test")
    disabled = await admin.patch(f"/api/people/{driver.id}", json={"active": False})
    assert not disabled.json()["active"]
    enabled = await admin.patch(f"/api/people/{driver.id}", json={"active": True})
    assert enabled.json()["active"], "nothing of the old comes back with it"
    async with db.transaction() as session:
        assert await identity.principal_of_session(session, opened.token) is None
        assert await identity.principal_of_key(session, key.secret) is None
        assert await identity.principal_of_device(session, phone.token) is None
        newest = select(OutboxEvent).order_by(OutboxEvent.id.desc()).limit(1)
        event = (await session.scalars(newest)).one()
        assert event.name == "identity.DeviceRevoked"
        assert event.body == {"device_id": str(phone.device_id), "driver_id": str(driver.id)}
    body = {"code": unused, "device_model": "A phone"}
    assert (await admin.post("/api/driver/pair", json=body)).status_code == 422


@pytest.mark.parametrize(
    "change", [{"role": "warehouse"}, {"role": "account_user", "account_id": str(uuid4())}]
)
async def test_another_role_signs_out_everywhere(change, sign_in):
    admin, clerk = await sign_in(Role.ADMIN), await sign_in(Role.CLERK)
    person = (await clerk.get("/api/me")).json()["person"]
    changed = await admin.patch(f"/api/people/{person['id']}", json=change)
    assert changed.json() == person | change
    assert (await clerk.get("/api/me")).status_code == 401


async def test_account_user_who_joins_the_office_leaves_the_account(sign_in):
    admin, user = await sign_in(Role.ADMIN), await sign_in(Role.ACCOUNT_USER, uuid4())
    person = (await user.get("/api/me")).json()["person"]
    changed = await admin.patch(f"/api/people/{person['id']}", json={"role": "clerk"})
    assert changed.json()["account_id"] is None


@pytest.mark.parametrize("change", [{"active": False}, {"role": "clerk"}])
async def test_last_admin_stays(change, sign_in):
    admin = await sign_in(Role.ADMIN)
    me = (await admin.get("/api/me")).json()["person"]
    refused = await admin.patch(f"/api/people/{me['id']}", json=change)
    assert (refused.status_code, refused.json()["code"]) == (409, "identity.last_admin")
    assert (await admin.get("/api/me")).json()["person"] == me
    await sign_in(Role.ADMIN)
    assert (await admin.patch(f"/api/people/{me['id']}", json=change)).status_code == 200


async def test_admins_who_disable_each_other_at_the_same_moment_leave_one(own_db):
    async with own_db.transaction() as session:
        admins = [
            await identity.create_person(
                session, name="A", email=f"a{number}@example.org", role=Role.ADMIN, by="test"
            )
            for number in range(4)
        ]
    barrier = asyncio.Barrier(len(admins))

    async def disable(person_id) -> bool:
        try:
            async with own_db.transaction() as session:
                await identity.get_person(session, person_id)
                await barrier.wait()
                await identity.update_person(session, person_id, active=False, by="test")
        except LastAdmin:
            return False
        return True

    done = await asyncio.gather(*(disable(admin.id) for admin in admins))
    assert sorted(done) == [False, True, True, True]


async def test_first_admin_is_made_once_and_must_change_the_password(client, db):
    async with db.transaction() as session:
        first = await identity.ensure_first_admin(session)
        assert await identity.ensure_first_admin(session) is None
    assert first is not None
    email, password = first
    signed_in = await client.post("/api/login", json={"email": email, "password": password})
    assert signed_in.json()["person"]["role"] == "admin"
    assert signed_in.json()["person"]["must_change_password"]


async def test_first_admin_is_made_once_by_many_processes(own_db):
    async def ensure():
        async with own_db.transaction() as session:
            return await identity.ensure_first_admin(session)

    made = await asyncio.gather(*(ensure() for _ in range(5)))
    assert len([each for each in made if each is not None]) == 1


@given(st.text())
def test_email_has_one_normal_form_or_is_refused(text):
    try:
        normal = normal_email(text)
    except BadEmail as refusal:
        assert refusal.problem()["code"] == "identity.bad_email"
        return
    assert normal_email(normal) == normal
    assert normal_email(f"  {normal} ") == normal


async def test_changes_of_people_are_audited(sign_in, audited):
    admin = await sign_in(Role.ADMIN)
    ada = (await admin.post("/api/people", json=ADA)).json()
    await admin.patch(f"/api/people/{ada['id']}", json={"active": False})
    await admin.post(f"/api/people/{ada['id']}/one-time-password")
    assert {
        "person.created",
        "person.changed",
        "person.one_time_password_given",
    } <= await audited()
