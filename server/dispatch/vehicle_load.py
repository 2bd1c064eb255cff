"""What is in a vehicle: parcels scanned into it and out of it again at the depot.

A driver who scans nothing is not stopped: setting off to the first stop says that everything of
the run was loaded. Who scanned some parcels and not others is told of to the dispatcher, since then
the rest may have stayed behind. Only a scan brings a parcel back to the depot.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, ParcelView
from server.dispatch.exceptions import raise_exception, settle_scanned
from server.dispatch.facts import Report, is_repeat, report_of, write_fact
from server.dispatch.fleet import find_driver
from server.dispatch.inputs import (
    local_day,
    lock_depots,
    record_change,
    record_task_change,
)
from server.dispatch.lifecycle import FINAL, RUN
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Depot, LoadCheck, Run, Stop, Task
from server.dispatch.outcomes import find_outcome
from server.dispatch.tasks import (
    ON_BOARD,
    back_to_pool,
    holder_of,
    lock_tasks,
    plan_next_attempt,
)
from server.protocol.from_driver import ScanParcels

WAITING = ("announced", "at_depot")
NOT_YET_OUT = ("announced", "at_depot", "collected", "loaded")


async def scan_parcels(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: ScanParcels,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """Parcels were scanned into the vehicle, or back at the depot."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    scans = await consignments.read_scans(session, command.barcodes)
    refs = [scan.parcel for scan in scans if scan.parcel is not None]
    touched = {ref.consignment_id for ref in refs}
    depot_ids = await session.scalars(
        select(Task.depot_id).where(Task.consignment_id.in_(touched)).distinct()
    )
    driver = await find_driver(session, driver_id)
    depots = {
        depot.id: depot for depot in await lock_depots(session, [driver.depot_id, *depot_ids])
    }
    if await is_repeat(session, report):
        return
    write_fact(session, report, moved=True, barcodes=command.barcodes, purpose=command.purpose)
    unknown = sorted(scan.barcode for scan in scans if scan.is_unknown)
    if unknown:
        raise_exception(
            session,
            "unknown_barcode",
            depot_id=driver.depot_id,
            driver_id=driver_id,
            barcodes=unknown[:100],
        )
    tasks = await lock_tasks(session, Task.consignment_id.in_(touched))
    loading = command.purpose == "load"
    if refs:
        await consignments.record_custody(
            session,
            parcel_ids=sorted({ref.parcel_id for ref in refs}),
            state="loaded" if loading else "at_depot",
            occurred_at=occurred_at,
            received_at=received_at,
            by=report.by,
            driver_id=driver_id if loading else None,
            position=report.position,
            source_id=command_id,
            containers=consignments.parcels_in(scans),
            strict=False,
        )
    scanned = {*command.barcodes, *(ref.barcode for ref in refs)}
    by_consignment = {
        each: [task for task in tasks if task.consignment_id == each] for each in touched
    }
    if loading:
        _note_strangers(session, report, depots[driver.depot_id], by_consignment)
        await settle_loaded(session, driver_id, scanned)
    else:
        await bring_back(session, depots, by_consignment)
        await settle_scanned(session, "not_unloaded", driver_id, scanned)


async def settle_loaded(session: AsyncSession, driver_id: UUID, barcodes: Collection[str]) -> None:
    """Parcels that were missed when loading are on board after all."""
    for kind in ("loaded_without_scan", "load_incomplete"):
        await settle_scanned(session, kind, driver_id, barcodes)


def _note_strangers(
    session: AsyncSession, report: Report, depot: Depot, tasks: dict[UUID, list[Task]]
) -> None:
    strangers = [
        consignment_id
        for consignment_id, group in tasks.items()
        if not any(_was_theirs(task, report) for task in group)
    ]
    if strangers:
        raise_exception(
            session,
            "loaded_without_task",
            depot_id=depot.id,
            driver_id=report.driver_id,
            consignment_ids=strangers,
        )


def _was_theirs(task: Task, report: Report) -> bool:
    """Whether the driver had the task to do when that happened; we may have heard of its end
    first."""
    is_driver = report.driver_id in (task.driver_id, task.finished_by)
    return is_driver and (task.finished_at is None or report.occurred_at <= task.finished_at)


async def bring_back(
    session: AsyncSession,
    depots: dict[UUID, Depot],
    tasks: dict[UUID, list[Task]],
) -> None:
    """What came back undelivered can be planned again."""
    goods = await consignments.get_consignments(session, tasks)
    changed: set[UUID] = set()
    for consignment_id, group in tasks.items():
        deliveries = [task for task in group if task.kind == "delivery"]
        collecting = any(task.kind == "pickup" and task.state not in FINAL for task in group)
        if not deliveries or collecting or holder_of(goods[consignment_id]) is not None:
            continue  # a return, or not collected yet, or some of it is still in the vehicle
        last = deliveries[-1]
        assert last.depot_id is not None
        depot = depots[last.depot_id]
        waybill = goods[consignment_id].waybill
        if last.state == "failed":
            outcome, _ = find_outcome(last.outcome_code or "", "delivery", success=False)
            if outcome.again:
                await plan_next_attempt(session, depot, last)
        elif last.state == "unassigned":
            record_task_change(session, depot, last, f"{waybill} is back at the depot.")
        elif last.state not in FINAL and await _is_out(session, last):
            driver_id = await back_to_pool(
                session, depot, last, f"{waybill} was brought back undelivered."
            )
            if driver_id is not None:
                changed.add(driver_id)
    await issue_manifests(session, changed)


async def _is_out(session: AsyncSession, task: Task) -> bool:
    """Whether its run has left the depot; before that, unloading only undoes the loading."""
    state = await session.scalar(
        select(Run.state).join(Stop, Stop.run_id == Run.id).where(Stop.id == task.stop_id)
    )
    return state == "started"


async def note_set_off(session: AsyncSession, report: Report, depot: Depot, run: Run) -> None:
    """The driver is on the road: with the first news of that, the run has started. News may come
    in any order, so it may turn out that the driver set off earlier than we were told."""
    if run.state == "published":
        await _put_on_the_road(session, report, depot, run)
    elif run.started_at is not None and report.occurred_at < run.started_at:
        run.started_at = report.occurred_at
        parcels = [p for p in await _from_the_depot(session, run) if p.state not in WAITING]
        await _record(session, report, parcels, "out_for_delivery")


async def _put_on_the_road(session: AsyncSession, report: Report, depot: Depot, run: Run) -> None:
    """What the run delivers from the depot is on board, but for what was known to be missing."""
    RUN.check(run.state, "started")
    run.state = "started"
    run.started_at = report.occurred_at
    day = local_day(depot, run.starts_at)
    record_change(session, depot, "A driver has set off.", first_day=day, last_day=day)
    check = await session.get(LoadCheck, run.id)
    told_missing = set(check.missing) if check else set()
    parcels = [
        parcel
        for parcel in await _from_the_depot(session, run)
        if parcel.state not in WAITING or parcel.barcode not in told_missing
    ]
    behind = [parcel for parcel in parcels if parcel.state in WAITING]
    if behind and len(behind) < len(parcels):
        raise_exception(
            session,
            "loaded_without_scan",
            depot_id=depot.id,
            run_id=run.id,
            driver_id=report.driver_id,
            barcodes=[parcel.barcode for parcel in behind],
        )
    await _record(session, report, behind, "loaded")
    ready = [parcel for parcel in parcels if parcel.state in (*WAITING, "loaded")]
    await _record(session, report, ready, "out_for_delivery")


async def _from_the_depot(session: AsyncSession, run: Run) -> list[ParcelView]:
    tasks = await lock_tasks(
        session, Task.stop_id.in_(select(Stop.id).where(Stop.run_id == run.id))
    )
    goods = await consignments.get_consignments(session, loaded_at_depot(tasks))
    return [parcel for each in goods.values() for parcel in each.parcels]


def loaded_at_depot(tasks: Iterable[Task]) -> set[UUID]:
    """The consignments that a run with these tasks delivers and does not fetch on its way."""
    tasks = list(tasks)
    fetched_later = {task.consignment_id for task in tasks if task.kind == "pickup"}
    return {task.consignment_id for task in tasks if task.kind == "delivery"} - fetched_later


async def take_to_the_door(
    session: AsyncSession, report: Report, goods: Iterable[ConsignmentView]
) -> None:
    """What a driver delivers was on the way to the door, whether or not anybody said so."""
    parcels = [parcel for each in goods for parcel in each.parcels]
    await _record(
        session, report, [p for p in parcels if p.state in NOT_YET_OUT], "out_for_delivery"
    )


async def take_over(session: AsyncSession, report: Report, goods: ConsignmentView) -> None:
    """The driver has fetched the parcels at the depot, or from another vehicle as they were."""
    for state in sorted({parcel.state for parcel in goods.parcels}):
        same = [parcel for parcel in goods.parcels if parcel.state == state]
        await _record(session, report, same, state if state in ON_BOARD else "loaded")


async def _record(
    session: AsyncSession, report: Report, parcels: Collection[ParcelView], state: str
) -> None:
    if parcels:
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in parcels],
            state=state,
            occurred_at=report.occurred_at,
            received_at=report.received_at,
            by=report.by,
            driver_id=report.driver_id,
            position=report.position,
            source_id=report.command_id,
            strict=False,
        )


async def note_not_unloaded(session: AsyncSession, report: Report, depot: Depot, run: Run) -> None:
    """At the end of a shift nothing should be left in the vehicle."""
    rows = await session.scalars(
        select(Task.consignment_id).join(Stop, Stop.id == Task.stop_id).where(Stop.run_id == run.id)
    )
    goods = await consignments.get_consignments(session, set(rows))
    left = [
        parcel.barcode
        for each in goods.values()
        for parcel in each.parcels
        if parcel.state in ON_BOARD and parcel.holder_id == report.driver_id
    ]
    if left:
        raise_exception(
            session,
            "not_unloaded",
            depot_id=depot.id,
            run_id=run.id,
            driver_id=report.driver_id,
            barcodes=sorted(left),
        )
