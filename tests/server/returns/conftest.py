"""Goods that went out, and the means to bring them back."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.identity import service as identity
from server.identity.access import Role
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.places import service as places
from server.places.service import Address

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Deliver(Protocol):
    async def __call__(
        self, session: AsyncSession, *, parcels: int = 2, state: str = "delivered", **details: Any
    ) -> ConsignmentView: ...


@pytest.fixture
async def shop(db: Database) -> AccountView:
    async with db.transaction() as session:
        return await accounts.create_account(session, name="Shop", code="SHOP", by="test")


@pytest.fixture
async def driver_id(db: Database) -> UUID:
    async with db.transaction() as session:
        return await new_driver(session)


async def new_driver(session: AsyncSession) -> UUID:
    driver = await identity.create_person(
        session, name="Bo", email=f"{new_id().hex}@example.org", role=Role.DRIVER, by="test"
    )
    return driver.id


@pytest.fixture
def make_driver() -> Callable[[AsyncSession], Awaitable[UUID]]:
    return new_driver


@pytest.fixture
def deliver() -> Deliver:
    """Makes a consignment to a door that went out with parcels of known barcodes."""

    async def deliver(
        session: AsyncSession, *, parcels: int = 2, state: str = "delivered", **details: Any
    ) -> ConsignmentView:
        place = await places.create_place(
            session,
            Address(name="", street="Long Street", house_number="1", postcode="9490", city="Vaduz"),
            position=Position(9.52, 47.14),
        )
        label = new_id().hex
        values: dict[str, Any] = {
            "kind": "delivery",
            "account_id": None,
            "consignor": Party(name="Shop"),
            "consignee": Party(name="Ada", place_id=place.id),
            "parcels": tuple(
                NewParcel(barcode=f"{label}-{number}", description=f"Box {number}", weight_g=500)
                for number in range(parcels)
            ),
        }
        made = await consignments.create_consignment(
            session, NewConsignment(**(values | details)), by="test"
        )
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in made.parcels],
            state=state,
            occurred_at=DAY,
            received_at=DAY,
            by="test",
        )
        return await consignments.get_consignment(session, made.id)

    return deliver
