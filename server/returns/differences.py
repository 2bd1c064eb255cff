"""Differences between what was announced and what came, for a person to settle."""

from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.returns.errors import DifferenceSettled, UnknownDifference
from server.returns.events import ReturnDiffered
from server.returns.models import Return, ReturnDifference
from server.returns.views import DifferenceKind, DifferenceView


def raise_difference(
    session: AsyncSession,
    row: Return,
    kind: DifferenceKind,
    *,
    goods: str,
    announced: int,
    found: int,
    line_id: UUID | None = None,
) -> None:
    """Put it before a person."""
    difference = ReturnDifference(
        id=new_id(),
        return_id=row.id,
        account_id=row.account_id,
        line_id=line_id,
        kind=kind,
        goods=goods,
        announced=announced,
        found=found,
        raised_at=clock.now(),
    )
    session.add(difference)
    emit(session, ReturnDiffered(return_id=row.id, difference_id=difference.id, kind=kind))


async def list_differences(
    session: AsyncSession,
    *,
    return_id: UUID | None = None,
    account_id: UUID | None = None,
    settled: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DifferenceView]:
    """Oldest first."""
    at = ReturnDifference.settled_at
    query = select(ReturnDifference).order_by(ReturnDifference.id).limit(limit)
    query = query.where(at.is_not(None) if settled else at.is_(None))
    if return_id is not None:
        query = query.where(ReturnDifference.return_id == return_id)
    if account_id is not None:
        query = query.where(ReturnDifference.account_id == account_id)
    if after is not None:
        query = query.where(ReturnDifference.id > after)
    rows = await session.scalars(query.execution_options(populate_existing=True))
    return [msgspec.convert(row, DifferenceView, from_attributes=True) for row in rows]


async def settle_difference(
    session: AsyncSession,
    difference_id: UUID,
    *,
    note: str,
    by: str,
    account_id: UUID | None = None,
) -> DifferenceView:
    """A person has looked at it. The return is resolved when somebody says so afterwards."""
    row = await session.get(
        ReturnDifference, difference_id, with_for_update=True, populate_existing=True
    )
    if row is None or account_id not in (None, row.account_id):
        raise UnknownDifference(difference_id=difference_id)
    if row.settled_at is not None:
        raise DifferenceSettled(settled_by=row.settled_by)
    row.settled_at, row.settled_by, row.settled_note = clock.now(), by, note
    await record_audit(
        session,
        by=by,
        action="return_difference.settled",
        subject=f"return:{row.return_id}",
        details={"difference": str(row.id), "note": note},
    )
    await session.flush()
    return msgspec.convert(row, DifferenceView, from_attributes=True)
