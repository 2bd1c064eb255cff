"""An account, places, and orders of that account."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
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
def _monday_morning() -> Any:
    """It is always the same Monday, 8 o'clock UTC."""
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


class NewDraft(Protocol):
    def __call__(self, **fields: Any) -> OrderDraft: ...


@pytest.fixture
def new_draft(account: AccountView, party: Party) -> NewDraft:
    """`new_draft(pin="1234")` is a draft of goods for next-day delivery with that PIN."""
    plain = OrderDraft(
        account_id=account.id,
        kind="goods",
        channel="test",
        consignee=party,
        lines=(OrderLine(sku="TEA-1", quantity=2),),
    )
    return lambda **fields: msgspec.structs.replace(plain, **fields)


@pytest.fixture
def capture(db: Database, new_draft: NewDraft) -> Callable[..., Awaitable[OrderView]]:
    """`await capture(pin="1234")` is an order that was just captured."""

    async def capture(**fields: Any) -> OrderView:
        async with db.transaction() as session:
            return await orders.capture_order(session, new_draft(**fields), by="test")

    return capture
