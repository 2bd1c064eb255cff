"""Returns and exchanges follow consignments and orders. News may come twice and in any order."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.events import (
    ConsignmentAmended,
    ConsignmentAnnounced,
    ConsignmentCancelled,
    CustodyChanged,
)
from server.kit import clock
from server.kit.outbox import reaction
from server.orders.events import OrderCancelled, OrderDelivered
from server.returns.deciding import follow_consignment
from server.returns.exchange_progress import (
    complete_if_done,
    exchange_of_order,
    exchanges_among,
    give_up,
    link_legs,
)
from server.returns.lifecycle import BY_CUSTODY
from server.returns.lookup import lock_return
from server.returns.models import Return
from server.returns.to_sender import came_home, turn_round

BY = "returns"


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """What was collected at the door is collected; what came to the depot is received. A delivery
    that failed for good turns round at the depot."""
    if event.kind == "return":
        if event.state in BY_CUSTODY:
            await _follow(session, event.consignment_id, BY_CUSTODY[event.state])
    elif event.parcel_state == "at_depot":
        await turn_round(
            session, event.consignment_id, event.parcel_ids, occurred_at=event.occurred_at
        )
    elif event.state == "delivered":
        await came_home(session, event.consignment_id)


@reaction
async def on_consignment_cancelled(session: AsyncSession, event: ConsignmentCancelled) -> None:
    await _follow(session, event.consignment_id, "cancelled")


@reaction
async def on_consignment_announced(
    session: AsyncSession, events: Sequence[ConsignmentAnnounced]
) -> None:
    """The replacement of an exchange has a consignment now, or another one than before."""
    order_ids = [event.order_id for event in events if event.kind == "delivery" and event.order_id]
    for order_id in await exchanges_among(session, order_ids):
        await _bring_replacement(session, order_id)


@reaction
async def on_consignment_amended(session: AsyncSession, event: ConsignmentAmended) -> None:
    """Both legs of an exchange stay at one door at one time."""
    found = (await consignments.get_consignments(session, [event.consignment_id])).values()
    for amended in found:
        if amended.kind == "delivery" and amended.order_id is not None:
            await _bring_replacement(session, amended.order_id)


@reaction
async def on_order_cancelled(session: AsyncSession, event: OrderCancelled) -> None:
    """Without its replacement an exchange is a return like any other."""
    row = await exchange_of_order(session, event.order_id)
    if row is not None:
        await give_up(session, row, reason=event.reason, by=BY)


@reaction
async def on_order_delivered(session: AsyncSession, event: OrderDelivered) -> None:
    row = await exchange_of_order(session, event.order_id)
    if row is not None and row.delivered_at is None:
        row.delivered_at = clock.now()
        await session.flush()
        await complete_if_done(session, row)


async def _follow(session: AsyncSession, consignment_id: UUID, state: str) -> None:
    return_id = await session.scalar(
        select(Return.id).where(Return.consignment_id == consignment_id, Return.kind == "asked")
    )
    if return_id is not None:
        await follow_consignment(session, await lock_return(session, return_id), state)


async def _bring_replacement(session: AsyncSession, order_id: UUID) -> None:
    row = await exchange_of_order(session, order_id)
    if row is None:
        return
    brings = await consignments.consignment_of_order(session, order_id)
    if brings is None or brings.cancelled_at is not None:
        return
    row.delivery_consignment_id = brings.id
    await session.flush()
    await link_legs(session, row)
