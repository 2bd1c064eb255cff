"""Returns over HTTP."""

import pytest

from server.accounts import service as accounts
from server.identity.access import Role
from server.kit.ids import new_id
from server.returns import service


@pytest.fixture
async def out(db, shop, deliver):
    async with db.transaction() as session:
        return await deliver(session, account_id=shop.id)


async def test_office_books_at_once_and_an_account_waits(sign_in, shop, out):
    office = await sign_in(Role.CLERK)
    own = await sign_in(Role.ACCOUNT_USER, account_id=shop.id)
    first, second = [{"barcode": parcel.barcode} for parcel in out.parcels]
    asked = await own.post(
        "/api/returns",
        json={"consignment_id": str(out.id), "parcels": [first], "reason": "Broken"},
    )
    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    booked = await office.post(
        "/api/returns", json={"consignment_id": str(out.id), "parcels": [second]}
    )
    assert (booked.status_code, booked.json()["state"]) == (201, "booked")
    path = f"/api/returns/{asked.json()['id']}"
    assert (await own.post(f"{path}/approve", json={})).status_code == 403
    assert (await office.post(f"{path}/approve", json={})).json()["state"] == "booked"
    assert (await own.get(path)).json()["state"] == "booked"
    assert (await own.post(f"{path}/cancel", json={"reason": "x"})).json()["state"] == "cancelled"
    assert (await office.post(f"{path}/decline", json={})).status_code == 409


async def test_other_accounts_see_nothing_of_it(db, sign_in, out):
    async with db.transaction() as session:
        rival = await accounts.create_account(session, name="Rival", code="RIVAL", by="test")
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
    other = await sign_in(Role.ACCOUNT_USER, account_id=rival.id)
    assert (await other.get(f"/api/returns/{made.id}")).status_code == 404
    assert (await other.post(f"/api/returns/{made.id}/cancel", json={})).status_code == 404
    assert (await other.get("/api/returns")).json() == {"items": [], "next": None}
    body = {"consignment_id": str(out.id)}
    assert (await other.post("/api/returns", json=body)).status_code == 404


async def test_same_key_gives_the_same_return(sign_in, out):
    office = await sign_in(Role.CLERK)
    body, key = {"consignment_id": str(out.id)}, {"Idempotency-Key": "k1"}
    answers = [await office.post("/api/returns", json=body, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == 201
    other = await office.post("/api/returns", json=body | {"reason": "x"}, headers=key)
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"consignment_id": "x"}, 422),
        ({"consignment_id": str(new_id())}, 404),
        ({"order_id": str(new_id())}, 404),
        ({"consignment_id": str(new_id()), "reason": "a\0b"}, 422),
        ({"consignment_id": str(new_id()), "colour": "red"}, 422),
        ({"consignment_id": str(new_id()), "parcels": [{"weight_g": -1}]}, 422),
        ([], 422),
    ],
)
async def test_bad_requests_are_refused_with_a_problem(sign_in, body, status):
    office = await sign_in(Role.CLERK)
    answer = await office.post("/api/returns", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_list_goes_on_where_the_last_page_ended(db, sign_in, deliver):
    async with db.transaction() as session:
        made = []
        for _ in range(3):
            goods = await deliver(session)
            one = await service.create_return(
                session, consignment_id=goods.id, reason="", by="test"
            )
            made.append(str(one.id))
    office = await sign_in(Role.WAREHOUSE)
    first = (await office.get("/api/returns?limit=2")).json()
    rest = (await office.get("/api/returns", params={"after": first["next"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert (await office.get("/api/returns?state=received")).json()["items"] == []
    for query in ("state=nowhere", "limit=0", "limit=201", "after=x"):
        assert (await office.get(f"/api/returns?{query}")).status_code == 422
