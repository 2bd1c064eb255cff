"""Returns follow the consignments on which goods come back."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.events import ConsignmentCancelled, CustodyChanged
from server.kit import clock
from server.kit.outbox import reaction
from server.returns.lifecycle import BY_CUSTODY, RETURN
from server.returns.models import Return


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """What was collected at the door is collected; what came to the depot is received."""
    if event.kind == "return" and event.state in BY_CUSTODY:
        await _follow(session, event.consignment_id, BY_CUSTODY[event.state])


@reaction
async def on_consignment_cancelled(session: AsyncSession, event: ConsignmentCancelled) -> None:
    await _follow(session, event.consignment_id, "cancelled")


async def _follow(session: AsyncSession, consignment_id: UUID, state: str) -> None:
    """Move the return unless it is there already or beyond, as news may come twice or late."""
    row = await session.scalar(
        select(Return)
        .where(Return.consignment_id == consignment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is not None and RETURN.allows(row.state, state):
        row.state, row.changed_at = state, clock.now()
