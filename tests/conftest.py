"""What every test stands on: a private PostgreSQL and Redis, a migrated database, the web app.

Each test gets `db`, whose work is rolled back afterwards. A test that needs real concurrency asks
for `own_db`, a fresh copy of the migrated database that is dropped afterwards.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from sqlalchemy.engine import make_url

from server.app.migrate import MIGRATIONS, migrate
from server.app.modules import load
from server.app.web import build_app, equip
from server.identity import service as identity
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.kit.db import Database, OneConnectionDatabase
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.kit.services import Services, start_services
from server.kit.settings import ROOT, Settings

load("models")
load("reactions")


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Servers of this test run alone; their data folders are kept and used again."""
    for number in range(100):
        started = start_services(ROOT / f".postrider/tests/{number}", durable=False)
        if not started.guest:
            break
    with started:
        yield started


class Databases:
    """Creates and drops databases of one cluster, as copies of a migrated template."""

    def __init__(self, services: Services) -> None:
        self._url = make_url(services.database_url)
        versions = sorted((MIGRATIONS / "versions").glob("*.py"))
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in versions)).hexdigest()
        self._template = f"template_{digest[:16]}"

    def url(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    async def make_template(self) -> None:
        """The migrated template of these very migrations; made once, kept for the next run."""
        if await self._run(f"select 1 from pg_database where datname = '{self._template}'"):
            return
        name = f"new_{new_id().hex}"
        await self._run(f"create database {name}")
        db = Database(self.url(name))
        await migrate(db)
        await db.close()
        await self._run(f"alter database {name} rename to {self._template}")

    async def copy(self, name: str | None = None) -> str:
        """Of the template, or of the database of this name, to which nobody is connected."""
        copied = f"copy_{new_id().hex}"
        await self._run(f"create database {copied} template {name or self._template}")
        return copied

    async def drop(self, name: str) -> None:
        await self._run(f"drop database {name} with (force)")

    async def _run(self, statement: str) -> object:
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(plain)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="session")
async def databases(services: Services) -> Databases:
    databases = Databases(services)
    await databases.make_template()
    return databases


@pytest_asyncio.fixture(scope="session")
async def shared_db(databases: Databases) -> AsyncIterator[Database]:
    name = await databases.copy()
    db = Database(databases.url(name))
    yield db
    await db.close()
    await databases.drop(name)


@pytest_asyncio.fixture
async def db(shared_db: Database, feed: Feed) -> AsyncIterator[Database]:
    """A database as it was after the migrations; what the test does to it is rolled back."""
    async with shared_db.engine.connect() as connection:
        outer = await connection.begin()
        yield OneConnectionDatabase(connection, feed=feed)
        await outer.rollback()


@pytest_asyncio.fixture
async def own_db(databases: Databases, feed: Feed) -> AsyncIterator[Database]:
    """A database of the test's own, with as many connections as it likes."""
    name = await databases.copy()
    db = Database(databases.url(name), pool_size=20, feed=feed)
    yield db
    await db.close()
    await databases.drop(name)


@pytest.fixture(scope="session")
def redis_url(services: Services) -> str:
    return services.redis_url


@pytest_asyncio.fixture
async def feed(redis_url: str) -> AsyncIterator[Feed]:
    feed = Feed(redis_url)
    yield feed
    await feed.close()


@pytest.fixture
def settings(services: Services, tmp_path: Path) -> Settings:
    return Settings(
        database_url=services.database_url,
        redis_url=services.redis_url,
        data_dir=tmp_path,
        secret="a secret for tests only",
        base_url="http://testserver",
    )


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs_dir)


@pytest.fixture(scope="session")
def app_of_all() -> Litestar:
    return build_app()


@pytest_asyncio.fixture
async def app(
    app_of_all: Litestar, settings: Settings, db: Database, feed: Feed, blobs: Blobs
) -> AsyncIterator[Litestar]:
    app = app_of_all
    equip(app, settings, db, feed, blobs)
    started, finished = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        """One task opens and closes the app; a fixture's two halves run in different ones."""
        async with app.lifespan():
            started.set()
            await finished.wait()

    life, start = asyncio.create_task(live()), asyncio.create_task(started.wait())
    await asyncio.wait([life, start], return_when=asyncio.FIRST_COMPLETED)
    if started.is_set():
        yield app
    finished.set()
    await life


NewClient = Callable[[], Awaitable[httpx.AsyncClient]]


@pytest_asyncio.fixture
async def new_client(app: Litestar) -> AsyncIterator[NewClient]:
    """Makes clients that share nothing with each other, like browsers of different people."""
    async with AsyncExitStack() as stack:

        async def new_client() -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://testserver")
            return await stack.enter_async_context(client)

        yield new_client


@pytest_asyncio.fixture
async def client(new_client: NewClient) -> httpx.AsyncClient:
    """A client that has not signed in."""
    return await new_client()


class SignIn(Protocol):
    async def __call__(self, role: Role, account_id: UUID | None = None) -> httpx.AsyncClient: ...


@pytest.fixture
def sign_in(db: Database, new_client: NewClient) -> SignIn:
    """`await sign_in(Role.DISPATCHER)` is a client in which a new person of that role is signed
    in; its `headers` carry the CSRF token."""

    async def sign_in(role: Role, account_id: UUID | None = None) -> httpx.AsyncClient:
        async with db.transaction() as session:
            person = await identity.create_person(
                session,
                name=f"A {role}",
                email=f"{new_id().hex}@example.org",
                role=role,
                account_id=account_id,
                by="test",
            )
            opened = await identity.open_session(session, person.id)
        client = await new_client()
        client.cookies.set("postrider_session", opened.token)
        client.headers["X-CSRF-Token"] = opened.csrf_token
        return client

    return sign_in


@pytest.fixture
def relay(db: Database) -> Callable[[], Awaitable[int]]:
    """`await relay()` lets every reaction happen that events have called for so far."""
    return lambda: relay_pending(db)
