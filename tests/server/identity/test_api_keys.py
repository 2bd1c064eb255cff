"""API keys: making, listing, expiry, revoking, and whose they are."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from server.identity import service as identity
from server.identity.access import Principal, Role

KEY = {"name": "Web shop", "scopes": ["orders:write", "orders:read"]}


async def who(db, secret: str) -> Principal | None:
    async with db.transaction() as session:
        return await identity.principal_of_key(session, secret)


async def test_key_is_told_once_and_stored_hashed(sign_in, db):
    admin = await sign_in(Role.ADMIN)
    made = await admin.post("/api/api-keys", json=KEY)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith(f"pk_{made.json()['id'].replace('-', '')}_")
    listed = await admin.get("/api/api-keys")
    assert listed.json()["items"][0]["scopes"] == ["orders:read", "orders:write"]
    assert secret.split("_", 2)[2] not in listed.text
    async with db.transaction() as session:
        stored = (await session.execute(text("select * from api_key"))).all()
    assert secret.split("_", 2)[2] not in str(stored)


async def test_key_acts_with_the_role_of_its_maker(sign_in, db):
    admin = await sign_in(Role.ADMIN)
    made = (await admin.post("/api/api-keys", json=KEY)).json()
    caller = await who(db, made["secret"])
    assert caller is not None
    assert (caller.role, caller.account_id, caller.name) == (Role.ADMIN, None, "Web shop")
    assert caller.may("orders:write")
    assert not caller.may("people:write")


async def test_key_of_an_account_is_never_more_than_an_account_user(sign_in, db):
    admin, account_id = await sign_in(Role.ADMIN), uuid4()
    made = (await admin.post("/api/api-keys", json=KEY | {"account_id": str(account_id)})).json()
    caller = await who(db, made["secret"])
    assert caller is not None
    assert (caller.role, caller.own_account_only()) == (Role.ACCOUNT_USER, account_id)


async def test_account_users_see_make_and_revoke_only_keys_of_their_account(sign_in, db):
    admin, account_id = await sign_in(Role.ADMIN), uuid4()
    ours = (await admin.post("/api/api-keys", json=KEY)).json()
    user = await sign_in(Role.ACCOUNT_USER, account_id)
    made = (await user.post("/api/api-keys", json=KEY | {"account_id": str(uuid4())})).json()
    caller = await who(db, made["secret"])
    assert caller is not None
    assert caller.account_id == account_id, "whatever was asked for"
    listed = (await user.get("/api/api-keys")).json()["items"]
    assert [key["id"] for key in listed] == [made["id"]]
    refused = await user.delete(f"/api/api-keys/{ours['id']}")
    assert (refused.status_code, refused.json()["code"]) == (404, "identity.unknown_api_key")
    assert await who(db, ours["secret"]) is not None
    assert (await user.delete(f"/api/api-keys/{made['id']}")).status_code == 204
    assert await who(db, made["secret"]) is None


async def test_revoking_twice_is_harmless(sign_in):
    admin = await sign_in(Role.ADMIN)
    key_id = (await admin.post("/api/api-keys", json=KEY)).json()["id"]
    revoked_at = []
    for _ in range(2):
        assert (await admin.delete(f"/api/api-keys/{key_id}")).status_code == 204
        listed = (await admin.get("/api/api-keys")).json()["items"]
        revoked_at += [key["revoked_at"] for key in listed]
    assert revoked_at[0] is not None
    assert revoked_at[0] == revoked_at[1]


async def test_key_works_until_it_expires(sign_in, db, real_time):
    admin = await sign_in(Role.ADMIN)
    expires_at = real_time.now + timedelta(hours=1)
    body = KEY | {"expires_at": expires_at.isoformat()}
    secret = (await admin.post("/api/api-keys", json=body)).json()["secret"]
    real_time.pass_by(minutes=59)
    assert await who(db, secret) is not None
    real_time.pass_by(minutes=1)
    assert await who(db, secret) is None


async def test_last_use_is_remembered_to_the_minute(sign_in, db, real_time):
    admin = await sign_in(Role.ADMIN)
    secret = (await admin.post("/api/api-keys", json=KEY)).json()["secret"]

    async def last_used_at() -> datetime | None:
        value = (await admin.get("/api/api-keys")).json()["items"][0]["last_used_at"]
        return None if value is None else datetime.fromisoformat(value)

    assert await last_used_at() is None
    await who(db, secret)
    first = real_time.now
    assert await last_used_at() == first
    real_time.pass_by(seconds=59)
    await who(db, secret)
    assert await last_used_at() == first
    real_time.pass_by(seconds=1)
    await who(db, secret)
    assert await last_used_at() == real_time.now


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["*"]},
        {"scopes": ["everything"]},
        {"scopes": ["orders:write"] * 51},
        {"name": ""},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2101-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-12:00"},
        {"expires_at": "0001-01-01T00:00:00+12:00"},
        {"expires_at": "tomorrow"},
        {"account_id": "mine"},
        {"secret": "chosen by me"},
    ],
)
async def test_nonsense_makes_no_key(wrong, sign_in):
    admin = await sign_in(Role.ADMIN)
    answer = await admin.post("/api/api-keys", json=KEY | wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await admin.get("/api/api-keys")).json()["items"] == []


async def test_key_cannot_make_another_key(sign_in, client):
    admin = await sign_in(Role.ADMIN)
    secret = (await admin.post("/api/api-keys", json=KEY)).json()["secret"]
    client.headers["Authorization"] = f"Bearer {secret}"
    refused = await client.post("/api/api-keys", json=KEY)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.scope_missing")


async def test_keys_are_audited(sign_in, audited):
    admin = await sign_in(Role.ADMIN)
    expires_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made = (await admin.post("/api/api-keys", json=KEY | {"expires_at": expires_at})).json()
    await admin.delete(f"/api/api-keys/{made['id']}")
    assert {"api_key.created", "api_key.revoked"} <= await audited()
