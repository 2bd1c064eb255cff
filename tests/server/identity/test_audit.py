"""The audit log: complete, readable by admins, and impossible to rewrite."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.identity import service as identity
from server.identity.access import Role
from server.kit.ids import new_id


@pytest.mark.parametrize(
    "rewriting",
    [
        "update audit_entry set by = 'somebody else'",
        "update audit_entry set by = by where false",
        "delete from audit_entry",
        "truncate audit_entry",
        "truncate audit_entry cascade",
    ],
)
async def test_history_cannot_be_rewritten(rewriting, db, new_person):
    await new_person(Role.CLERK)
    with pytest.raises(DBAPIError, match="audit_entry is append-only"):
        async with db.transaction() as session:
            await session.execute(text(rewriting))
    async with db.transaction() as session:
        assert [entry.by for entry in await identity.list_audit(session)] == ["test"]


async def test_entry_lives_and_falls_with_the_change(db):
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as session:
            await identity.record_audit(session, by="test", action="a.done", subject="a:1")
            raise ZeroDivisionError
    async with db.transaction() as session:
        assert await identity.list_audit(session) == []


async def test_admin_reads_who_did_what_newest_first(sign_in, db):
    admin = await sign_in(Role.ADMIN)
    me = (await admin.get("/api/me")).json()["person"]["id"]
    ada = (
        await admin.post(
            "/api/people", json={"name": "Ada", "email": "ada@example.org", "role": "clerk"}
        )
    ).json()
    await admin.patch(f"/api/people/{ada['id']}", json={"name": "Ada L.", "active": False})
    subject = f"person:{ada['id']}"
    entries = (await admin.get("/api/audit", params={"subject": subject})).json()["items"]
    assert [entry["action"] for entry in entries] == ["person.changed", "person.created"]
    assert {entry["by"] for entry in entries} == {f"person:{me}"}
    assert entries[0]["details"] == {"name": "Ada L.", "active": False}


async def test_audit_is_read_page_by_page(sign_in, db):
    admin = await sign_in(Role.ADMIN)
    by = f"system:{new_id().hex}"
    async with db.transaction() as session:
        for number in range(5):
            await identity.record_audit(session, by=by, action="a.done", subject=f"a:{number}")
    seen, after = [], None
    while True:
        query = {"by": by, "limit": 2} | ({"after": after} if after else {})
        page = (await admin.get("/api/audit", params=query)).json()
        seen += [entry["subject"] for entry in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ["a:4", "a:3", "a:2", "a:1", "a:0"]


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"after": "x"}, {"subject": "\x00"}, {"by": ""}]
)
async def test_nonsense_in_the_query_is_a_problem_document(query, sign_in):
    answer = await (await sign_in(Role.ADMIN)).get("/api/audit", params=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
