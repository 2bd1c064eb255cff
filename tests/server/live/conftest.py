"""A town on a Monday morning, its web process, and phones."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.services import Services
from server.kit.settings import Settings
from tests.conftest import Databases
from tests.server.dispatch.conftest import Town
from tests.server.live.web_process import RealPhone, Web, serving


@pytest_asyncio.fixture
async def town(own_db: Database) -> AsyncIterator[Town]:
    """In a database of its own, because phones talk all at the same time."""
    with ExitStack() as stack:
        town = Town(own_db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        yield town


@pytest_asyncio.fixture
async def web(settings: Settings, town: Town, feed: Feed, blobs: Blobs) -> AsyncIterator[Web]:
    async with serving(settings, town.db, feed, blobs) as web:
        yield web


@pytest_asyncio.fixture(scope="session")
async def any_town(databases: Databases) -> AsyncIterator[Town]:
    """One that tests share which do not care who else is in it: no runs, only drivers."""
    name = await databases.copy()
    town = Town(Database(databases.url(name)))
    await town.found()
    yield town
    await town.db.close()
    await databases.drop(name)


@pytest_asyncio.fixture(scope="session")
async def any_web(
    any_town: Town, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Web]:
    folder = tmp_path_factory.mktemp("any_web")
    settings = Settings(
        database_url=services.database_url, redis_url=services.redis_url, data_dir=folder
    )
    feed = Feed(services.redis_url)
    async with serving(settings, any_town.db, feed, Blobs(folder / "blobs")) as web:
        yield web
    await feed.close()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[RealPhone]:
    phone = RealPhone(tmp_path / "phone")
    yield phone
    phone.store.close()
