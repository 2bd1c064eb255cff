"""What drivers report on their way: taking, declining, setting off, arriving, and working time.

Every report is kept as a street fact with the time at which it happened and the time at which we
heard of it. It moves a task only if it is news: an echo that comes late turns nothing back, and a
task that went to somebody else is not moved by its former driver's steps. What ends a task is in
`door`, scans outside of tasks in `vehicle_load`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.exceptions import raise_exception
from server.dispatch.facts import Report, is_repeat, open_scene, report_of, run_of, write_fact
from server.dispatch.fleet import find_driver
from server.dispatch.inputs import local_day, lock_depot, lock_depots, record_change
from server.dispatch.lifecycle import FINAL, RUN, TASK, gets_on
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Depot, Run, Shift, Stop, Task
from server.dispatch.tasks import back_to_pool, holder_of, lock_tasks, move_task, tasks_of
from server.dispatch.vehicle_load import note_not_unloaded, note_set_off, take_to_the_door
from server.dispatch.watch import look_soon
from server.places import service as places
from server.protocol.from_driver import (
    AcceptTasks,
    ArriveAtTasks,
    DeclineTask,
    SetShift,
    StartTasks,
)
from server.tracking import service as tracking
from server.tracking.service import Fence

ARRIVED_WITHIN_M = 80.0
SHIFT_NEAR = timedelta(hours=12)


async def accept_tasks(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: AcceptTasks,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver has seen these tasks and takes them."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    await _get_on(session, report, command.task_ids, "accepted")


async def start_tasks(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: StartTasks,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver sets off to the stop of these tasks. With the first one of a run, what the run
    delivers from the depot is out for delivery."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    moved = await _get_on(session, report, command.task_ids, "en_route")
    deliveries = {task.consignment_id for task in moved if task.kind == "delivery"}
    goods = await consignments.get_consignments(session, deliveries)
    on_board = [each for each in goods.values() if holder_of(each) == driver_id]
    await take_to_the_door(session, report, on_board)
    await _fence(session, driver_id, moved)


async def arrive_at_tasks(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: ArriveAtTasks,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver has come to the stop of these tasks."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    await _get_on(session, report, command.task_ids, "arrived")


async def _get_on(
    session: AsyncSession, report: Report, task_ids: Sequence[str], state: str
) -> list[Task]:
    """Move the tasks that the report is news for; those."""
    scene = await open_scene(session, report, task_ids)
    if scene is None:
        return []
    moved = []
    for task in scene.tasks:
        is_own = task.driver_id == report.driver_id
        is_news = is_own and gets_on(task.state, state)
        write_fact(session, report, task=task, moved=is_news)
        run = await run_of(session, task) if is_own else None
        # A start that its own arrival has overtaken is no news of the task, but of the run it is.
        if state != "accepted" and run is not None:
            await note_set_off(session, report, scene.depot_of(task), run)
        await look_soon(session, run.id if run else None)
        if not is_news:
            continue
        move_task(session, task, state, run_id=run.id if run else None)
        moved.append(task)
    await session.flush()
    return moved


async def _fence(session: AsyncSession, driver_id: UUID, tasks: Sequence[Task]) -> None:
    """Watch for the arrival at the stop that the driver is heading for, and at no other."""
    found = await places.get_places(session, {task.place_id for task in tasks})
    fences = [
        Fence(subject_id=task.stop_id, position=position, radius_m=ARRIVED_WITHIN_M)
        for task in tasks
        if task.stop_id and (position := found[task.place_id].position)
    ]
    if fences:
        await tracking.set_fences(session, driver_id, fences)


async def notice_arrival(session: AsyncSession, driver_id: UUID, stop_id: UUID) -> None:
    """The driver came into the fence of a stop: what is under way there has arrived."""
    depot_id = await session.scalar(
        select(Run.depot_id).join(Stop, Stop.run_id == Run.id).where(Stop.id == stop_id)
    )
    await lock_depots(session, [depot_id])
    for task in await lock_tasks(session, Task.stop_id == stop_id, Task.driver_id == driver_id):
        if task.state == "en_route":
            run = await run_of(session, task)
            move_task(session, task, "arrived", run_id=run.id if run else None)
            await look_soon(session, run.id if run else None)


async def decline_task(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: DeclineTask,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver cannot take this task: it goes back to the pool and not to this driver again
    by itself; with a pickup goes its delivery. Too late once the driver is on the way."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    scene = await open_scene(session, report, [command.task_id])
    if scene is None:
        return
    (task,) = scene.tasks
    is_news = task.driver_id == driver_id and TASK.allows(task.state, "declined")
    write_fact(session, report, task=task, moved=is_news, reason=command.reason)
    if not is_news:
        return
    raise_exception(
        session, "declined", task=task, driver_id=driver_id, reason=command.reason[:500]
    )
    for each in await tasks_of(session, task.consignment_id):
        if each.driver_id == driver_id and TASK.allows(each.state, "declined"):
            each.barred_drivers = sorted({*each.barred_drivers, driver_id})
            move_task(session, each, "declined")
            await back_to_pool(session, scene.depot_of(each), each, "A driver declined a task.")
    await issue_manifests(session, {driver_id})


async def set_shift(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: SetShift,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver's working time. The end of a shift closes its run; what was not done goes back
    to the pool."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    driver = await find_driver(session, driver_id)
    depot = await lock_depot(session, driver.depot_id)
    if await is_repeat(session, report):
        return
    shift = await _find_shift(session, driver_id, occurred_at)
    if shift is None:
        write_fact(session, report, moved=False, change=command.change)
        raise_exception(session, "no_shift", depot_id=depot.id, driver_id=driver_id)
        return
    moved = _apply_change(shift, command.change, occurred_at)
    write_fact(
        session,
        report,
        shift_id=shift.id,
        moved=moved,
        change=command.change,
        odometer_km=command.odometer_km,
    )
    await look_soon(session, await session.scalar(select(Run.id).where(Run.shift_id == shift.id)))
    if moved and command.change == "end":
        await _close_run(session, report, depot, shift)


async def _find_shift(session: AsyncSession, driver_id: UUID, at: datetime) -> Shift | None:
    """The driver's shift around that time."""
    shifts = await session.scalars(
        select(Shift)
        .where(
            Shift.driver_id == driver_id,
            Shift.starts_at <= at + SHIFT_NEAR,
            Shift.ends_at >= at - SHIFT_NEAR,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )

    def distance(shift: Shift) -> timedelta:
        return max(shift.starts_at - at, at - shift.ends_at, timedelta(0))

    return min(shifts, key=lambda shift: (distance(shift), shift.starts_at), default=None)


def _apply_change(shift: Shift, change: str, at: datetime) -> bool:
    """Write down what is news; facts may come late and in any order."""
    match change:
        case "start" if shift.started_at is None or at < shift.started_at:
            shift.started_at = at
        case "break_start" if shift.on_break_at is None and shift.ended_at is None:
            shift.on_break_at = at
            shift.breaks_taken += 1
        case "break_end" if shift.on_break_at is not None and at >= shift.on_break_at:
            shift.on_break_at = None
        case "end" if shift.ended_at is None:
            shift.ended_at = at
            shift.on_break_at = None
        case _:
            return False
    return True


async def _close_run(session: AsyncSession, report: Report, depot: Depot, shift: Shift) -> None:
    run = await session.scalar(select(Run).where(Run.shift_id == shift.id).with_for_update())
    day = local_day(depot, shift.starts_at)
    record_change(session, depot, "A shift has ended.", first_day=day, last_day=day)
    if run is None or run.state == "closed":
        return
    RUN.check(run.state, "closed")
    run.state = "closed"
    run.closed_at = report.occurred_at
    await note_not_unloaded(session, report, depot, run)
    stops = select(Stop.id).where(Stop.run_id == run.id)
    undone = await lock_tasks(session, Task.stop_id.in_(stops), Task.state.not_in(FINAL))
    for task in undone:
        raise_exception(
            session, "left_undone", task=task, run_id=run.id, driver_id=report.driver_id
        )
        await back_to_pool(session, depot, task, "A shift ended before a task was done.")
    await tracking.set_fences(session, report.driver_id, [])
    await issue_manifests(session, {report.driver_id})
