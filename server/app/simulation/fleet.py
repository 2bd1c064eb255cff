"""Many simulated couriers at once, and the bad day that may be asked for."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from routing.roads import Roads
from server.app.simulation.network import Network, Weather
from server.app.simulation.person import Doors, Person, Tally
from server.app.simulation.phone import Phone
from server.kit import clock

TUNNEL = timedelta(minutes=20)
KILLS_PER_PHONE = 2
WRONG_CLOCK_S = 3 * 3600.0


@dataclass(kw_only=True)
class Faults:
    """What went wrong in all, counted as it happened."""

    weather: Weather = field(
        default_factory=lambda: Weather(lost_answers=0.1, doubled_commands=1.0)
    )
    tunnels: int = 0
    kills: int = 0
    wrong_clocks: int = 0


class Fleet:
    """Couriers, each with a phone of their own that was paired with a code.

    faults: each phone is 20 minutes without network, loses every tenth answer, sends every
        command twice and is killed twice; the clock of the first one is three hours ahead.
    """

    def __init__(
        self,
        server_url: str,
        folder: Path,
        roads: Roads,
        *,
        seed: int,
        doors: Doors,
        faults: Faults | None = None,
    ) -> None:
        self._server_url = server_url
        self._folder = folder
        self._roads = roads
        self._seed = seed
        self._doors = doors
        self._faults = faults
        self.people: list[Person] = []

    @asynccontextmanager
    async def on_duty(self, codes: Sequence[str]) -> AsyncIterator["Fleet"]:
        """Pair a phone with each code and let them sync until the block ends."""
        async with AsyncExitStack() as stack:
            for number, code in enumerate(codes):
                phone = self._make_phone(number)
                stack.push_async_callback(phone.close)
                await asyncio.to_thread(phone.driver.pair, self._server_url, code)
                if self._faults is not None:
                    await self._make_trouble(stack, number, phone, self._faults)
                await phone.start()
                self.people.append(Person(phone, self._roads, seed=self._seed, doors=self._doors))
            yield self

    async def work(self, until: datetime) -> None:
        """All of them, until each is home. Who has had no run by then, or by `until`, goes home
        with the last."""
        working = {asyncio.create_task(person.work(until)): person for person in self.people}
        try:
            while waiting := {task for task in working if not task.done()}:
                await asyncio.wait(waiting, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                for task in working:
                    if task.done():
                        task.result()
                idle = all(not working[task].has_run for task in working if not task.done())
                if idle and any(person.has_run for person in self.people):
                    return
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def wait_until_sent(self) -> None:
        """Return when no phone has anything left that the server has not answered."""
        while any(self.count_unsent()):
            await asyncio.sleep(0.1)

    def count_unsent(self) -> tuple[int, int]:
        """Commands and fixes that still wait on the phones."""
        views = [person.phone.driver.view() for person in self.people]
        return sum(len(view.on_its_way) for view in views), sum(view.unsent_fixes for view in views)

    def refused(self) -> list[str]:
        """What the server refused, in its words; on a phone this is 'needs attention'."""
        return [
            f"{type(command.body).__name__}: {command.reject_code}: {command.reject_message}"
            for person in self.people
            for command in person.phone.driver.view().needs_attention
        ]

    def tally(self) -> Tally:
        tallies = [person.tally for person in self.people]
        return Tally(
            proofs=sum(tally.proofs for tally in tallies),
            unannounced_returns=sum(tally.unannounced_returns for tally in tallies),
        )

    def _make_phone(self, number: int) -> Phone:
        error_s = 0.0
        if self._faults is not None and number == 0:
            error_s = WRONG_CLOCK_S
            self._faults.wrong_clocks += 1
        return Phone(
            self._folder / f"phone-{number}",
            clock_error_s=error_s,
            killable=self._faults is not None,
        )

    async def _make_trouble(
        self, stack: AsyncExitStack, number: int, phone: Phone, faults: Faults
    ) -> None:
        chance = random.Random(f"{self._seed} network {number}")
        network = Network(self._server_url, faults.weather, chance)
        await stack.enter_async_context(network.running())
        phone.move_to(network.url)
        trouble = asyncio.create_task(self._trouble(number, phone, network, faults))
        stack.callback(trouble.cancel)

    async def _trouble(self, number: int, phone: Phone, network: Network, faults: Faults) -> None:
        """The bad day of one phone, at times drawn from the seed within its run."""
        chance = random.Random(f"{self._seed} trouble {number}")
        while not phone.driver.view().stops:
            await asyncio.sleep(0.2)
        stops = phone.driver.view().stops
        first, last = stops[0].stop.planned_arrival_at, stops[-1].stop.planned_departure_at
        length = max(last - first, TUNNEL)
        kills = [
            (first + length * chance.uniform(0.05, 0.85), "kill") for _ in range(KILLS_PER_PHONE)
        ]
        tunnel = (first + length * chance.uniform(0.1, 0.5), "tunnel")
        for moment, kind in sorted([*kills, tunnel]):
            await asyncio.sleep(max(0, (moment - clock.now()).total_seconds() / clock.speed()))
            if kind == "kill":
                await phone.restart_app()
                faults.kills += 1
            else:
                network.cut()
                faults.tunnels += 1
                await asyncio.sleep(TUNNEL.total_seconds() / clock.speed())
                network.mend()
