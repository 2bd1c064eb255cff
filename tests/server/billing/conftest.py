"""A town in which work is done for an account, and the tariffs that price it."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import ChargeView, Rules, TariffDraft, TariffView, WorkView
from server.billing.tariff_rules import Flat
from server.consignments.service import ConsignmentView
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.protocol.from_driver import ArriveAtTasks
from tests.server.dispatch.conftest import MORNING, Town

FLAT = Rules(flat=Flat(minor=500))


@dataclass
class Trade:
    """A town with one account, ACME, that pays in EUR."""

    town: Town
    account_id: UUID

    @property
    def db(self) -> Database:
        return self.town.db

    async def draft(self, rules: Rules = FLAT, **details: Any) -> TariffView:
        values: dict[str, Any] = {
            "name": "List",
            "currency": "EUR",
            "valid_from": MORNING - timedelta(days=60),
            "rules": rules,
        }
        async with self.db.transaction() as session:
            return await billing.create_tariff(
                session, TariffDraft(**(values | details)), by="test"
            )

    async def tariff(
        self, rules: Rules = FLAT, *, replace: bool = False, **details: Any
    ) -> TariffView:
        """A tariff in force."""
        draft = await self.draft(rules, **details)
        async with self.db.transaction() as session:
            return await billing.activate_tariff(session, draft.id, replace=replace, by="test")

    async def deliver(
        self,
        driver: UUID,
        to: Position,
        *,
        waits_s: int = 0,
        cash_minor: int | None = None,
        **details: Any,
    ) -> ConsignmentView:
        """A delivery that was driven, waited at and done."""
        owner = {"account_id": self.account_id, "currency": "EUR"}
        consignment, task_id = await self.town.assign(to, **(owner | details))
        await self.town.start(driver, task_id)
        self.town.later(minutes=5)
        arrived = ArriveAtTasks(task_ids=(task_id,), occurred_at=self.town.now)
        await self.town.does(driver, arrived)
        self.town.later(seconds=waits_s)
        await self.town.complete(driver, task_id, cash_minor=cash_minor)
        return consignment

    async def charges(self) -> list[ChargeView]:
        async with self.db.transaction() as session:
            return await billing.list_charges(session, limit=200)

    async def unpriced(self) -> list[WorkView]:
        async with self.db.transaction() as session:
            return await billing.list_unpriced(session)


@pytest_asyncio.fixture
async def trade(db: Database) -> AsyncIterator[Trade]:
    with ExitStack() as stack:
        town = Town(db)
        stack.enter_context(clock.running(lambda: town.now))
        yield await open_trade(town)
        await town.check_reactions()


@pytest_asyncio.fixture
async def real_trade(own_db: Database) -> AsyncIterator[Trade]:
    """The same in a database of its own, for what happens at the same time."""
    with ExitStack() as stack:
        town = Town(own_db)
        stack.enter_context(clock.running(lambda: town.now))
        yield await open_trade(town)
        await town.check_reactions()


async def open_trade(town: Town) -> Trade:
    await town.found()
    async with town.db.transaction() as session:
        account = await accounts.create_account(session, name="Acme", code="ACME", by="test")
    return Trade(town, account.id)
