"""What a driver reports beside the work itself: evidence that turned up later, and costs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import NewProof
from server.dispatch.exceptions import raise_exception
from server.dispatch.facts import is_repeat, open_scene, report_of, write_fact
from server.dispatch.fleet import find_driver
from server.dispatch.inputs import lock_depot
from server.kit.money import Money
from server.protocol.from_driver import AddEvidence, ReportCost


async def add_evidence(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: AddEvidence,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """Photos beside the proof that the driver gave for the task. Before there is one, they are
    evidence of the attempt.

    Raises
    ------
    UnknownTask
    """
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    scene = await open_scene(session, report, [command.task_id])
    if scene is None:
        return
    (task,) = scene.tasks
    write_fact(session, report, task=task, moved=False, photos=len(command.proof.photos))
    given = [
        proof
        for proof in await consignments.proofs_of(session, task.consignment_id)
        if (proof.task_id, proof.driver_id) == (task.id, driver_id)
    ]
    if given:
        await consignments.add_evidence(session, given[-1].id, command.proof.photos, by=report.by)
        return
    await consignments.record_proof(
        session,
        NewProof(
            consignment_id=task.consignment_id,
            kind="POA",
            occurred_at=occurred_at,
            received_at=received_at,
            task_id=task.id,
            driver_id=driver_id,
            command_id=command_id,
            photos=command.proof.photos,
            position=report.position,
        ),
    )


async def report_cost(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: ReportCost,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """The driver paid something: a person decides who bears it. It is kept, and put before the
    office, even when it names a task that is not known."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    driver = await find_driver(session, driver_id)
    depot = await lock_depot(session, driver.depot_id)
    if await is_repeat(session, report):
        return
    details: dict[str, Any] = {
        "cost": command.kind,
        "amount_minor": command.amount_minor,
        "currency": command.currency[:3],
        "note": command.note[:500],
        "at_task_id": (command.at_task_id or "")[:80],
        "receipts": [photo.sha256 for photo in command.proof.photos],
        "small_receipts": {
            photo.sha256: photo.small_sha256 for photo in command.proof.photos if photo.small_sha256
        },
    }
    write_fact(session, report, moved=False, **details)
    paid = Money(command.amount_minor, command.currency[:3])
    raise_exception(
        session,
        "extra_cost",
        depot_id=depot.id,
        driver_id=driver_id,
        variant=command.kind,
        paid=str(paid),
        **details,
    )
