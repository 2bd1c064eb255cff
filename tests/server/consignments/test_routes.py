"""Consignments over HTTP: everybody sees what is theirs."""

import hashlib
from datetime import UTC, datetime

import pytest

from server.accounts import service as accounts
from server.consignments import service
from server.consignments.service import NewProof
from server.identity.access import Role
from server.kit.ids import new_id
from server.protocol.from_driver import BlobRef

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
PICTURE = b"\xff\xd8\xff a picture"
SHA = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
async def shop(db):
    async with db.transaction() as session:
        return await accounts.create_account(session, name="Shop", code="SHOP", by="test")


@pytest.fixture
async def rival(db):
    async with db.transaction() as session:
        return await accounts.create_account(session, name="Rival", code="RIVAL", by="test")


@pytest.fixture
async def consignment(db, shop, make_consignment):
    async with db.transaction() as session:
        return await make_consignment(session, parcels=2, account_id=shop.id, pin="47110815")


async def keep_proof(
    db, blobs, consignment, content_type: str = "image/jpeg", content: bytes = PICTURE
):
    async def chunks():
        yield content

    sha256 = hashlib.sha256(content).hexdigest()
    await blobs.put(sha256, chunks())
    photo = BlobRef(sha256=sha256, size_bytes=len(content), content_type=content_type)
    async with db.transaction() as session:
        return await service.record_proof(
            session,
            NewProof(
                consignment_id=consignment.id,
                kind="POD",
                photos=(photo,),
                occurred_at=DAY,
                received_at=DAY,
            ),
        )


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.CLERK, Role.WAREHOUSE])
async def test_office_sees_a_consignment_with_its_story(sign_in, consignment, role):
    office = await sign_in(role)
    answer = await office.get(f"/api/consignments/{consignment.id}")
    assert answer.status_code == 200
    assert answer.json()["consignment"]["waybill"] == consignment.waybill
    assert [entry["state"] for entry in answer.json()["story"]] == ["announced"]
    assert "47110815" not in answer.text


async def test_account_user_sees_only_what_is_theirs(sign_in, shop, rival, consignment):
    own, other = [
        await sign_in(Role.ACCOUNT_USER, account_id=account.id) for account in (shop, rival)
    ]
    barcode = consignment.parcels[0].barcode
    for path in (
        f"/api/consignments/{consignment.id}",
        f"/api/consignments/by-barcode/{barcode}",
        f"/api/consignments/by-barcode/{consignment.waybill.lower()}",
    ):
        assert (await own.get(path)).status_code == 200
        assert (await other.get(path)).status_code == 404
    assert len((await own.get("/api/consignments")).json()["items"]) == 1
    assert (await other.get("/api/consignments")).json() == {"items": [], "next": None}
    links = f"/api/consignments/{consignment.id}/tracking-links"
    assert (await other.post(links, json={})).status_code == 404
    assert (await other.delete(links)).status_code == 404


async def test_drivers_and_strangers_see_none(sign_in, client, consignment):
    driver = await sign_in(Role.DRIVER)
    for path in ("/api/consignments", f"/api/consignments/{consignment.id}"):
        assert (await driver.get(path)).status_code == 403
        assert (await client.get(path)).status_code == 401


async def test_list_goes_on_where_the_last_page_ended(db, sign_in, make_consignment):
    async with db.transaction() as session:
        made = [str((await make_consignment(session)).id) for _ in range(5)]
    office = await sign_in(Role.CLERK)
    seen, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await office.get("/api/consignments", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        if (after := page["next"]) is None:
            break
    assert seen == made[::-1]


async def test_list_is_narrowed_to_a_state(db, sign_in, make_consignment, report):
    async with db.transaction() as session:
        await make_consignment(session)
        loaded = await report(session, await make_consignment(session), "loaded")
    office = await sign_in(Role.CLERK)
    page = (await office.get("/api/consignments", params={"state": "loaded"})).json()
    assert [each["id"] for each in page["items"]] == [str(loaded.id)]


@pytest.mark.parametrize(
    "query", ["state=nowhere", "limit=0", "limit=201", "after=x", "limit=many"]
)
async def test_bad_queries_are_refused_with_a_problem(sign_in, query):
    office = await sign_in(Role.CLERK)
    answer = await office.get(f"/api/consignments?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("barcode", ["nobody", "%00", "x" * 500, "%F0%9F%93%A6", "'--"])
async def test_barcode_of_nobody_is_not_found(sign_in, barcode):
    office = await sign_in(Role.CLERK)
    answer = await office.get(f"/api/consignments/by-barcode/{barcode}")
    assert answer.status_code in (422, 404)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_tracking_link_is_opened_and_revoked(db, sign_in, consignment, shop):
    own = await sign_in(Role.ACCOUNT_USER, account_id=shop.id)
    path = f"/api/consignments/{consignment.id}/tracking-links"
    opened = await own.post(path, json={"days": 3})
    assert opened.status_code == 201
    token = opened.json()["token"]
    assert opened.json()["url"] == f"http://testserver/t/{token}"
    async with db.transaction() as session:
        assert await service.consignment_of_token(session, token) == consignment.id
    assert (await own.delete(path)).status_code == 204
    async with db.transaction() as session:
        with pytest.raises(service.TrackingLinkUnknown):
            await service.consignment_of_token(session, token)


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 91}, {"days": "x"}, {"day": 1}, []])
async def test_bad_link_requests_are_refused(sign_in, consignment, body):
    office = await sign_in(Role.CLERK)
    answer = await office.post(f"/api/consignments/{consignment.id}/tracking-links", json=body)
    assert answer.status_code == 422


async def test_photo_of_a_proof_is_shown_only_to_those_who_may_see_it(
    db, blobs, sign_in, client, shop, rival, consignment
):
    path = f"/api/proofs/{await keep_proof(db, blobs, consignment)}/blobs/{SHA}"
    own, other = [
        await sign_in(Role.ACCOUNT_USER, account_id=account.id) for account in (shop, rival)
    ]
    answer = await own.get(path)
    assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await (await sign_in(Role.CLERK)).get(path)).status_code == 200
    assert (await other.get(path)).status_code == 404
    assert (await (await sign_in(Role.DRIVER)).get(path)).status_code == 403
    assert (await client.get(path)).status_code == 401


async def test_file_is_not_given_by_way_of_another_proof(db, blobs, sign_in, consignment):
    proof_id = await keep_proof(db, blobs, consignment)
    office = await sign_in(Role.CLERK)
    for path in (
        f"/api/proofs/{new_id()}/blobs/{SHA}",
        f"/api/proofs/{proof_id}/blobs/{'0' * 64}",
        f"/api/proofs/{proof_id}/blobs/..%2F..%2Fetc%2Fpasswd",
        f"/api/proofs/{proof_id}/blobs/%00",
    ):
        assert (await office.get(path)).status_code in (422, 404)


@pytest.mark.parametrize("content_type", ["text/html", "image/jpeg", "x\r\nSet-Cookie: a=b"])
@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", b"<svg onload='alert(1)'/>"])
async def test_a_page_is_only_downloaded_whatever_it_calls_itself(
    db, blobs, sign_in, consignment, content_type, content
):
    proof_id = await keep_proof(db, blobs, consignment, content_type, content)
    path = f"/api/proofs/{proof_id}/blobs/{hashlib.sha256(content).hexdigest()}"
    answer = await (await sign_in(Role.CLERK)).get(path)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert "set-cookie" not in answer.headers


async def test_a_picture_is_shown_as_what_it_is_whatever_it_calls_itself(
    db, blobs, sign_in, consignment
):
    proof_id = await keep_proof(db, blobs, consignment, "text/html")
    answer = await (await sign_in(Role.CLERK)).get(f"/api/proofs/{proof_id}/blobs/{SHA}")
    assert answer.headers["content-type"] == "image/jpeg"


async def test_photo_is_shown_in_its_small_size_until_the_full_one_is_here(
    db, sign_in, blobs, consignment
):
    full, small = PICTURE + b" with every brick of the door", PICTURE
    names = [hashlib.sha256(each).hexdigest() for each in (full, small)]

    async def upload(data):
        async def chunks():
            yield data

        await blobs.put(hashlib.sha256(data).hexdigest(), chunks())

    await upload(small)
    photo = BlobRef(
        sha256=names[0], size_bytes=len(full), content_type="image/jpeg", small_sha256=names[1]
    )
    async with db.transaction() as session:
        proof_id = await service.record_proof(
            session,
            NewProof(
                consignment_id=consignment.id,
                kind="POD",
                photos=(photo,),
                occurred_at=DAY,
                received_at=DAY,
            ),
        )
    office = await sign_in(Role.CLERK)
    path = f"/api/proofs/{proof_id}/blobs/{names[0]}"
    assert (await office.get(path)).content == small
    await upload(full)
    assert (await office.get(path)).content == full
