"""Whatever happens to returns and exchanges, in whatever order: every unit is in one place."""

import asyncio
from collections.abc import Awaitable
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from server.kit import clock
from server.kit.db import Database, OneConnectionDatabase
from server.kit.errors import PostriderError
from server.kit.relay import relay_pending
from server.returns import service
from server.returns.service import ExchangeView, FoundGoods, ReturnView
from tests.conftest import Databases
from tests.server.histories import play_histories
from tests.server.returns.conftest import Trade
from tests.server.returns.test_exchange import exchange

STOCK = 20
PICK = st.integers(0, 1000)
DISPOSITIONS = st.sampled_from(["restock", "scrap", "vendor", "quarantine"])


class PowerCut(Exception):
    """The process dies before it can commit."""


class ReturnHistory(RuleBasedStateMachine):
    """Beside the trade runs a count of the units that each rule should have moved."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.connection = self.run(db.engine.connect().__aenter__())
        self.outer = self.run(self.connection.begin().__aenter__())
        self.trade = Trade(OneConnectionDatabase(self.connection))
        self.clock = clock.running(lambda: self.trade.now)
        self.clock.__enter__()
        self.run(self.trade.open(stock=STOCK))
        self.orders: list = []
        self.returns: list[UUID] = []
        self.exchanges: list[ExchangeView] = []
        self.sold = self.counted = self.gone = 0

    def teardown(self) -> None:
        self.clock.__exit__(None, None, None)
        self.run(self.outer.rollback())
        self.run(self.connection.close())

    def attempt[T](self, act: Awaitable[T]) -> T | None:
        """What came of it; None for a refusal. Anything else is a defect."""

        async def guarded() -> T | None:
            try:
                return await act
            except PostriderError:
                return None

        return self.run(guarded())

    def a_return(self, pick: int) -> ReturnView:
        return self.run(self.trade.returned(self.returns[pick % len(self.returns)]))

    @precondition(lambda self: self.sold < STOCK // 2)
    @rule(units=st.integers(1, 2))
    def sell(self, units: int) -> None:
        self.orders.append(self.run(self.trade.sold(TEA=units))[0])
        self.sold += units

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, units=st.integers(1, 5))
    def send_back(self, pick: int, units: int) -> None:
        order = self.orders[pick % len(self.orders)]
        if made := self.attempt(self.trade.send_back(order, (1, units))):
            self.returns.append(made.id)

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, sku=st.sampled_from(["TEA", "CUP"]), units=st.integers(1, 30))
    def swap(self, pick: int, sku: str, units: int) -> None:
        order = self.orders[pick % len(self.orders)]
        if made := self.attempt(exchange(self.trade, order, {sku: units})):
            self.exchanges.append(made)
            self.returns.append(made.return_id)

    @precondition(lambda self: self.exchanges)
    @rule(pick=PICK, pays=st.booleans())
    def pay_or_cancel(self, pick: int, pays: bool) -> None:
        made = self.exchanges[pick % len(self.exchanges)]

        async def act() -> None:
            async with self.trade.db.transaction() as session:
                if pays:
                    await service.pay_difference(
                        session, made.id, settlement="paid", reference="1", by="test"
                    )
                else:
                    await service.cancel_exchange(session, made.id, reason="", by="test")

        self.attempt(act())

    @precondition(lambda self: self.returns)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        async def act() -> None:
            async with self.trade.db.transaction() as session:
                await service.cancel_return(session, self.a_return_id(pick), reason="", by="test")

        self.attempt(act())

    def a_return_id(self, pick: int) -> UUID:
        return self.returns[pick % len(self.returns)]

    @precondition(lambda self: self.returns)
    @rule(pick=PICK, state=st.sampled_from(["collected", "at_depot"]))
    def travel(self, pick: int, state: str) -> None:
        coming = self.a_return(pick)
        if coming.consignment_id is not None:
            self.attempt(self.trade.move(coming.consignment_id, state))

    @precondition(lambda self: self.returns)
    @rule(pick=PICK, units=st.integers(0, 4), extra=st.integers(0, 2))
    def open_box(self, pick: int, units: int, extra: int) -> None:
        coming = self.a_return(pick)
        was_counted = any(line.received_quantity is not None for line in coming.lines)
        found = [FoundGoods(sku="TEA", quantity=extra)] if extra and not was_counted else []
        if self.attempt(self.trade.receive(coming, units, found=found)) and not was_counted:
            self.counted += units + (extra if found else 0)

    @precondition(lambda self: self.returns)
    @rule(pick=PICK, which=PICK, what=DISPOSITIONS, units=st.integers(1, 3), cut=st.booleans())
    def inspect(self, pick: int, which: int, what: str, units: int, cut: bool) -> None:
        coming = self.a_return(pick)
        line = coming.lines[which % len(coming.lines)]
        quantity = units if units < (line.received_quantity or 0) else None
        if cut:
            self.run(self._die_while_inspecting(line.id, quantity))
            return
        was = line.disposition
        done = self.attempt(self.trade.inspect(line.id, what, quantity=quantity))
        if done and was is None and what in ("scrap", "vendor"):
            self.gone += quantity or line.received_quantity or 0

    async def _die_while_inspecting(self, line_id: UUID, quantity: int | None) -> None:
        finding = service.Finding(grade="used", disposition="scrap", quantity=quantity)
        try:
            async with self.trade.db.transaction() as session:
                await service.inspect_line(session, line_id, finding, by="test")
                raise PowerCut
        except (PowerCut, PostriderError):
            return

    @precondition(lambda self: self.returns)
    @rule(pick=PICK)
    def resolve(self, pick: int) -> None:
        async def act() -> None:
            async with self.trade.db.transaction() as session:
                await service.resolve_return(session, self.a_return_id(pick), by="test")

        self.attempt(act())

    @rule()
    def let_news_arrive(self) -> None:
        self.run(relay_pending(self.trade.db))

    @invariant()
    def every_unit_is_in_one_place(self) -> None:
        self.run(self.trade.prove())
        tea = self.run(self.trade.on_hand("TEA"))
        assert sum(tea.values()) == STOCK - self.sold + self.counted - self.gone

    @invariant()
    def no_order_gets_more_back_than_it_had(self) -> None:
        async def announced(order_id: UUID) -> int:
            async with self.trade.db.transaction() as session:
                found = await service.list_returns(session, account_id=self.trade.account_id)
            return sum(
                line.quantity
                for each in found
                if each.order_id == order_id and each.state in ("booked", "collected")
                for line in each.lines
            )

        for order in self.orders:
            assert self.run(announced(order.id)) <= order.lines[0].quantity

    @invariant()
    def what_is_set_aside_belongs_to_an_exchange_that_stands(self) -> None:
        for made in self.exchanges:
            now = self.run(self.trade.exchanged(made.id))
            assert (self.run(self.trade.allocated(made.order_id)) > 0) == (now.state != "cancelled")


def test_any_history_of_returns_leaves_every_unit_in_one_place(databases: Databases) -> None:
    play_histories(databases, ReturnHistory, histories=6, steps=22)
