"""Orders that are held, split, merged, amended and cancelled at random keep every unit and cent."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import get_args

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.kit.db import Database, OneConnectionDatabase
from server.kit.errors import PostriderError
from server.kit.geo import Position
from server.kit.outbox import OutboxEvent
from server.orders import service as orders
from server.orders.service import (
    HoldKind,
    OrderChanges,
    OrderDraft,
    OrderLine,
    OrderView,
    Party,
    SplitLine,
)
from server.places import service as places
from server.places.service import Address
from tests.conftest import Databases
from tests.server.histories import play_histories

SKUS = ("TEA-1", "CUP-1", "POT-1")
WHICH = st.integers(0, 9)
UNITS = st.integers(1, 5)


async def open_shop(db: Database) -> OrderDraft:
    async with db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        place = await places.create_place(
            session, Address(street="Main Street"), position=Position(9.5, 47.1)
        )
    return OrderDraft(
        account_id=account.id,
        kind="goods",
        channel="test",
        consignee=Party(name="Ada", place_id=place.id),
        lines=tuple(
            OrderLine(sku=sku, quantity=number, unit_price_minor=100 * number)
            for number, sku in enumerate(SKUS, 3)
        ),
        cash_minor=900,
    )


class OrderHistory(RuleBasedStateMachine):
    """Beside the orders runs a model of plain counters that knows nothing of them."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.connection = self.run(db.engine.connect().__aenter__())
        self.outer = self.run(self.connection.begin().__aenter__())
        self.db = OneConnectionDatabase(self.connection)
        self.draft = self.run(open_shop(self.db))
        self.wanted: Counter[str] = Counter()
        self.cash_minor = 0
        self.made: list[OrderView] = []

    def teardown(self) -> None:
        self.run(self.outer.rollback())
        self.run(self.connection.close())

    def _do[T](self, act: Callable[[AsyncSession], Awaitable[T]]) -> T | None:
        """None when it was refused, which must be with a code, and leaves nothing behind."""

        async def attempt() -> T:
            async with self.db.transaction() as session:
                return await act(session)

        try:
            return self.run(attempt())
        except PostriderError as refused:
            assert refused.status in (409, 422) and refused.message
            return None

    def _look(self, order: OrderView) -> OrderView:
        found = self._do(lambda session: orders.get_order(session, order.id))
        assert found is not None
        return found

    def _count(self, order: OrderView, sign: int = 1) -> None:
        for line in order.lines:
            self.wanted[line.sku] += sign * line.quantity
        self.cash_minor += sign * order.cash_minor

    @initialize()
    def begin(self) -> None:
        self._capture()

    @rule()
    def capture(self) -> None:
        self._capture()

    def _capture(self) -> None:
        order = self._do(lambda session: orders.capture_order(session, self.draft, by="test"))
        assert order is not None
        self.made.append(order)
        self._count(order)

    @rule(which=WHICH)
    def accept(self, which: int) -> None:
        order = self._which(which)
        self._do(lambda session: orders.accept_orders(session, [order.id], by="test"))

    @rule(which=WHICH, kind=st.sampled_from(get_args(HoldKind)))
    def hold(self, which: int, kind: HoldKind) -> None:
        order = self._which(which)
        self._do(lambda session: orders.hold_order(session, order.id, "why", kind=kind, by="t"))

    @rule(which=WHICH, kind=st.sampled_from((None, *get_args(HoldKind))))
    def release(self, which: int, kind: HoldKind | None) -> None:
        order = self._which(which)
        self._do(lambda session: orders.release_order(session, order.id, kind=kind, by="test"))

    @rule(which=WHICH)
    def begin_picking(self, which: int) -> None:
        order = self._which(which)
        if order.state == "accepted":
            self._do(lambda session: orders.begin_picking(session, order.id, by="test"))

    @rule(which=WHICH, position=st.integers(1, 4), quantity=UNITS, cash=st.sampled_from((0, 100)))
    def split(self, which: int, position: int, quantity: int, cash: int) -> None:
        order = self._which(which)
        parts = self._do(
            lambda session: orders.split_order(
                session,
                order.id,
                [SplitLine(position=position, quantity=quantity)],
                cash_minor=cash,
                expected_version=order.version,
                by="test",
            )
        )
        if parts:
            self.made.append(parts[1])

    @rule(which=WHICH, other=WHICH)
    def merge(self, which: int, other: int) -> None:
        order, joined = self._which(which), self._which(other)
        self._do(lambda session: orders.merge_orders(session, order.id, joined.id, by="test"))

    @rule(which=WHICH, quantities=st.lists(UNITS, min_size=1, max_size=3))
    def amend(self, which: int, quantities: list[int]) -> None:
        order = self._which(which)
        lines = tuple(
            OrderLine(sku=sku, quantity=number, unit_price_minor=7)
            for sku, number in zip(SKUS, quantities, strict=False)
        )
        changes = OrderChanges(lines=lines)
        after = self._do(
            lambda session: orders.amend_order(
                session, order.id, changes, expected_version=order.version, by="test"
            )
        )
        if after:
            self._count(order, -1)
            self._count(after)

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        order = self._which(which)
        self._do(lambda session: orders.cancel_order(session, order.id, by="test", reason=""))
        if order.state != "cancelled":
            self._count(order, -1)

    def _which(self, which: int) -> OrderView:
        return self._look(self.made[which % len(self.made)])

    @invariant()
    def every_unit_and_every_cent_is_in_exactly_one_order_that_lives(self) -> None:
        now = [self._look(order) for order in self.made]
        living = [order for order in now if order.state != "cancelled"]
        units = Counter[str]()
        for order in living:
            for line in order.lines:
                units[line.sku] += line.quantity
            assert bool(order.holds) == (order.state == "on_hold")
            assert order.value_minor == sum(
                line.quantity * (line.unit_price_minor or 0) for line in order.lines
            )
        assert +units == +self.wanted
        assert sum(order.cash_minor for order in living) == self.cash_minor


def test_no_unit_and_no_cent_is_lost_whatever_is_done_to_orders(databases: Databases) -> None:
    play_histories(databases, OrderHistory, histories=12, steps=25)


async def test_released_and_cancelled_at_once_an_order_is_told_of_in_that_order(
    own_db: Database,
) -> None:
    draft = await open_shop(own_db)

    async def held() -> OrderView:
        async with own_db.transaction() as session:
            order = await orders.capture_order(session, draft, by="test")
            return await orders.hold_order(session, order.id, "why?", by="test")

    async def release(order: OrderView) -> bool:
        try:
            async with own_db.transaction() as session:
                await orders.release_order(session, order.id, by="clerk")
        except PostriderError:
            return False
        return True

    async def cancel(order: OrderView) -> None:
        async with own_db.transaction() as session:
            await orders.cancel_order(session, order.id, by="shop", reason="")

    made = [await held() for _ in range(8)]
    released = await asyncio.gather(
        *(act for order in made for act in (release(order), cancel(order)))
    )
    for order, was_released in zip(made, released[::2], strict=True):
        async with own_db.transaction() as session:
            assert (await orders.get_order(session, order.id)).state == "cancelled"
            told = list(
                await session.scalars(
                    select(OutboxEvent.name)
                    .where(OutboxEvent.body["order_id"].astext == str(order.id))
                    .order_by(OutboxEvent.id)
                )
            )
        expected = ["orders.OrderCaptured", "orders.OrderReleased", "orders.OrderCancelled"]
        assert told == (expected if was_released else [expected[0], expected[2]])


async def test_many_who_merge_and_split_the_same_orders_at_once_lose_nothing(
    own_db: Database,
) -> None:
    """No deadlock reaches anybody: orders are locked in one order."""
    draft = await open_shop(own_db)
    async with own_db.transaction() as session:
        first, second, third = [
            await orders.capture_order(session, draft, by="test") for _ in range(3)
        ]

    async def merge(into: OrderView, other: OrderView) -> None:
        try:
            async with own_db.transaction() as session:
                await orders.merge_orders(session, into.id, other.id, by="clerk")
        except PostriderError as refused:
            assert refused.status == 409

    pairs = [(first, second), (second, first), (second, third), (third, first), (first, third)]
    await asyncio.gather(*(merge(*pair) for pair in pairs * 2))
    async with own_db.transaction() as session:
        page = await orders.list_orders(session)
    (left,) = [order for order in page.items if order.state != "cancelled"]
    assert [line.quantity for line in left.lines] == [9, 12, 15]
    assert left.cash_minor == 2_700
