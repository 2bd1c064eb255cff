"""Whatever happens to the stock, in whatever order: the books stay true after every step."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from server.inventory import service as inventory
from server.inventory.service import CountedBelowAllocated, NotEnoughHere, NotEnoughStock, Pick
from server.kit import clock
from server.kit.db import Database, OneConnectionDatabase
from server.kit.ids import new_id
from tests.conftest import Databases
from tests.server.histories import play_histories
from tests.server.inventory.conftest import Shop, wanted

PARTS = {"TEA": {"TEA": 1}, "CUP": {"CUP": 1}, "SET": {"TEA": 2, "CUP": 1}}
SAFETY = {"TEA": 0, "CUP": 2}
PLAIN = tuple(SAFETY)
LINES = st.lists(
    st.tuples(st.sampled_from(tuple(PARTS)), st.integers(1, 4)), min_size=1, max_size=3
)
UNITS = st.integers(1, 6)


class PowerCut(Exception):
    """The process dies before it can commit."""


class StockHistory(RuleBasedStateMachine):
    """Beside the shop runs a model of plain counters that knows nothing of shelves."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.connection = self.run(db.engine.connect().__aenter__())
        self.outer = self.run(self.connection.begin().__aenter__())
        self.shop = Shop(OneConnectionDatabase(self.connection))
        self.clock = clock.running(lambda: self.shop.now)
        self.clock.__enter__()
        self.run(self._open())
        self.ours: Counter[str] = Counter()  # what lies on shelves, allocated or not
        self.claimed: Counter[str] = Counter()  # what of it belongs to orders
        self.holds: dict[UUID, tuple[Counter[str], datetime]] = {}
        self.orders: dict[UUID, Counter[str]] = {}
        self.picked: set[UUID] = set()
        self.shipped: list[tuple[str, int]] = []
        self.in_inspection: dict[UUID, tuple[str, int]] = {}

    async def _open(self) -> None:
        await self.shop.open()
        for code, units in SAFETY.items():
            await self.shop.sku(code, safety_stock=units)
        await self.shop.kit("SET", TEA=2, CUP=1)
        warehouse = self.shop.warehouse
        self.quarantine = await self.shop.location("quarantine", "Q", warehouse)

    def teardown(self) -> None:
        self.clock.__exit__(None, None, None)
        self.run(self.outer.rollback())
        self.run(self.connection.close())

    def _bin(self, second: bool) -> UUID:
        return self.shop.bin_b if second else self.shop.bin_a

    def _available(self, code: str, *, but: UUID | None = None) -> int:
        held = sum(
            units[code]
            for hold_id, (units, expires_at) in self.holds.items()
            if hold_id != but and expires_at > self.shop.now
        )
        return self.ours[code] - self.claimed[code] - held - SAFETY[code]

    def _can_have(self, units: Counter[str], *, but: UUID | None = None) -> bool:
        return all(
            number <= max(self._available(code, but=but), 0) for code, number in units.items()
        )

    @rule(code=st.sampled_from(PLAIN), units=UNITS, second=st.booleans())
    def receive(self, code: str, units: int, second: bool) -> None:
        self.run(self.shop.receive(code, units, at=self._bin(second)))
        self.ours[code] += units

    @rule(lines=LINES, minutes=st.integers(1, 30))
    def hold(self, lines: list[tuple[str, int]], minutes: int) -> None:
        units = taken_apart(lines)
        expires_at = self.shop.now + timedelta(minutes=minutes)

        async def place() -> UUID:
            async with self.shop.db.transaction() as session:
                held = await inventory.place_hold(
                    session,
                    account_id=self.shop.account_id,
                    lines=wanted(*lines),
                    expires_at=expires_at,
                    by="test",
                )
            return held.id

        if self._can_have(units):
            self.holds[self.run(place())] = (units, expires_at)
        else:
            with pytest.raises(NotEnoughStock):
                self.run(place())

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def give_hold_up(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(list(self.holds)))

        async def give_up() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.release_hold(session, hold_id)

        self.run(give_up())
        del self.holds[hold_id]

    @rule(minutes=st.integers(1, 20))
    def time_passes(self, minutes: int) -> None:
        self.shop.now += timedelta(minutes=minutes)

    @rule(lines=LINES, data=st.data(), crash=st.booleans())
    def order(self, lines: list[tuple[str, int]], data: st.DataObject, crash: bool) -> None:
        units = taken_apart(lines)
        hold_id = data.draw(st.sampled_from([None, *self.holds]))
        order_id = new_id()

        async def allocate() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.allocate_stock(
                    session,
                    order_id=order_id,
                    account_id=self.shop.account_id,
                    lines=wanted(*lines),
                    hold_id=hold_id,
                )
                if crash:
                    raise PowerCut

        if not self._can_have(units, but=hold_id):
            with pytest.raises(NotEnoughStock):
                self.run(allocate())
        elif crash:
            with pytest.raises(PowerCut):
                self.run(allocate())
        else:
            self.run(allocate())
            if hold_id:
                del self.holds[hold_id]
            self.claimed += units
            self.orders[order_id] = units

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def pick(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from(list(self.orders)))

        async def pick() -> None:
            async with self.shop.db.transaction() as session:
                stock = await inventory.stock_of_order(session, order_id)
                picks = [
                    Pick(allocation_id=each.id, quantity=each.quantity)
                    for each in stock.allocations
                    if each.state == "allocated"
                ]
                await inventory.pick_stock(session, picks)

        self.run(pick())
        self.picked.add(order_id)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), times=st.integers(1, 2))
    def cancel(self, data: st.DataObject, times: int) -> None:
        order_id = data.draw(st.sampled_from(list(self.orders)))

        async def put_back() -> None:
            async with self.shop.db.transaction() as session:
                stock = await inventory.stock_of_order(session, order_id)
                open_ones = [each.id for each in stock.allocations if each.state == "picked"]
                await inventory.put_back(session, open_ones)

        for _ in range(times):
            self.run(self.shop.release(order_id))
        if order_id in self.picked:
            self.run(put_back())
        self.claimed -= self.orders.pop(order_id)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), times=st.integers(1, 2))
    def ship(self, data: st.DataObject, times: int) -> None:
        order_id = data.draw(st.sampled_from(list(self.orders)))
        for _ in range(times):
            self.run(self.shop.ship(order_id))
        units = self.orders.pop(order_id)
        self.claimed -= units
        self.ours -= units
        self.shipped += units.items()

    @precondition(lambda self: self.shipped)
    @rule(times=st.integers(1, 2))
    def come_back(self, times: int) -> None:
        code, units = self.shipped.pop()
        return_line_id = new_id()

        async def receive() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.receive_returned(
                    session,
                    return_line_id=return_line_id,
                    sku_id=self.shop.skus[code],
                    quantity=units,
                    by="test",
                )

        for _ in range(times):
            self.run(receive())
        self.in_inspection[return_line_id] = (code, units)

    @precondition(lambda self: self.in_inspection)
    @rule(
        disposition=st.sampled_from(["restock", "quarantine", "scrap", "vendor"]),
        times=st.integers(1, 2),
    )
    def decide(self, disposition: inventory.Disposition, times: int) -> None:
        return_line_id, (code, units) = self.in_inspection.popitem()
        shelf = {"restock": self.shop.bin_b, "quarantine": self.quarantine}

        async def decide() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.decide_returned(
                    session,
                    return_line_id=return_line_id,
                    disposition=disposition,
                    location_id=shelf.get(disposition),
                    by="test",
                )

        for _ in range(times):
            self.run(decide())
        if disposition == "restock":
            self.ours[code] += units

    @rule(code=st.sampled_from(PLAIN), change=st.integers(-4, 4).filter(bool), second=st.booleans())
    def adjust(self, code: str, change: int, second: bool) -> None:
        async def adjust() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.adjust_stock(
                    session,
                    sku_id=self.shop.skus[code],
                    location_id=self._bin(second),
                    change=change,
                    reason="found or lost",
                    by="test",
                )

        on_hand, allocated = self._level(code, second)
        if on_hand + change < allocated:
            with pytest.raises(NotEnoughHere):
                self.run(adjust())
        else:
            self.run(adjust())
            self.ours[code] += change

    @rule(code=st.sampled_from(PLAIN), counted=st.integers(0, 8), second=st.booleans())
    def count(self, code: str, counted: int, second: bool) -> None:
        async def count() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.count_stock(
                    session,
                    sku_id=self.shop.skus[code],
                    location_id=self._bin(second),
                    counted=counted,
                    by="test",
                )

        on_hand, allocated = self._level(code, second)
        if counted < allocated:
            with pytest.raises(CountedBelowAllocated):
                self.run(count())
        else:
            self.run(count())
            self.ours[code] += counted - on_hand

    @rule(code=st.sampled_from(PLAIN), units=UNITS, second=st.booleans())
    def transfer(self, code: str, units: int, second: bool) -> None:
        async def transfer() -> None:
            async with self.shop.db.transaction() as session:
                await inventory.transfer_stock(
                    session,
                    sku_id=self.shop.skus[code],
                    from_location_id=self._bin(second),
                    to_location_id=self._bin(not second),
                    quantity=units,
                    by="test",
                )

        on_hand, allocated = self._level(code, second)
        if units > on_hand - allocated:
            with pytest.raises(NotEnoughHere):
                self.run(transfer())
        else:
            self.run(transfer())

    @invariant()
    def the_books_are_true(self) -> None:
        self.run(self.shop.prove())
        for code in PLAIN:
            levels = self.run(self.shop.levels(code))
            shelves = [levels.get(name, (0, 0)) for name in ("A", "B")]
            assert sum(on_hand for on_hand, _ in shelves) == self.ours[code]
            assert sum(allocated for _, allocated in shelves) == self.claimed[code]
            waiting = sum(n for each, n in self.in_inspection.values() if each == code)
            assert levels.get("RETURN_QC", (0, 0)) == (waiting, 0)
            assert self.run(self.shop.available(code)) == self._available(code)

    def _level(self, code: str, second: bool) -> tuple[int, int]:
        return self.run(self.shop.levels(code)).get("B" if second else "A", (0, 0))


def taken_apart(lines: list[tuple[str, int]]) -> Counter[str]:
    units: Counter[str] = Counter()
    for code, number in lines:
        for part, each in PARTS[code].items():
            units[part] += number * each
    return units


def test_any_history_of_the_stock_leaves_true_books(databases: Databases) -> None:
    play_histories(databases, StockHistory, histories=12, steps=30)
