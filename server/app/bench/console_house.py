"""The company at work whose pages are measured: a real server and a Chromium that looks at it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from server.app.bench.crowd import Crowd
from server.app.bench.generator import Generator
from server.app.demo.town import write_town
from server.app.modules import load
from server.app.system import running_system
from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.geo import Position
from server.kit.ports import free_port
from server.places import service as places

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

DRIVERS, RUNS, ORDERS = 10_000, 500, 50_000
COME_UP_S = 3.0
"""The processes read what there is before anybody looks."""
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
    """The processes are those of `postrider up`, so that who looks does not share one with who
    serves."""
    load("models")
    port = str(free_port())
    base_url = f"http://127.0.0.1:{port}"
    environ = {"POSTRIDER_PORT": port, "POSTRIDER_BASE_URL": base_url}
    filled: list[tuple[str, str, Crowd]] = []

    async def prepare(db: Database) -> dict[str, str]:
        say(f"{DRIVERS:,} drivers, {RUNS} runs, {ORDERS:,} orders ...")
        filled.append(await _fill(db, write_town(folder / "town.osm.pbf").path))
        return {}

    async with running_system(
        folder / "s", durable=False, environ=environ, say=say, prepare=prepare
    ) as system:
        cookie, token, crowd = filled[0]
        feed = Feed(system.settings.redis_url)
        try:
            await asyncio.sleep(COME_UP_S)
            yield House(base_url, cookie, f"/t/{token}", crowd, feed, browser)
        finally:
            await feed.close()


async def _fill(db: Database, map_file: Path) -> tuple[str, str, Crowd]:
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
    url = db.engine.url.set(drivername="postgresql")
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
