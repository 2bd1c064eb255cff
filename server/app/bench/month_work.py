"""What the company of the month does in a day, by the services as the API and the phones call them.

Each step looks for its work in the tables, does it thing by thing in a transaction each, and lets
the news through.
"""

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from routing.roads import HaversineRoads
from server.app.bench.month_company import BY, Customer, Firm
from server.dispatch import service as dispatch
from server.fulfilment import service as fulfilment
from server.inventory import service as inventory
from server.inventory.service import NotEnoughStock, Received
from server.kit.errors import Conflict
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderLine
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

STOCK_AIM = 200
"""Units of each SKU that are ordered up to every morning."""

DISPOSITIONS: tuple[inventory.Disposition, ...] = ("restock", "quarantine", "scrap", "vendor")
DISPOSITION_WEIGHTS = (70, 10, 15, 5)


class Work:
    """now: moved by who tells the days. did: what was done, counted where it was done."""

    def __init__(self, firm: Firm, dice: random.Random, now: datetime) -> None:
        self.firm = firm
        self.db = firm.db
        self.dice = dice
        self.now = now
        self.did: Counter[str] = Counter()
        self._roads = HaversineRoads()

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.db.transaction() as session:
            return list(await session.execute(text(query), {"now": self.now} | values))

    async def news(self) -> None:
        await relay_pending(self.db)

    async def open_day(self) -> None:
        """Shifts begin, and the shelves are filled."""
        async with self.db.transaction() as session:
            for driver_id, vehicle_id in self.firm.crews:
                await dispatch.create_shift(
                    session,
                    driver_id=driver_id,
                    vehicle_id=vehicle_id,
                    starts_at=self.now,
                    ends_at=self.now + timedelta(hours=13),
                    by=BY,
                )
        for customer in self.firm.customers:
            for code in customer.stocked:
                await self._fill_up(customer, code)
        await self.news()

    async def _fill_up(self, customer: Customer, code: str) -> None:
        async with self.db.transaction() as session:
            here = (await inventory.get_availability(session, customer.sku_ids[code])).available
            if here >= STOCK_AIM // 2:
                return
            await inventory.receive_stock(
                session,
                account_id=customer.account_id,
                location_id=self.dice.choice(self.firm.shelf_ids),
                goods=[Received(sku=code, quantity=STOCK_AIM - here)],
                by=BY,
            )
        self.did["units_bought"] += STOCK_AIM - here

    async def take_order(self) -> None:
        customer = self.dice.choice(self.firm.customers)
        skus = self.dice.sample(list(customer.prices_minor), self.dice.choice((1, 1, 2, 3)))
        draft = OrderDraft(
            account_id=customer.account_id,
            kind="goods",
            channel="bench",
            external_id=str(new_id()),
            consignee=self.dice.choice(self.firm.doors),
            lines=tuple(
                OrderLine(
                    sku=sku,
                    quantity=self.dice.choice((1, 1, 1, 2, 3)),
                    unit_price_minor=customer.prices_minor[sku],
                )
                for sku in skus
            ),
            cash_minor=self.dice.randint(500, 20_000) if self.dice.random() < 0.15 else 0,
            currency="EUR",
            window_start_at=self.now,
            window_end_at=self.now + timedelta(hours=12),
        )
        async with self.db.transaction() as session:
            order = await orders.capture_order(session, draft, by=BY)
        self.did["orders"] += 1
        if self.dice.random() < 0.04:
            await self._cancel(order.id)

    async def _cancel(self, order_id: UUID) -> None:
        if self.dice.random() < 0.5:
            await self.news()
        async with self.db.transaction() as session:
            await orders.cancel_order(
                session, order_id, by=BY, reason="not wanted", code="customer_request"
            )
        self.did["cancelled"] += 1

    # The house

    async def pick(self) -> None:
        while True:
            try:
                async with self.db.transaction() as session:
                    wave = await fulfilment.create_wave(
                        session, warehouse_id=self.firm.warehouse_id, by=BY
                    )
            except Conflict:  # there is nothing left to pick
                return
            self.did["waves"] += 1
            while await self._scan(wave.id):
                pass

    async def _scan(self, wave_id: UUID) -> bool:
        """One shelf of the wave; now and then it holds a unit less than the books say."""
        person_id = self.firm.crews[0][0]
        async with self.db.transaction() as session:
            step = await fulfilment.next_pick(session, wave_id, person_id=person_id)
            if step.task is None:
                return False
            short = self.dice.random() < 0.01
            await fulfilment.pick_scanned(
                session,
                wave_id,
                location=step.task.location,
                sku=step.task.sku,
                quantity=step.units_here - short,
                short=short,
                person_id=person_id,
                by=BY,
            )
        self.did["units_missed"] += short
        return True

    async def pack(self) -> None:
        """Each in one parcel; what is lacking is left out."""
        for (shortage_id,) in await self.rows("select id from shortage where state = 'open'"):
            async with self.db.transaction() as session:
                await fulfilment.leave_out(session, shortage_id, by=BY)
        for (fulfilment_id,) in await self.rows(
            "select id from fulfilment where state = 'picked' order by id"
        ):
            async with self.db.transaction() as session:
                await fulfilment.pack_parcel(session, fulfilment_id, weight_g=900, by=BY)
            self.did["parcels"] += 1
        for task_id, warehouse_id in await self.rows(
            "select t.id, f.warehouse_id from pick_task t join fulfilment f on"
            " f.id = t.fulfilment_id where t.kind = 'put_back' and t.state = 'open'"
        ):
            await self._put_back(task_id, warehouse_id)
        await self.news()

    async def _put_back(self, task_id: UUID, warehouse_id: UUID) -> None:
        async with self.db.transaction() as session:
            tasks = await fulfilment.list_put_backs(session, warehouse_id=warehouse_id, limit=200)
            for task in tasks:
                if task.id == task_id:
                    await fulfilment.put_back_scanned(
                        session, task_id, location=task.location, by=BY
                    )
        self.did["put_backs"] += 1

    # The street

    async def send_out(self) -> None:
        """Into the runs of today goes whatever may go today; the rest waits for tomorrow."""
        for (consignment_id,) in await self.rows(
            "select distinct c.id from task join consignment c on c.id = task.consignment_id"
            " where task.state = 'unassigned' and c.cancelled_at is null"
            " and coalesce(task.window_start_at, :now) <= :now order by c.id"
        ):
            try:
                async with self.db.transaction() as session:
                    await dispatch.insert_urgent(session, consignment_id, roads=self._roads, by=BY)
            except Conflict:
                self.did["not_sent_today"] += 1
        await self.news()

    async def drive(self) -> None:
        """Every driver serves every door, well or not."""
        for task_id, driver_id, kind, cash_minor in await self.rows(
            "select task.id, task.driver_id, task.kind, c.cash_minor from task"
            " join consignment c on c.id = task.consignment_id where task.driver_id is not null"
            " and task.state not in ('completed', 'failed', 'cancelled') order by task.id"
        ):
            self.now += timedelta(seconds=20)
            luck = self.dice.random()
            async with self.db.transaction() as session:
                if kind == "delivery" and luck < 0.07:
                    code = "refused" if luck < 0.025 else "not_home"
                    fail = FailTask(task_id=str(task_id), outcome_code=code, occurred_at=self.now)
                    await dispatch.fail_task(session, **self._said(driver_id, fail))
                    self.did["failed_at_door"] += 1
                else:
                    done = CompleteTask(
                        task_id=str(task_id),
                        outcome_code="delivered_to_consignee"
                        if kind == "delivery"
                        else "collected",
                        occurred_at=self.now,
                        cash_minor=cash_minor or None,
                    )
                    await dispatch.complete_task(session, **self._said(driver_id, done))
                    self.did["delivered" if kind == "delivery" else "collected"] += 1
                    self.did["cash_minor"] += cash_minor or 0
        await self.news()
        await self._unload()

    async def _unload(self) -> None:
        for driver_id, barcodes in await self.rows(
            "select task.driver_id, array_agg(distinct parcel.barcode) from task"
            " join parcel on parcel.consignment_id = task.consignment_id"
            " where task.driver_id is not null"
            " and parcel.state in ('attempted', 'refused', 'collected') group by task.driver_id"
        ):
            scan = ScanParcels(
                barcodes=tuple(sorted(barcodes)), purpose="unload", occurred_at=self.now
            )
            async with self.db.transaction() as session:
                await dispatch.scan_parcels(session, **self._said(driver_id, scan))
        await self.news()

    def _said(self, driver_id: UUID, command: Any) -> dict[str, Any]:
        return {
            "driver_id": driver_id,
            "command": command,
            "occurred_at": self.now,
            "received_at": self.now,
            "command_id": str(new_id()),
        }

    # What comes back

    async def customers_think_again(self) -> None:
        """Of what was delivered today some comes back, or is exchanged."""
        for order_id, account_id, sku, quantity in await self.rows(
            "select o.id, o.account_id, line.sku, line.quantity from orders o"
            " join order_line line on line.order_id = o.id and line.position = 1"
            " where o.state = 'delivered' and o.origin = ''"
            " and o.captured_at > cast(:now as timestamptz) - interval '1 day' order by o.id"
        ):
            luck = self.dice.random()
            if luck < 0.09:
                await self._return(order_id, self.dice.randint(1, quantity))
            elif luck < 0.12:
                await self._exchange(order_id, account_id, sku)
        await self.news()

    async def _return(self, order_id: UUID, quantity: int) -> None:
        goods = [ReturningGoods(order_line=1, quantity=quantity)]
        async with self.db.transaction() as session:
            await returns.create_return(
                session, order_id=order_id, goods=goods, reason="not as thought", by=BY
            )
        self.did["returns"] += 1

    async def _exchange(self, order_id: UUID, account_id: UUID, sku: str) -> None:
        prices_minor = next(
            each.prices_minor for each in self.firm.customers if each.account_id == account_id
        )
        other = self.dice.choice([each for each in prices_minor if each != sku])
        request = ExchangeRequest(
            order_id=order_id,
            goods=(ReturningGoods(order_line=1, quantity=1),),
            replacement=(
                ReplacementLine(sku=other, quantity=1, unit_price_minor=prices_minor[other]),
            ),
            window_start_at=self.now + timedelta(hours=12),
            window_end_at=self.now + timedelta(hours=30),
        )
        try:
            async with self.db.transaction() as session:
                exchange = await returns.create_exchange(session, request, by=BY, lenient=True)
                if exchange.state == "awaiting_payment":
                    await returns.pay_difference(
                        session,
                        exchange.id,
                        settlement="paid" if self.dice.random() < 0.5 else "on_account",
                        reference="bench",
                        by=BY,
                    )
        except NotEnoughStock:
            self.did["exchanges_refused"] += 1
        else:
            self.did["exchanges"] += 1

    async def open_boxes(self) -> None:
        """What is back is counted, judged line by line, and reckoned up."""
        for (return_id,) in await self.rows(
            "select id from return where state in ('received', 'collected') order by id"
        ):
            async with self.db.transaction() as session:
                await self._open(session, return_id)
        await self.news()

    async def _open(self, session: AsyncSession, return_id: UUID) -> None:
        coming = await returns.get_return(session, return_id)
        counted = [
            CountedLine(line_id=line.id, quantity=line.quantity - (self.dice.random() < 0.03))
            for line in coming.lines
            if line.kit_line_id is None and line.received_quantity is None
        ]
        found = [] if coming.lines else [FoundGoods(description="a box of it", quantity=1)]
        if counted or found:
            coming = await returns.receive_goods(
                session, return_id, counted=counted, found=found, by=BY
            )
        for line in coming.lines:
            if line.received_quantity and line.disposition is None:
                (disposition,) = self.dice.choices(DISPOSITIONS, DISPOSITION_WEIGHTS)
                shelf = {
                    "restock": self.firm.shelf_ids[0],
                    "quarantine": self.firm.quarantine_id,
                }.get(disposition)
                finding = Finding(
                    grade="opened",
                    disposition=disposition,
                    location_id=shelf if line.sku_id else None,
                    refund_percent=self.dice.choice((100, 100, 80)),
                )
                coming = await returns.inspect_line(session, line.id, finding, by=BY)
        if coming.state == "inspected":
            await returns.resolve_return(session, return_id, by=BY)
        self.did["boxes_opened"] += 1
