"""The photos that prove a delivery, as far as the customer may see them: of the place where the
parcel was left. Signatures and names stay inside: they may be a neighbour's."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ProofFileView


class DeliveryPhoto(NamedTuple):
    file: ProofFileView
    occurred_at: datetime


async def delivery_photos(session: AsyncSession, consignment_id: UUID) -> dict[str, DeliveryPhoto]:
    """By their SHA-256, in the order in which they were taken."""
    return {
        file.sha256: DeliveryPhoto(file, proof.occurred_at)
        for proof in await consignments.proofs_of(session, consignment_id)
        if proof.kind == "POD"
        for file in proof.files
        if file.kind == "photo"
    }
