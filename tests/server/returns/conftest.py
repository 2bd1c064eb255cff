"""Goods that went out, and the means to bring them back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.accounts.service import AccountView, ReturnPolicy
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.identity import service as identity
from server.identity.access import Role
from server.inventory import service as inventory
from server.inventory.service import Component, Disposition, NewSku, Received, Wanted
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import Event, OutboxEvent
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderLine, OrderView
from server.places import service as places
from server.places.service import Address
from server.returns import service
from server.returns.service import CountedLine, Finding, ReturningGoods, ReturnView

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


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Trade:
    """A shop that keeps its stock with us, on a day that passes only when a test says so.

    `await trade.sold(TEA=2)` is an order of that, allocated, shipped and delivered.
    """

    PRICES: ClassVar[dict[str, int]] = {"TEA": 1000, "CUP": 2500, "SET": 4000, "RARE": 1500}

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = NOON
        self.skus: dict[str, UUID] = {}

    async def open(self, *, stock: int = 20) -> None:
        async with self.db.transaction() as session:
            code = f"T{new_id().hex[-8:].upper()}"
            self.account_id = (
                await accounts.create_account(session, name="Shop", code=code, by="test")
            ).id
            self.warehouse = await self._location(session, "warehouse", f"W{new_id().hex[-6:]}")
            self.shelf = await self._location(session, "bin", "A", self.warehouse)
            self.quarantine = await self._location(session, "quarantine", "Q", self.warehouse)
            for sku in ("TEA", "CUP", "RARE"):
                await self._sku(session, sku)
                if sku != "RARE":
                    goods = [Received(sku=sku, quantity=stock)]
                    await inventory.receive_stock(
                        session,
                        account_id=self.account_id,
                        location_id=self.shelf,
                        goods=goods,
                        by="test",
                    )
            parts = (Component(sku="TEA", quantity=2), Component(sku="CUP", quantity=1))
            await self._sku(session, "SET", components=parts)
            self.door = await places.create_place(
                session,
                Address(
                    name="", street="Long Street", house_number="1", postcode="9490", city="Vaduz"
                ),
                position=Position(9.52, 47.14),
            )

    async def _location(
        self,
        session: AsyncSession,
        kind: inventory.LocationKind,
        code: str,
        parent_id: UUID | None = None,
    ) -> UUID:
        made = await inventory.create_location(
            session, kind=kind, code=code, parent_id=parent_id, by="test"
        )
        return made.id

    async def _sku(self, session: AsyncSession, code: str, **fields: Any) -> None:
        made = await inventory.create_sku(
            session, NewSku(code=code, name=code, **fields), account_id=self.account_id, by="test"
        )
        self.skus[code] = made.id

    async def order(self, account_id: UUID | None = None, **units: int) -> OrderView:
        lines = tuple(
            OrderLine(sku=sku, quantity=quantity, unit_price_minor=self.PRICES.get(sku))
            for sku, quantity in units.items()
        )
        async with self.db.transaction() as session:
            return await orders.capture_order(
                session,
                OrderDraft(
                    account_id=account_id or self.account_id,
                    kind="goods",
                    channel="test",
                    consignee=orders.Party(name="Ada", place_id=self.door.id),
                    lines=lines,
                ),
                by="test",
            )

    async def sold(self, **units: int) -> tuple[OrderView, ConsignmentView]:
        return await self.went_out("delivered", **units)

    async def went_out(
        self, *states: str, consignor: Party | None = None, stocked: bool = True, **units: int
    ) -> tuple[OrderView, ConsignmentView]:
        order = await self.order(**units)
        async with self.db.transaction() as session:
            if stocked:
                await inventory.allocate_stock(
                    session,
                    order_id=order.id,
                    account_id=self.account_id,
                    lines=[
                        Wanted(line=number, sku=line.sku, quantity=line.quantity)
                        for number, line in enumerate(order.lines, 1)
                    ],
                )
                await inventory.ship_stock(session, order.id, by="test")
            sent = await consignments.create_consignment(
                session,
                NewConsignment(
                    kind="courier" if consignor else "delivery",
                    order_id=order.id,
                    account_id=self.account_id,
                    consignor=consignor or Party(name="Depot"),
                    consignee=Party(name="Ada", place_id=self.door.id),
                    parcels=(NewParcel(description="box", weight_g=500),),
                ),
                by="test",
            )
        for state in states:
            await self.move(sent.id, state)
        async with self.db.transaction() as session:
            return order, await consignments.get_consignment(session, sent.id)

    async def move(self, consignment_id: UUID | None, state: str) -> None:
        """All its parcels, a minute later."""
        assert consignment_id is not None
        self.now += timedelta(minutes=1)
        async with self.db.transaction() as session:
            found = await consignments.get_consignment(session, consignment_id)
            await consignments.record_custody(
                session,
                parcel_ids=[parcel.id for parcel in found.parcels],
                state=state,
                occurred_at=self.now,
                received_at=self.now,
                by="test",
                strict=False,
            )

    async def send_back(
        self, order: OrderView, *goods: tuple[int, int], **details: Any
    ) -> ReturnView:
        """(line, units) of the order, booked by the office."""
        async with self.db.transaction() as session:
            return await service.create_return(
                session,
                order_id=order.id,
                goods=[ReturningGoods(order_line=line, quantity=units) for line, units in goods],
                reason="",
                by="test",
                **details,
            )

    async def receive(self, coming: ReturnView, *units: int, **more: Any) -> ReturnView:
        """Count the lines as so many units each, in their order."""
        counted = [
            CountedLine(line_id=line.id, quantity=quantity)
            for line, quantity in zip(coming.lines, units, strict=False)
        ]
        async with self.db.transaction() as session:
            return await service.receive_goods(
                session, coming.id, counted=counted, by="test", **more
            )

    async def inspect(
        self, line_id: UUID, disposition: Disposition = "restock", **more: Any
    ) -> ReturnView:
        shelf = {"restock": self.shelf, "quarantine": self.quarantine}.get(disposition)
        finding: dict[str, Any] = {
            "grade": "as_new",
            "disposition": disposition,
            "location_id": shelf,
        }
        async with self.db.transaction() as session:
            return await service.inspect_line(
                session, line_id, Finding(**(finding | more)), by="test"
            )

    async def returned(self, return_id: UUID) -> ReturnView:
        async with self.db.transaction() as session:
            return await service.get_return(session, return_id)

    async def exchanged(self, exchange_id: UUID) -> service.ExchangeView:
        async with self.db.transaction() as session:
            return await service.get_exchange(session, exchange_id)

    async def on_hand(self, sku: str) -> dict[str, int]:
        """Last code of the path -> units there, where there are any."""
        async with self.db.transaction() as session:
            levels = await inventory.list_levels(session, sku_id=self.skus[sku])
        return {level.path.split("/")[-1]: level.on_hand for level in levels if level.on_hand}

    async def allocated(self, order_id: UUID) -> int:
        async with self.db.transaction() as session:
            stock = await inventory.stock_of_order(session, order_id)
        return sum(each.quantity for each in stock.allocations if each.state == "allocated")

    async def agree(self, **policy: Any) -> None:
        async with self.db.transaction() as session:
            await accounts.set_return_policy(
                session, self.account_id, ReturnPolicy(**policy), by="test"
            )

    async def prove(self) -> None:
        """The levels are what the moves and the allocations add up to."""
        async with self.db.transaction() as session:
            proof = await inventory.reconcile(session)
        assert proof.is_consistent, proof.discrepancies


@pytest.fixture
async def trade(db: Database) -> AsyncIterator[Trade]:
    """Its books are proven after every test."""
    trade = Trade(db)
    with clock.running(lambda: trade.now):
        await trade.open()
        yield trade
        await trade.prove()


async def events_of[E: Event](db: Database, kind: type[E]) -> list[E]:
    """What was told so far, oldest first."""
    async with db.transaction() as session:
        rows = await session.scalars(
            select(OutboxEvent).where(OutboxEvent.name == kind.event_name).order_by(OutboxEvent.id)
        )
        return [msgspec.convert(row.body, kind) for row in rows]
