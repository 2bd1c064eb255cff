"""A shop with a warehouse of two shelves, on a Monday morning that does not pass by itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest_asyncio

from server.accounts import service as accounts
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku, Received, Wanted
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id

MONDAY_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Shop:
    """An account's stock. `await shop.stocked("TEA", 5)` makes the SKU and puts 5 on bin A."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = MONDAY_MORNING
        self.skus: dict[str, UUID] = {}

    async def open(self) -> None:
        async with self.db.transaction() as session:
            account = await accounts.create_account(
                session, name="Shop", code=f"SHOP-{new_id().hex[-8:].upper()}", by="test"
            )
        self.account_id = account.id
        self.warehouse = await self.location("warehouse", f"W{new_id().hex[-6:]}")
        self.bin_a = await self.location("bin", "A", self.warehouse)
        self.bin_b = await self.location("bin", "B", self.warehouse)

    async def location(
        self, kind: inventory.LocationKind, code: str, parent_id: UUID | None = None, **more: Any
    ) -> UUID:
        async with self.db.transaction() as session:
            made = await inventory.create_location(
                session, kind=kind, code=code, parent_id=parent_id, by="test", **more
            )
        return made.id

    async def sku(self, code: str, **fields: Any) -> UUID:
        async with self.db.transaction() as session:
            made = await inventory.create_sku(
                session,
                NewSku(code=code, name=code, **fields),
                account_id=self.account_id,
                by="test",
            )
        self.skus[code] = made.id
        return made.id

    async def kit(self, code: str, **parts: int) -> UUID:
        components = tuple(Component(sku=sku, quantity=number) for sku, number in parts.items())
        return await self.sku(code, components=components)

    async def stocked(self, code: str, quantity: int, **fields: Any) -> UUID:
        sku_id = await self.sku(code, **fields)
        if quantity:
            await self.receive(code, quantity)
        return sku_id

    async def receive(self, code: str, quantity: int, at: UUID | None = None, **more: Any) -> None:
        async with self.db.transaction() as session:
            await inventory.receive_stock(
                session,
                account_id=self.account_id,
                location_id=at or self.bin_a,
                goods=[Received(sku=code, quantity=quantity, **more)],
                by="test",
            )

    async def allocate(
        self, *lines: tuple[str, int], order_id: UUID | None = None, **more: Any
    ) -> inventory.OrderStock:
        async with self.db.transaction() as session:
            return await inventory.allocate_stock(
                session,
                order_id=order_id or new_id(),
                account_id=self.account_id,
                lines=wanted(*lines),
                **more,
            )

    async def release(self, order_id: UUID) -> inventory.OrderStock:
        async with self.db.transaction() as session:
            return await inventory.release_stock(session, order_id)

    async def ship(self, order_id: UUID) -> inventory.OrderStock:
        async with self.db.transaction() as session:
            return await inventory.ship_stock(session, order_id, by="test")

    async def available(self, code: str) -> int:
        async with self.db.transaction() as session:
            found = await inventory.get_availability(session, self.skus[code])
        return found.available

    async def levels(self, code: str) -> dict[str, tuple[int, int]]:
        """Last code of the path -> (on hand, allocated)."""
        async with self.db.transaction() as session:
            found = await inventory.list_levels(session, sku_id=self.skus[code])
        return {level.path.split("/")[-1]: (level.on_hand, level.allocated) for level in found}

    async def prove(self) -> None:
        """The levels are what the moves and the allocations add up to."""
        async with self.db.transaction() as session:
            proof = await inventory.reconcile(session)
        assert proof.is_consistent, proof.discrepancies


def wanted(*lines: tuple[str, int]) -> list[Wanted]:
    return [
        Wanted(line=number, sku=sku, quantity=quantity)
        for number, (sku, quantity) in enumerate(lines, 1)
    ]


@pytest_asyncio.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    """Its books are proven after every test."""
    shop = Shop(db)
    with clock.running(lambda: shop.now):
        await shop.open()
        yield shop
        await shop.prove()
