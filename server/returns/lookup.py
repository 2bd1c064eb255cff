"""Finding returns, and showing them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.errors import NotFound
from server.returns.models import Return, ReturnParcel
from server.returns.views import ReturningParcel, ReturnView


class UnknownReturn(NotFound):
    """There is no return {return_id}, or it is not yours."""

    code = "returns.unknown"


async def get_return(
    session: AsyncSession, return_id: UUID, *, account_id: UUID | None = None
) -> ReturnView:
    """account_id: only if it belongs to this account."""
    views = await _views(session, select(Return).where(Return.id == return_id))
    if not views or (account_id is not None and views[0].account_id != account_id):
        raise UnknownReturn(return_id=return_id)
    return views[0]


async def list_returns(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ReturnView]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Return).order_by(Return.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Return.account_id == account_id)
    if state is not None:
        query = query.where(Return.state == state)
    if after is not None:
        query = query.where(Return.id < after)
    return await _views(session, query)


async def lock_return(session: AsyncSession, return_id: UUID) -> Return:
    """The return's row, locked until the transaction ends."""
    row = await session.get(Return, return_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise UnknownReturn(return_id=return_id)
    return row


async def lines_of(session: AsyncSession, return_ids: Sequence[UUID]) -> list[ReturnParcel]:
    found = await session.scalars(
        select(ReturnParcel)
        .where(ReturnParcel.return_id.in_(return_ids))
        .order_by(ReturnParcel.return_id, ReturnParcel.number)
    )
    return list(found)


async def _views(session: AsyncSession, query: Select[Return]) -> list[ReturnView]:
    rows = (await session.scalars(query)).all()
    lines: dict[UUID, list[ReturningParcel]] = {row.id: [] for row in rows}
    for line in await lines_of(session, list(lines)):
        lines[line.return_id].append(
            ReturningParcel(
                barcode=line.barcode, description=line.description, weight_g=line.weight_g
            )
        )
    return [view_of(row, tuple(lines[row.id])) for row in rows]


def view_of(row: Return, parcels: tuple[ReturningParcel, ...]) -> ReturnView:
    return ReturnView(
        id=row.id,
        rma=row.rma,
        state=row.state,  # type: ignore[arg-type]  # held to these by a check constraint
        announced=row.announced,
        account_id=row.account_id,
        order_id=row.order_id,
        original_consignment_id=row.original_consignment_id,
        consignment_id=row.consignment_id,
        reason=row.reason,
        parcels=parcels,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
