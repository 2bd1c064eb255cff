"""Proofs: what was shown at the door. They are only ever added to."""

import hmac
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.lookup import UnknownConsignment
from server.consignments.models import Consignment, Proof, ProofFile
from server.consignments.street import can_exist, possible
from server.consignments.views import NewProof, ProofFileView, ProofView
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.errors import NotFound
from server.kit.ids import new_id
from server.protocol.from_driver import BlobRef

DOOR_PHOTOS_MAX = 2
DOOR_PHOTOS_OF = timedelta(days=365)
"""Doors are painted, and people move."""


class UnknownProof(NotFound):
    """There is no such proof or file, or it is not yours."""

    code = "consignments.unknown_proof"


async def record_proof(session: AsyncSession, new: NewProof) -> UUID:
    """Keep a proof; the same command again gives the id that it got the first time."""
    proof_id: UUID | None = await session.scalar(
        insert(Proof)
        .values(
            id=new_id(),
            consignment_id=new.consignment_id,
            task_id=new.task_id,
            kind=new.kind,
            recipient_name=new.recipient_name,
            pin_matched=new.pin_matched,
            scans=list(new.scans),
            age_checked=new.age_checked,
            note=new.note,
            position=possible(new.position),
            occurred_at=new.occurred_at,
            received_at=new.received_at,
            driver_id=new.driver_id,
            command_id=new.command_id,
        )
        .on_conflict_do_nothing()
        .returning(Proof.id)
    )
    if proof_id is None:
        before = select(Proof.id).where(
            Proof.driver_id == new.driver_id,
            Proof.command_id == new.command_id,
            Proof.consignment_id == new.consignment_id,
        )
        return (await session.scalars(before)).one()
    by = f"driver:{new.driver_id}" if new.driver_id else "system"
    files = _file_rows("photo", new.photos)
    if new.signature is not None:
        files += _file_rows("signature", [new.signature])
    await _add_files(session, proof_id, files, added_at=new.received_at, by=by)
    return proof_id


async def add_evidence(
    session: AsyncSession, proof_id: UUID, photos: Iterable[BlobRef], *, by: str
) -> None:
    """Photos that turned up later, added beside what was shown at the door."""
    if await session.get(Proof, proof_id) is None:
        raise UnknownProof
    rows = _file_rows("photo", photos)
    await _add_files(session, proof_id, rows, added_at=clock.now(), by=by)


async def proofs_of(session: AsyncSession, consignment_id: UUID) -> tuple[ProofView, ...]:
    """The proofs of a consignment in the order in which they were made."""
    proofs = (
        await session.scalars(
            select(Proof)
            .where(Proof.consignment_id == consignment_id)
            .order_by(Proof.occurred_at, Proof.id)
        )
    ).all()
    files: dict[UUID, list[ProofFileView]] = {proof.id: [] for proof in proofs}
    for file in await session.scalars(
        select(ProofFile)
        .where(ProofFile.proof_id.in_(files))
        .order_by(ProofFile.added_at, ProofFile.sha256)
    ):
        files[file.proof_id].append(_file_view(file))
    return tuple(_view(proof, tuple(files[proof.id])) for proof in proofs)


async def proof_file(
    session: AsyncSession, proof_id: UUID, sha256: str, *, account_id: UUID | None = None
) -> ProofFileView:
    """account_id: only if the consignment belongs to this account."""
    query = (
        select(ProofFile)
        .join(Proof, Proof.id == ProofFile.proof_id)
        .join(Consignment, Consignment.id == Proof.consignment_id)
        .where(ProofFile.proof_id == proof_id, ProofFile.sha256 == sha256)
    )
    if account_id is not None:
        query = query.where(Consignment.account_id == account_id)
    file = await session.scalar(query)
    if file is None:
        raise UnknownProof
    return _file_view(file)


def read_proof_file(blobs: Blobs, file: ProofFileView) -> bytes:
    """The file, or the smaller photo as long as that is all that the phone has sent.

    Raises
    ------
    UnknownBlob
        Neither is here yet.
    """
    small = file.small_sha256
    return blobs.read(file.sha256 if small is None or blobs.has(file.sha256) else small)


async def door_photos(
    session: AsyncSession, place_ids: Collection[UUID]
) -> dict[UUID, tuple[str, ...]]:
    """Place -> the newest photos of deliveries there, by SHA-256, in the size that is here."""
    place_id = Consignment.consignee_place_id
    newest_first = func.row_number().over(
        partition_by=place_id, order_by=(Proof.occurred_at.desc(), ProofFile.sha256)
    )
    ranked = (
        select(
            place_id.label("place_id"),
            func.coalesce(ProofFile.small_sha256, ProofFile.sha256).label("sha256"),
            newest_first.label("place"),
        )
        .join(Proof, Proof.consignment_id == Consignment.id)
        .join(ProofFile, ProofFile.proof_id == Proof.id)
        .where(
            place_id.in_(place_ids),
            Proof.kind == "POD",
            Proof.occurred_at > clock.now() - DOOR_PHOTOS_OF,
            ProofFile.kind == "photo",
        )
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= DOOR_PHOTOS_MAX).order_by(ranked.c.place)
    found: dict[UUID, tuple[str, ...]] = {}
    for row in await session.execute(query):
        found[row.place_id] = (*found.get(row.place_id, ()), row.sha256)
    return found


async def pin_matches(session: AsyncSession, consignment_id: UUID, pin: str | None) -> bool | None:
    """Whether this is the PIN of the consignment; None when it has none. Takes the same time
    however much of it is right."""
    row = await session.get(Consignment, consignment_id)
    if row is None:
        raise UnknownConsignment(consignment_id=consignment_id)
    if row.pin is None:
        return None
    return hmac.compare_digest(row.pin.encode(), (pin or "").strip().encode())


def _file_rows(kind: str, files: Iterable[BlobRef]) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind,
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "content_type": file.content_type,
            "small_sha256": file.small_sha256,
        }
        for file in files
        if can_exist(file)
    ]


async def _add_files(
    session: AsyncSession,
    proof_id: UUID,
    files: list[dict[str, Any]],
    *,
    added_at: datetime,
    by: str,
) -> None:
    if not files:
        return
    shared = {"proof_id": proof_id, "added_at": added_at, "added_by": by}
    await session.execute(
        insert(ProofFile).values([file | shared for file in files]).on_conflict_do_nothing()
    )


def _file_view(row: ProofFile) -> ProofFileView:
    return ProofFileView(
        sha256=row.sha256,
        kind=row.kind,  # type: ignore[arg-type]  # held to the two by a check constraint
        size_bytes=row.size_bytes,
        content_type=row.content_type,
        small_sha256=row.small_sha256,
        added_at=row.added_at,
        added_by=row.added_by,
    )


def _view(row: Proof, files: tuple[ProofFileView, ...]) -> ProofView:
    return ProofView(
        id=row.id,
        consignment_id=row.consignment_id,
        task_id=row.task_id,
        kind=row.kind,  # type: ignore[arg-type]  # held to the three by a check constraint
        recipient_name=row.recipient_name,
        pin_matched=row.pin_matched,
        scans=tuple(row.scans),
        age_checked=row.age_checked,
        note=row.note,
        position=row.position,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        driver_id=row.driver_id,
        files=files,
    )
