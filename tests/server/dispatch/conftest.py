"""A small made-up town with a depot, on a Monday whose clock the test moves by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select

from routing.roads import HaversineRoads
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.dispatch import service as dispatch
from server.dispatch.models import StreetFact, Task
from server.dispatch.planner import plan_next
from server.dispatch.service import ExceptionView, PlanView
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.relay import relay_pending, unfinished_reactions
from server.places import service as places
from server.protocol.from_driver import (
    AcceptTasks,
    AddEvidence,
    ArriveAtTasks,
    CompleteTask,
    DeclineTask,
    FailTask,
    ReportCost,
    ScanParcels,
    SendMessage,
    SetShift,
    StartTasks,
)
from server.protocol.to_driver import Manifest, ManifestTask

DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
DEPOT = Position(9.5200, 47.1400)
BLOCK = 0.004
"""Degrees from one corner to the next: some 300 to 450 metres."""

EFFECTS: dict[type, Callable[..., Awaitable[None]]] = {
    AcceptTasks: dispatch.accept_tasks,
    DeclineTask: dispatch.decline_task,
    StartTasks: dispatch.start_tasks,
    ArriveAtTasks: dispatch.arrive_at_tasks,
    CompleteTask: dispatch.complete_task,
    FailTask: dispatch.fail_task,
    ScanParcels: dispatch.scan_parcels,
    SetShift: dispatch.set_shift,
    AddEvidence: dispatch.add_evidence,
    ReportCost: dispatch.report_cost,
    SendMessage: dispatch.hear_driver,
}


def corner(x: int, y: int) -> Position:
    """A corner of the town, counted in blocks from the depot."""
    return Position(DEPOT.lon + x * BLOCK, DEPOT.lat + y * BLOCK)


@dataclass
class Town:
    db: Database
    now: datetime = MORNING
    roads: HaversineRoads = field(default_factory=HaversineRoads)
    depot_id: UUID = field(default_factory=new_id)
    shifts: dict[UUID, UUID] = field(default_factory=dict)
    """Driver -> shift."""
    count: int = 0

    def later(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now

    async def found(self) -> None:
        async with self.db.transaction() as session:
            place = await places.create_place(session, "Depot", position=DEPOT)
            depot = await dispatch.create_depot(
                session, name="Depot", place_id=place.id, timezone="Europe/Vaduz", by="test"
            )
        self.depot_id = depot.id

    async def check_reactions(self) -> None:
        """Nothing that was to happen after an event went wrong unseen."""
        async with self.db.transaction() as session:
            failed = await unfinished_reactions(session)
        assert [(each.reaction, each.error) for each in failed] == []

    async def add_driver(
        self,
        *,
        starts_at: datetime = MORNING,
        hours: float = 10,
        skills: Sequence[str] = (),
        parcels: int = 50,
        breaks: Sequence[dispatch.ShiftBreak] = (),
    ) -> UUID:
        """A driver with a van and a shift today."""
        self.count += 1
        async with self.db.transaction() as session:
            driver = await dispatch.create_driver(
                session,
                depot_id=self.depot_id,
                name=f"Driver {self.count}",
                email=f"driver{self.count}@example.org",
                skills=skills,
                by="test",
            )
            vehicle = await dispatch.create_vehicle(
                session,
                depot_id=self.depot_id,
                label=f"Van {self.count}",
                capacity_weight_g=1_000_000,
                capacity_volume_ml=5_000_000,
                capacity_parcels=parcels,
                by="test",
            )
            shift = await dispatch.create_shift(
                session,
                driver_id=driver.id,
                vehicle_id=vehicle.id,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=hours),
                breaks=breaks,
                by="test",
            )
        self.shifts[driver.id] = shift.id
        return driver.id

    async def place_at(self, position: Position | None, text: str = "Some Street 1") -> UUID:
        async with self.db.transaction() as session:
            return (await places.create_place(session, text, position=position)).id

    async def book(
        self,
        to: Position | None,
        *,
        pick_up_at: Position | None = None,
        kind: str = "delivery",
        parcels: int = 1,
        **details: Any,
    ) -> ConsignmentView:
        """A consignment whose tasks are in the pool."""
        party = Party(name="Ada", phone="+423 1", place_id=await self.place_at(to))
        depot = Party(name="The shop")
        consignor, consignee = depot, party
        if kind == "return":
            consignor, consignee = party, depot
        if pick_up_at is not None:
            kind = "courier"
            place_id = await self.place_at(pick_up_at, "Other Street 2")
            consignor = Party(name="Bob", phone="+423 2", place_id=place_id)
        values: dict[str, Any] = {
            "kind": kind,
            "account_id": None,
            "consignor": consignor,
            "consignee": consignee,
            "parcels": (NewParcel(weight_g=1000),) * parcels,
        }
        async with self.db.transaction() as session:
            made = await consignments.create_consignment(
                session, NewConsignment(**(values | details)), by="test"
            )
        await relay_pending(self.db)
        return made

    async def insert(self, consignment: ConsignmentView, **details: Any) -> dispatch.InsertedWork:
        async with self.db.transaction() as session:
            return await dispatch.insert_urgent(
                session, consignment.id, roads=self.roads, by="test", **details
            )

    async def assign(self, to: Position, **details: Any) -> tuple[ConsignmentView, str]:
        """A delivery that is in the run of the only driver who can take it; its task."""
        consignment = await self.book(to, **details)
        await self.insert(consignment)
        return consignment, await self.task_id(consignment)

    async def plan(self, **details: Any) -> PlanView:
        """A plan that the planner has made."""
        async with self.db.transaction() as session:
            plan = await dispatch.request_plan(
                session,
                **({"depot_id": self.depot_id, "day": DAY, "budget_s": 1.0} | details),
                by="test",
            )
        while await plan_next(self.db, self.roads):
            pass
        async with self.db.transaction() as session:
            return await dispatch.get_plan(session, plan.id)

    async def publish(self, plan: PlanView) -> PlanView:
        async with self.db.transaction() as session:
            return await dispatch.publish_plan(session, plan.id, by="test")

    async def does(
        self,
        driver_id: UUID,
        command: Any,
        *,
        command_id: str | None = None,
    ) -> None:
        """The driver's phone sends a command, and we hear of it now."""
        async with self.db.transaction() as session:
            await EFFECTS[type(command)](
                session,
                driver_id=driver_id,
                command=command,
                occurred_at=command.occurred_at,
                received_at=self.now,
                command_id=command_id or str(new_id()),
            )
        await relay_pending(self.db)

    async def start(self, driver_id: UUID, *task_ids: str) -> None:
        await self.does(driver_id, StartTasks(task_ids=task_ids, occurred_at=self.now))

    async def complete(self, driver_id: UUID, task_id: str, **details: Any) -> None:
        values = {"outcome_code": "delivered_to_consignee", "occurred_at": self.now} | details
        await self.does(driver_id, CompleteTask(task_id=task_id, **values))

    async def fail(self, driver_id: UUID, task_id: str, code: str = "not_home") -> None:
        command = FailTask(task_id=task_id, outcome_code=code, occurred_at=self.now)
        await self.does(driver_id, command)

    async def task_id(self, consignment: ConsignmentView, kind: str = "delivery") -> str:
        """The newest task of that kind."""
        return str((await self.tasks(consignment, kind))[-1].id)

    async def task(self, consignment: ConsignmentView, kind: str = "delivery") -> dispatch.TaskView:
        return (await self.tasks(consignment, kind))[-1]

    async def tasks(
        self, consignment: ConsignmentView, kind: str = "delivery"
    ) -> list[dispatch.TaskView]:
        async with self.db.transaction() as session:
            found = await dispatch.list_tasks(session, consignment.id)
        return [task for task in found if task.kind == kind]

    async def manifest(self, driver_id: UUID) -> Manifest:
        async with self.db.transaction() as session:
            return await dispatch.manifest_of(session, driver_id)

    async def shown(self, driver_id: UUID) -> dict[str, ManifestTask]:
        """Task id -> task, in the driver's manifest."""
        manifest = await self.manifest(driver_id)
        return {task.id: task for stop in manifest.stops for task in stop.tasks}

    async def goods(self, consignment: ConsignmentView) -> ConsignmentView:
        async with self.db.transaction() as session:
            return await consignments.get_consignment(session, consignment.id)

    async def exceptions(self) -> list[ExceptionView]:
        async with self.db.transaction() as session:
            return list(await dispatch.list_exceptions(session))

    async def raised(self) -> list[str]:
        """The kinds of exceptions that wait for a person."""
        return sorted(each.kind for each in await self.exceptions())

    async def proofs(self, consignment: ConsignmentView) -> int:
        async with self.db.transaction() as session:
            return len(await consignments.proofs_of(session, consignment.id))

    async def facts(self, task_id: str) -> list[tuple[str, bool]]:
        """(command, whether it moved the task), in the order in which we heard of them."""
        async with self.db.transaction() as session:
            rows = await session.execute(
                select(StreetFact.kind, StreetFact.moved)
                .where(StreetFact.task_id == UUID(task_id))
                .order_by(StreetFact.id)
            )
            return [(kind, moved) for kind, moved in rows]

    async def all_tasks(self) -> list[Task]:
        async with self.db.transaction() as session:
            return list(await session.scalars(select(Task).order_by(Task.id)))


@pytest_asyncio.fixture
async def town(db: Database) -> AsyncIterator[Town]:
    with ExitStack() as stack:
        town = Town(db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        yield town
        await town.check_reactions()


@pytest_asyncio.fixture
async def real_town(own_db: Database) -> AsyncIterator[Town]:
    """The same in a database of its own, for what happens at the same time."""
    with ExitStack() as stack:
        town = Town(own_db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        yield town
        await town.check_reactions()
