"""An account and its orders, on a Monday morning; with a house of shelves if it keeps stock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.fulfilment import service as fulfilment
from server.fulfilment.service import FulfilmentView, Packing, Picked, WaveView
from server.inventory import service as inventory
from server.inventory.service import AllocationView, NewSku, Received
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.relay import relay_pending
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


PICKER, HELPER = new_id(), new_id()


class House:
    """A warehouse with two aisles of five bins, and what people do in it.

    `await house.stock("TEA", 5)` puts 5 of a SKU, made when it is new, on bin 1 of aisle A.
    """

    def __init__(self, db: Database, account_id: UUID, consignee: Party) -> None:
        self.db = db
        self.account_id = account_id
        self.consignee = consignee
        self.skus: dict[str, UUID] = {}
        self.bins: dict[str, UUID] = {}

    async def build(self) -> None:
        self.code = f"W{new_id().hex[-6:]}"
        self.warehouse = await self.location("warehouse", self.code)
        for aisle in ("A", "B"):
            aisle_id = await self.location("aisle", aisle, self.warehouse)
            self.bins[aisle] = aisle_id
            for number in range(1, 6):
                made = await self.location("bin", str(number), aisle_id)
                self.bins[f"{aisle}/{number}"] = made

    async def location(
        self, kind: inventory.LocationKind, code: str, parent_id: UUID | None = None
    ) -> UUID:
        async with self.db.transaction() as session:
            made = await inventory.create_location(
                session, kind=kind, code=code, parent_id=parent_id, by="test"
            )
        return made.id

    async def sku(self, code: str, **fields: Any) -> UUID:
        async with self.db.transaction() as session:
            made = await inventory.create_sku(
                session, NewSku(code=code, name=code, **fields), account_id=self.account_id, by="t"
            )
        self.skus[code] = made.id
        return made.id

    async def stock(self, code: str, quantity: int, at: str = "A/1", **more: Any) -> None:
        if code not in self.skus:
            await self.sku(code)
        async with self.db.transaction() as session:
            await inventory.receive_stock(
                session,
                account_id=self.account_id,
                location_id=self.bins[at],
                goods=[Received(sku=code, quantity=quantity, **more)],
                by="test",
            )

    async def order(self, *lines: tuple[str, int], relay: bool = True, **fields: Any) -> OrderView:
        draft = OrderDraft(
            account_id=self.account_id,
            kind="goods",
            channel="test",
            consignee=self.consignee,
            lines=tuple(OrderLine(sku=sku, quantity=quantity) for sku, quantity in lines),
            **fields,
        )
        async with self.db.transaction() as session:
            order = await orders.capture_order(session, draft, by="test")
        if relay:
            await relay_pending(self.db)
        return order

    async def order_now(self, order: OrderView) -> OrderView:
        async with self.db.transaction() as session:
            return await orders.get_order(session, order.id)

    async def cancel(self, order: OrderView) -> None:
        async with self.db.transaction() as session:
            await orders.cancel_order(session, order.id, by="clerk", reason="changed my mind")
        await relay_pending(self.db)

    async def notes(self, order: OrderView) -> list[str]:
        async with self.db.transaction() as session:
            log = await orders.order_history(session, order.id)
        return [entry.reason for entry in log if entry.what == "noted"]

    async def fulfilment_of(self, order: OrderView) -> FulfilmentView:
        async with self.db.transaction() as session:
            found = await fulfilment.list_fulfilments(session, order_id=order.id)
        (one,) = (each for each in found if each.warehouse_id == self.warehouse)
        return one

    async def state(self, order: OrderView) -> str:
        return (await self.fulfilment_of(order)).state

    async def wave(self, **fields: Any) -> WaveView:
        async with self.db.transaction() as session:
            return await fulfilment.create_wave(
                session, warehouse_id=self.warehouse, by="test", **fields
            )

    async def pick(self, wave: WaveView, at: str, sku: str, quantity: int, **more: Any) -> Picked:
        async with self.db.transaction() as session:
            return await fulfilment.pick_scanned(
                session,
                wave.id,
                location=f"{self.code}/{at}",
                sku=sku,
                quantity=quantity,
                person_id=PICKER,
                by="picker",
                **more,
            )

    async def pick_all(self, wave: WaveView) -> None:
        """Follow what the scanner says until nothing is left."""
        while True:
            async with self.db.transaction() as session:
                step = await fulfilment.next_pick(session, wave.id, person_id=PICKER)
            if step.task is None:
                return
            at = step.task.location.removeprefix(f"{self.code}/")
            await self.pick(wave, at, step.task.sku, step.units_here, lot=step.task.lot)

    async def pack(
        self, order: OrderView, *contents: tuple[str, int], weight_g: int = 1000, **more: Any
    ) -> fulfilment.PackedView:
        one = await self.fulfilment_of(order)
        async with self.db.transaction() as session:
            packed = await fulfilment.pack_parcel(
                session,
                one.id,
                contents=[Packing(sku=sku, quantity=quantity) for sku, quantity in contents],
                weight_g=weight_g,
                by="packer",
                **more,
            )
        await relay_pending(self.db)
        return packed

    async def packed_order(self, *lines: tuple[str, int]) -> OrderView:
        order = await self.order(*lines)
        await self.pick_all(await self.wave())
        await self.pack(order)
        return order

    async def consignment(self, order: OrderView) -> ConsignmentView:
        async with self.db.transaction() as session:
            found = await consignments.consignment_of_order(session, order.id)
        assert found is not None
        return found

    async def report(
        self, order: OrderView, state: str, parcels: Sequence[UUID] | None = None
    ) -> None:
        """What the street says of the parcels of the order, or of some of them."""
        if parcels is None:
            parcels = [each.id for each in (await self.consignment(order)).parcels]
        async with self.db.transaction() as session:
            await consignments.record_custody(
                session,
                parcel_ids=parcels,
                state=state,
                occurred_at=clock.now(),
                received_at=clock.now(),
                by="test",
                strict=False,
            )
        await relay_pending(self.db)

    async def allocations(self, order: OrderView) -> list[AllocationView]:
        async with self.db.transaction() as session:
            stock = await inventory.stock_of_order(session, order.id)
        return [each for each in stock.allocations if each.state != "released"]

    async def levels(self, code: str) -> dict[str, tuple[int, int]]:
        """Bin -> (on hand, allocated), without empty ones."""
        async with self.db.transaction() as session:
            found = await inventory.list_levels(session, sku_id=self.skus[code])
        names = {location_id: name for name, location_id in self.bins.items()}
        return {
            names.get(each.location_id, each.path): (each.on_hand, each.allocated)
            for each in found
            if each.on_hand
        }

    async def prove(self) -> None:
        async with self.db.transaction() as session:
            proof = await inventory.reconcile(session)
        assert proof.is_consistent, proof.discrepancies


async def built_house(db: Database) -> House:
    async with db.transaction() as session:
        account = await accounts.create_account(
            session, name="Shop", code=f"S-{new_id().hex[-8:].upper()}", by="test"
        )
        place = await places.create_place(
            session, Address(name="Ada", street="Main Street"), position=Position(9.52, 47.14)
        )
    house = House(db, account.id, Party(name="Ada", place_id=place.id))
    await house.build()
    return house


@pytest_asyncio.fixture
async def house(db: Database) -> AsyncIterator[House]:
    """Its books are proven after every test."""
    house = await built_house(db)
    yield house
    await house.prove()
