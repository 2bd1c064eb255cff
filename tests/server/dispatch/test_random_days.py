"""Days on which everything happens in any order: late, twice, by the wrong driver.

Whatever the phones report and the dispatcher does in between, a task ends once, every proof is
kept, and every driver's phone shows exactly what is that driver's.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from server.consignments.service import ConsignmentView
from server.dispatch import service as dispatch
from server.dispatch.lifecycle import FINAL, TASK
from server.dispatch.models import Task
from server.kit.errors import Conflict, NotFound
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent
from server.protocol.from_driver import (
    AcceptTasks,
    ArriveAtTasks,
    CompleteTask,
    DeclineTask,
    FailTask,
    ScanParcels,
    StartTasks,
)

from .conftest import Town, corner

STEPS = 80


@dataclass
class RandomDay:
    """held_back: commands that phones could not send yet, with their ids."""

    town: Town
    random: Random
    drivers: list[UUID] = field(default_factory=list)
    goods: list[ConsignmentView] = field(default_factory=list)
    held_back: list[tuple[UUID, Any, str]] = field(default_factory=list)
    ended: dict[UUID, str] = field(default_factory=dict)
    proofs: Counter[UUID] = field(default_factory=Counter)

    async def step(self) -> str:
        self.town.later(seconds=self.random.randrange(1, 90))
        act = self.random.choices(
            [self.book, self.insert, self.report, self.send, self.break_down, self.scan],
            weights=[3, 4, 10, 9, 1, 2],
        )[0]
        await act()
        await self.check()
        return act.__name__

    def somewhere(self) -> Any:
        return corner(self.random.randrange(-6, 7), self.random.randrange(-6, 7))

    async def book(self) -> None:
        kind = self.random.choice(("delivery", "delivery", "courier", "return"))
        details: dict[str, Any] = {"parcels": self.random.randrange(1, 3)}
        if kind == "courier":
            details["pick_up_at"] = self.somewhere()
        else:
            details["kind"] = kind
        self.goods.append(await self.town.book(self.somewhere(), **details))

    async def insert(self) -> None:
        if not self.goods:
            return
        try:
            await self.town.insert(self.random.choice(self.goods))
        except (Conflict, NotFound):
            return  # in a run already, over, or nobody can take it

    async def report(self) -> None:
        """A phone writes down what its driver does; it may be able to send it only later."""
        tasks = [task for task in await self.town.all_tasks() if task.past_drivers]
        if not tasks:
            return
        task = self.random.choice(tasks)
        driver_id = self.random.choice(task.past_drivers)
        at, task_id = self.town.now, str(task.id)
        success = "delivered_to_consignee" if task.kind == "delivery" else "collected"
        command: Any = self.random.choice(
            [
                AcceptTasks(task_ids=(task_id,), occurred_at=at),
                StartTasks(task_ids=(task_id,), occurred_at=at),
                ArriveAtTasks(task_ids=(task_id,), occurred_at=at),
                CompleteTask(task_id=task_id, outcome_code=success, occurred_at=at),
                CompleteTask(task_id=task_id, outcome_code=success, occurred_at=at),
                FailTask(task_id=task_id, outcome_code="not_home", occurred_at=at),
                DeclineTask(task_id=task_id, reason="no", occurred_at=at),
            ]
        )
        if isinstance(command, CompleteTask | FailTask):
            self.proofs[task.id] += 1
        self.held_back.append((driver_id, command, str(new_id())))

    async def scan(self) -> None:
        if not (self.goods and self.drivers):
            return
        consignment = self.random.choice(self.goods)
        barcodes = tuple(parcel.barcode for parcel in consignment.parcels)
        purpose = self.random.choice(("load", "unload"))
        command = ScanParcels(barcodes=barcodes, purpose=purpose, occurred_at=self.town.now)  # type: ignore[arg-type]
        self.held_back.append((self.random.choice(self.drivers), command, str(new_id())))

    async def send(self) -> None:
        """Something gets through: any of what was held back, and sometimes twice."""
        if not self.held_back:
            return
        number = self.random.randrange(len(self.held_back))
        driver_id, command, command_id = self.held_back.pop(number)
        for _ in range(self.random.choice((1, 1, 2))):
            await self.town.does(driver_id, command, command_id=command_id)

    async def break_down(self) -> None:
        async with self.town.db.transaction() as session:
            runs = [run for run in await dispatch.list_runs(session) if run.state != "closed"]
            if not runs:
                return
            await dispatch.reassign_run(
                session, self.random.choice(runs).id, roads=self.town.roads, by="test"
            )
        self.drivers.append(await self.town.add_driver(hours=20))

    async def check(self) -> None:
        tasks = await self.town.all_tasks()
        for task in tasks:
            ended_as = self.ended.get(task.id)
            assert ended_as in (None, task.state), f"{task.kind} turned from {ended_as}"
            if task.state in FINAL:
                self.ended[task.id] = task.state
            assert (task.state in ("completed", "failed")) == (task.finished_by is not None)
            assert task.state != "unassigned" or task.driver_id is None
        done = Counter(
            task.consignment_id
            for task in tasks
            if task.kind == "delivery" and task.state == "completed"
        )
        assert all(count == 1 for count in done.values())
        await self.check_phones(tasks)

    async def check_phones(self, tasks: list[Task]) -> None:
        """What a driver has to do stands on that driver's phone and on no other."""
        expected = {
            (task.driver_id, str(task.id), task.state)
            for task in tasks
            if task.state not in (*FINAL, "unassigned")
        }
        shown = set()
        for driver_id in self.drivers:
            for task_id, task in (await self.town.shown(driver_id)).items():
                if task.state not in FINAL:
                    shown.add((driver_id, task_id, task.state))
        assert shown == expected

    async def check_the_end(self) -> None:
        while self.held_back:
            await self.send()
        await self.check()
        tasks = {task.id: task for task in await self.town.all_tasks()}
        told = Counter[UUID]()
        for consignment in self.goods:
            told[consignment.id] += await self.town.proofs(consignment)
        expected = Counter[UUID]()
        for task_id, count in self.proofs.items():
            expected[tasks[task_id].consignment_id] += count
        assert +told == +expected
        await self.check_moves()

    async def check_moves(self) -> None:
        """Every move that was told of is one that the life cycle allows, from what was before."""
        async with self.town.db.transaction() as session:
            moves = await session.scalars(
                select(OutboxEvent.body)
                .where(OutboxEvent.name == "dispatch.TaskChanged")
                .order_by(OutboxEvent.id)
            )
            ends = Counter(body["task_id"] for body in moves if TASK.is_final(body["state"]))
        assert all(count == 1 for count in ends.values())


@pytest.mark.parametrize("seed", range(3))
async def test_a_task_ends_once_and_no_proof_is_lost(town: Town, seed: int) -> None:
    print(f"seed {seed}")
    day = RandomDay(town, Random(seed))
    for _ in range(2):
        day.drivers.append(await town.add_driver(hours=20))
    for _ in range(STEPS):
        await day.step()
    await day.check_the_end()
