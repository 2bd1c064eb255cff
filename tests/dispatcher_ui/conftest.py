"""A browser, and a company at work for it to look at: the whole app on a port of its own.

One browser serves all tests of this folder; each file has a company of its own with a day's work,
so that no file waits for what another has done. The browser is Debian's chromium; without it the
tests fail, because a page that nobody looked at is not tested.
"""

import asyncio
import hashlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from routing.roads import HaversineRoads
from server.app.demo.town import write_town
from server.app.pages import build_pages
from server.app.simulation.office import Office
from server.app.web import create_app
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.clock import ScaledClock
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.kit.services import Services
from server.kit.settings import Settings
from server.live.gateway import Gateway
from server.live.handover import handing_over
from server.live.pages import DISPATCHER_UI
from server.places import service as places
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import (
    BlobRef,
    CompleteTask,
    FailTask,
    Fix,
    Fixes,
    Hello,
    Proof,
    StartTasks,
)
from server.protocol.to_driver import ManifestTask

DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WIDE = ViewportSize(width=1280, height=800)
PLAN_S = 0.3
"""Eleven doors need no more."""
PASSWORD = "correct horse battery staple"
DRIVERS = ("Nora Frei", "Tomás Vidal", "Wei Lin")
DOORS = (
    ("Depot", 0.0, 0.0),
    ("Lindenweg 3", 0.006, 0.002),
    ("Marktgasse 11", 0.009, 0.006),
    ("Am Ufer 7", 0.003, 0.009),
    ("Bahnhofplatz 1", -0.006, 0.004),
    ("Schulstrasse 24", -0.012, 0.006),
    ("Rosenhag 9", -0.009, -0.005),
    ("Im Feld 2", -0.003, -0.009),
    ("Hafenstrasse 40", 0.007, -0.008),
    ("Oberer Weg 16", 0.014, -0.004),
    ("Kirchplatz 5", 0.016, 0.004),
    ("Gartenweg 8", -0.017, -0.001),
)

AXE = DISPATCHER_UI / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
"""What can differ between two looks of the same document."""
AXE_RUN = """([rules, within]) => axe.run(within, {
    runOnly: rules, resultTypes: ["violations"], selectors: false, preload: false, iframes: false,
})"""

CHROMIUM_FLAGS = (
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)

# Whoever waits goes on at once when it is there: how long it takes on a busy machine says nothing.
expect.set_options(timeout=30_000)


class QuietServer(uvicorn.Server):
    """Leaves the signals of the test run alone."""

    def capture_signals(self) -> Any:
        return nullcontext()


@dataclass
class Company:
    """The company at work, and the server that shows it. `phones`: driver -> device token."""

    db: Database
    settings: Settings
    feed: Feed
    base_url: str
    clock: ScaledClock = field(default_factory=lambda: ScaledClock.starting_now(MORNING, 1.0))
    ahead: timedelta = timedelta()
    depot_id: UUID = field(default_factory=new_id)
    drivers: dict[str, UUID] = field(default_factory=dict)
    phones: dict[UUID, str] = field(default_factory=dict)
    seq: int = 0
    _server: QuietServer | None = None
    _serving: asyncio.Task[None] | None = None
    _gateway: Gateway | None = None

    async def open(self) -> None:
        """Serve, and wait until it answers."""
        blobs = Blobs(self.settings.blobs_dir)
        config = uvicorn.Config(
            create_app(self.settings, self.db, self.feed, blobs),
            host="127.0.0.1",
            port=int(self.base_url.rpartition(":")[2]),
            log_level="warning",
            timeout_graceful_shutdown=1,
            ws=handing_over(self.settings.gateways_dir),
        )
        self._gateway = Gateway(self.settings, self.db, self.feed, blobs)
        await self._gateway.open()
        self._server = QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            assert not self._serving.done(), "the server did not start"
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        assert self._server is not None and self._serving is not None
        assert self._gateway is not None
        self._server.should_exit = True
        await self._serving
        await self._gateway.drain()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Its time is a Monday morning, whatever day it is for us."""
        with clock.running(self.now):
            yield

    async def set_up(self, map_file: Path) -> None:
        """A map, a depot, drivers with phones, and a published plan."""
        async with self.db.transaction() as session:
            await places.import_map(session, map_file)
            depot_place = await places.create_place(session, "Depot", position=self.door(0))
            depot = await dispatch.create_depot(
                session, name="Depot", place_id=depot_place.id, timezone="UTC", by="test"
            )
            self.depot_id = depot.id
            for number, name in enumerate(DRIVERS):
                await self._hire(session, number, name)
        for number in range(1, len(DOORS)):
            await self.book(number)
        await self.publish()

    async def _hire(self, session: Any, number: int, name: str) -> None:
        driver = await dispatch.create_driver(
            session,
            depot_id=self.depot_id,
            name=name,
            email=f"driver{number}@example.org",
            by="test",
        )
        vehicle = await dispatch.create_vehicle(
            session,
            depot_id=self.depot_id,
            label=f"Van {number}",
            capacity_weight_g=1_000_000,
            capacity_volume_ml=5_000_000,
            capacity_parcels=4,
            by="test",
        )
        await dispatch.create_shift(
            session,
            driver_id=driver.id,
            vehicle_id=vehicle.id,
            starts_at=MORNING - timedelta(minutes=30),
            ends_at=MORNING + timedelta(hours=8),
            by="test",
        )
        code = await identity.create_pairing_code(session, driver.id, by="test")
        paired = await identity.pair_device(session, code, "test phone", address="127.0.0.1")
        self.drivers[name] = driver.id
        self.phones[driver.id] = paired.token

    async def book(self, number: int) -> ConsignmentView:
        """A parcel for the door with this number; its task waits in the pool."""
        address = places.Address(street=DOORS[number][0], city="Maravik")
        async with self.db.transaction() as session:
            place = await places.create_place(session, address, position=self.door(number))
            new = NewConsignment(
                kind="delivery",
                account_id=None,
                consignor=Party(name="The Secret Shop", phone="+423 111 22 33"),
                consignee=Party(name="Ada Lovelace", phone="+423 999 88 77", place_id=place.id),
                parcels=(NewParcel(weight_g=1000),),
                window_start_at=MORNING,
                window_end_at=MORNING + timedelta(hours=8),
            )
            made = await consignments.create_consignment(session, new, by="test")
        await relay_pending(self.db)
        return made

    async def publish(self) -> None:
        async with self.db.transaction() as session:
            plan = await dispatch.request_plan(
                session, depot_id=self.depot_id, day=DAY, budget_s=PLAN_S, by="test"
            )
        while await plan_next(self.db, HaversineRoads()):
            pass
        async with self.db.transaction() as session:
            await dispatch.publish_plan(session, plan.id, by="test")
        await relay_pending(self.db)

    def door(self, number: int) -> Position:
        _, east_deg, north_deg = DOORS[number]
        return Position(-123.393 + east_deg, -48.877 + north_deg)

    def now(self) -> datetime:
        return self.clock() + self.ahead

    async def send(self, driver_id: UUID, *bodies: Any) -> None:
        """What the driver's phone sends, over the wire."""
        hello = Hello(protocol=PROTOCOL_VERSION, app_version="test")
        frames = [
            Envelope(id=str(new_id()), sent_at=self.now(), body=body) for body in (hello, *bodies)
        ]
        headers = {"Authorization": f"Bearer {self.phones[driver_id]}"}
        async with httpx.AsyncClient(base_url=self.base_url, headers=headers) as client:
            answer = await client.post(
                "/api/driver/envelopes", content=codec.encode_batch(frames).encode()
            )
        assert answer.status_code == 200 and '"Reject"' not in answer.text, answer.text
        await relay_pending(self.db)

    async def drive_to(self, driver_id: UUID, position: Position, **details: Any) -> None:
        """The phone reports where it is, some minutes later: nobody drives that fast."""
        self.ahead += timedelta(minutes=2)
        self.seq += 1
        lon, lat = position
        values = {"accuracy_m": 5.0, "speed_mps": 8.0, "heading_deg": 90.0} | details
        fix = Fix(seq=self.seq, taken_at=self.now(), lon=lon, lat=lat, **values)
        await self.send(driver_id, Fixes(fixes=(fix,)))

    async def tasks(self, driver_id: UUID) -> list[ManifestTask]:
        """What is left to do, in the order in which it is driven."""
        async with self.db.transaction() as session:
            manifest = await dispatch.manifest_of(session, driver_id)
        tasks = [task for stop in manifest.stops for task in stop.tasks]
        return [task for task in tasks if task.state not in ("completed", "failed", "cancelled")]

    async def runs(self) -> list[dispatch.RunView]:
        async with self.db.transaction() as session:
            return await dispatch.snapshot_of_runs(session)

    async def start(self, driver_id: UUID, task: ManifestTask) -> None:
        await self.send(driver_id, StartTasks(task_ids=(task.id,), occurred_at=self.now()))

    async def deliver(self, driver_id: UUID, task: ManifestTask, *photos: BlobRef) -> None:
        command = CompleteTask(
            task_id=task.id,
            outcome_code="delivered_to_consignee",
            occurred_at=self.now(),
            proof=Proof(photos=photos),
        )
        await self.send(driver_id, command)

    async def keep_photo(self, content: bytes) -> BlobRef:
        """A PNG that a phone has sent."""

        async def whole() -> AsyncIterator[bytes]:
            yield content

        sha256 = hashlib.sha256(content).hexdigest()
        await Blobs(self.settings.blobs_dir).put(sha256, whole())
        return BlobRef(sha256=sha256, size_bytes=len(content), content_type="image/png")

    async def fail(self, driver_id: UUID, task: ManifestTask) -> None:
        command = FailTask(task_id=task.id, outcome_code="not_home", occurred_at=self.now())
        await self.send(driver_id, command)

    async def consignment_of(self, task: ManifestTask) -> ConsignmentView:
        barcode = task.parcels[0].barcode
        async with self.db.transaction() as session:
            return await consignments.consignment_of_barcode(session, barcode)

    async def tracking_link(self, consignment_id: UUID, *, hours: float = 24) -> str:
        async with self.db.transaction() as session:
            return await consignments.open_tracking_link(
                session, consignment_id, expires_at=self.now() + timedelta(hours=hours)
            )

    async def end_links(self, consignment_id: UUID) -> None:
        async with self.db.transaction() as session:
            await consignments.revoke_tracking_links(session, consignment_id)

    async def add_person(
        self, role: Role, *, must_change_password: bool = False, account_id: UUID | None = None
    ) -> identity.PersonView:
        async with self.db.transaction() as session:
            return await identity.create_person(
                session,
                name="Dita Dispatcher",
                email=f"{new_id().hex}@example.org",
                role=role,
                password=PASSWORD,
                must_change_password=must_change_password,
                account_id=account_id,
                by="test",
            )

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Office]:
        """An administrator at the API, for what a test needs and does not look at."""
        person = await self.add_person(Role.ADMIN)
        async with self.db.transaction() as session:
            opened = await identity.open_session(session, person.id)
        async with httpx.AsyncClient(
            base_url=self.base_url,
            cookies={"postrider_session": opened.token},
            headers={"X-CSRF-Token": opened.csrf_token},
        ) as client:
            yield Office(client)


async def keep_picture(page: Page) -> None:
    """In the folder that POSTRIDER_PICTURES names, for somebody to look at."""
    if folder := os.environ.get("POSTRIDER_PICTURES"):
        look = await page.evaluate(
            """() => {
                const { theme } = document.documentElement.dataset;
                const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
                return theme && theme !== "system" ? theme : isDark ? "dark" : "light";
            }"""
        )
        width = (page.viewport_size or WIDE)["width"]
        name = page.url.split("?")[0].split("#")[0].split("/", 3)[-1].replace("/", "-")
        path = Path(folder) / f"{name}-{look}-{width}.png"
        await page.screenshot(path=path)


@pytest.fixture
def picture() -> Callable[[Page], Awaitable[None]]:
    return keep_picture


class FindFaults(Protocol):
    """What breaks WCAG 2.2 AA on a page, as far as a program can tell. Once it has been looked at
    in one look, others of the same document need `only_colours`. within: of the document."""

    async def __call__(
        self, page: Page, *, only_colours: bool = False, within: str = "html"
    ) -> list[str]: ...


@pytest.fixture
def accessibility_faults() -> FindFaults:
    async def accessibility_faults(
        page: Page, *, only_colours: bool = False, within: str = "html"
    ) -> list[str]:
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE.read_text())
        await keep_picture(page)
        rules = COLOUR_RULES if only_colours else RULES
        found = await page.evaluate(AXE_RUN, [rules, within])
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]

    return accessibility_faults


@pytest.fixture(scope="session")
def built_pages() -> None:
    build_pages(print)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of all companies."""
    return write_town(tmp_path_factory.mktemp("town") / "maravik.osm.pbf").path


@pytest_asyncio.fixture(scope="module")
async def company_of_file(
    databases: Any,
    services: Services,
    tmp_path_factory: pytest.TempPathFactory,
    built_pages: None,
    town: Path,
) -> AsyncIterator[Company]:
    # Held until the end, so that nobody else gets the port before or between the server's runs.
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{held.getsockname()[1]}"
    name = await databases.copy()
    feed = Feed(services.redis_url)
    db = Database(databases.url(name), pool_size=20, feed=feed)
    folder = tmp_path_factory.mktemp("company")
    settings = Settings(
        database_url=databases.url(name),
        redis_url=services.redis_url,
        data_dir=folder,
        secret="a secret for tests only",
        base_url=base_url,
    )
    company = Company(db, settings, feed, base_url)
    with company.at_work():
        await company.set_up(town)
        await company.open()
    yield company
    await company.close()
    await feed.close()
    await db.close()
    await databases.drop(name)
    held.close()


@pytest.fixture
def company(company_of_file: Company) -> Iterator[Company]:
    with company_of_file.at_work():
        yield company_of_file


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "These tests look at pages in Chromium: apt-get install chromium"
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        await browser.close()


class Visitor:
    """One person's browser. What it asks for and complains about is noted."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", lambda line: self._note(line.text))

    def _note(self, line: str) -> None:
        if "Content Security Policy" in line or "Content-Security-Policy" in line:
            self.complaints.append(line)

    def foreign_requests(self, base_url: str) -> list[str]:
        own = (base_url, base_url.replace("http", "ws"), "data:", "blob:", "chrome")
        return [url for url in self.requests if not url.startswith(own)]


class Visit:
    """Opens browsers for a test, and looks afterwards at what they asked for."""

    def __init__(self, browser: Browser, company: Company) -> None:
        self._browser = browser
        self._company = company
        self._visitors: list[Visitor] = []

    async def __call__(
        self,
        path: str,
        *,
        role: Role | None = None,
        account_id: UUID | None = None,
        **options: Any,
    ) -> Page:
        """A page in a new browser context, signed in as a new person of that role."""
        context = await self._browser.new_context(base_url=self._company.base_url, **options)
        self._visitors.append(Visitor(context))
        if role is not None:
            await self._sign_in(context, role, account_id)
        page = await context.new_page()
        await page.goto(path)
        return page

    async def _sign_in(self, context: BrowserContext, role: Role, account_id: UUID | None) -> None:
        person = await self._company.add_person(role, account_id=account_id)
        async with self._company.db.transaction() as session:
            opened = await identity.open_session(session, person.id)
        await context.add_cookies(
            [
                {
                    "name": "postrider_session",
                    "value": opened.token,
                    "url": self._company.base_url,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
            ]
        )

    async def end(self) -> None:
        for visitor in self._visitors:
            await visitor.context.close()
        assert [visitor.complaints for visitor in self._visitors if visitor.complaints] == []
        foreign = [visitor.foreign_requests(self._company.base_url) for visitor in self._visitors]
        assert [urls for urls in foreign if urls] == [], "the pages ask nobody but our server"


@pytest_asyncio.fixture
async def visit(browser: Browser, company: Company) -> AsyncIterator[Visit]:
    visit = Visit(browser, company)
    yield visit
    await visit.end()
