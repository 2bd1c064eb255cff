"""What a driver reports beside the work itself."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from server.consignments import service as consignments
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.protocol.from_driver import AddEvidence, BlobRef, Proof, ReportCost

from .conftest import Town, corner

FIRST, LATER = (
    BlobRef(sha256=digit * 64, size_bytes=10, content_type="image/jpeg") for digit in "ab"
)


async def test_evidence_that_turns_up_later_stands_beside_the_proof_of_the_door(
    town: Town,
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.start(driver, task_id)
    await town.complete(driver, task_id, proof=Proof(photos=(FIRST,), recipient_name="Ada"))
    town.later(minutes=20)
    later = AddEvidence(task_id=task_id, occurred_at=town.now, proof=Proof(photos=(LATER,)))
    for _ in range(2):
        await town.does(driver, later, command_id="same")
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
    assert [file.sha256 for file in proof.files] == [FIRST.sha256, LATER.sha256]
    assert proof.recipient_name == "Ada"
    assert await town.raised() == []


async def test_evidence_before_the_end_shows_the_attempt(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.does(
        driver, AddEvidence(task_id=task_id, occurred_at=town.now, proof=Proof(photos=(FIRST,)))
    )
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
    assert (proof.kind, len(proof.files)) == ("POA", 1)


async def test_what_a_driver_paid_is_put_before_a_person_once_with_its_receipt(
    town: Town,
) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    cost = ReportCost(
        kind="parking",
        amount_minor=450,
        currency="EUR",
        occurred_at=town.now,
        at_task_id=task_id,
        proof=Proof(photos=(FIRST,)),
    )
    for _ in range(2):
        await town.does(driver, cost, command_id="same")
    (told,) = await town.exceptions()
    assert (told.kind, told.sentence) == ("extra_cost", "The driver paid 4.50 EUR for parking.")
    assert told.details["receipts"] == [FIRST.sha256]
    assert told.details["at_task_id"] == task_id


async def test_cost_without_any_task_counts_too(town: Town) -> None:
    driver = await town.add_driver()
    await town.does(
        driver,
        ReportCost(kind="ferry", amount_minor=-1, currency="", occurred_at=town.now),
    )
    assert await town.raised() == ["extra_cost"]


async def test_receipt_is_shown_to_the_office_and_only_by_way_of_what_was_paid(
    town: Town, sign_in: Any, blobs: Blobs
) -> None:
    picture = b"\xff\xd8\xff a photo of a receipt"
    sha256 = await keep(blobs, picture)
    other = await keep(blobs, b"\xff\xd8\xff somebody's door")
    driver = await town.add_driver()
    receipt = BlobRef(sha256=sha256, size_bytes=len(picture), content_type="image/jpeg")
    cost = ReportCost(
        kind="toll",
        amount_minor=900,
        currency="EUR",
        occurred_at=town.now,
        proof=Proof(photos=(receipt,)),
    )
    await town.does(driver, cost)
    (told,) = await town.exceptions()
    path = f"/api/exceptions/{told.id}/receipts"
    api = await sign_in(Role.DISPATCHER)
    shown = await api.get(f"{path}/{sha256}")
    assert (shown.content, shown.headers["content-type"]) == (picture, "image/jpeg")
    assert (await api.get(f"{path}/{other}")).status_code == 404
    assert (await api.get(f"/api/exceptions/{driver}/receipts/{sha256}")).status_code == 404
    assert (await (await sign_in(Role.DRIVER)).get(f"{path}/{sha256}")).status_code == 403


async def test_receipt_is_shown_small_until_the_full_photo_has_arrived(
    town: Town, sign_in: Any, blobs: Blobs
) -> None:
    small, full = b"\xff\xd8\xff small", b"\xff\xd8\xff with every digit"
    name = hashlib.sha256(full).hexdigest()
    receipt = BlobRef(
        sha256=name,
        size_bytes=len(full),
        content_type="image/jpeg",
        small_sha256=await keep(blobs, small),
    )
    cost = ReportCost(
        kind="fuel",
        amount_minor=6000,
        currency="EUR",
        occurred_at=town.now,
        proof=Proof(photos=(receipt,)),
    )
    await town.does(await town.add_driver(), cost)
    (told,) = await town.exceptions()
    api, path = await sign_in(Role.DISPATCHER), f"/api/exceptions/{told.id}/receipts/{name}"
    assert (await api.get(path)).content == small
    await keep(blobs, full)
    assert (await api.get(path)).content == full


async def keep(blobs: Blobs, content: bytes) -> str:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    sha256 = hashlib.sha256(content).hexdigest()
    await blobs.put(sha256, whole())
    return sha256
