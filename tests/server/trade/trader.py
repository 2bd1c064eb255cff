"""A company that trades: it keeps goods, takes orders, sends a driver, takes goods back, and bills.

What can be done to it is in `selling`, `warehouse`, `street`, `coming_back` and `money`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from routing.roads import HaversineRoads
from server.accounts import service as accounts
from server.accounts.service import ReturnPolicy
from server.billing import service as billing
from server.billing.service import Rules, TariffDraft
from server.billing.tariff_rules import Flat
from server.dispatch import service as dispatch
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.orders.service import Party
from server.places import service as places
from server.returns import service as returns
from server.returns.service import ReturnReason
from tests.server.billing.bookkeeping import BUYER, COMPANY, RATES

MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
PRICES = {"TEA": 1000, "CUP": 2500, "SET": 4000, "MUG": 700}
"""A SET is a kit of two TEA and a CUP. Of MUG there is never enough."""

FLAT_MINOR = 499
CASH_FEE_MINOR = 120


class Trader:
    """db: may be another copy of the one in which it was opened."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.opened_at = self.now = MORNING
        self.roads = HaversineRoads()
        self.person_id = new_id()

    async def open(self) -> None:
        here = Position(9.5, 47.1)
        async with self.db.transaction() as session:
            await billing.put_company(session, "MAIN", COMPANY, by="test")
            for rate in RATES:
                await billing.put_vat_rate(session, rate, by="test")
            account = await accounts.create_account(session, name="T", code="T", by="test")
            self.account_id = account.id
            await billing.put_buyer(session, account.id, BUYER, by="test")
            policy = ReturnPolicy(attempts_max=2, days_to_hand_over=2)
            await accounts.set_return_policy(session, account.id, policy, by="test")
            fit = ReturnReason(code="fit", text_en="Does not fit", text_de="Passt nicht")
            await returns.save_reason(session, fit, account_id=account.id, by="test")
            draft = TariffDraft(
                name="T",
                account_id=account.id,
                currency="EUR",
                valid_from=self.opened_at - timedelta(days=60),
                rules=Rules(flat=Flat(minor=FLAT_MINOR)),
            )
            tariff = await billing.create_tariff(session, draft, by="test")
            await billing.activate_tariff(session, tariff.id, by="test")
            await self._open_house(session)
            depot_place = await places.create_place(session, "Depot", position=here)
            door = await places.create_place(
                session, "Long Street 1", position=Position(here.lon + 0.004, here.lat)
            )
            self.consignee = Party(name="Ada", place_id=door.id)
            depot = await dispatch.create_depot(
                session, name="D", place_id=depot_place.id, timezone="Europe/Vaduz", by="test"
            )
            driver = await dispatch.create_driver(
                session, depot_id=depot.id, name="Bo", email="bo@example.org", by="test"
            )
            self.driver_id = driver.id
            vehicle = await dispatch.create_vehicle(
                session,
                depot_id=depot.id,
                label="V",
                capacity_weight_g=10_000_000,
                capacity_volume_ml=10_000_000,
                capacity_parcels=1000,
                by="test",
            )
            self.vehicle_id = vehicle.id
            await self.begin_shift(session)

    async def _open_house(self, session: AsyncSession) -> None:
        async def place(
            kind: inventory.LocationKind, code: str, parent_id: UUID | None = None
        ) -> UUID:
            made = await inventory.create_location(
                session, kind=kind, code=code, parent_id=parent_id, by="test"
            )
            return made.id

        self.warehouse = await place("warehouse", "W")
        self.shelves = [await place("bin", code, self.warehouse) for code in ("A", "B")]
        self.quarantine = await place("quarantine", "Q", self.warehouse)
        parts = (Component(sku="TEA", quantity=2), Component(sku="CUP", quantity=1))
        self.skus = {}
        for code in ("TEA", "CUP", "SET", "MUG"):
            sku = NewSku(code=code, name=code, components=parts if code == "SET" else ())
            made = await inventory.create_sku(session, sku, account_id=self.account_id, by="test")
            self.skus[code] = made.id

    async def begin_shift(self, session: AsyncSession) -> None:
        await dispatch.create_shift(
            session,
            driver_id=self.driver_id,
            vehicle_id=self.vehicle_id,
            starts_at=self.now,
            ends_at=self.now + timedelta(hours=12),
            by="test",
        )

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """The query sees :account, :driver and :now."""
        known = {"account": self.account_id, "driver": self.driver_id, "now": self.now}
        async with self.db.transaction() as session:
            return list(await session.execute(text(query), known | values))

    async def a_night_passes(self) -> None:
        """What has run out ends, and there is a shift again."""
        self.now += timedelta(days=1)
        async with self.db.transaction() as session:
            await self.begin_shift(session)
        ended = True
        while ended:
            async with self.db.transaction() as session:
                ended = await returns.expire_next(session)
