"""A courier's worst day, against the real server: `python -m tests.driver_app.day_of_faults`.

150 stops with 3 photos each, 8 hours of them without network; both processes of the phone are
killed with SIGKILL at random moments, 50 times in all; its storage is full for a while (a small
tmpfs, where the command may mount one; it says so when it may not); its clock is set back by two
hours in the middle. Then the network is back, and every proof has to be at the server once, in
order, with its photos, and with the true time of the act. Time is played, so that it is known. The
screens are the real ones, by touches, without a window; `--plain` leaves them out. Exits 1 when
anything is wrong.

By touches it takes a quarter of an hour of a processor. On a machine that others need, too,
`--turns FILE` holds a lock (flock) on that file while it works, and lets others in after every ten
stops.
"""

import argparse
import asyncio
import fcntl
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from driver_app.core.driver import Driver
from driver_app.core.store import Store
from server.consignments.models import Proof, ProofFile
from server.dispatch.models import StreetFact
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.settings import ROOT
from server.live.models import DriverCommand
from server.tracking.models import FixRow
from tests.driver_app.played_phone import PHOTOS, PlayedClock
from tests.driver_app.played_world import Disk, a_server, small_disk
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import Cable, Web

A_STOP_S = 192
SET_BACK = timedelta(hours=2)
LONGEST_STOP_S = 60.0
STOPS_A_TURN = 10
LET_IN_S = 2.0
TRUE_WITHIN_S = 1.0
"""The phone's clock error is reckoned from the moment of sending, and that takes its time."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """kills: a third of them hit the screens, a third the background, a third the sending after
    the network came back. touches: through the real screens."""

    stops: int = 150
    kills: int = 50
    seed: int = 8
    touches: bool = True
    turns: Path | None = None


class Turns:
    """Our turn on a machine that is shared: a lock on a file, which others take, too."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a") if path else None

    async def begin(self) -> None:
        if self._file:
            await asyncio.to_thread(fcntl.flock, self._file, fcntl.LOCK_EX)

    async def next(self) -> None:
        """Who has waited comes first."""
        if self._file:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            await asyncio.sleep(LET_IN_S)
            await self.begin()


@dataclass
class Report:
    """What was seen, and what was wrong."""

    wrong: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        self.lines.append(f"{what}: {found}")
        if found != wanted:
            self.wrong.append(f"{what}: {found}, wanted {wanted}")


class Phone:
    """Both processes over one folder, and the time that they are shown."""

    def __init__(self, folder: Path, clock_path: Path, town: Town, *, touches: bool) -> None:
        self.folder = folder
        self.clock = PlayedClock(clock_path)
        self.wrong_by = timedelta()
        self._town, self._began = town, town.now
        self._way = "touches" if touches else "plain"
        self._clock_path = clock_path
        self.kills = 0
        self.moments: set[datetime] = set()
        """All that were ever played, as they truly were."""
        self.tell_time()

    def tell_time(self) -> None:
        self.moments.add(self._town.now)
        since_s = (self._town.now - self._began).total_seconds()
        self.clock.put(self._town.now + self.wrong_by, 1000 + since_s)

    def pass_time(self, seconds: float) -> None:
        self._town.later(seconds=seconds)
        self.tell_time()

    @property
    def now(self) -> datetime:
        """As it truly is."""
        return self._town.now

    async def start_person(self) -> None:
        """It may end at once, as when there is no room for the files of an open database."""
        self.person = await self._start("person", self._way)
        if await self._hear() != "ready":
            await self.person.wait()

    async def start_background(self) -> None:
        self.background = await self._start("background")

    async def ask_for_a_stop(self) -> str | None:
        """What the driver came to at the next one; None when the process ended before."""
        assert self.person.stdin is not None
        if self.person.returncode is not None:
            return None
        self.person.stdin.write(b"go\n")
        return await self._hear()

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        process.kill()
        await process.wait()
        self.kills += 1

    async def end(self) -> None:
        for process in (self.person, self.background):
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _hear(self) -> str | None:
        assert self.person.stdout is not None
        async with asyncio.timeout(LONGEST_STOP_S):
            line = await self.person.stdout.readline()
        return line.decode().strip() or None

    async def _start(self, role: str, *more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.driver_app.played_phone",
            role, str(self.folder), str(self._clock_path), *more,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=None if "POSTRIDER_LOUD" in os.environ else asyncio.subprocess.DEVNULL,
        )  # fmt: skip


async def load_the_van(town: Town, stops: int) -> UUID:
    """A driver with that many doors in the run."""
    driver_id = await town.add_driver(hours=16, parcels=stops)
    side = 15
    for number in range(stops):
        await town.book(corner(1 + number % side, 1 + number // side))
    await town.publish(await town.plan(budget_s=min(2.0, stops / 25)))
    return driver_id


async def play(plan: Plan, town: Town, web: Web, blobs: Blobs, home: Path) -> Report:
    report, chance = Report(), random.Random(plan.seed)
    home.mkdir(exist_ok=True)
    driver_id = await load_the_van(town, plan.stops)
    with small_disk(home / "phone") as disk:
        async with Cable("127.0.0.1", web.port).laid() as cable:
            phone = Phone(disk.path, home / "clock", town, touches=plan.touches)
            store = Store(disk.path)
            await _pair(store, web.db, driver_id, f"http://127.0.0.1:{cable.port}")
            try:
                await phone.start_background()
                await _until(lambda: len(Driver(store).view().stops) >= plan.stops)
                cable.pull()
                true_at = await _work(plan, phone, disk, store, chance, report)
                waiting = Driver(store).view().on_its_way
                report.lines.append(f"without network to the end: {len(waiting)} acts waited")
                await _send(plan, phone, cable, store, chance)
                view = Driver(store).view()
                report.expect("refused", len(view.needs_attention), 0)
                (left,) = store.db.execute("SELECT count(*) FROM blobs").fetchone()
                report.expect("files that the phone still means to send", left, 0)
                (sound,) = store.db.execute("PRAGMA integrity_check").fetchone()
                report.expect("the phone's file", sound, "ok")
            finally:
                await phone.end()
                store.close()
    report.expect("kills", phone.kills, plan.kills)
    await _judge(town, driver_id, blobs, true_at, phone.moments, plan, report)
    return report


async def _pair(store: Store, db: Database, driver_id: UUID, url: str) -> None:
    from server.identity import service as identity  # noqa: PLC0415

    async with db.transaction() as session:
        code = await identity.create_pairing_code(session, driver_id, by="test")
    driver = Driver(store, device_model="played")
    await asyncio.to_thread(driver.pair, url, code)


async def _work(
    plan: Plan, phone: Phone, disk: Disk, store: Store, chance: random.Random, report: Report
) -> dict[str, datetime]:
    """All stops, one after the other; when each was truly finished."""
    true_at: dict[str, datetime] = {}
    driver = Driver(store, clock=phone.clock)
    driver.set_shift("start")
    await phone.start_person()
    await _until(lambda: driver.view().unsent_fixes > 0)
    killed_at = chance.sample(range(plan.stops), 2 * (plan.kills // 3))
    full = range(2 * plan.stops // 5, 2 * plan.stops // 5 + max(plan.stops // 15, 2))
    refused: dict[str, int] = {}
    set_back, usual_s, turn = False, 1.0, 0
    turns = Turns(plan.turns)
    await turns.begin()
    while (done := driver.view().finished_stops) < plan.stops:
        phone.pass_time(A_STOP_S)
        if not set_back and done >= 3 * plan.stops // 5:
            set_back, phone.wrong_by = True, -SET_BACK
            phone.tell_time()
        if disk.bounded and turn == full.start:
            disk.fill()
        elif turn == full.stop:
            disk.free()
        began_s = time.monotonic()
        answer = asyncio.create_task(phone.ask_for_a_stop())
        if turn in killed_at:
            await asyncio.sleep(chance.uniform(0, 1.1 * usual_s))
            if killed_at.index(turn) % 2:
                await phone.kill(phone.background)
            else:
                await phone.kill(phone.person)
        heard = await answer
        if heard == "done":
            usual_s = 0.8 * usual_s + 0.2 * (time.monotonic() - began_s)
        elif heard is not None:
            refused[heard] = refused.get(heard, 0) + 1
        for stop in driver.view().stops:
            for task in stop.tasks:
                if task.state == "completed":
                    true_at.setdefault(task.task.id, phone.now)
        await _revive(phone)
        turn += 1
        if turn % STOPS_A_TURN == 0:
            print(f"{turn} turns, {done} stops, {phone.kills} kills", file=sys.stderr, flush=True)
            await turns.next()
    disk.free()
    report.lines.append(f"what the driver was told: {refused}")
    if not disk.bounded:
        report.lines.append("a full storage was not played: we may not mount one")
    if disk.bounded and not refused:
        report.wrong.append("the storage was never felt to be full")
    return true_at


async def _revive(phone: Phone) -> None:
    """Who was killed is started again, by Android or by the driver."""
    if phone.background.returncode is not None:
        await phone.start_background()
    if phone.person.returncode is not None:
        await phone.start_person()


async def _send(
    plan: Plan, phone: Phone, cable: Cable, store: Store, chance: random.Random
) -> None:
    """The network is back, and the background is killed again and again in the middle of it."""
    cable.plug()
    for _ in range(plan.kills - phone.kills):
        await asyncio.sleep(chance.uniform(0.3, 1.2))
        await phone.kill(phone.background)
        await phone.start_background()
    driver = Driver(store)

    def is_over() -> bool:
        view = driver.view()
        return not (view.on_its_way or view.unsent_fixes or view.full_photos)

    await _until(is_over, 240)


async def _judge(
    town: Town,
    driver_id: UUID,
    blobs: Blobs,
    true_at: dict[str, datetime],
    moments: set[datetime],
    plan: Plan,
    report: Report,
) -> None:
    async with town.db.transaction() as session:
        proofs = list(await session.scalars(select(Proof).where(Proof.driver_id == driver_id)))
        files = list(await session.scalars(select(ProofFile)))
        facts = list(
            await session.scalars(
                select(StreetFact)
                .where(StreetFact.driver_id == driver_id, StreetFact.task_id.is_not(None))
                .order_by(StreetFact.id)
            )
        )
        commands = list(await session.scalars(select(DriverCommand)))
        fixes = list(await session.scalars(select(FixRow).where(FixRow.driver_id == driver_id)))
    report.expect("proofs", len(proofs), plan.stops)
    report.expect("tasks with a proof", len({proof.task_id for proof in proofs}), plan.stops)
    report.expect("photos", len(files), plan.stops * PHOTOS)
    report.expect("different photos", len({file.sha256 for file in files}), plan.stops * PHOTOS)
    report.expect("photos that are not there", sum(not blobs.has(f.sha256) for f in files), 0)
    errors_s = [
        abs((proof.occurred_at - true_at[str(proof.task_id)]).total_seconds()) for proof in proofs
    ]
    report.lines.append(f"worst error of an act's time: {max(errors_s, default=0):.3f} s")
    late = sum(error_s > TRUE_WITHIN_S for error_s in errors_s)
    report.expect("proofs with a wrong time", late, 0)
    orders: dict[UUID | None, list[str]] = {}
    for fact in facts:
        if fact.moved:
            orders.setdefault(fact.task_id, []).append(fact.kind)
    wanted = ["StartTasks", "ArriveAtTasks", "CompleteTask"]
    in_order = sum(kinds[-3:] == wanted for kinds in orders.values())
    report.expect("tasks set off to, reached and completed in that order", in_order, plan.stops)
    refused = [c.reject_code for c in commands if c.reject_code]
    report.expect("commands refused by the server", refused, [])
    report.lines.append(f"repeats absorbed: {sum(c.repeats for c in commands)}")
    untrue = sum(
        all(abs((fix.taken_at - each).total_seconds()) > TRUE_WITHIN_S for each in moments)
        for fix in fixes
    )
    report.lines.append(f"positions kept: {len(fixes)}")
    report.expect("positions with a wrong time", untrue, 0)
    errors = {round((f.claimed_at - f.taken_at) / SET_BACK, 3) for f in fixes if f.claimed_at}
    report.expect("the clock's error as the server knows it, in sets back", errors, {-1.0})


async def _until(condition: object, patience_s: float = 60.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.05)


async def run(plan: Plan) -> int:
    from server.app.modules import load  # noqa: PLC0415

    load("models")
    load("reactions")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        async with a_server(Path(home)) as (town, web, blobs):
            report = await play(plan, town, web, blobs, Path(home))
    print(f"load {[round(each, 1) for each in os.getloadavg()]}, {plan}")
    print("\n".join([*report.lines, *(f"WRONG {each}" for each in report.wrong)]))
    print(f"took {time.monotonic() - began_s:.0f} s")
    return 1 if report.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stops", type=int, default=Plan.stops)
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--turns", type=Path)
    given = parser.parse_args()
    plan = Plan(
        stops=given.stops,
        kills=given.kills,
        seed=given.seed,
        touches=not given.plain,
        turns=given.turns,
    )
    return asyncio.run(run(plan))


if __name__ == "__main__":
    sys.exit(main())
