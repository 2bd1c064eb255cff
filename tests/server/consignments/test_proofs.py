"""Proofs: kept once, added to, never changed."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from server.consignments import service
from server.consignments.service import NewProof, UnknownProof
from server.identity import service as identity
from server.identity.access import Role
from server.kit.geo import Position
from server.kit.ids import new_id
from server.protocol.from_driver import BlobRef

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def image(letter: str) -> BlobRef:
    return BlobRef(sha256=letter * 64, size_bytes=1000, content_type="image/jpeg")


@pytest.fixture
def new_proof():
    def new_proof(consignment, **details) -> NewProof:
        values = {
            "consignment_id": consignment.id,
            "kind": "POD",
            "occurred_at": DAY,
            "received_at": DAY,
            "photos": (image("a"), image("b")),
            "signature": image("c"),
            "recipient_name": "Ada",
            "scans": ("123",),
            "position": Position(9.5, 47.1),
        }
        return NewProof(**(values | details))

    return new_proof


async def make_driver(session):
    driver = await identity.create_person(
        session, name="Bo", email=f"{new_id().hex}@example.org", role=Role.DRIVER, by="test"
    )
    return driver.id


async def test_proof_is_read_back_with_its_files(db, make_consignment, new_proof):
    async with db.transaction() as session:
        made = await make_consignment(session)
        proof_id = await service.record_proof(session, new_proof(made, note="By the door"))
        (proof,) = await service.proofs_of(session, made.id)
    assert (proof.id, proof.kind, proof.note) == (proof_id, "POD", "By the door")
    assert (proof.scans, proof.position) == (("123",), Position(9.5, 47.1))
    assert [(file.kind, file.sha256[0]) for file in proof.files] == [
        ("photo", "a"),
        ("photo", "b"),
        ("signature", "c"),
    ]


async def test_same_command_again_is_the_same_proof(db, make_consignment, new_proof):
    async with db.transaction() as session:
        made = await make_consignment(session)
        driver_id = await make_driver(session)
        proofs = [
            await service.record_proof(
                session, new_proof(made, driver_id=driver_id, command_id="command 1")
            )
            for _ in range(2)
        ]
        assert proofs[0] == proofs[1]
        assert len(await service.proofs_of(session, made.id)) == 1


async def test_evidence_that_turns_up_later_stands_beside_what_was_shown(
    db, make_consignment, new_proof
):
    async with db.transaction() as session:
        made = await make_consignment(session)
        proof_id = await service.record_proof(session, new_proof(made))
        await service.add_evidence(session, proof_id, [image("d"), image("a")], by="person:1")
        (proof,) = await service.proofs_of(session, made.id)
        assert [file.sha256[0] for file in proof.files] == ["a", "b", "c", "d"]
        assert proof.files[-1].added_by == "person:1"
        with pytest.raises(UnknownProof):
            await service.add_evidence(session, new_id(), [image("d")], by="test")


async def test_proof_of_nothing_is_impossible(db, make_consignment, new_proof):
    async with db.transaction() as session:
        made = await make_consignment(session)
    with pytest.raises(IntegrityError):
        async with db.transaction() as session:
            await service.record_proof(session, new_proof(made, consignment_id=new_id()))


async def test_same_photo_as_photo_and_signature_is_kept_once(db, make_consignment, new_proof):
    async with db.transaction() as session:
        made = await make_consignment(session)
        await service.record_proof(
            session, new_proof(made, photos=(image("a"), image("a")), signature=image("a"))
        )
        (proof,) = await service.proofs_of(session, made.id)
        assert len(proof.files) == 1


async def test_file_that_cannot_exist_is_left_out_of_the_proof(db, make_consignment, new_proof):
    async with db.transaction() as session:
        made = await make_consignment(session)
        impossible = BlobRef(sha256="../" * 2000, size_bytes=-1, content_type="image/jpeg")
        await service.record_proof(session, new_proof(made, photos=(impossible, image("a"))))
        (proof,) = await service.proofs_of(session, made.id)
        assert [file.sha256[0] for file in proof.files] == ["a", "c"]


@pytest.mark.parametrize(
    ("pin", "given", "matches"),
    [
        ("4711", "4711", True),
        ("4711", " 4711 ", True),
        ("4711", "4712", False),
        ("4711", "", False),
        ("4711", None, False),
        ("4711", "４７１１", False),
        (None, "4711", None),
        (None, None, None),
    ],
)
async def test_pin_is_compared_here(db, make_consignment, pin, given, matches):
    async with db.transaction() as session:
        made = await make_consignment(session, pin=pin)
        assert await service.pin_matches(session, made.id, given) is matches
