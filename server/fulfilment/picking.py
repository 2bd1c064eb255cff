"""Picking by scan: the shelf, the goods, how many; and what to do when they are not there."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import (
    MoreThanAsked,
    NothingPicked,
    NothingToPickHere,
    SayWhich,
    WaveOver,
)
from server.fulfilment.events import PickFellShort
from server.fulfilment.fulfilments import lock_fulfilments, make_fulfilments
from server.fulfilment.lifecycle import TASK
from server.fulfilment.models import Fulfilment, PickTask, PickWave
from server.fulfilment.shortages import Lack, add_shortage
from server.fulfilment.waves import (
    add_tasks,
    close_finished_waves,
    find_wave,
    is_within,
    open_tasks,
    order_walk,
    settle_all,
)
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.inventory.service import AllocationView, Pick
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.orders import service as orders


class PickTaskView(msgspec.Struct, frozen=True, kw_only=True):
    """location: the path of the shelf. quantity: to take; once done, taken. missing: were not
    there."""

    id: UUID
    fulfilment_id: UUID
    order_number: str
    location: str
    sku: str
    name: str
    lot: str | None
    quantity: int
    missing: int
    has_serials: bool
    serials: list[str]
    state: str
    sequence: int


class NextPick(msgspec.Struct, frozen=True, kw_only=True):
    """task: None when nothing is left. units_here: of the same goods at the same shelf for all
    orders of the wave, to be taken at once. left: tasks still open."""

    task: PickTaskView | None
    units_here: int
    left: int


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan did. elsewhere: units that are to be taken from another shelf now; lacking:
    units that nobody has."""

    done: list[PickTaskView]
    elsewhere: int
    lacking: int
    next: NextPick


class Found(NamedTuple):
    """Instead of what was missing."""

    elsewhere: int
    lacking: int


async def next_pick(session: AsyncSession, wave_id: UUID, *, person_id: UUID) -> NextPick:
    """What to take next. Whoever is not the wave's own picker comes to help, and walks it from the
    other end, so that two people meet in the middle."""
    wave = await find_wave(session, wave_id)
    tasks = await open_tasks(session, wave_id)
    if not tasks:
        return NextPick(task=None, units_here=0, left=0)
    helps = wave.picker_id not in (None, person_id)
    task = tasks[-1] if helps else tasks[0]
    same = [each for each in tasks if _shelf(each) == _shelf(task)]
    return NextPick(
        task=(await task_views(session, [task]))[0],
        units_here=sum(each.quantity for each in same),
        left=len(tasks),
    )


async def pick_scanned(
    session: AsyncSession,
    wave_id: UUID,
    *,
    location: str,
    sku: str,
    quantity: int,
    lot: str | None = None,
    serials: tuple[str, ...] = (),
    short: bool = False,
    task_id: UUID | None = None,
    person_id: UUID,
    by: str,
) -> Picked:
    """The units of a SKU that somebody took at a shelf, for all the orders of the wave that want
    them there, in the order of the walk. Fewer than asked leave the rest to be taken later.

    location: the path of the shelf, as its label says. short: there is no more on this shelf, so
    the rest is looked for elsewhere. task_id: for one order only.

    Raises
    ------
    UnknownWave, WaveOver, NothingToPickHere, SayWhich, MoreThanAsked, NothingPicked and what is
    wrong with the serial numbers
    """
    wave = await find_wave(session, wave_id)
    if not quantity and not short:
        raise NothingPicked
    rows = await _lock_orders(session, await open_tasks(session, wave_id), short=short)
    tasks = [task for task in await open_tasks(session, wave_id) if task.fulfilment_id in rows]
    if not tasks:
        await session.refresh(wave)
        raise WaveOver(state=wave.state)
    here = await _scanned(session, tasks, location=location, sku=sku, lot=lot, task_id=task_id)
    asked = sum(task.quantity for task in here)
    if quantity > asked:
        raise MoreThanAsked(asked=asked, sku=sku, location=location, quantity=quantity)
    touched, rests = await _take(session, here, quantity, serials, by=by)
    found = Found(0, 0)
    if short:
        missing = [*rests, *(task for task in here if task.state == "open" and task not in rests)]
        found = await _look_elsewhere(session, wave, rows, missing, sku=sku, by=by)
        touched += missing
    await session.flush()
    ids = {row.order_id for row in rows.values()}
    await settle_all(session, await lock_fulfilments(session, *ids))
    await close_finished_waves(session, [wave_id])
    return Picked(
        done=await task_views(session, touched),
        elsewhere=found.elsewhere,
        lacking=found.lacking,
        next=await next_pick(session, wave_id, person_id=person_id),
    )


async def task_views(session: AsyncSession, tasks: Sequence[PickTask]) -> list[PickTaskView]:
    """As people at the shelf want to see them."""
    skus = await inventory.get_skus(session, {task.sku_id for task in tasks})
    places = await inventory.get_locations(session, {task.location_id for task in tasks})
    lots = await inventory.lot_codes(session, {task.lot_id for task in tasks if task.lot_id})
    numbers = {
        task.fulfilment_id: (await session.get_one(Fulfilment, task.fulfilment_id)).order_number
        for task in tasks
    }
    return [
        PickTaskView(
            id=task.id,
            fulfilment_id=task.fulfilment_id,
            order_number=numbers[task.fulfilment_id],
            location=places[task.location_id].path,
            sku=skus[task.sku_id].code,
            name=skus[task.sku_id].name,
            lot=lots[task.lot_id] if task.lot_id else None,
            quantity=task.quantity,
            missing=task.missing,
            has_serials=skus[task.sku_id].has_serials,
            serials=task.serials,
            state=task.state,
            sequence=task.sequence,
        )
        for task in tasks
    ]


def _shelf(task: PickTask) -> tuple[UUID, UUID, UUID | None]:
    return task.location_id, task.sku_id, task.lot_id


async def _lock_orders(
    session: AsyncSession, tasks: Sequence[PickTask], *, short: bool
) -> dict[UUID, Fulfilment]:
    """The fulfilments of the wave by id. What is short may make new ones, which takes the orders'
    locks, and those come first."""
    ids = {task.fulfilment_id for task in tasks}
    order_ids = {(await session.get_one(Fulfilment, each)).order_id for each in ids}
    if short:
        for order_id in sorted(order_ids):
            await orders.get_order(session, order_id, lock=True)
    return {row.id: row for row in await lock_fulfilments(session, *order_ids)}


async def _scanned(
    session: AsyncSession,
    tasks: Sequence[PickTask],
    *,
    location: str,
    sku: str,
    lot: str | None,
    task_id: UUID | None,
) -> list[PickTask]:
    """The open tasks that this scan is about."""
    views = {view.id: view for view in await task_views(session, tasks)}
    here = [
        task
        for task in tasks
        if views[task.id].location == location
        and views[task.id].sku == sku
        and lot in (None, views[task.id].lot)
        and task_id in (None, task.id)
    ]
    if not here:
        raise NothingToPickHere(sku=sku, location=location)
    if len({_shelf(task) for task in here}) > 1:
        raise SayWhich(sku=sku, location=location)
    return here


async def _take(
    session: AsyncSession,
    tasks: Sequence[PickTask],
    quantity: int,
    serials: tuple[str, ...],
    *,
    by: str,
) -> tuple[list[PickTask], list[PickTask]]:
    """The tasks done, and new ones for what a last one still wants."""
    picks: dict[UUID, Pick] = {}
    done = []
    for task in tasks:
        units = min(task.quantity, quantity)
        if not units:
            break
        mine, serials = serials[:units], serials[units:]
        picks[task.id] = Pick(allocation_id=task.allocation_id, quantity=units, serials=mine)
        quantity -= units
        done.append(task)
    if serials and done:  # more of them than units: let the stock say so
        last = picks[done[-1].id]
        picks[done[-1].id] = msgspec.structs.replace(last, serials=(*last.serials, *serials))
    rests = await inventory.pick_stock(session, list(picks.values())) if picks else {}
    left = []
    for task in done:
        pick = picks[task.id]
        if rest := rests.get(task.allocation_id):
            left.append(_rest_of(task, rest, task.quantity - pick.quantity))
        task.quantity, task.serials = pick.quantity, list(pick.serials)
        _finish(task, by)
    session.add_all(left)
    await session.flush()
    return done, left


def _finish(task: PickTask, by: str) -> None:
    TASK.check(task.state, "done")
    task.state, task.by, task.done_at = "done", by, clock.now()


def _rest_of(task: PickTask, allocation_id: UUID, quantity: int) -> PickTask:
    return PickTask(
        id=new_id(),
        kind="pick",
        wave_id=task.wave_id,
        fulfilment_id=task.fulfilment_id,
        allocation_id=allocation_id,
        sku_id=task.sku_id,
        location_id=task.location_id,
        lot_id=task.lot_id,
        sequence=task.sequence,
        quantity=quantity,
        missing=0,
        serials=[],
        state="open",
    )


async def _look_elsewhere(
    session: AsyncSession,
    wave: PickWave,
    rows: dict[UUID, Fulfilment],
    missing: Sequence[PickTask],
    *,
    sku: str,
    by: str,
) -> Found:
    """Take what is missing out of the books here, and set the same aside at other shelves: those of
    this wave's ground are walked to at once, others in another wave."""
    zone = await inventory.get_location(session, wave.zone_id or wave.warehouse_id)
    elsewhere = lacking = 0
    for task in missing:
        row = rows[task.fulfilment_id]
        reason = f"missed when order {row.order_number} was picked"
        replaced = await inventory.replace_missing(
            session, task.allocation_id, reason=reason, by=by
        )
        units, task.quantity, task.missing = task.quantity, 0, task.quantity
        _finish(task, by)
        add_tasks(session, wave, row, await _within(session, replaced.allocations, zone.path))
        if replaced.missing:
            lack = Lack(replaced.line, task.sku_id, replaced.kit_id, replaced.missing)
            add_shortage(session, row, lack)
        elsewhere += units - replaced.missing
        lacking += replaced.missing
        order = await orders.get_order(session, row.order_id)
        stock = await inventory.stock_of_order(session, order.id)
        await make_fulfilments(session, (order, stock))
        emit(
            session,
            PickFellShort(
                fulfilment_id=row.id,
                order_id=row.order_id,
                sku=sku,
                missing=units,
                elsewhere=units - replaced.missing,
                lacking=replaced.missing,
            ),
        )
    await session.flush()
    if elsewhere:
        await order_walk(session, wave)
    await record_audit(
        session,
        by=by,
        action="pick.fell_short",
        subject=f"pick_wave:{wave.id}",
        details={"sku": sku, "missing": elsewhere + lacking, "lacking": lacking},
    )
    return Found(elsewhere, lacking)


async def _within(
    session: AsyncSession, allocations: Sequence[AllocationView], zone: str
) -> list[AllocationView]:
    places = await inventory.get_locations(session, {each.location_id for each in allocations})
    return [each for each in allocations if is_within(places[each.location_id].path, zone)]
