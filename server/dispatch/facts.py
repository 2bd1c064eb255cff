"""Street facts: what a driver's phone reported, kept for ever, whether or not it changed anything.

The beginning of every use case of `street`, `door` and `vehicle_load`: find and lock what the
command is about, notice a repeat, write the fact down.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.fleet import find_driver
from server.dispatch.inputs import lock_depots
from server.dispatch.models import Depot, Run, Stop, StreetFact, Task
from server.dispatch.tasks import UnknownTask, lock_tasks
from server.kit.geo import Position
from server.protocol.from_driver import Position as WirePosition


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One command of one driver: who, under which id, when in the street, when with us, where."""

    driver_id: UUID
    command_id: str
    kind: str
    occurred_at: datetime
    received_at: datetime
    position: Position | None

    @property
    def by(self) -> str:
        return f"driver:{self.driver_id}"


class Scene(msgspec.Struct, kw_only=True):
    """What a report is about, locked. depot: of its tasks, or the driver's own."""

    depots: dict[UUID, Depot]
    tasks: list[Task]

    def depot_of(self, task: Task) -> Depot:
        assert task.depot_id is not None  # a task that a driver ever had has a depot
        return self.depots[task.depot_id]


def report_of(
    driver_id: UUID, command: Any, occurred_at: datetime, received_at: datetime, command_id: str
) -> Report:
    return Report(
        driver_id=driver_id,
        command_id=command_id,
        kind=type(command).__name__,
        occurred_at=occurred_at,
        received_at=received_at,
        position=to_position(command.position),
    )


def to_position(wire: WirePosition | None) -> Position | None:
    """The position, if it is one on this earth: a phone's nonsense must not cost its proof."""
    if wire is None or not (math.isfinite(wire.lon) and math.isfinite(wire.lat)):
        return None
    if abs(wire.lon) > 180 or abs(wire.lat) > 90:
        return None
    return Position(wire.lon, wire.lat)


async def open_scene(
    session: AsyncSession, report: Report, task_ids: Sequence[str]
) -> Scene | None:
    """Lock the tasks, and all tasks of the same consignments with them; None for a repeat.

    Raises
    ------
    UnknownTask
        When one does not exist or was never this driver's.
    """
    wanted = [_to_id(task_id) for task_id in dict.fromkeys(task_ids)]
    rows = (await session.scalars(select(Task).where(Task.id.in_(wanted)))).all()
    known = {task.id: task for task in rows if report.driver_id in task.past_drivers}
    for task_id in wanted:
        if task_id not in known:
            raise UnknownTask(task_id=task_id)
    driver = await find_driver(session, report.driver_id)
    depots = await lock_depots(session, [driver.depot_id, *(task.depot_id for task in rows)])
    if await is_repeat(session, report):
        return None
    related = {task.consignment_id for task in rows}
    tasks = await lock_tasks(session, Task.consignment_id.in_(related))
    order = {task_id: number for number, task_id in enumerate(wanted)}
    return Scene(
        depots={depot.id: depot for depot in depots},
        tasks=sorted((task for task in tasks if task.id in order), key=lambda t: order[t.id]),
    )


def _to_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UnknownTask(task_id=text[:80]) from None


async def is_repeat(session: AsyncSession, report: Report) -> bool:
    """Whether this very command took effect before."""
    found = await session.scalar(
        select(StreetFact.id)
        .where(StreetFact.driver_id == report.driver_id, StreetFact.command_id == report.command_id)
        .limit(1)
    )
    return found is not None


def write_fact(
    session: AsyncSession,
    report: Report,
    *,
    task: Task | None = None,
    shift_id: UUID | None = None,
    moved: bool,
    **details: Any,
) -> None:
    session.add(
        StreetFact(
            driver_id=report.driver_id,
            command_id=report.command_id,
            kind=report.kind,
            task_id=task.id if task else None,
            shift_id=shift_id,
            occurred_at=report.occurred_at,
            received_at=report.received_at,
            position=report.position,
            moved=moved,
            details=msgspec.to_builtins(details),
        )
    )


async def run_of(session: AsyncSession, task: Task) -> Run | None:
    """The run that the task is in."""
    if task.stop_id is None:
        return None
    run: Run | None = await session.scalar(
        select(Run).join(Stop, Stop.run_id == Run.id).where(Stop.id == task.stop_id)
    )
    return run
