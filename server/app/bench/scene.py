"""A system under load whose faults are played one after the other, each with a verdict."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import msgspec
from sqlalchemy import text
from websockets.exceptions import WebSocketException

from server.app.bench.office import Office
from server.app.bench.promises import Promises, count_broken_promises
from server.app.bench.witness import Witness
from server.app.system import System
from server.kit.blobs import Blobs
from server.kit.db import AWAY

LOAD_S = 3.0
"""So long everything works before each fault."""

ACT_WITHIN_S = 45.0
HEALED_WITHIN_S = 90.0
LOOK_EVERY_S = 0.25
COUNTED_WITHIN_S = 30.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """act: does it, and gives back a note that begins with WRONG when it saw what must not be.
    spared: who must be answered while it lasts. screens: whether the map must go on as well."""

    name: str
    act: Callable[[], Awaitable[str]]
    lasts_s: float = 0.0
    spared: Sequence[Witness] = ()
    screens: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """healed_s: from the end of the fault until everybody was answered again and everything that
    waited was done; None when it was not. answered: of those who must not be disturbed. wrong: all
    that should not be."""

    fault: str
    verdict: str
    healed_s: float | None = None
    answered: str = ""
    note: str = ""
    wrong: str = ""


@dataclass(kw_only=True)
class Scene:
    """The system, the phones, and the office."""

    system: System
    people: list[Witness]
    office: Office
    say: Say
    _told: Promises | None = field(default=None, init=False)

    async def play_all(self, faults: Sequence[Fault], until_s: float) -> list[Case]:
        """One after the other. until_s: by the monotonic clock, then the others are left out."""
        cases = []
        for fault in faults:
            try:
                async with asyncio.timeout(until_s - time.monotonic()):
                    case = await self._play(fault)
            except TimeoutError:
                case = Case(fault=fault.name, verdict="WRONG", wrong="no time was left for it")
            self.say(
                f"{case.verdict}: {fault.name}; {case.wrong or f'healed in {case.healed_s} s'}"
            )
            cases.append(case)
        return cases

    async def _play(self, fault: Fault) -> Case:
        """One fault under load, until everybody is answered again."""
        await asyncio.sleep(LOAD_S)
        self._take_complaints()
        before = {witness: witness.through for witness in fault.spared}
        frames, note, wrong = self.office.frames, "", list[str]()
        try:
            async with asyncio.timeout(fault.lasts_s + ACT_WITHIN_S):
                note = await fault.act()
        except (*AWAY, WebSocketException, httpx.HTTPError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
        if note.startswith("WRONG"):
            wrong.append(note)
        answered = sum(witness.through > earlier for witness, earlier in before.items())
        if answered < len(before):
            wrong.append("others were disturbed")
        if fault.screens and self.office.frames == frames:
            wrong.append("the map stood still")
        healed_s, missing = await self._heal()
        wrong += missing
        wrong += self._take_complaints()
        wrong += await self._newly_broken_promises()
        return Case(
            fault=fault.name,
            verdict="WRONG" if wrong else "right",
            healed_s=healed_s,
            answered=f"{answered}/{len(before)}" if before else "",
            note=note,
            wrong="; ".join(wrong),
        )

    async def _heal(self) -> tuple[float | None, list[str]]:
        """Wait until everything works again; how long that took, or what does not."""
        began_s = time.monotonic()
        marks = {witness: witness.seq for witness in self.people}
        frames, jobs = self.office.frames, len(self.office.jobs)
        due: set[UUID] | None = None
        missing: list[str] = []
        while time.monotonic() - began_s < HEALED_WITHIN_S:
            await asyncio.sleep(LOOK_EVERY_S)
            missing = []
            if silent := sum(witness.through <= mark for witness, mark in marks.items()):
                missing.append(f"{silent} phones are not answered")
            if self.office.frames == frames:
                missing.append("the map stands still")
            if len(self.office.jobs) == jobs:
                missing.append("the office cannot write to drivers")
            if late := self.office.undelivered(jobs):
                missing.append(f"{late} jobs have not come to their phones")
            waiting = await self._events_waiting()
            due = waiting if due is None else due
            if waiting is None or due is None:
                missing.append("the database does not answer")
            elif left := waiting & due:
                missing.append(f"{len(left)} events have had no effect")
            if not missing:
                return round(time.monotonic() - began_s, 1), []
        return None, missing

    async def _events_waiting(self) -> set[UUID] | None:
        statement = text("select id from outbox_event where published_at is null")
        try:
            async with (
                asyncio.timeout(COUNTED_WITHIN_S),
                self.system.db.transaction() as session,
            ):
                return set(await session.scalars(statement))
        except AWAY:
            return None

    def _take_complaints(self) -> list[str]:
        """Some of the answers that nobody should get, since the last time we asked."""
        sources = [self.office.complaints, *(each.complaints for each in self.people)]
        found = {complaint for each in sources for complaint in each}
        for each in sources:
            each.clear()
        return sorted(found)[:3]

    async def count_promises(self) -> Promises | None:
        """What was acknowledged against what is there; None when the database does not answer."""
        blobs = Blobs(self.system.settings.blobs_dir)
        jobs = [words for _, words in self.office.jobs]
        try:
            async with asyncio.timeout(COUNTED_WITHIN_S):
                return await count_broken_promises(self.system.db, blobs, self.people, jobs)
        except AWAY:
            return None

    async def _newly_broken_promises(self) -> list[str]:
        earlier, self._told = self._told, await self.count_promises()
        if self._told is None:
            return ["the database does not answer"]
        return [
            line for line in self._told.broken() if earlier is None or line not in earlier.broken()
        ]
