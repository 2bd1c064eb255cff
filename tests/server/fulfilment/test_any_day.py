"""Whatever happens in the warehouse, in whatever order: every unit is accounted for after each
step."""

import asyncio
from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import text

from server.consignments import service as consignments
from server.fulfilment import service as fulfilment
from server.fulfilment.errors import NothingToPick
from server.kit import clock
from server.kit.db import Database, OneConnectionDatabase
from server.kit.errors import PostriderError
from server.kit.relay import relay_pending
from server.orders.service import AlreadyShipped, OrderView
from tests.conftest import Databases
from tests.server.fulfilment.conftest import MONDAY_MORNING, PICKER, House, built_house
from tests.server.histories import play_histories

SKUS = ("TEA", "CUP")
BINS = ("A/1", "A/4", "B/2")
LINES = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=3)
UNITS = st.sampled_from([0, 1, 9, 9])
OFTEN_NOT = st.sampled_from([False, False, False, True])
STREET = st.sampled_from(["at_depot", "loaded", "out_for_delivery", "attempted", "delivered"])


class PowerCut(Exception):
    """The process dies before it can commit."""


class WarehouseDay(RuleBasedStateMachine):
    """received: what ever came in. missed: what pickers said was not there."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.connection = self.run(db.engine.connect().__aenter__())
        self.outer = self.run(self.connection.begin().__aenter__())
        self.clock = clock.running(lambda: MONDAY_MORNING)
        self.clock.__enter__()
        self.db = OneConnectionDatabase(self.connection)
        self.house: House = self.run(built_house(self.db))
        for sku in SKUS:
            self.run(self.house.stock(sku, 4))
        self.orders: list[OrderView] = [self.run(self.house.order(("TEA", 3), ("CUP", 1)))]
        self.waves: list[fulfilment.WaveView] = []
        self.received: Counter[str] = Counter(dict.fromkeys(SKUS, 4))
        self.missed: Counter[str] = Counter()

    def teardown(self) -> None:
        self.clock.__exit__(None, None, None)
        self.run(self.outer.rollback())
        self.run(self.connection.close())

    def _any_order(self, data: st.DataObject) -> OrderView:
        return data.draw(st.sampled_from(self.orders))

    @rule(sku=st.sampled_from(SKUS), units=st.integers(1, 8), at=st.sampled_from(BINS))
    def goods_come_in(self, sku: str, units: int, at: str) -> None:
        self.run(self.house.stock(sku, units, at=at))
        self.received[sku] += units

    @rule(lines=LINES, told=st.booleans())
    def order(self, lines: list[tuple[str, int]], told: bool) -> None:
        self.orders.append(self.run(self.house.order(*lines, relay=told)))

    @precondition(lambda self: len(self.orders) > 1)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = self._any_order(data)
        try:
            self.run(self.house.cancel(order))
        except AlreadyShipped:
            assert self.run(self.house.order_now(order)).state in ("shipped", "delivered")

    @rule()
    def news_comes_through(self) -> None:
        self.run(relay_pending(self.db))

    @rule(
        scans=st.lists(st.tuples(UNITS, OFTEN_NOT, OFTEN_NOT), min_size=1, max_size=5),
        size=st.integers(1, 6),
        fresh=OFTEN_NOT,
    )
    def pick(self, scans: list[tuple[int, bool, bool]], size: int, fresh: bool) -> None:
        """In the wave at hand, or in one begun for it. Each scan: units, short, power cut."""
        if fresh or not (self.waves and self.run(self._open(self.waves[-1]))):
            try:
                self.waves.append(self.run(self.house.wave(max_tasks=size)))
            except NothingToPick:
                return
        for units, short, crash in scans:
            self._scan(self.waves[-1], units, short=short, crash=crash)

    async def _open(self, wave: fulfilment.WaveView) -> bool:
        async with self.db.transaction() as session:
            return (await fulfilment.next_pick(session, wave.id, person_id=PICKER)).left > 0

    def _scan(self, wave: fulfilment.WaveView, units: int, *, short: bool, crash: bool) -> None:
        async def scan() -> tuple[str, fulfilment.Picked] | None:
            async with self.db.transaction() as session:
                step = await fulfilment.next_pick(session, wave.id, person_id=PICKER)
                if step.task is None:
                    return None
                picked = await fulfilment.pick_scanned(
                    session,
                    wave.id,
                    location=step.task.location,
                    sku=step.task.sku,
                    quantity=min(units, step.units_here),
                    short=short or not units,
                    person_id=PICKER,
                    by="picker",
                )
                if crash:
                    raise PowerCut
            return step.task.sku, picked

        try:
            done = self.run(scan())
        except PowerCut:
            return
        if done:
            self.missed[done[0]] += done[1].elsewhere + done[1].lacking

    @precondition(lambda self: self.waves)
    @rule(data=st.data())
    def give_wave_up(self, data: st.DataObject) -> None:
        wave = data.draw(st.sampled_from(self.waves))

        async def give_up() -> None:
            async with self.db.transaction() as session:
                await fulfilment.cancel_wave(session, wave.id, by="test")

        try:
            self.run(give_up())
        except PostriderError as refused:
            assert refused.code == "fulfilment.wave_over"

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), units=st.sampled_from([0, 0, 1]), crash=OFTEN_NOT)
    def pack(self, data: st.DataObject, units: int, crash: bool) -> None:
        at_hand = [each for each in self.orders if self.run(self._is_picked(each))]
        order = data.draw(st.sampled_from(at_hand or self.orders))
        sku = order.lines[0].sku

        async def pack() -> None:
            async with self.db.transaction() as session:
                for one in await fulfilment.list_fulfilments(session, order_id=order.id):
                    await fulfilment.pack_parcel(
                        session,
                        one.id,
                        contents=[fulfilment.Packing(sku=sku, quantity=units)] if units else (),
                        weight_g=500,
                        by="packer",
                    )
                if crash:
                    raise PowerCut

        try:
            self.run(pack())
        except PowerCut:
            return
        except PostriderError as refused:
            assert refused.code in (
                "fulfilment.nothing_picked_to_pack",
                "fulfilment.nothing_to_send",
                "consignments.parcels_have_left",
                "consignments.closed",
            ), refused

    async def _is_picked(self, order: OrderView) -> bool:
        async with self.db.transaction() as session:
            found = await fulfilment.list_fulfilments(session, order_id=order.id)
        return any(each.state == "picked" for each in found)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), state=STREET)
    def street(self, data: st.DataObject, state: str) -> None:
        order = self._any_order(data)

        async def report() -> None:
            async with self.db.transaction() as session:
                sent = await consignments.list_consignments(session, order_id=order.id)
                parcels = [parcel.id for each in sent for parcel in each.parcels]
            if parcels:
                some = data.draw(st.lists(st.sampled_from(parcels), min_size=1, unique=True))
                async with self.db.transaction() as session:
                    await consignments.record_custody(
                        session,
                        parcel_ids=some,
                        state=state,
                        occurred_at=clock.now(),
                        received_at=clock.now(),
                        by="test",
                        strict=False,
                    )

        self.run(report())

    @rule()
    def put_everything_back(self) -> None:
        async def put_back() -> None:
            async with self.db.transaction() as session:
                for task in await fulfilment.list_put_backs(session):
                    await fulfilment.put_back_scanned(
                        session, task.id, location=task.location, by="picker"
                    )

        self.run(put_back())

    @precondition(lambda self: self.orders)
    @rule(instead=st.booleans())
    def settle_a_shortage(self, instead: bool) -> None:
        async def settle() -> None:
            async with self.db.transaction() as session:
                for each in (await fulfilment.list_shortages(session, state="open"))[:1]:
                    lacks_tea = each.sku_id == self.house.skus["TEA"]
                    if instead:
                        other = "CUP" if lacks_tea else "TEA"
                        await fulfilment.substitute_shortage(session, each.id, sku=other, by="c")
                    else:
                        await fulfilment.leave_out(session, each.id, by="c")

        try:
            self.run(settle())
        except PostriderError as refused:
            assert refused.code == "inventory.not_enough_stock"

    @invariant()
    def every_unit_is_accounted_for(self) -> None:
        self.run(self.house.prove())
        shipped = self.run(self._number(SHIPPED))
        for sku in SKUS:
            levels = self.run(self.house.levels(sku)).values()
            on_hand = sum(each[0] for each in levels)
            assert on_hand == self.received[sku] - self.missed[sku] - shipped.get(sku, 0)

    @invariant()
    def parcels_and_tasks_agree_with_the_stock_and_no_news_was_refused(self) -> None:
        assert self.run(self._number(BROKEN)) == {}

    async def _number(self, query: str) -> dict[str, int]:
        async with self.db.transaction() as session:
            rows = await session.execute(text(query))
            return {str(name): int(number) for name, number in rows}


SHIPPED = """
    select sku.code, sum(move.quantity) from stock_move move join sku on sku.id = move.sku_id
    where move.kind = 'shipped' group by sku.code
"""
SHIPPED_TWICE = """
    select a.order_id, count(*) from (
        select order_id, sum(quantity) as units from allocation where state = 'shipped'
        group by order_id
    ) a join (
        select subject, sum(quantity) as units from stock_move where kind = 'shipped'
        group by subject
    ) m on m.subject = 'order:' || a.order_id where m.units <> a.units group by a.order_id
"""
OVERPACKED = """
    select c.allocation_id, sum(c.quantity) - max(a.quantity)
    from packed_content c join allocation a on a.id = c.allocation_id
    group by c.allocation_id having sum(c.quantity) > max(a.quantity)
"""
WORK_WITHOUT_GOODS = """
    select t.kind, count(*) from pick_task t join allocation a on a.id = t.allocation_id
    where t.state = 'open'
        and a.state <> case t.kind when 'pick' then 'allocated' else 'picked' end
    group by t.kind
"""
WAVES_LEFT_OPEN = """
    select w.state, count(*) from pick_wave w
    where (w.state = 'open') <> exists (
        select from pick_task t where t.wave_id = w.id and t.state = 'open'
    ) group by w.state
"""
PARKED = """
    select reaction || ': ' || coalesce(error, ''), attempts
    from outbox_reaction where done_at is null
"""

BROKEN = " union all ".join(
    f"select '{name}: ' || broken.subject, broken.number from ({query}) broken (subject, number)"
    for name, query in {
        "overpacked": OVERPACKED,
        "work without goods": WORK_WITHOUT_GOODS,
        "waves left open": WAVES_LEFT_OPEN,
        "shipped twice": SHIPPED_TWICE,
        "parked": PARKED,
    }.items()
)
"""One statement, since it is asked after every step."""


def test_any_day_in_the_warehouse_leaves_true_books(databases: Databases) -> None:
    play_histories(databases, WarehouseDay, histories=8, steps=25)
