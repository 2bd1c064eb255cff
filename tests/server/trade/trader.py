"""A company that trades: it keeps goods, takes orders, sends a driver, takes goods back, and bills.

Every command is prepared from what stands in the database, and then done in one transaction, so
that a test may break it, repeat it, or do two at the same time.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from routing.roads import HaversineRoads
from server.accounts import service as accounts
from server.accounts.service import ReturnPolicy
from server.billing import service as billing
from server.billing.service import CreditedLine, NewPayment, Rules, TariffDraft
from server.billing.tariff_rules import Flat
from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.fulfilment import service as fulfilment
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku, Received
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.service import OrderChanges, OrderDraft, OrderLine, Party, SplitLine
from server.places import service as places
from server.protocol.from_driver import CompleteTask, FailTask, ScanParcels
from server.returns import service as returns
from server.returns.service import (
    CountedLine,
    ExchangeRequest,
    Finding,
    FoundGoods,
    ReplacementLine,
    ReturningGoods,
)
from tests.server.billing.bookkeeping import BUYER, COMPANY, RATES

MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
PRICES = {"TEA": 1000, "CUP": 2500, "SET": 4000}
DISPOSITIONS: tuple[inventory.Disposition, ...] = ("restock", "quarantine", "scrap", "vendor")

Act = Callable[[AsyncSession], Awaitable[object]]
Prepared = Callable[[Database], Awaitable[None]]


async def open_books(db: Database) -> None:
    """What all traders of one database share."""
    async with db.transaction() as session:
        await billing.put_company(session, "MAIN", COMPANY, by="test")
        for rate in RATES:
            await billing.put_vat_rate(session, rate, by="test")


class Trader:
    """number: no two of one database have the same. which, amount: of commands, any number; what
    they mean there is taken from them."""

    def __init__(self, db: Database, number: int) -> None:
        self.db = db
        self.number = number
        # A month after the one before, so that each has its own weeks in the journal.
        self.opened_at = self.now = MORNING + timedelta(days=28 * number)
        self.roads = HaversineRoads()
        self.received = 0
        self.person_id = new_id()

    async def open(self) -> None:
        name = f"T{self.number}"
        # Ten kilometres from the next one, so that everybody's nearest depot is their own.
        here = Position(9.5 + 0.13 * self.number, 47.1)
        async with self.db.transaction() as session:
            account = await accounts.create_account(session, name=name, code=name, by="test")
            self.account_id = account.id
            await billing.put_buyer(session, account.id, BUYER, by="test")
            policy = ReturnPolicy(attempts_max=1)
            await accounts.set_return_policy(session, account.id, policy, by="test")
            draft = TariffDraft(
                name=name,
                account_id=account.id,
                currency="EUR",
                valid_from=self.opened_at - timedelta(days=60),
                rules=Rules(flat=Flat(minor=499)),
            )
            tariff = await billing.create_tariff(session, draft, by="test")
            await billing.activate_tariff(session, tariff.id, by="test")
            await self._open_house(session, name)
            depot_place = await places.create_place(session, "Depot", position=here)
            door = await places.create_place(
                session, "Long Street 1", position=Position(here.lon + 0.004, here.lat)
            )
            self.consignee = Party(name="Ada", place_id=door.id)
            depot = await dispatch.create_depot(
                session, name=name, place_id=depot_place.id, timezone="Europe/Vaduz", by="test"
            )
            driver = await dispatch.create_driver(
                session, depot_id=depot.id, name="Bo", email=f"{name}@example.org", by="test"
            )
            self.driver_id = driver.id
            vehicle = await dispatch.create_vehicle(
                session,
                depot_id=depot.id,
                label=name,
                capacity_weight_g=10_000_000,
                capacity_volume_ml=10_000_000,
                capacity_parcels=1000,
                by="test",
            )
            self.vehicle_id = vehicle.id
            await self._begin_shift(session)

    async def _open_house(self, session: AsyncSession, name: str) -> None:
        async def place(
            kind: inventory.LocationKind, code: str, parent_id: UUID | None = None
        ) -> UUID:
            made = await inventory.create_location(
                session, kind=kind, code=code, parent_id=parent_id, by="test"
            )
            return made.id

        self.warehouse = await place("warehouse", f"W{name}")
        self.shelves = [await place("bin", code, self.warehouse) for code in ("A", "B")]
        self.quarantine = await place("quarantine", "Q", self.warehouse)
        parts = (Component(sku="TEA", quantity=2), Component(sku="CUP", quantity=1))
        self.skus = {}
        for code in PRICES:
            sku = NewSku(code=code, name=code, components=parts if code == "SET" else ())
            made = await inventory.create_sku(session, sku, account_id=self.account_id, by="test")
            self.skus[code] = made.id

    async def _begin_shift(self, session: AsyncSession) -> None:
        await dispatch.create_shift(
            session,
            driver_id=self.driver_id,
            vehicle_id=self.vehicle_id,
            starts_at=self.now,
            ends_at=self.now + timedelta(hours=12),
            by="test",
        )

    # What commands are prepared from

    async def find(self, query: str, which: int, **values: Any) -> Any:
        """One of the rows' first columns; None when there are none. The query sees :account and
        :driver."""
        async with self.db.transaction() as session:
            rows = await session.execute(
                text(query), {"account": self.account_id, "driver": self.driver_id} | values
            )
            found = [row[0] for row in rows]
        return found[which % len(found)] if found else None

    async def an_order(self, which: int, *states: str) -> UUID | None:
        """Mostly one in these states; else any one, to which it may not be done any more."""
        query = "select id from orders where account_id = :account"
        if which % 8:
            wanted = f"{query} and state = any(:states) order by id"
            return await self.find(wanted, which, states=list(states))
        return await self.find(f"{query} order by id", which // 8)

    async def a_return(self, which: int, *states: str) -> returns.ReturnView | None:
        query = "select id from return where account_id = :account"
        if which % 8:
            wanted = f"{query} and state = any(:states) order by id"
            return_id = await self.find(wanted, which, states=list(states))
        else:
            return_id = await self.find(f"{query} order by id", which // 8)
        if return_id is None:
            return None
        async with self.db.transaction() as session:
            return await returns.get_return(session, return_id)

    def lines(self, which: int, amount: int) -> tuple[OrderLine, ...]:
        wanted = (("TEA",), ("CUP", "TEA"), ("SET",), ("TEA", "SET"))[which % 4]
        return tuple(
            OrderLine(sku=sku, quantity=amount % 3 + 1, unit_price_minor=PRICES[sku])
            for sku in wanted
        )

    # Stock

    async def goods_come(self, which: int, amount: int) -> Act:
        sku = ("TEA", "CUP")[which % 2]
        goods = [Received(sku=sku, quantity=amount % 7 + 1)]
        return lambda session: inventory.receive_stock(
            session,
            account_id=self.account_id,
            location_id=self.shelves[amount % 2],
            goods=goods,
            by="test",
        )

    async def correct_a_shelf(self, which: int, amount: int) -> Act:
        return lambda session: inventory.adjust_stock(
            session,
            sku_id=self.skus[("TEA", "CUP")[which % 2]],
            location_id=self.shelves[amount % 2],
            change=(-1, 1, -3)[amount % 3],
            reason="found or lost",
            by="test",
        )

    async def transfer(self, which: int, amount: int) -> Act:
        there, here = self.shelves if which % 4 < 2 else self.shelves[::-1]
        return lambda session: inventory.transfer_stock(
            session,
            sku_id=self.skus[("TEA", "CUP")[which % 2]],
            from_location_id=there,
            to_location_id=here,
            quantity=amount % 3 + 1,
            by="test",
        )

    # Orders

    async def order(self, which: int, amount: int) -> Act:
        draft = OrderDraft(
            account_id=self.account_id,
            kind="goods",
            channel="test",
            external_id=str(new_id()),
            consignee=self.consignee,
            lines=self.lines(which, amount),
            cash_minor=(0, 0, 1234)[amount % 3],
            window_start_at=self.now,
            window_end_at=self.now + timedelta(hours=10),
        )
        return lambda session: orders.capture_order(session, draft, by="test")

    async def hold(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "received", "accepted", "on_hold")
        return order_id and (
            lambda session: orders.hold_order(session, order_id, "why?", kind="person", by="test")
        )

    async def release(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "on_hold")
        kind: Any = ("person", None, "stock", "payment")[amount % 4]
        return order_id and (
            lambda session: orders.release_order(session, order_id, kind=kind, by="test")
        )

    async def amend(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "received", "accepted", "on_hold", "in_fulfilment")
        if order_id is None:
            return None
        async with self.db.transaction() as session:
            version = (await orders.get_order(session, order_id)).version
        changes = OrderChanges(lines=self.lines(amount, which), cash_minor=500 * (amount % 2))
        return lambda session: orders.amend_order(
            session, order_id, changes, expected_version=version, by="test"
        )

    async def split(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "received", "accepted", "on_hold", "in_fulfilment")
        if order_id is None:
            return None
        async with self.db.transaction() as session:
            version = (await orders.get_order(session, order_id)).version
        part = [SplitLine(position=1, quantity=amount % 2 + 1)]
        return lambda session: orders.split_order(
            session, order_id, part, expected_version=version, by="test"
        )

    async def merge(self, which: int, amount: int) -> Act | None:
        states = "received", "accepted", "on_hold", "in_fulfilment"
        order_id = await self.an_order(which, *states)
        other_id = await self.an_order(amount, *states)
        if order_id is None or other_id is None:
            return None
        return lambda session: orders.merge_orders(session, order_id, other_id, by="test")

    async def cancel(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "received", "accepted", "on_hold", "in_fulfilment")
        return order_id and (
            lambda session: orders.cancel_order(session, order_id, reason="no more", by="test")
        )

    # The warehouse

    async def begin_wave(self, which: int, amount: int) -> Act:
        return lambda session: fulfilment.create_wave(
            session, warehouse_id=self.warehouse, max_tasks=amount % 6 + 2, by="test"
        )

    async def give_wave_up(self, which: int, amount: int) -> Act | None:
        wave_id = await self.find(WAVES, which)
        return wave_id and (lambda session: fulfilment.cancel_wave(session, wave_id, by="test"))

    async def pick(self, which: int, amount: int) -> Act | None:
        """At the next shelf: all of it, one unit, or what turns out to be too few."""
        wave_id = await self.find(WAVES, which)
        if wave_id is None:
            return None
        async with self.db.transaction() as session:
            step = await fulfilment.next_pick(session, wave_id, person_id=self.person_id)
        task = step.task
        if task is None:
            return None
        units = (step.units_here, step.units_here, 1, step.units_here - 1)[amount % 4]
        return lambda session: fulfilment.pick_scanned(
            session,
            wave_id,
            location=task.location,
            sku=task.sku,
            quantity=units,
            short=amount % 4 == 3,
            person_id=self.person_id,
            by="picker",
        )

    async def pack(self, which: int, amount: int) -> Act | None:
        query = """
            select id from fulfilment where account_id = :account
            and (state = 'picked' or :any and state <> 'cancelled') order by id
        """
        one = await self.find(query, which, any=which % 8 == 0)
        sku = ("TEA", "CUP")[which % 2]
        some = [fulfilment.Packing(sku=sku, quantity=1)] if amount % 4 == 0 else []
        return one and (
            lambda session: fulfilment.pack_parcel(
                session, one, contents=some, weight_g=500, by="packer"
            )
        )

    async def put_back(self, which: int, amount: int) -> Act | None:
        query = """
            select task.id from pick_task task join fulfilment f on f.id = task.fulfilment_id
            where f.account_id = :account and task.kind = 'put_back' and task.state = 'open'
            order by task.id
        """
        task_id = await self.find(query, which)
        if task_id is None:
            return None

        async def act(session: AsyncSession) -> None:
            for task in await fulfilment.list_put_backs(session, warehouse_id=self.warehouse):
                if task.id == task_id:
                    await fulfilment.put_back_scanned(
                        session, task.id, location=task.location, by="picker"
                    )

        return act

    async def settle_a_shortage(self, which: int, amount: int) -> Act | None:
        query = """
            select s.id from shortage s join fulfilment f on f.id = s.fulfilment_id
            where f.account_id = :account and s.state = 'open' order by s.id
        """
        shortage_id = await self.find(query, which)
        if shortage_id is None:
            return None
        if amount % 2:
            return lambda session: fulfilment.leave_out(session, shortage_id, by="test")
        return lambda session: fulfilment.substitute_shortage(
            session, shortage_id, sku=("TEA", "CUP")[which % 2], by="test"
        )

    # The street

    async def send_driver(self, which: int, amount: int) -> Act | None:
        query = """
            select task.consignment_id from task join consignment c on c.id = task.consignment_id
            where c.account_id = :account and task.state = 'unassigned' order by task.id
        """
        consignment_id = await self.find(query, which)
        return consignment_id and (
            lambda session: dispatch.insert_urgent(
                session, consignment_id, roads=self.roads, by="test"
            )
        )

    async def _a_task(self, which: int) -> dispatch.TaskView | None:
        query = """
            select task.id from task join consignment c on c.id = task.consignment_id
            where c.account_id = :account and (:any or task.driver_id = :driver
            and task.state not in ('completed', 'failed', 'cancelled')) order by task.id
        """
        task_id = await self.find(query, which, any=which % 8 == 0)
        if task_id is None:
            return None
        async with self.db.transaction() as session:
            return await dispatch.get_task(session, task_id)

    async def finish_a_task(self, which: int, amount: int) -> Act | None:
        task = await self._a_task(which)
        if task is None:
            return None
        async with self.db.transaction() as session:
            sent = await consignments.get_consignment(session, task.consignment_id)
        code = "delivered_to_consignee" if task.kind == "delivery" else "collected"
        command = CompleteTask(
            task_id=str(task.id),
            outcome_code=code,
            occurred_at=self.now,
            cash_minor=sent.cash_minor or None,
        )
        return lambda session: dispatch.complete_task(session, **self._said(command))

    async def fail_a_task(self, which: int, amount: int) -> Act | None:
        task = await self._a_task(which)
        if task is None:
            return None
        code = ("not_home", "refused", "damaged")[amount % 3]
        code = code if task.kind == "delivery" else "nothing_to_collect"
        command = FailTask(task_id=str(task.id), outcome_code=code, occurred_at=self.now)
        return lambda session: dispatch.fail_task(session, **self._said(command))

    async def unload(self, which: int, amount: int) -> Act | None:
        """All that the driver brings back to the depot."""
        query = """
            select parcel.barcode from parcel join consignment c on c.id = parcel.consignment_id
            where c.account_id = :account
            and parcel.state in ('attempted', 'refused', 'damaged', 'collected')
        """
        async with self.db.transaction() as session:
            rows = await session.execute(text(query), {"account": self.account_id})
            barcodes = tuple(sorted(str(row[0]) for row in rows))
        command = ScanParcels(barcodes=barcodes, purpose="unload", occurred_at=self.now)
        if not barcodes:
            return None
        return lambda session: dispatch.scan_parcels(session, **self._said(command))

    def _said(self, command: Any) -> dict[str, Any]:
        return {
            "driver_id": self.driver_id,
            "command": command,
            "occurred_at": self.now,
            "received_at": self.now,
            "command_id": str(new_id()),
        }

    # Goods that come back

    async def ask_for_return(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "delivered", "completed")
        goods = [ReturningGoods(order_line=1, quantity=amount % 3 + 1)]
        return order_id and (
            lambda session: returns.create_return(
                session, order_id=order_id, goods=goods, reason="", by="test"
            )
        )

    async def give_return_up(self, which: int, amount: int) -> Act | None:
        coming = await self.a_return(which, "booked", "approved")
        return coming and (
            lambda session: returns.cancel_return(session, coming.id, reason="", by="test")
        )

    async def open_box(self, which: int, amount: int) -> Act | None:
        """Mostly what was announced is in it."""
        coming = await self.a_return(which, "received", "collected")
        if coming is None:
            return None
        counted = [
            CountedLine(
                line_id=line.id, quantity=line.quantity if amount % 4 else max(line.quantity - 1, 0)
            )
            for line in coming.lines
            if line.kit_line_id is None and line.quantity
        ]
        found = [FoundGoods(sku="CUP", quantity=1)] if amount % 5 == 0 or not counted else []
        return lambda session: returns.receive_goods(
            session, coming.id, counted=counted, found=found, by="test"
        )

    async def inspect(self, which: int, amount: int) -> Act | None:
        coming = await self.a_return(which, "received")
        if coming is None:
            return None
        lines = [line for line in coming.lines if line.disposition is None] or coming.lines
        if not lines:
            return None
        line = lines[amount % len(lines)]
        disposition = DISPOSITIONS[amount % 4]
        shelf = {"restock": self.shelves[0], "quarantine": self.quarantine}.get(disposition)
        finding = Finding(
            grade="used",
            disposition=disposition,
            location_id=shelf if line.sku_id else None,
            quantity=1 if amount % 3 == 0 and (line.received_quantity or 0) > 1 else None,
            refund_percent=(100, 50)[amount % 2],
        )
        return lambda session: returns.inspect_line(session, line.id, finding, by="test")

    async def resolve(self, which: int, amount: int) -> Act | None:
        coming = await self.a_return(which, "inspected", "received")
        return coming and (lambda session: returns.resolve_return(session, coming.id, by="test"))

    async def swap(self, which: int, amount: int) -> Act | None:
        order_id = await self.an_order(which, "delivered", "completed")
        if order_id is None:
            return None
        sku = tuple(PRICES)[amount % 3]
        request = ExchangeRequest(
            order_id=order_id,
            goods=(ReturningGoods(order_line=1, quantity=1),),
            replacement=(ReplacementLine(sku=sku, quantity=1, unit_price_minor=PRICES[sku]),),
            window_start_at=self.now,
            window_end_at=self.now + timedelta(hours=10),
        )
        return lambda session: returns.create_exchange(session, request, by="test", lenient=True)

    async def _an_exchange(self, which: int, *states: str) -> UUID | None:
        query = "select id from exchange where account_id = :account"
        if which % 8:
            query += " and state = any(:states)"
        return await self.find(f"{query} order by id", which, states=list(states))

    async def pay_difference(self, which: int, amount: int) -> Act | None:
        exchange_id = await self._an_exchange(which, "awaiting_payment")
        settlement: Any = ("paid", "on_account")[amount % 2]
        return exchange_id and (
            lambda session: returns.pay_difference(
                session, exchange_id, settlement=settlement, reference="1", by="test"
            )
        )

    async def give_exchange_up(self, which: int, amount: int) -> Act | None:
        exchange_id = await self._an_exchange(which, "reserved", "awaiting_payment", "released")
        return exchange_id and (
            lambda session: returns.cancel_exchange(session, exchange_id, reason="", by="test")
        )

    # Money

    async def invoice(self, which: int, amount: int) -> Act:
        return lambda session: billing.draft_invoices(
            session, self.account_id, until=self.now, by="test"
        )

    async def _a_paper(self, which: int, *states: str, kind: str = "invoice") -> UUID | None:
        query = """
            select id from invoice where account_id = :account and state = any(:states)
            and kind = :kind order by id
        """
        return await self.find(query, which, states=list(states), kind=kind)

    async def issue(self, which: int, amount: int) -> Act | None:
        kind = ("invoice", "invoice", "credit_note")[amount % 3]
        draft_id = await self._a_paper(which, "draft", kind=kind)
        return draft_id and (lambda session: billing.issue_invoice(session, draft_id, by="test"))

    async def discard(self, which: int, amount: int) -> Act | None:
        draft_id = await self._a_paper(which, "draft")
        return draft_id and (lambda session: billing.discard_draft(session, draft_id, by="test"))

    async def credit(self, which: int, amount: int) -> Act | None:
        invoice_id = await self._a_paper(which, "issued", "part_paid", "paid")
        lines = [CreditedLine(line=1, net_minor=(None, 1, 250)[amount % 3])]
        return invoice_id and (
            lambda session: billing.credit_invoice(
                session, invoice_id, lines=lines, reason="Damaged", by="test"
            )
        )

    async def take_charge_back(self, which: int, amount: int) -> Act | None:
        query = """
            select id from charge where account_id = :account and reverses_id is null order by id
        """
        charge_id = await self.find(query, which)
        return charge_id and (
            lambda session: billing.reverse_charge(session, charge_id, reason="lost", by="test")
        )

    async def is_paid(self, which: int, amount: int) -> Act:
        new = NewPayment(
            company="MAIN",
            bank_reference=f"bank:{new_id()}",
            amount_minor=(594, 1, 1188, 5000)[amount % 4],
            currency="EUR",
            received_on=self.now.date(),
            account_id=self.account_id,
        )
        return lambda session: billing.record_payment(session, new, by="test")

    async def match(self, which: int, amount: int) -> Act | None:
        invoice_id = await self._a_paper(which, "issued", "part_paid")
        query = "select id from payment where account_id = :account order by id"
        payment_id = await self.find(query, amount)
        if invoice_id is None or payment_id is None:
            return None
        return lambda session: billing.match_invoice(
            session, invoice_id, payment_id=payment_id, by="test"
        )

    async def unmatch(self, which: int, amount: int) -> Act | None:
        query = """
            select m.id from invoice_match m join invoice i on i.id = m.invoice_id
            where i.account_id = :account and m.undone_on is null order by m.id
        """
        match_id = await self.find(query, which)
        return match_id and (lambda session: billing.undo_match(session, match_id, by="test"))

    async def debrief(self, which: int, amount: int) -> Act | None:
        async with self.db.transaction() as session:
            expected = await billing.expected_cash(session, self.driver_id)
        if not expected:
            return None
        cash = expected[which % len(expected)]
        missing = min(amount % 3, max(cash.expected_minor, 0))
        return lambda session: billing.debrief_driver(
            session,
            self.driver_id,
            currency=cash.currency,
            expected_minor=cash.expected_minor,
            counted_minor=max(cash.expected_minor, 0) - missing,
            reason="lost a coin",
            by="test",
        )

    async def remit(self, which: int, amount: int) -> Act | None:
        async with self.db.transaction() as session:
            due = await billing.due_cash(session, self.account_id)
        ready = [each for each in due if each.gross_minor > 0]
        if not ready:
            return None
        return lambda session: billing.remit_cash(
            session,
            self.account_id,
            currency=ready[0].currency,
            gross_minor=ready[0].gross_minor,
            reference=f"R{which}",
            by="test",
        )

    # Time

    async def a_night_passes(self) -> None:
        self.now += timedelta(days=1)
        async with self.db.transaction() as session:
            await self._begin_shift(session)


WAVES = """
    select wave.id from pick_wave wave join location on location.id = wave.warehouse_id
    where wave.state = 'open' and exists (
        select from pick_task task join fulfilment f on f.id = task.fulfilment_id
        where task.wave_id = wave.id and f.account_id = :account
    ) order by wave.id
"""
