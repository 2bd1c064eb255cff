"""An account and its orders, on a Monday morning."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderLine, OrderView, Party
from server.places import service as places
from server.places.service import Address

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
async def party(db: Database) -> Party:
    async with db.transaction() as session:
        place = await places.create_place(
            session, Address(name="Ada", street="Main Street"), position=Position(9.52, 47.14)
        )
    return Party(name="Ada", place_id=place.id, phone="+423 123 45 67")


@pytest.fixture
def capture(
    db: Database, account: AccountView, party: Party
) -> Callable[..., Awaitable[OrderView]]:
    """`await capture(pin="1234")` is an order of goods that was just captured."""

    async def capture(**fields: Any) -> OrderView:
        goods: dict[str, Any] = {
            "account_id": account.id,
            "kind": "goods",
            "channel": "test",
            "consignee": party,
            "lines": (OrderLine(sku="TEA-1", quantity=2),),
        }
        async with db.transaction() as session:
            return await orders.capture_order(session, OrderDraft(**goods | fields), by="test")

    return capture
