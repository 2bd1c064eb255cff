"""A Monday morning, an account, and somebody at its doors."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.channels.import_work import work_on_imports
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.settings import Settings

MONDAY_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday_morning() -> Iterator[None]:
    with clock.running(lambda: MONDAY_MORNING):
        yield


@pytest_asyncio.fixture
async def account(db: Database) -> AccountView:
    async with db.transaction() as session:
        return await accounts.create_account(session, name="Shop", code="SHOP", by="test")


@pytest_asyncio.fixture
async def shop(sign_in: Any, account: AccountView) -> httpx.AsyncClient:
    """A client in which somebody of the account is signed in."""
    client: httpx.AsyncClient = await sign_in(Role.ACCOUNT_USER, account.id)
    return client


@pytest.fixture
def work(db: Database, blobs: Blobs, settings: Settings) -> Callable[[], Awaitable[None]]:
    """`await work()` is the worker's turn at the files of orders."""
    return lambda: work_on_imports(db, blobs, zone=settings.timezone)


@pytest.fixture
def order() -> dict[str, Any]:
    """A request for two packets of tea."""
    return {
        "external_id": "A-1",
        "consignee": {
            "name": "Ada Lovelace",
            "phone": "+423 123 45 67",
            "address": {"street": "Main Street", "house_number": "1", "lon": 9.52, "lat": 47.14},
        },
        "lines": [{"sku": "TEA-1", "quantity": 2}],
    }
