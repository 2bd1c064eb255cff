"""A small courier company on a Monday, seen by its office and its couriers. They come in by the
doors that everybody uses, the HTTP API and the phones' sockets; only the clock is ours."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from routing.roads import HaversineRoads, Roads
from server.app.simulation.office import Office
from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.identity import service as identity
from server.identity.access import Role
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.relay import relay_pending, unfinished_reactions
from tests.journeys.couriers import Booking, Courier, Handset
from tests.server.live.web_process import PATIENCE_S, Cable, Web

MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
DEPOT = Position(9.5200, 47.1400)
BLOCK = 0.004
"""Degrees from one corner to the next: some 300 to 450 metres."""

BUDGET_S = 0.3
"""What the planner may search: the plans of these stories are small."""


def corner(x: float, y: float) -> Position:
    """A corner of the town, counted in blocks from the depot."""
    return Position(DEPOT.lon + x * BLOCK, DEPOT.lat + y * BLOCK)


class Desk(Office):
    """The office with all the verbs, and what it looks for most."""

    async def patch(self, path: str, body: Any) -> Any:
        return await self._send("PATCH", path, json=body)

    async def delete(self, path: str) -> Any:
        return await self._send("DELETE", path)

    async def order(self, booking: Booking) -> dict[str, Any]:
        order: dict[str, Any] = await self.get(f"/api/orders/{booking.order_id}")
        return order

    async def consignment(self, booking: Booking) -> dict[str, Any]:
        """With its story and its proofs."""
        found: dict[str, Any] = await self.get(f"/api/consignments/{booking.consignment_id}")
        return found

    async def proofs(self, booking: Booking) -> list[dict[str, Any]]:
        return list((await self.consignment(booking))["proofs"])

    async def story(self, booking: Booking) -> list[dict[str, Any]]:
        return list((await self.consignment(booking))["story"])

    async def tasks(self, booking: Booking) -> list[dict[str, Any]]:
        return list(await self.get(f"/api/consignments/{booking.consignment_id}/tasks"))

    async def raised(self) -> list[str]:
        """The kinds of exceptions that wait for a person."""
        return sorted(each["kind"] for each in (await self.get("/api/exceptions"))["items"])

    async def make_urgent(self, booking: Booking) -> dict[str, Any]:
        path = f"/api/consignments/{booking.consignment_id}/urgent"
        inserted: dict[str, Any] = await self.post(path)
        return inserted


@dataclass
class Company:
    """The web process is real; the worker's two jobs are done when the story wants them."""

    web: Web
    desk: Desk
    stack: AsyncExitStack
    folder: Path
    now: datetime = MORNING
    roads: Roads = field(default_factory=HaversineRoads)
    depot_id: str = ""
    couriers: list[Courier] = field(default_factory=list)

    async def found(self) -> None:
        await self.desk.post("/api/accounts", {"name": "Lantern Books", "code": "LANTERN"})
        await self.open_depot("Main depot", DEPOT)

    async def open_depot(self, name: str, where: Position) -> None:
        """Whom the company hires from now on works there."""
        address = {"name": name, "street": "Depotweg", "city": "Vaduz", "position": at(where)}
        place = await self.desk.post("/api/places", address)
        depot = await self.desk.post(
            "/api/depots",
            {"name": name, "place_id": place["id"], "timezone": "Europe/Vaduz"},
        )
        self.depot_id = depot["id"]

    # People

    async def hire(self, name: str, *, hours: float = 10) -> Courier:
        """A driver with a van, a shift that begins now, and a paired phone."""
        driver_id, shift_id = await self.employ(name, hours=hours)
        phone = await self.give_phone(driver_id)
        courier = Courier(driver_id, name, shift_id, phone)
        self.couriers.append(courier)
        phone.driver.set_shift("start")
        await self.settle()
        return courier

    async def employ(self, name: str, *, hours: float = 10) -> tuple[str, str]:
        """A driver without a phone, with a van and a shift that begins now; both ids."""
        driver = await self.desk.post(
            "/api/drivers",
            {
                "depot_id": self.depot_id,
                "name": name,
                "email": f"{new_id().hex}@example.org",
            },
        )
        vehicle = await self.desk.post(
            "/api/vehicles",
            {
                "depot_id": self.depot_id,
                "label": f"{name}'s van",
                "capacity_weight_g": 1_000_000,
                "capacity_volume_ml": 5_000_000,
                "capacity_parcels": 50,
            },
        )
        shift = await self.desk.post(
            "/api/shifts",
            {
                "driver_id": driver["id"],
                "vehicle_id": vehicle["id"],
                "starts_at": self.now.isoformat(),
                "ends_at": (self.now + timedelta(hours=hours)).isoformat(),
            },
        )
        return driver["id"], shift["id"]

    async def give_phone(self, driver_id: str) -> Handset:
        """A new one, paired and switched on."""
        cable = await self.stack.enter_async_context(Cable("127.0.0.1", self.web.port).laid())
        phone = self.open_phone(self.folder / f"phone-{new_id().hex}", cable)
        await self.pair(phone, driver_id)
        await phone.switch_on()
        return phone

    def open_phone(self, folder: Path, cable: Cable) -> Handset:
        phone = Handset(folder, cable)
        self.stack.callback(phone.store.close)
        self.stack.push_async_callback(phone.switch_off)
        return phone

    async def pair(self, phone: Handset, driver_id: str) -> None:
        """With a code from the office."""
        answer = await self.desk.post(f"/api/drivers/{driver_id}/pairing-codes")
        url = f"http://127.0.0.1:{phone.cable.port}"
        await asyncio.to_thread(phone.driver.pair, url, answer["code"])

    async def sign_in(self, role: Role, account_id: str | None = None) -> httpx.AsyncClient:
        """A browser in which a new person of that role has signed in."""
        async with self.web.db.transaction() as session:
            person = await identity.create_person(
                session,
                name=f"A {role}",
                email=f"{new_id().hex}@example.org",
                role=role,
                account_id=UUID(account_id) if account_id else None,
                by="test",
            )
            opened = await identity.open_session(session, person.id)
        browser = await self.open_browser()
        browser.cookies.set("postrider_session", opened.token)
        browser.headers["X-CSRF-Token"] = opened.csrf_token
        return browser

    async def open_browser(self) -> httpx.AsyncClient:
        """Of somebody whom nobody knows."""
        return await self.stack.enter_async_context(
            httpx.AsyncClient(base_url=self.web.url, timeout=PATIENCE_S)
        )

    # Time and what happens by itself

    async def later(self, **by: float) -> datetime:
        """Let time pass, once everything that is on its way has arrived."""
        await self.settle()
        self.now += timedelta(**by)
        return self.now

    async def settle(self) -> None:
        """Until the phones with network have said and heard all, and every event its reactions."""
        heard = [courier for courier in self.couriers if courier.phone.is_heard]
        for courier in heard:
            await courier.phone.sent()
        await relay_pending(self.web.db)
        await eventually(lambda: self._have_newest(heard))

    async def _have_newest(self, couriers: Collection[Courier]) -> bool:
        """Whether their phones hold their newest manifests, and the server knows that. Who was told
        meanwhile that the phone is revoked holds none."""
        drivers = {
            UUID(courier.driver_id): courier.phone for courier in couriers if courier.phone.is_heard
        }
        async with self.web.db.transaction() as session:
            if await dispatch.unacknowledged_manifests(session, drivers):
                return False
            newest = [await dispatch.manifest_of(session, driver_id) for driver_id in drivers]
        held = [phone.store.get_manifest_version() for phone in drivers.values()]
        return held == [manifest.version for manifest in newest]

    # Orders

    async def take_order(self, where: Position, *, name: str = "Ada", **details: Any) -> Booking:
        """An order by API, whose consignment was made of it."""
        order = await self.desk.post(
            "/api/orders", self.order_body(where, name=name, **details), key=new_id().hex
        )
        await self.settle()
        (consignment,) = (await self.desk.get("/api/consignments", order_id=order["id"]))["items"]
        return booking_of(consignment)

    def order_body(self, where: Position, *, name: str = "Ada", **details: Any) -> dict[str, Any]:
        return {
            "account": "LANTERN",
            "external_id": new_id().hex,
            "consignee": party(name, where),
            "lines": [{"sku": "BOOK", "quantity": 1}],
            "parcels": [{"description": "books", "weight_g": 1000}],
            "window_start_at": MORNING.isoformat(),
            "window_end_at": (MORNING + timedelta(hours=10)).isoformat(),
        } | details

    async def book_return(self, booking: Booking, **details: Any) -> tuple[str, Booking]:
        """Announced by the office; the return's id, and its consignment."""
        body = {"consignment_id": booking.consignment_id, "reason": "wrong size"} | details
        booked = await self.desk.post("/api/returns", body, key=new_id().hex)
        await self.settle()
        found = await self.desk.get(f"/api/consignments/{booked['consignment_id']}")
        return booked["id"], booking_of(found["consignment"])

    # What the one who waits sees

    async def open_link(self, booking: Booking, **details: Any) -> str:
        """The path of a new tracking page."""
        path = f"/api/consignments/{booking.consignment_id}/tracking-links"
        return f"/t/{(await self.desk.post(path, details))['token']}"

    async def milestones(self, booking: Booking) -> list[str]:
        """What the tracking page tells, the first first."""
        page = await (await self.open_browser()).get(await self.open_link(booking))
        return re.findall("<li>([^<]*)<time", page.text)[::-1]

    # Plans

    async def plan(self, **details: Any) -> dict[str, Any]:
        """A draft that the planner has made."""
        body = {
            "depot_id": self.depot_id,
            "day": self.now.date().isoformat(),
            "budget_s": BUDGET_S,
        }
        asked = await self.desk.post("/api/plans", body | details)
        while await plan_next(self.web.db, self.roads):
            pass
        plan: dict[str, Any] = await self.desk.get(f"/api/plans/{asked['id']}")
        assert plan["state"] == "draft", plan
        return plan

    async def publish(self, plan: dict[str, Any]) -> None:
        await self.desk.post(f"/api/plans/{plan['id']}/publish")
        await self.settle()

    async def move(self, plan: dict[str, Any], booking: Booking, to: Courier) -> dict[str, Any]:
        """By hand, into another driver's run, unless it is there."""
        for run in plan["runs"]:
            for stop in run["stops"]:
                waybills = [visit["waybill"] for visit in stop["visits"]]
                if booking.waybill in waybills and run["shift_id"] != to.shift_id:
                    path = f"/api/plans/{plan['id']}/stops/{stop['id']}/move"
                    body = {"to_shift_id": to.shift_id, "to_index": 0}
                    moved: dict[str, Any] = await self.desk.post(path, body)
                    return moved
        return plan

    async def assign(self, *bookings: Booking) -> None:
        """Into the runs of whoever can do them most cheaply."""
        for booking in bookings:
            await self.desk.make_urgent(booking)
        await self.settle()

    async def check_reactions(self) -> None:
        """Nothing that was to happen after an event went wrong unseen."""
        await relay_pending(self.web.db)
        async with self.web.db.transaction() as session:
            failed = await unfinished_reactions(session)
        assert [(each.reaction, each.error) for each in failed] == []


def at(position: Position) -> dict[str, float]:
    return {"lon": position.lon, "lat": position.lat}


def party(name: str, where: Position, **details: Any) -> dict[str, Any]:
    """Somebody who lives in a street that is named after them."""
    address = {"street": f"{name}-Strasse", "house_number": "7", "city": "Vaduz", **at(where)}
    return {"name": name, "phone": "+423 555 0000", "address": address} | details


def booking_of(consignment: dict[str, Any]) -> Booking:
    return Booking(
        order_id=str(consignment["order_id"]),
        consignment_id=consignment["id"],
        waybill=consignment["waybill"],
        barcodes=tuple(parcel["barcode"] for parcel in consignment["parcels"]),
    )


def moment(text: str) -> datetime:
    """A time as the API writes it."""
    return datetime.fromisoformat(text)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what somebody else brings about, where only the server can tell."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.005)
