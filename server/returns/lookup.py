"""Finding returns, and showing them."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.returns.errors import UnknownReturn, UnknownReturnLine
from server.returns.models import Exchange, Return, ReturnLine, ReturnParcel
from server.returns.views import ReturningParcel, ReturnLineView, ReturnView


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
    original_consignment_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ReturnView]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Return).order_by(Return.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Return.account_id == account_id)
    if original_consignment_id is not None:
        query = query.where(Return.original_consignment_id == original_consignment_id)
    if state is not None:
        query = query.where(Return.state == state)
    if after is not None:
        query = query.where(Return.id < after)
    return await _views(session, query)


async def lock_return(
    session: AsyncSession, return_id: UUID, *, account_id: UUID | None = None
) -> Return:
    """The return's row, locked until the transaction ends; its exchange before it, so that all who
    change the two wait in the same order."""
    await exchange_of_return(session, return_id)
    row = await session.get(Return, return_id, with_for_update=True, populate_existing=True)
    if row is None or account_id not in (None, row.account_id):
        raise UnknownReturn(return_id=return_id)
    return row


async def exchange_of_return(session: AsyncSession, return_id: UUID) -> Exchange | None:
    """Locked."""
    found: Exchange | None = await session.scalar(
        select(Exchange)
        .where(Exchange.return_id == return_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def lock_line(
    session: AsyncSession, line_id: UUID, *, account_id: UUID | None = None
) -> tuple[Return, ReturnLine]:
    """A line with its return, which is what is locked."""
    return_id = await session.scalar(select(ReturnLine.return_id).where(ReturnLine.id == line_id))
    if return_id is None:
        raise UnknownReturnLine(line_id=line_id)
    try:
        row = await lock_return(session, return_id, account_id=account_id)
    except UnknownReturn:
        raise UnknownReturnLine(line_id=line_id) from None
    return row, await session.get_one(ReturnLine, line_id, populate_existing=True)


async def parcels_of(
    session: AsyncSession, return_ids: Sequence[UUID]
) -> dict[UUID, list[ReturningParcel]]:
    """Return id -> its parcels."""
    found = await session.scalars(
        select(ReturnParcel)
        .where(ReturnParcel.return_id.in_(return_ids))
        .order_by(ReturnParcel.return_id, ReturnParcel.number)
    )
    parcels: dict[UUID, list[ReturningParcel]] = defaultdict(list)
    for row in found:
        parcels[row.return_id].append(
            ReturningParcel(barcode=row.barcode, description=row.description, weight_g=row.weight_g)
        )
    return parcels


async def lines_of(session: AsyncSession, return_ids: Sequence[UUID]) -> list[ReturnLine]:
    found = await session.scalars(
        select(ReturnLine)
        .where(ReturnLine.return_id.in_(return_ids))
        .order_by(ReturnLine.return_id, ReturnLine.number)
        .execution_options(populate_existing=True)
    )
    return list(found)


def line_view(line: ReturnLine) -> ReturnLineView:
    return msgspec.convert(line, ReturnLineView, from_attributes=True)


async def _views(session: AsyncSession, query: Select[Return]) -> list[ReturnView]:
    rows = (await session.scalars(query)).all()
    ids = [row.id for row in rows]
    parcels = await parcels_of(session, ids)
    lines: dict[UUID, list[ReturnLineView]] = defaultdict(list)
    for line in await lines_of(session, ids):
        lines[line.return_id].append(line_view(line))
    plain = [each for each in ReturnView.__struct_fields__ if each not in ("parcels", "lines")]
    return [
        ReturnView(
            **{name: getattr(row, name) for name in plain},
            parcels=tuple(parcels[row.id]),
            lines=tuple(lines[row.id]),
        )
        for row in rows
    ]
