"""Plays one day of the company: orders in, plan, publish, drive, and what comes up meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
from sqlalchemy import func, select

from routing.roads import Roads, open_roads
from server.app.demo.books import close_books, open_books
from server.app.demo.company import ACCOUNT, Company, found_company, most_central
from server.app.demo.faults import Breakage, break_things
from server.app.demo.goods import WAREHOUSE, count_units, stock_warehouse
from server.app.demo.guest import Guest
from server.app.demo.orders import PIN, Day, make_lost_address, make_orders
from server.app.simulation.fleet import Faults, Fleet
from server.app.simulation.office import Office, Refused
from server.app.simulation.person import Doors
from server.app.simulation.warehouse import Warehouse
from server.app.system import System
from server.kit import clock
from server.kit.outbox import OutboxEvent
from server.places.osm import MapEntry, read_map
from server.reporting.service import DayReport, TradeReport, report_day, report_trade

POLL_S = 0.1
AT_ONCE = 8
"""Requests in flight while orders come in."""
OVERTIME = timedelta(hours=4)
"""How long after the shift everything must be settled."""
RETURNS_ASKED = 3
NEWS_S = 3
"""Real seconds until a phone has surely heard of its new manifest; nobody goes home before."""
MORNING_TIMEOUT_S = 120
"""Real seconds in which every order must be in a published run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """figures: the object that `--json` prints. problems: what is not as it should be, in words."""

    figures: dict[str, Any]
    problems: list[str]


class DayPlayer:
    """One day, from the first order to the last parcel back in the depot.

    hurry: lets the time run as fast as the demo wants it; called once the plan is published.
    """

    def __init__(
        self,
        system: System,
        osm: Path,
        day: Day,
        *,
        login: tuple[str, str],
        orders: int,
        drivers: int,
        budget_s: float,
        seed: int,
        faults: bool,
        guest: Guest | None,
        hurry: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._system = system
        self._osm = osm
        self._day = day
        self._login = login
        self._orders = orders
        self._drivers = drivers
        self._budget_s = budget_s
        self._seed = seed
        self._faults = Faults() if faults else None
        self._breakage = Breakage()
        self._guest = guest
        self._hurry = hurry
        self._say = say

    async def play(self) -> Played:
        """The whole day, and what came of it."""
        started_at = clock.now()
        addresses = await asyncio.to_thread(read_addresses, self._osm)
        base_url = self._system.settings.base_url
        roads = open_roads(self._system.settings.roads_dir)
        try:
            async with Office.signed_in(base_url, *self._login) as office:
                company = await found_company(
                    office,
                    addresses,
                    self._day,
                    drivers=self._drivers,
                    orders=self._orders,
                    timezone=str(self._system.settings.timezone),
                )
                orders = self._make_orders(addresses)
                warehouse = await self._open_shop(office, company, orders)
                await self._take_orders(office, orders)
                await self._set_pins(office, addresses)
                await self._fulfil(office, warehouse)
                async with asyncio.timeout(MORNING_TIMEOUT_S + self._budget_s):
                    await self._publish_plan(office, company)
                self._hurry()
                fleet = self._make_fleet(base_url, roads)
                async with self._on_duty(base_url, fleet, office):
                    await self._drive(office, fleet, addresses)
                    problems = await self._settle(fleet)
                    self._say("returns are opened, cash is counted, invoices go out ...")
                    await warehouse.inspect_returns()
                    await close_books(office, company.account_id, company.driver_ids)
                    await self._wait_for_events()
                    async with self._system.db.transaction() as session:
                        period = {"since": started_at, "until": clock.now()}
                        report = await report_day(session, **period)
                        trade = await report_trade(session, **period)
                    return self._judge(report, trade, fleet, problems)
        finally:
            roads.close()

    def _make_fleet(self, base_url: str, roads: Roads) -> Fleet:
        return Fleet(
            base_url,
            self._system.settings.data_dir / "phones",
            roads,
            seed=self._seed,
            doors=Doors(pin=PIN),
            faults=self._faults,
        )

    @asynccontextmanager
    async def _on_duty(self, base_url: str, fleet: Fleet, office: Office) -> AsyncIterator[None]:
        """The couriers, one of whom, with a run, is a guest if we have one."""
        drivers = [driver["id"] for driver in await office.get("/api/drivers")]
        codes = dict(zip(drivers, await office.make_pairing_codes(), strict=True))
        async with AsyncExitStack() as stack:
            if self._guest is not None:
                (run,) = (await office.get("/api/runs", limit=1))["items"]
                code = codes.pop(run["driver_id"])
                await stack.enter_async_context(self._guest.on_duty(base_url, code))
                self._say(f"you are {run['driver_name']}: the app is in a window of its own")
            await stack.enter_async_context(fleet.on_duty(list(codes.values())))
            yield

    # The morning

    def _make_orders(self, addresses: Sequence[MapEntry]) -> list[dict[str, Any]]:
        """One of them is to an address that nobody knows."""
        orders = make_orders(
            addresses, count=self._orders - 1, day=self._day, account=ACCOUNT, seed=self._seed
        )
        return [*orders, make_lost_address(self._day, account=ACCOUNT, seed=self._seed)]

    async def _open_shop(
        self, office: Office, company: Company, orders: Sequence[dict[str, Any]]
    ) -> Warehouse:
        """Goods on the shelves, and a price list."""
        self._say("goods are put on the shelves ...")
        today = self._day.starts_at.date()
        warehouse_id = await stock_warehouse(
            office, company.account_id, at=company.at, needed=count_units(orders), today=today
        )
        currency = self._system.settings.currency
        await open_books(office, company.account_id, currency=currency, since=clock.now())
        return Warehouse(office, warehouse_id, WAREHOUSE)

    async def _take_orders(self, office: Office, bodies: Sequence[dict[str, Any]]) -> None:
        """Orders come in several at a time."""
        self._say(f"{len(bodies)} orders come in ...")
        room = asyncio.Semaphore(AT_ONCE)

        async def send(body: dict[str, Any]) -> None:
            async with room:
                await office.post("/api/orders", body, key=body["external_id"])

        await asyncio.gather(*map(send, bodies))

    async def _set_pins(self, office: Office, addresses: Sequence[MapEntry]) -> None:
        """The dispatcher looks at the addresses that were not found and says where they are."""
        waiting = (await office.get("/api/places", needs_pin=True))["items"]
        at = most_central(addresses)
        for place in waiting:
            await office.post(f"/api/places/{place['id']}/pin", {"lon": at.lon, "lat": at.lat})

    async def _fulfil(self, office: Office, warehouse: Warehouse) -> None:
        """As soon as all orders have their goods set aside, they are picked and packed."""
        await self._wait_for_events()
        self._say("the warehouse picks and packs ...")
        await warehouse.fulfil_all()
        self._say(
            f"{warehouse.picked_units} units picked, {warehouse.packed_parcels} parcels packed"
        )

    async def _publish_plan(self, office: Office, company: Company) -> None:
        """Wait until every order is in the pool, plan, publish; plan again when it got stale."""
        today = self._day.starts_at.date().isoformat()
        pool = f"/api/depots/{company.depot_id}/pool"
        while True:
            items = await office.get(pool, day=today)
            if len({item["waybill"] for item in items}) >= self._orders:
                break
            await asyncio.sleep(POLL_S)
        while True:
            self._say("planning ...")
            plan = await office.post(
                "/api/plans",
                {
                    "depot_id": company.depot_id,
                    "day": today,
                    "budget_s": self._budget_s,
                    "seed": self._seed,
                },
            )
            while plan["state"] in ("queued", "solving"):
                await asyncio.sleep(POLL_S)
                plan = await office.get(f"/api/plans/{plan['id']}")
            try:
                await office.post(f"/api/plans/{plan['id']}/publish")
            except Refused as refusal:
                if refusal.code != "dispatch.stale_plan":
                    raise
                continue
            runs, left = len(plan["runs"]), len(plan["unassigned"])
            self._say(f"published {runs} runs; {left} tasks unassigned")
            return

    # The day

    async def _drive(self, office: Office, fleet: Fleet, addresses: Sequence[MapEntry]) -> None:
        self._say("the drivers set out ...")
        until = self._day.ends_at + OVERTIME
        async with asyncio.TaskGroup() as group:
            extra = group.create_task(self._meanwhile(office, addresses))
            for person in fleet.people:
                person.more_may_come = lambda: not extra.done()
            driving = group.create_task(fleet.work(until))
            if self._faults is not None:
                group.create_task(break_things(self._system, self._day.starts_at, self._breakage))
            await driving
            if self._guest is not None:
                await self._guest.work()
            extra.cancel()

    async def _meanwhile(self, office: Office, addresses: Sequence[MapEntry]) -> None:
        """During the morning: an urgent order, and customers who send something back."""
        morning = self._day.starts_at + timedelta(minutes=60)
        await asyncio.sleep(max(0, (morning - clock.now()).total_seconds() / clock.speed()))
        (urgent,) = make_orders(
            addresses, count=1, day=self._day, account=ACCOUNT, seed=self._seed + 1
        )
        order = await self._insist(partial(office.post, "/api/orders", urgent, key="urgent"))
        await self._insert(office, await self._consignment_of(office, order["id"]))
        ask = partial(office.get, "/api/consignments", state="delivered")
        for delivered in (await self._insist(ask))["items"][:RETURNS_ASKED]:
            body = {"consignment_id": delivered["id"], "reason": "wrong size"}
            request = partial(office.post, "/api/returns", body, key=f"return-{delivered['id']}")
            booked = await self._insist(request)
            await self._insert(office, booked["consignment_id"])
        await asyncio.sleep(NEWS_S)

    async def _consignment_of(self, office: Office, order_id: str) -> str:
        """As soon as the worker has made it."""
        while True:
            ask = partial(office.get, "/api/consignments", order_id=order_id)
            for consignment in (await self._insist(ask))["items"]:
                return str(consignment["id"])
            await asyncio.sleep(POLL_S)

    async def _insert(self, office: Office, consignment_id: str) -> None:
        """Put it into a run that is under way, as soon as the worker has made its task."""
        ask = partial(office.get, f"/api/consignments/{consignment_id}/tasks")
        while not await self._insist(ask):
            await asyncio.sleep(POLL_S)
        try:
            await self._insist(partial(office.post, f"/api/consignments/{consignment_id}/urgent"))
        except Refused as refusal:
            self._say(str(refusal))

    async def _insist(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask again when the server was away; only for what may be asked twice."""
        while True:
            with suppress(httpx.TransportError):
                return await ask()
            await asyncio.sleep(POLL_S)

    # The evening

    async def _settle(self, fleet: Fleet) -> list[str]:
        """Wait until the phones are empty and every event has had its reactions."""
        problems = []
        try:
            async with asyncio.timeout(60):
                await fleet.wait_until_sent()
                await self._wait_for_events()
        except TimeoutError:
            commands, fixes = fleet.count_unsent()
            problems.append(
                f"a minute after the last driver came home, {commands} commands, {fixes} fixes and "
                f"{await self._events_on_their_way()} events were still on their way"
            )
        return problems

    async def _wait_for_events(self) -> None:
        while await self._events_on_their_way():
            await asyncio.sleep(POLL_S)

    async def _events_on_their_way(self) -> int:
        async with self._system.db.transaction() as session:
            query = select(func.count()).where(OutboxEvent.published_at.is_(None))
            return (await session.execute(query)).scalar_one()

    def _judge(
        self, report: DayReport, trade: TradeReport, fleet: Fleet, problems: list[str]
    ) -> Played:
        """Compare what the drivers did with what the server knows."""
        tally = fleet.tally()
        figures: dict[str, Any] = msgspec.to_builtins(report) | msgspec.to_builtins(trade)
        figures["proofs_given"] = tally.proofs
        figures["returns_handed_over"] = tally.unannounced_returns
        if self._faults is not None:
            figures["faults"] = {**asdict(self._faults), **asdict(self._breakage)}
        problems += fleet.refused()
        if self._guest is not None:  # who may leave undone what they like
            return Played(figures=figures, problems=problems)
        if report.proofs != tally.proofs:
            problems.append(f"the drivers gave {tally.proofs} proofs, {report.proofs} are stored")
        if report.unannounced_returns != tally.unannounced_returns:
            problems.append(
                f"{tally.unannounced_returns} returns were handed over at doors, "
                f"{report.unannounced_returns} are stored"
            )
        if report.open or report.still_open:
            problems.append(
                f"{report.open} consignments and {report.still_open} tasks are in no final state"
            )
        if report.unassigned:
            problems.append(f"{len(report.unassigned)} tasks are in no run")
        if report.unfinished_reactions:
            problems.append(f"{report.unfinished_reactions} reactions failed")
        if not trade.stock_consistent:
            problems.append("the stock levels are not what the moves make of them")
        if not trade.journal_balanced:
            problems.append("the journal is not in balance")
        return Played(figures=figures, problems=problems)


def read_addresses(osm: Path) -> list[MapEntry]:
    """The addresses of the map that are complete enough to send something to."""
    return [
        entry
        for entry in read_map(osm)
        if entry.kind == "address" and entry.street and entry.house_number and entry.city
    ]
