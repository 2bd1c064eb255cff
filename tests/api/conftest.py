"""The whole web app, with a company at work in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from litestar import Litestar

from server.app.web import create_app
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database, OneConnectionDatabase
from server.kit.feed import Feed
from server.kit.services import Services
from server.kit.settings import Settings
from tests.api.company import MORNING, Company, founded_company


@pytest_asyncio.fixture(scope="module")
async def company(
    shared_db: Database, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Company]:
    """On a Monday morning that does not pass. It is undone with the module."""
    settings = _settings(services, tmp_path_factory.mktemp("data"))
    feed = Feed(services.redis_url)
    async with shared_db.engine.connect() as connection:
        founded = await connection.begin()
        db = OneConnectionDatabase(connection, feed=feed)
        app = create_app(settings, db, feed, Blobs(settings.blobs_dir))
        with clock.running(lambda: MORNING):
            async with _living(app), founded_company(app, db, connection) as company:
                yield company
        await founded.rollback()
    await feed.close()


@pytest_asyncio.fixture(autouse=True)
async def _as_founded(company: Company) -> AsyncIterator[None]:
    """What a test does to the company is undone after it."""
    untouched = await company.connection.begin_nested()
    yield
    await untouched.rollback()


def _settings(services: Services, data_dir: Path) -> Settings:
    return Settings(
        database_url=services.database_url,
        redis_url=services.redis_url,
        data_dir=data_dir,
        secret="a secret for tests only",
        base_url="http://testserver",
    )


@asynccontextmanager
async def _living(app: Litestar) -> AsyncIterator[None]:
    """One task opens and closes the app; a fixture's two halves run in different ones."""
    started, finished = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await finished.wait()

    life, start = asyncio.create_task(live()), asyncio.create_task(started.wait())
    await asyncio.wait([life, start], return_when=asyncio.FIRST_COMPLETED)
    if started.is_set():
        yield
    finished.set()
    await life
