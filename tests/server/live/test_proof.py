"""The photo of a delivery, behind the tracking link of its own parcel."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest_asyncio

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewProof
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.protocol.from_driver import BlobRef
from tests.server.live.test_public_tracking import SECRETS, Street

PHOTO = b"\xff\xd8\xff a photo of the door"
SIGNATURE = b"\x89PNG\r\n\x1a\n a signature"


@pytest_asyncio.fixture
async def street(db: Database) -> AsyncIterator[Street]:
    street = Street(db)
    with clock.running(lambda: street.now):
        await street.set_up()
        yield street


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def keep(blobs: Blobs, content: bytes, kind: str) -> BlobRef:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    await blobs.put(sha256(content), whole())
    return BlobRef(sha256=sha256(content), size_bytes=len(content), content_type=kind)


async def deliver(
    street: Street, blobs: Blobs, photo: BlobRef | None = None
) -> tuple[ConsignmentView, str, str]:
    """With a photo and a signature; the hashes of both."""
    made = await street.book(0.01)
    photo = photo or await keep(blobs, PHOTO, "image/jpeg")
    signature = await keep(blobs, SIGNATURE, "image/png")
    async with street.db.transaction() as session:
        await consignments.record_custody(
            session,
            parcel_ids=[made.parcels[0].id],
            state="delivered",
            occurred_at=street.now,
            received_at=street.now,
            by="test",
        )
        await consignments.record_proof(
            session,
            NewProof(
                consignment_id=made.id,
                kind="POD",
                occurred_at=street.now,
                received_at=street.now,
                recipient_name="Bob from number 5",
                photos=(photo,),
                signature=signature,
            ),
        )
    return made, photo.sha256, signature.sha256


async def test_photo_is_shown_to_who_has_the_link_and_nothing_about_people(
    street: Street, blobs: Blobs, client: httpx.AsyncClient
) -> None:
    made, photo, signature = await deliver(street, blobs)
    link = f"/t/{await street.link(made)}"
    assert "Proof of the delivery" in (await client.get(link)).text
    page = await client.get(f"{link}/proof")
    assert page.status_code == 200
    assert photo in page.text and signature not in page.text
    assert [secret for secret in (*SECRETS, "Bob") if secret in page.text] == []
    shown = await client.get(f"{link}/proof/{photo}")
    assert (shown.content, shown.headers["content-type"]) == (PHOTO, "image/jpeg")
    assert (await client.get(f"{link}/proof/{signature}")).status_code == 404


async def test_photo_is_shown_small_until_the_phone_has_sent_it_in_full(
    street: Street, blobs: Blobs, client: httpx.AsyncClient
) -> None:
    small = await keep(blobs, PHOTO, "image/jpeg")
    full = b"\xff\xd8\xff the same with every leaf of the hedge"
    made, photo, _ = await deliver(
        street, blobs, replace(small, sha256=sha256(full), small_sha256=small.sha256)
    )
    path = f"/t/{await street.link(made)}/proof/{photo}"
    assert (await client.get(path)).content == PHOTO
    await keep(blobs, full, "image/jpeg")
    assert (await client.get(path)).content == full


async def test_photo_of_another_parcel_or_behind_an_ended_link_is_not_found(
    street: Street, blobs: Blobs, client: httpx.AsyncClient
) -> None:
    made, photo, _ = await deliver(street, blobs)
    link = f"/t/{await street.link(made)}"
    other = f"/t/{await street.link(await street.book(0.02))}"
    assert (await client.get(f"{other}/proof/{photo}")).status_code == 404
    assert "There is no photo" in (await client.get(f"{other}/proof")).text
    async with street.db.transaction() as session:
        await consignments.revoke_tracking_links(session, made.id)
    for path in ("/proof", f"/proof/{photo}"):
        assert (await client.get(f"{link}{path}")).status_code == 404
