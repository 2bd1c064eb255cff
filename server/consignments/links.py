"""Two consignments that belong together at one door: what is brought, and what is taken for it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.events import ConsignmentAmended
from server.consignments.lookup import UnknownConsignment
from server.consignments.models import Consignment
from server.kit import clock
from server.kit.outbox import emit


async def link_consignments(
    session: AsyncSession, consignment_id: UUID, other_id: UUID, *, by: str
) -> None:
    """Let each name the other, and nobody else any more; told only when it is news.

    Raises
    ------
    UnknownConsignment
    """
    pair = {consignment_id: other_id, other_id: consignment_id}
    former = await session.scalars(
        select(Consignment.linked_consignment_id).where(
            Consignment.id.in_(pair), Consignment.linked_consignment_id.is_not(None)
        )
    )
    rows = await _lock(session, {*pair, *filter(None, former)})
    for missing in pair.keys() - rows.keys():
        raise UnknownConsignment(consignment_id=missing)
    for row in rows.values():
        _name(session, row, pair.get(row.id), by)
    await session.flush()


async def unlink_consignment(session: AsyncSession, consignment_id: UUID, *, by: str) -> None:
    """Let it and its other leg go their own ways; fine for one that has none."""
    other_id = await session.scalar(
        select(Consignment.linked_consignment_id).where(Consignment.id == consignment_id)
    )
    if other_id is None:
        return
    for row in (await _lock(session, [consignment_id, other_id])).values():
        if row.linked_consignment_id in (consignment_id, other_id):
            _name(session, row, None, by)
    await session.flush()


async def _lock(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Consignment]:
    """In the order of their ids, so that nobody waits in a circle."""
    rows = await session.scalars(
        select(Consignment)
        .where(Consignment.id.in_(ids))
        .order_by(Consignment.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _name(session: AsyncSession, row: Consignment, other_id: UUID | None, by: str) -> None:
    if row.linked_consignment_id != other_id:
        row.linked_consignment_id = other_id
        row.amended_at, row.amended_by = clock.now(), by
        changed = ("linked_consignment_id",)
        emit(session, ConsignmentAmended(consignment_id=row.id, changed=changed))
