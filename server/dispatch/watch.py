"""Which runs are looked at again, and when: at once after news, else from time to time.

The rows of `run_watch` are only ever waited for by those who hold the depot's lock, the forecaster
among them, so nobody waits in a circle. What is due is taken without waiting.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.models import RunWatch
from server.kit import clock


async def look_soon(session: AsyncSession, run_id: UUID | None) -> None:
    """Something about this run is news; of no run, nothing is to be done."""
    if run_id is None:
        return
    new = insert(RunWatch).values(run_id=run_id, due_at=clock.now())
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[RunWatch.run_id],
            set_={"due_at": func.least(RunWatch.due_at, new.excluded.due_at)},
        )
    )


async def take_due(
    session: AsyncSession, *, now: datetime, until: datetime, most: int
) -> list[UUID]:
    """The runs that are due, longest first; they are due again at `until`, should we die."""
    due = (
        select(RunWatch.run_id)
        .where(RunWatch.due_at <= now)
        .order_by(RunWatch.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = await session.scalars(
        update(RunWatch)
        .where(RunWatch.run_id.in_(due.scalar_subquery()))
        .values(due_at=until)
        .returning(RunWatch.run_id)
        .execution_options(synchronize_session=False)
    )
    return list(taken)


async def hold(session: AsyncSession, run_ids: Collection[UUID]) -> dict[UUID, RunWatch]:
    """The rows of these runs, locked. The caller has locked their depot."""
    rows = await session.scalars(
        select(RunWatch)
        .where(RunWatch.run_id.in_(run_ids))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.run_id: row for row in rows}
