"""What happens at the door: a task is done, or could not be done, with the proof of it.

Never refused, whatever the plan says by now. A task ends exactly once: the first report that ends
it counts, also when it comes from a driver from whom the task was taken while the phone was
offline. Every later one is kept with its proof and put before a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewProof, ParcelView, ProofKind
from server.dispatch.exceptions import raise_exception, settle_by_itself, settle_scanned
from server.dispatch.facts import Report, Scene, open_scene, report_of, run_of, write_fact
from server.dispatch.inputs import record_task_change
from server.dispatch.lifecycle import FINAL
from server.dispatch.manifest import demand_of, issue_manifests
from server.dispatch.models import Depot, Task
from server.dispatch.outcomes import PARCEL_STATES, Outcome, find_outcome, parcel_state
from server.dispatch.swap import judge_swap
from server.dispatch.tasks import (
    back_to_pool,
    move_task,
    plan_next_attempt,
    release_task,
    tasks_of,
)
from server.dispatch.vehicle_load import note_set_off, take_over, take_to_the_door
from server.dispatch.watch import look_soon
from server.protocol.from_driver import CompleteTask, FailTask, Proof

HANDOVERS = ("depot", "vehicle")

MOST_CASH_MINOR = 10**12
"""More than that is a typing error; the exception that it raises still tells the number."""


@dataclass(frozen=True, slots=True)
class Doorstep:
    """A driver's report about one task, locked, with its consignment as it was before."""

    report: Report
    task: Task
    depot: Depot
    consignment: ConsignmentView


async def complete_task(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: CompleteTask,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """A delivery or pickup was done, wholly or in part."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    scene = await open_scene(session, report, [command.task_id])
    if scene is None:
        return
    door = await _step_up(session, report, scene)
    task, before = door.task, door.task.state
    outcome = _judge_outcome(session, door, command.outcome_code, success=True)
    kind: ProofKind = "POD" if task.kind == "delivery" else "POC"
    proof_id = await _keep_proof(session, door, command.proof, kind)
    ends = before not in FINAL
    write_fact(
        session,
        report,
        task=task,
        moved=ends,
        outcome_code=command.outcome_code,
        cash_minor=command.cash_minor,
        proof_id=proof_id,
    )
    if ends:
        await _check_demands(session, door, command)
        await _end(session, door, "completed", command.outcome_code)
        if command.cash_minor is None or abs(command.cash_minor) <= MOST_CASH_MINOR:
            task.cash_minor = command.cash_minor
    else:
        kinds = {"cancelled": "done_though_cancelled", "failed": "done_after_failing"}
        _raise(
            session,
            door,
            kinds.get(before, "done_twice"),
            proof_id=proof_id,
            finished_by=task.finished_by,
        )
    if before != "completed":
        await _record_parcels(session, door, command, outcome, proof_id)
    if ends and task.kind == "delivery":
        await _drop_handovers(session, task)
    if ends:
        await judge_swap(session, report, task, door.consignment)


async def fail_task(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: FailTask,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """A task could not be done. Its parcels stay on board until they are scanned at the depot;
    then, or at once for the pickup of a return, the next attempt is made."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    scene = await open_scene(session, report, [command.task_id])
    if scene is None:
        return
    door = await _step_up(session, report, scene)
    task = door.task
    outcome = _judge_outcome(session, door, command.outcome_code, success=False)
    proof_id = await _keep_proof(session, door, command.proof, "POA")
    if task.driver_id is None and await _was_left_undone(session, door):
        task.driver_id = driver_id
    ends = task.state not in FINAL and task.driver_id == driver_id
    write_fact(
        session,
        report,
        task=task,
        moved=ends,
        outcome_code=command.outcome_code,
        proof_id=proof_id,
    )
    if not ends:
        kind = "failed_after_end" if task.state in FINAL else "failed_by_another_driver"
        _raise(session, door, kind, proof_id=proof_id)
        return
    await _end(session, door, "failed", command.outcome_code)
    if (state := parcel_state(outcome, task.kind)) is not None:
        await take_to_the_door(session, report, [door.consignment])
        await _record(
            session, door, door.consignment.parcels, state, (command.outcome_code, proof_id)
        )
    await _follow_failure(session, door, outcome)
    await judge_swap(session, report, task, door.consignment)


async def _step_up(session: AsyncSession, report: Report, scene: Scene) -> Doorstep:
    (task,) = scene.tasks
    consignment = await consignments.get_consignment(session, task.consignment_id)
    return Doorstep(report, task, scene.depot_of(task), consignment)


def _raise(session: AsyncSession, door: Doorstep, kind: str, **details: Any) -> None:
    raise_exception(session, kind, task=door.task, driver_id=door.report.driver_id, **details)


def _judge_outcome(session: AsyncSession, door: Doorstep, code: str, *, success: bool) -> Outcome:
    outcome, fits = find_outcome(code, door.task.kind, success=success)
    if not fits:
        _raise(session, door, "unknown_outcome", code=code[:80])
    return outcome


async def _keep_proof(session: AsyncSession, door: Doorstep, proof: Proof, kind: ProofKind) -> UUID:
    report, task = door.report, door.task
    matched = None
    if task.kind == "delivery" and proof.pin is not None:
        matched = await consignments.pin_matches(session, task.consignment_id, proof.pin)
        if matched is False and kind == "POD":
            _raise(session, door, "wrong_pin")
    return await consignments.record_proof(
        session,
        NewProof(
            consignment_id=task.consignment_id,
            kind=kind,
            occurred_at=report.occurred_at,
            received_at=report.received_at,
            task_id=task.id,
            driver_id=report.driver_id,
            command_id=report.command_id,
            recipient_name=proof.recipient_name,
            pin_matched=matched,
            photos=proof.photos,
            signature=proof.signature,
            scans=proof.scans,
            age_checked=proof.age_checked,
            note=proof.note,
            position=report.position,
        ),
    )


async def _check_demands(session: AsyncSession, door: Doorstep, command: CompleteTask) -> None:
    """What was required and is missing does not undo what happened; a person must know of it."""
    proof, consignment = command.proof, door.consignment
    demand = demand_of(door.task, consignment)
    apart = {each.barcode for each in command.parcels if each.outcome != "delivered"}
    handed_over = {parcel.barcode for parcel in consignment.parcels} - apart
    shown = {
        "photo": bool(proof.photos),
        "signature": proof.signature is not None,
        "name": bool((proof.recipient_name or "").strip()),
        "pin": proof.pin is not None,
        "scan": handed_over <= set(proof.scans),
        "age_check": proof.age_checked is True,
    }
    missing = [
        part for part, given in shown.items() if getattr(demand, part) == "required" and not given
    ]
    if missing:
        _raise(session, door, "proof_missing", missing=missing)
    taken_minor = command.cash_minor or 0
    if door.task.kind == "delivery" and taken_minor != consignment.cash_minor:
        _raise(
            session,
            door,
            "cash_differs",
            due_minor=consignment.cash_minor,
            taken_minor=taken_minor,
            currency=consignment.currency,
        )


async def _end(session: AsyncSession, door: Doorstep, state: str, code: str) -> None:
    """End the task. When another driver had it by now, that one's manifest drops it."""
    report, task = door.report, door.task
    run = await run_of(session, task)
    if task.driver_id == report.driver_id:
        if run is not None:
            await note_set_off(session, report, door.depot, run)
    else:
        if not await _was_left_undone(session, door):
            _raise(session, door, "done_by_another_driver", taken_from=task.driver_id)
        await _take_back(session, door)
        run = None
    task.finished_at = report.occurred_at
    task.finished_by = report.driver_id
    move_task(session, task, state, run_id=run.id if run else None, outcome_code=code)
    await look_soon(session, run.id if run else None)


async def _was_left_undone(session: AsyncSession, door: Doorstep) -> bool:
    """The news of the end of the shift overtook that of the task: nothing strange happened."""
    driver_id = door.report.driver_id
    if door.task.driver_id is not None or not await settle_by_itself(
        session, "left_undone", task_id=door.task.id, driver_id=driver_id
    ):
        return False
    if door.report.kind == "CompleteTask":
        barcodes = [parcel.barcode for parcel in door.consignment.parcels]
        await settle_scanned(session, "not_unloaded", driver_id, barcodes)
    return True


async def _take_back(session: AsyncSession, door: Doorstep) -> None:
    """Take the task out of whatever has become of it. Who has picked up goods has them, so their
    delivery cannot stay with another driver."""
    task = door.task
    changed = {await release_task(session, task)}
    if task.kind == "pickup":
        for other in await tasks_of(session, task.consignment_id):
            theirs = other.driver_id not in (None, door.report.driver_id)
            if other.kind == "delivery" and other.state not in FINAL and theirs:
                changed.add(
                    await back_to_pool(
                        session, door.depot, other, "Another driver has its parcels."
                    )
                )
    record_task_change(session, door.depot, task, "A task was done by a former driver.")
    await issue_manifests(session, {driver_id for driver_id in changed if driver_id})


async def _record_parcels(
    session: AsyncSession,
    door: Doorstep,
    command: CompleteTask,
    outcome: Outcome,
    proof_id: UUID,
) -> None:
    """What became of each parcel; most share the outcome of the task."""
    task, consignment = door.task, door.consignment
    if task.pickup_from in HANDOVERS:
        await take_over(session, door.report, consignment)
        return
    usual = outcome.parcel_state
    assert usual is not None  # every success says what becomes of the parcels
    apart = {each.barcode: each.outcome for each in command.parcels}
    states: dict[str, list[ParcelView]] = {}
    for parcel in consignment.parcels:
        told = apart.get(parcel.barcode)
        if task.kind == "delivery":
            state = PARCEL_STATES[told] if told else usual
        elif told in ("refused", "missing"):
            continue  # it was not handed to the driver, so it stays where it was
        else:
            state = usual
        states.setdefault(state, []).append(parcel)
    if task.kind == "delivery":
        await take_to_the_door(session, door.report, [consignment])
    for state, parcels in states.items():
        await _record(session, door, parcels, state, (command.outcome_code, proof_id))
    different = {
        barcode: told for barcode, told in apart.items() if told not in ("delivered", "collected")
    }
    if different:
        kind = "partly_done" if task.kind == "delivery" else "pickup_incomplete"
        _raise(session, door, kind, parcels=different)


async def _record(
    session: AsyncSession,
    door: Doorstep,
    parcels: Sequence[ParcelView],
    state: str,
    evidence: tuple[str, UUID],
) -> None:
    """evidence: the outcome code and the proof."""
    report = door.report
    carried = state not in ("delivered", "lost")
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in parcels],
        state=state,
        occurred_at=report.occurred_at,
        received_at=report.received_at,
        by=report.by,
        driver_id=report.driver_id if carried else None,
        position=report.position,
        outcome_code=evidence[0],
        proof_id=evidence[1],
        source_id=report.command_id,
        strict=False,
    )


async def _drop_handovers(session: AsyncSession, task: Task) -> None:
    """A delivery that was done needs no handover any more."""
    for other in await tasks_of(session, task.consignment_id):
        if other.pickup_from in HANDOVERS and other.state not in FINAL:
            driver_id = await release_task(session, other)
            move_task(session, other, "cancelled")
            await issue_manifests(session, {driver_id} if driver_id else set())


async def _follow_failure(session: AsyncSession, door: Doorstep, outcome: Outcome) -> None:
    task = door.task
    if task.kind == "delivery":
        if not outcome.again:
            _raise(session, door, "not_delivered", code=task.outcome_code)
        return
    if task.kind == "return_pickup" and outcome.again:
        await plan_next_attempt(session, door.depot, task)
        return
    _raise(session, door, "pickup_failed", code=task.outcome_code)
    changed = {door.report.driver_id}
    for other in await tasks_of(session, task.consignment_id):
        if other.kind != "delivery" or other.state in FINAL:
            continue
        if task.pickup_from in HANDOVERS:
            what = "Its parcels could not be taken over."
            had_it = await back_to_pool(session, door.depot, other, what)
        else:
            had_it = await release_task(session, other)
            move_task(session, other, "cancelled")
        changed |= {had_it} if had_it else set()
    await issue_manifests(session, changed)
