"""Exchanges: old goods back, new ones out for them, decided in one transaction."""

from typing import Any
from uuid import UUID

import pytest

from server.consignments import service as consignments
from server.consignments.service import NewConsignment, NewParcel, Party
from server.inventory.service import NotEnoughStock
from server.orders import service as orders
from server.orders.service import AlreadyShipped, OrderView
from server.returns import service
from server.returns.errors import NothingDue, PaidOtherwise, PriceUnknown
from server.returns.events import (
    ExchangeCancelled,
    ExchangeCompleted,
    ExchangeReleased,
    ReturnResolved,
)
from server.returns.service import (
    ExchangeRequest,
    ExchangeView,
    ReplacementLine,
    ReturningGoods,
)
from tests.server.returns.conftest import Trade, events_of


async def exchange(
    trade: Trade, order: OrderView, wanted: dict[str, int], *, units: int = 1, **details: Any
) -> ExchangeView:
    """The first line's units for what is wanted."""
    request = ExchangeRequest(
        order_id=order.id,
        goods=(ReturningGoods(order_line=1, quantity=units),),
        replacement=tuple(
            ReplacementLine(sku=sku, quantity=quantity, unit_price_minor=trade.PRICES.get(sku))
            for sku, quantity in wanted.items()
        ),
    )
    async with trade.db.transaction() as session:
        details = {"by": "test", "lenient": True} | details
        return await service.create_exchange(session, request, **details)


async def order_of(trade: Trade, made: ExchangeView) -> OrderView:
    async with trade.db.transaction() as session:
        return await orders.get_order(session, made.order_id)


async def legs(trade: Trade, made: ExchangeView) -> tuple[UUID, UUID]:
    """The consignments that bring the new goods and take the old ones."""
    now = await trade.exchanged(made.id)
    back = await trade.returned(made.return_id)
    assert now.delivery_consignment_id is not None and back.consignment_id is not None
    return now.delivery_consignment_id, back.consignment_id


async def fulfilled(trade: Trade, made: ExchangeView, relay: Any) -> tuple[UUID, UUID]:
    """The legs, once fulfilment has made a consignment of the replacement, as it does by itself for
    a released order."""
    await relay()
    if (await trade.exchanged(made.id)).delivery_consignment_id is None:
        order = await order_of(trade, made)
        async with trade.db.transaction() as session:
            await consignments.create_consignment(
                session,
                NewConsignment(
                    kind="delivery",
                    order_id=order.id,
                    account_id=order.account_id,
                    consignor=Party(name="Depot"),
                    consignee=Party(name="Ada", place_id=trade.door.id),
                    parcels=(NewParcel(description="new"),),
                ),
                by="test",
            )
        await relay()
    return await legs(trade, made)


async def test_the_replacement_is_reserved_at_once_and_goes_out_when_nothing_is_due(trade, relay):
    order, _ = await trade.sold(TEA=2)
    made = await exchange(trade, order, {"TEA": 1})
    assert (made.state, made.due_minor, made.credit_minor) == ("released", 0, 1000)
    assert await trade.allocated(made.order_id) == 1
    assert (await trade.returned(made.return_id)).state == "booked"
    brings, takes = await fulfilled(trade, made, relay)
    async with trade.db.transaction() as session:
        both = await consignments.get_consignments(session, [brings, takes])
    assert both[brings].linked_consignment_id == takes
    assert both[takes].linked_consignment_id == brings
    assert both[brings].consignee.place_id == both[takes].consignor.place_id
    assert both[brings].window_end_at == both[takes].window_end_at
    assert "take back 1 x TEA" in both[brings].instructions


async def test_what_is_not_there_is_refused_honestly_and_nothing_else_happens(trade):
    order, _ = await trade.sold(TEA=2)
    with pytest.raises(NotEnoughStock) as refused:
        await exchange(trade, order, {"CUP": 21})
    assert refused.value.details["skus"] == "CUP (20 of 21)"
    async with trade.db.transaction() as session:
        assert await service.list_returns(session, account_id=trade.account_id) == []
        assert len((await orders.list_orders(session, account_id=trade.account_id)).items) == 1


async def test_a_dearer_replacement_waits_for_its_payment(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"CUP": 1})
    assert (made.state, made.due_minor, made.credit_minor) == ("awaiting_payment", 1500, 1000)
    await relay()
    assert (await order_of(trade, made)).state == "on_hold"
    assert await trade.allocated(made.order_id) == 1, "reserved all the same"
    for _ in range(2):
        async with trade.db.transaction() as session:
            paid = await service.pay_difference(
                session, made.id, settlement="paid", reference="card 1", by="test"
            )
        assert paid.state == "released"
    async with trade.db.transaction() as session:
        with pytest.raises(PaidOtherwise):
            await service.pay_difference(
                session, made.id, settlement="on_account", reference="", by="test"
            )
    (event,) = await events_of(trade.db, ExchangeReleased)
    assert (event.due_minor, event.settlement, event.reference) == (1500, "paid", "card 1")
    await relay()
    assert (await order_of(trade, made)).state == "in_fulfilment"


async def test_a_cheaper_replacement_is_paid_back_when_the_return_is_resolved(trade, relay):
    order, _ = await trade.sold(CUP=1)
    made = await exchange(trade, order, {"TEA": 1})
    async with trade.db.transaction() as session:
        with pytest.raises(NothingDue):
            await service.pay_difference(
                session, made.id, settlement="paid", reference="", by="test"
            )
    brings, takes = await fulfilled(trade, made, relay)
    await trade.move(brings, "delivered")
    await trade.move(takes, "collected")
    await relay()
    assert (await trade.exchanged(made.id)).state == "released"
    await trade.move(takes, "at_depot")
    await relay()
    back = await trade.returned(made.return_id)
    await trade.receive(back, 1)
    resolved = await trade.inspect(back.lines[0].id)
    assert (resolved.refund_minor, resolved.due_minor) == (1500, 0)
    (event,) = await events_of(trade.db, ReturnResolved)
    assert (event.goods_minor, event.credit_minor, event.exchange_id) == (2500, 1000, made.id)
    assert (await trade.exchanged(made.id)).state == "completed"
    (done,) = await events_of(trade.db, ExchangeCompleted)
    assert done.unpaid_minor == 0


async def test_old_goods_that_are_not_worth_the_credit_any_more_leave_something_due(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1})
    await relay()
    back = await trade.returned(made.return_id)
    await trade.receive(back, 1)
    resolved = await trade.inspect(back.lines[0].id, "scrap", refund_percent=25)
    assert (resolved.refund_minor, resolved.due_minor) == (0, 750)


async def test_goods_without_a_price_cannot_be_exchanged(trade):
    order, _ = await trade.sold(TEA=1)
    with pytest.raises(PriceUnknown):
        await exchange(trade, order, {"NOBODYS": 1})


async def test_cancelling_an_exchange_frees_its_stock_and_its_return(trade, relay):
    order, _ = await trade.sold(TEA=2)
    made = await exchange(trade, order, {"CUP": 1})
    for _ in range(2):
        async with trade.db.transaction() as session:
            gone = await service.cancel_exchange(session, made.id, reason="no", by="test")
        assert gone.state == "cancelled"
    await relay()
    assert await trade.allocated(made.order_id) == 0
    assert (await order_of(trade, made)).state == "cancelled"
    assert (await trade.returned(made.return_id)).state == "cancelled"
    assert len(await events_of(trade.db, ExchangeCancelled)) == 1


async def test_a_cancelled_replacement_leaves_an_ordinary_return(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1})
    _, takes = await fulfilled(trade, made, relay)
    async with trade.db.transaction() as session:
        await orders.cancel_order(session, made.order_id, by="test", reason="no")
    await relay()
    assert (await trade.exchanged(made.id)).state == "cancelled"
    async with trade.db.transaction() as session:
        assert (await consignments.get_consignment(session, takes)).linked_consignment_id is None
    back = await trade.returned(made.return_id)
    await trade.receive(back, 1)
    assert (await trade.inspect(back.lines[0].id)).refund_minor == 1000


@pytest.mark.parametrize(("allowed", "state"), [(False, "cancelled"), (True, "released")])
async def test_a_cancelled_return_takes_its_replacement_along_unless_agreed_otherwise(
    trade, relay, allowed, state
):
    await trade.agree(swap_without_old=allowed)
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1})
    brings, _ = await fulfilled(trade, made, relay)
    async with trade.db.transaction() as session:
        await service.cancel_return(session, made.return_id, reason="lost", by="test")
    await relay()
    assert (await trade.exchanged(made.id)).state == state
    async with trade.db.transaction() as session:
        assert (await consignments.get_consignment(session, brings)).linked_consignment_id is None
    if allowed:
        await trade.move(brings, "delivered")
        await relay()
        (done,) = await events_of(trade.db, ExchangeCompleted)
        assert done.unpaid_minor == 1000, "the old goods should have paid for it"


async def test_a_replacement_on_the_road_can_only_go_on(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1})
    brings, _ = await fulfilled(trade, made, relay)
    await trade.move(brings, "out_for_delivery")
    await relay()
    async with trade.db.transaction() as session:
        with pytest.raises(AlreadyShipped):
            await service.cancel_exchange(session, made.id, reason="no", by="test")
    async with trade.db.transaction() as session:
        await service.cancel_return(session, made.return_id, reason="lost", by="test")
    assert (await trade.exchanged(made.id)).state == "released"


async def test_an_exchange_that_an_account_asks_for_waits_for_approval(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1}, lenient=False, account_id=trade.account_id)
    assert made.state == "reserved"
    await relay()
    assert (await order_of(trade, made)).state == "on_hold"
    async with trade.db.transaction() as session:
        await service.approve_return(session, made.return_id, by="test")
    assert (await trade.exchanged(made.id)).state == "released"
    assert (await order_of(trade, made)).state != "on_hold"


async def test_a_declined_return_ends_its_exchange(trade):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1}, lenient=False, account_id=trade.account_id)
    async with trade.db.transaction() as session:
        await service.decline_return(session, made.return_id, reason="worn", by="test")
    assert (await trade.exchanged(made.id)).state == "cancelled"
    assert await trade.allocated(made.order_id) == 0


async def test_an_amended_replacement_takes_the_other_leg_along(trade, relay):
    order, _ = await trade.sold(TEA=1)
    made = await exchange(trade, order, {"TEA": 1})
    brings, takes = await fulfilled(trade, made, relay)
    async with trade.db.transaction() as session:
        before = await consignments.get_consignment(session, brings)
        assert before.window_end_at is not None
        later = before.window_end_at.replace(minute=59)
        await consignments.amend_consignment(
            session,
            brings,
            consignments.ConsignmentChanges(window_end_at=later),
            by="test",
        )
    await relay()
    async with trade.db.transaction() as session:
        assert (await consignments.get_consignment(session, takes)).window_end_at == later
