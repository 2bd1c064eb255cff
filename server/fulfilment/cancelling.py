"""An order is given up or changed while the warehouse is at work on it."""

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentUnderway
from server.fulfilment.fulfilments import (
    follow_version,
    lock_fulfilments,
    make_fulfilments,
    move_fulfilment,
    open_ones,
    settle_fulfilments,
)
from server.fulfilment.lifecycle import IN_THE_HOUSE
from server.fulfilment.models import Fulfilment, PickTask, Shortage
from server.fulfilment.sourcing_rules import rule_for
from server.fulfilment.stocking import BY, end_wait, position_of, wait_as_it_was, wanted_by
from server.fulfilment.waves import close_finished_waves
from server.inventory import service as inventory
from server.inventory.service import AlreadyPicked, NotEnoughStock, UnknownSku
from server.kit import clock
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.service import OrderView


async def cancel_fulfilments(session: AsyncSession, order: OrderView, *, reason: str) -> None:
    """The cancellation is accepted as long as nothing has left the house: what was picked is to be
    put back, all else is free at once. Afterwards it is refused, and noted on the order."""
    rows = await lock_fulfilments(session, order.id)
    for row in rows:
        if row.state != "cancelled":
            row.cancellation = "asked"
    consignment = await consignments.consignment_of_order(session, order.id)
    if consignment is not None and not consignment.cancelled_at:
        try:
            await consignments.cancel_consignment(session, consignment.id, by=BY, reason=reason)
        except ConsignmentUnderway as late:
            _answer(rows, "refused")
            await orders.note_on_order(session, order.id, f"Cancelled too late. {late}", by=BY)
            return
    await end_wait(session, order.id)
    stock = await inventory.release_stock(session, order.id)
    await end_work(session, rows)
    homes = {each.warehouse_id: each for each in rows if each.state in IN_THE_HOUSE}
    places = await inventory.get_locations(session, {each.location_id for each in open_ones(stock)})
    for each in open_ones(stock):
        home = homes.get(places[each.location_id].warehouse_id or each.location_id)
        if home is not None:
            session.add(_put_back_task(home, each))
    for row in homes.values():
        move_fulfilment(session, row, "cancelled")
    _answer(rows, "accepted")
    await session.flush()


async def reallocate(session: AsyncSession, order: OrderView) -> bool:
    """Take what the amended lines need instead of what they needed before. When that cannot be,
    all stays as it was set aside, which is noted on the order, and nobody picks for it; then False.
    For want of stock that is tried again by itself."""
    rows = await lock_fulfilments(session, order.id)
    try:
        stock = await inventory.reallocate_stock(
            session,
            order_id=order.id,
            account_id=order.account_id,
            lines=wanted_by(order),
            rule=partial(rule_for, session, order.account_id),
            near=partial(position_of, session, order),
        )
    except (AlreadyPicked, NotEnoughStock, UnknownSku) as lack:
        if isinstance(lack, NotEnoughStock):
            await wait_as_it_was(session, order, lack)
        note = f"The warehouse still has the lines of before, and waits. {lack}"
        await orders.note_on_order(session, order.id, note, by=BY)
        return False
    await end_wait(session, order.id)
    await end_work(session, rows)
    await make_fulfilments(session, order, stock)
    rows = await lock_fulfilments(session, order.id)
    follow_version(rows, order)
    await settle_fulfilments(session, rows)
    return True


async def end_work(session: AsyncSession, rows: Sequence[Fulfilment]) -> None:
    """Nobody need walk for these any more, or decide what falls short."""
    ids = [row.id for row in rows]
    ended = await session.scalars(
        update(PickTask)
        .where(PickTask.fulfilment_id.in_(ids), PickTask.state == "open", PickTask.kind == "pick")
        .values(state="cancelled")
        .returning(PickTask.wave_id)
        .execution_options(synchronize_session=False)
    )
    await close_finished_waves(session, {wave_id for wave_id in ended if wave_id})
    shortages = await session.scalars(
        select(Shortage).where(Shortage.fulfilment_id.in_(ids), Shortage.state == "open")
    )
    for each in shortages:
        each.state, each.settled_at, each.settled_by = "cancelled", clock.now(), BY
    await session.flush()


def _answer(rows: Sequence[Fulfilment], answer: str) -> None:
    for row in rows:
        if row.cancellation == "asked":
            row.cancellation = answer


def _put_back_task(row: Fulfilment, picked: inventory.AllocationView) -> PickTask:
    return PickTask(
        id=new_id(),
        kind="put_back",
        wave_id=None,
        fulfilment_id=row.id,
        allocation_id=picked.id,
        sku_id=picked.sku_id,
        location_id=picked.location_id,
        lot_id=picked.lot_id,
        sequence=0,
        quantity=picked.quantity,
        missing=0,
        serials=picked.serials,
        state="open",
    )


async def cancel_put_backs(session: AsyncSession, allocation_ids: Collection[UUID]) -> None:
    """These goods left after all, so there is nothing to lay back."""
    await session.execute(
        update(PickTask)
        .where(
            PickTask.allocation_id.in_(allocation_ids),
            PickTask.state == "open",
            PickTask.kind == "put_back",
        )
        .values(state="cancelled")
        .execution_options(synchronize_session=False)
    )
