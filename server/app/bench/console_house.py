"""The company at work whose pages are measured: a real server and a Chromium that looks at it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import uvicorn
from sqlalchemy.engine import make_url

from server.app.bench.crowd import Crowd
from server.app.bench.generator import Generator
from server.app.demo.town import write_town
from server.app.migrate import migrate
from server.app.modules import load
from server.app.web import create_app
from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.geo import Position
from server.kit.services import running_services
from server.kit.settings import Settings
from server.live.gateway import open_gateway
from server.live.handover import handing_over
from server.places import service as places

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

DRIVERS, RUNS, ORDERS = 10_000, 500, 50_000
WIDE: Any = {"width": 1440, "height": 900}

Say = Callable[[str], None]


@dataclass(frozen=True)
class House:
    """The company at work, and who looks at it."""

    base_url: str
    cookie: str
    tracking_path: str
    crowd: Crowd
    feed: Feed
    browser: "Browser"


@asynccontextmanager
async def open_house(folder: Path, browser: "Browser", say: Say) -> AsyncIterator[House]:
    load("models")
    with running_services(folder / "s", durable=False, say=say) as services:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        base_url = f"http://127.0.0.1:{port}"
        settings = Settings(
            database_url=services.database_url,
            redis_url=services.redis_url,
            data_dir=folder,
            secret="of the bench",  # noqa: S106 - nobody else ever sees this company
            base_url=base_url,
        )
        feed = Feed(settings.redis_url)
        db = Database(settings.database_url, pool_size=20, feed=feed)
        blobs = Blobs(settings.blobs_dir)
        await migrate(db)
        say(f"{DRIVERS:,} drivers, {RUNS} runs, {ORDERS:,} orders ...")
        cookie, token, crowd = await _fill(db, settings, write_town(folder / "town.osm.pbf").path)
        server = _QuietServer(
            uvicorn.Config(
                create_app(settings, db, feed, blobs),
                host="127.0.0.1",
                port=port,
                log_level="warning",
                timeout_graceful_shutdown=1,
                ws=handing_over(settings.gateways_dir),
            )
        )
        try:
            async with open_gateway(settings, db, feed, blobs):
                serving = asyncio.create_task(server.serve())
                yield House(base_url, cookie, f"/t/{token}", crowd, feed, browser)
                server.should_exit = True
                await serving
        finally:
            await feed.close()
            await db.close()


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the bench."""

    def capture_signals(self) -> Any:
        return nullcontext()


async def _fill(db: Database, settings: Settings, map_file: Path) -> tuple[str, str, Crowd]:
    """(a dispatcher's cookie, a customer's token, the company)."""
    async with db.transaction() as session:
        await places.import_map(session, map_file)
        place = await places.create_place(session, "Depot", position=Position(-123.393, -48.877))
        depot = await dispatch.create_depot(
            session, name="Depot", place_id=place.id, timezone="UTC", by="bench"
        )
        person = await identity.create_person(
            session, name="Dee", email="dee@postrider.example", role=Role.ADMIN, by="bench"
        )
        opened = await identity.open_session(session, person.id)
    crowd = Crowd(depot.id, drivers=DRIVERS, runs=RUNS)
    url = make_url(settings.database_url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        await crowd.fill(connection)
        await Generator(connection, orders=ORDERS).fill(lambda _: None)
    finally:
        await connection.close()
    async with db.transaction() as session:
        token = await consignments.open_tracking_link(
            session, crowd.consignment_in_town(), expires_at=clock.now() + timedelta(days=1)
        )
    return opened.token, token, crowd


async def open_page(house: House, *, viewport: Any = WIDE) -> "Page":
    context = await house.browser.new_context(base_url=house.base_url, viewport=viewport)
    cookie: Any = {
        "name": identity.SESSION_COOKIE,
        "value": house.cookie,
        "url": house.base_url,
        "httpOnly": True,
    }
    await context.add_cookies([cookie])
    page = await context.new_page()
    page.set_default_timeout(120_000)
    return page
