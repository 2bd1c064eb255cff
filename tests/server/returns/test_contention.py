"""Several people at once, on connections of their own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from server.consignments import service as consignments
from server.consignments.service import ConsignmentUnderway
from server.inventory import service as inventory
from server.inventory.service import NotEnoughStock, Wanted
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import PostriderError
from server.kit.relay import relay_pending
from server.returns import service
from server.returns.service import Finding, TooManyUnits
from tests.server.returns.conftest import Trade
from tests.server.returns.test_exchange import exchange


@pytest.fixture
async def busy(own_db: Database) -> AsyncIterator[Trade]:
    trade = Trade(own_db)
    with clock.running(lambda: trade.now):
        await trade.open()
        yield trade
        await trade.prove()


async def all_at_once(*acts: Callable[[], Awaitable[object]]) -> Counter[str]:
    """How often each refusal was given; "" for no refusal. Anything but a refusal is a defect."""

    async def outcome(act: Callable[[], Awaitable[object]]) -> str:
        try:
            await act()
        except PostriderError as refusal:
            return type(refusal).__name__
        return ""

    return Counter(await asyncio.gather(*(outcome(act) for act in acts)))


async def test_two_returns_for_the_same_last_unit_are_one(busy):
    order, _ = await busy.sold(TEA=3)
    await busy.send_back(order, (1, 2))
    outcomes = await all_at_once(*[lambda: busy.send_back(order, (1, 1))] * 6)
    assert outcomes == {"": 1, TooManyUnits.__name__: 5}


async def test_cancel_and_collect_at_once_leave_no_goods_without_a_return(busy):
    for _ in range(4):
        order, _ = await busy.sold(TEA=1)
        coming = await busy.send_back(order, (1, 1))

        async def cancel(return_id=coming.id) -> None:
            async with busy.db.transaction() as session:
                await service.cancel_return(session, return_id, reason="", by="test")

        async def collect(consignment_id=coming.consignment_id) -> None:
            await busy.move(consignment_id, "collected")

        outcomes = await all_at_once(cancel, collect)
        assert set(outcomes) <= {"", ConsignmentUnderway.__name__}
        await relay_pending(busy.db)
        assert (await busy.returned(coming.id)).state == "collected", "a driver has it"


async def test_a_box_is_counted_and_inspected_once_however_many_do_it(busy):
    order, _ = await busy.sold(TEA=2, CUP=1)
    coming = await busy.send_back(order, (1, 2), (2, 1))
    assert await all_at_once(*[lambda: busy.receive(coming, 2, 1)] * 5) == {"": 5}
    assert await busy.on_hand("TEA") == {"A": 18, "RETURN_QC": 2}
    acts = [
        lambda line=line, what=what: busy.inspect(line.id, what)
        for line in coming.lines
        for what in ("restock", "scrap", "restock")
    ]
    outcomes = await all_at_once(*acts)
    assert outcomes[""] + outcomes["AlreadyInspected"] == len(acts)
    assert outcomes[""] >= 2
    assert "RETURN_QC" not in await busy.on_hand("TEA")
    assert (await busy.returned(coming.id)).state == "resolved"


async def test_units_set_apart_at_once_are_never_more_than_came(busy):
    order, _ = await busy.sold(TEA=4)
    coming = await busy.send_back(order, (1, 4))
    await busy.receive(coming, 4)
    (line,) = coming.lines

    async def set_apart() -> None:
        finding = Finding(grade="damaged", disposition="scrap", quantity=1)
        async with busy.db.transaction() as session:
            await service.inspect_line(session, line.id, finding, by="test")

    await all_at_once(*[set_apart] * 7)
    lines = (await busy.returned(coming.id)).lines
    assert sum(each.received_quantity or 0 for each in lines) == 4
    assert await busy.on_hand("TEA") == {"A": 16}


async def test_exchanges_for_the_last_units_are_reserved_once_each(busy):
    sold = [(await busy.sold(CUP=1))[0] for _ in range(6)]
    bought = await busy.order(TEA=17)
    async with busy.db.transaction() as session:
        await inventory.allocate_stock(
            session,
            order_id=bought.id,
            account_id=busy.account_id,
            lines=[Wanted(line=1, sku="TEA", quantity=17)],
        )
    acts = [lambda order=order: exchange(busy, order, {"TEA": 1}) for order in sold]
    assert await all_at_once(*acts) == {"": 3, NotEnoughStock.__name__: 3}
    async with busy.db.transaction() as session:
        assert len(await service.list_returns(session)) == 3, "a refusal leaves nothing behind"


async def test_cancelling_and_paying_an_exchange_at_once_end_in_one_of_both(busy):
    order, _ = await busy.sold(TEA=1)
    made = await exchange(busy, order, {"CUP": 1})

    async def pay() -> None:
        async with busy.db.transaction() as session:
            await service.pay_difference(
                session, made.id, settlement="paid", reference="1", by="test"
            )

    async def cancel() -> None:
        async with busy.db.transaction() as session:
            await service.cancel_exchange(session, made.id, reason="", by="test")

    async def cancel_the_return() -> None:
        async with busy.db.transaction() as session:
            await service.cancel_return(session, made.return_id, reason="", by="test")

    outcomes = await all_at_once(pay, cancel, cancel_the_return, pay)
    assert outcomes[""] >= 2
    await relay_pending(busy.db)
    assert (await busy.exchanged(made.id)).state == "cancelled"
    assert await busy.allocated(made.order_id) == 0


async def test_a_refused_delivery_turns_round_once_however_often_it_is_scanned(busy):
    _, sent = await busy.went_out("refused", TEA=1)
    await all_at_once(*[lambda: busy.move(sent.id, "at_depot")] * 3)
    await asyncio.gather(*(relay_pending(busy.db) for _ in range(3)))
    await relay_pending(busy.db)
    async with busy.db.transaction() as session:
        assert len(await service.list_returns(session)) == 1
        found = await consignments.get_consignment(session, sent.id)
    assert found.state == "returning"
