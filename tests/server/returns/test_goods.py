"""Goods come back line by line: asked for, counted, inspected, reckoned up."""

from datetime import timedelta

import pytest

from server.consignments import service as consignments
from server.consignments.service import Party
from server.kit.errors import IllegalMove
from server.orders import service as orders
from server.returns import service
from server.returns.errors import (
    AlreadyCounted,
    AlreadyInspected,
    FeeTooHigh,
    MoreThanReceived,
    NotCounted,
    NotInOrder,
)
from server.returns.events import ReturnResolved
from server.returns.service import (
    FoundGoods,
    PhotoNeeded,
    ReturningGoods,
    ReturnReason,
    ReturnWindowOver,
    TooManyUnits,
    UnknownReason,
)
from tests.server.returns.conftest import Trade, events_of

PHOTO = "0" * 64


async def ask(trade: Trade, order, *goods: ReturningGoods, reason: str = ""):
    async with trade.db.transaction() as session:
        return await service.ask_for_return(
            session,
            order_id=order.id,
            goods=goods,
            reason=reason,
            by="test",
            account_id=trade.account_id,
        )


async def set_reason(trade: Trade, **fields) -> None:
    rule = {"code": "wrong_size", "text_en": "Too small", "text_de": "Zu klein"} | fields
    async with trade.db.transaction() as session:
        await service.save_reason(
            session, ReturnReason(**rule), account_id=trade.account_id, by="test"
        )


async def test_units_go_back_to_the_shelf_and_their_price_is_paid_back(trade):
    order, _ = await trade.sold(TEA=3, CUP=1)
    assert await trade.on_hand("TEA") == {"A": 17}
    coming = await trade.send_back(order, (1, 2))
    assert (coming.state, [line.sku for line in coming.lines]) == ("booked", ["TEA"])
    received = await trade.receive(coming, 2)
    assert received.state == "received"
    assert await trade.on_hand("TEA") == {"A": 17, "RETURN_QC": 2}
    resolved = await trade.inspect(coming.lines[0].id)
    assert (resolved.state, resolved.refund_minor, resolved.fee_minor) == ("resolved", 2000, 0)
    assert await trade.on_hand("TEA") == {"A": 19}
    (event,) = await events_of(trade.db, ReturnResolved)
    (line,) = event.lines
    assert (event.order_id, event.account_id, event.currency) == (
        order.id,
        trade.account_id,
        "EUR",
    )
    assert (line.sku, line.quantity, line.unit_price_minor, line.refund_minor) == (
        "TEA",
        2,
        1000,
        2000,
    )


async def test_never_more_units_than_were_delivered_less_those_coming_back(trade):
    order, _ = await trade.sold(TEA=3)
    await trade.send_back(order, (1, 2))
    for goods in (((1, 2),), ((1, 1), (1, 1))):
        with pytest.raises(TooManyUnits):
            await trade.send_back(order, *goods)
    with pytest.raises(NotInOrder):
        await trade.send_back(order, (2, 1))
    last = await trade.send_back(order, (1, 1))
    with pytest.raises(TooManyUnits):
        await trade.send_back(order, (1, 1))
    async with trade.db.transaction() as session:
        await service.cancel_return(session, last.id, reason="", by="test")
    assert (await trade.send_back(order, (1, 1))).state == "booked"


async def test_what_was_missing_from_the_box_can_still_come_back(trade):
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    await trade.receive(coming, 1)
    with pytest.raises(TooManyUnits):
        await trade.send_back(order, (1, 2))
    assert (await trade.send_back(order, (1, 1))).lines[0].quantity == 1


async def test_what_is_on_the_road_cannot_be_returned_yet(trade):
    order, _ = await trade.went_out("out_for_delivery", TEA=1)
    with pytest.raises(TooManyUnits):
        await trade.send_back(order, (1, 1))


async def test_a_reason_says_how_long_what_photo_and_whether_somebody_looks_at_it(trade):
    order, _ = await trade.sold(TEA=9)
    await set_reason(trade, window_days=10, photo_required=True, auto_approve=True)
    bare = ReturningGoods(order_line=1, quantity=1, reason="wrong_size")
    shown = ReturningGoods(order_line=1, quantity=1, reason="wrong_size", photos=(PHOTO,))
    with pytest.raises(PhotoNeeded):
        await ask(trade, order, bare)
    with pytest.raises(UnknownReason):
        await ask(trade, order, ReturningGoods(order_line=1, quantity=1, reason="mood"))
    approved = await ask(trade, order, shown)
    assert (approved.state, approved.consignment_id) == ("approved", None)
    unsaid = ReturningGoods(order_line=1, quantity=1)
    assert (await ask(trade, order, shown, unsaid)).state == "requested"
    trade.now += timedelta(days=11)
    with pytest.raises(ReturnWindowOver):
        await ask(trade, order, shown)
    assert (await trade.send_back(order, (1, 1))).state == "booked", "the office may all the same"


@pytest.mark.parametrize(
    ("payer", "refund_minor"), [("consignee", 701), ("account", 1000), ("company", 1000)]
)
async def test_a_fee_is_kept_back_from_whom_the_reason_says(trade, payer, refund_minor):
    await set_reason(trade, fee_minor=299, payer=payer, auto_approve=True)
    order, _ = await trade.sold(TEA=2)
    coming = await ask(trade, order, ReturningGoods(order_line=1, quantity=1, reason="wrong_size"))
    await trade.receive(coming, 1)
    resolved = await trade.inspect(coming.lines[0].id)
    assert (resolved.refund_minor, resolved.fee_minor) == (refund_minor, 299)
    (event,) = await events_of(trade.db, ReturnResolved)
    assert event.fee_payer == payer


async def test_units_in_different_condition_find_different_places(trade):
    order, _ = await trade.sold(TEA=4)
    coming = await trade.send_back(order, (1, 4))
    await trade.receive(coming, 4)
    (line,) = coming.lines
    await trade.inspect(line.id, "scrap", quantity=1, grade="damaged", refund_percent=0)
    await trade.inspect(line.id, "vendor", quantity=1, grade="defective", refund_percent=33)
    await trade.inspect(line.id, "quarantine", quantity=1, grade="opened")
    assert await trade.on_hand("TEA") == {"A": 16, "Q": 1, "RETURN_QC": 1}
    resolved = await trade.inspect(line.id)
    assert (resolved.state, resolved.refund_minor) == ("resolved", 330 + 1000 + 1000)
    assert await trade.on_hand("TEA") == {"A": 17, "Q": 1}
    assert sorted(each.received_quantity for each in resolved.lines) == [1, 1, 1, 1]
    assert sum(each.quantity for each in resolved.lines) == 4


async def test_the_same_told_twice_happens_once(trade):
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    for _ in range(2):
        await trade.receive(coming, 2)
    with pytest.raises(AlreadyCounted):
        await trade.receive(coming, 1)
    for _ in range(2):
        assert (await trade.inspect(coming.lines[0].id)).state == "resolved"
    with pytest.raises(AlreadyInspected):
        await trade.inspect(coming.lines[0].id, "scrap")
    assert await trade.on_hand("TEA") == {"A": 20}
    assert len(await events_of(trade.db, ReturnResolved)) == 1


async def test_nothing_is_inspected_before_it_is_counted_nor_more_than_came(trade):
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    with pytest.raises(NotCounted):
        await trade.inspect(coming.lines[0].id)
    await trade.receive(coming, 2)
    with pytest.raises(MoreThanReceived):
        await trade.inspect(coming.lines[0].id, quantity=3)


async def test_unknown_goods_in_the_box_are_facts_that_a_person_settles(trade):
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    found = [FoundGoods(sku="CUP", quantity=1), FoundGoods(description="a hat", quantity=1)]
    received = await trade.receive(coming, 1, found=found)
    assert await trade.on_hand("CUP") == {"A": 20, "RETURN_QC": 1}
    async with trade.db.transaction() as session:
        raised = await service.list_differences(session, return_id=coming.id)
    assert [(each.kind, each.goods, each.announced, each.found) for each in raised] == [
        ("missing", "TEA", 2, 1),
        ("foreign", "CUP", 0, 1),
        ("foreign", "a hat", 0, 1),
    ]
    for line in received.lines:
        inspected = await trade.inspect(line.id, "restock" if line.sku else "vendor")
    assert inspected.state == "inspected", "a person looks at it first"
    async with trade.db.transaction() as session:
        with pytest.raises(FeeTooHigh):
            await service.resolve_return(session, coming.id, fee_minor=10_000, by="test")
    async with trade.db.transaction() as session:
        for each in raised:
            await service.settle_difference(session, each.id, note="kept", by="test")
        for _ in range(2):
            resolved = await service.resolve_return(session, coming.id, by="test")
    assert (resolved.state, resolved.refund_minor) == ("resolved", 1000)


async def test_an_empty_box_is_a_fact_too(trade):
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    received = await trade.receive(coming, 0)
    assert received.state == "inspected"
    async with trade.db.transaction() as session:
        resolved = await service.resolve_return(session, coming.id, by="test")
    assert resolved.refund_minor == 0
    assert await trade.on_hand("TEA") == {"A": 18}


async def test_a_kit_comes_back_as_its_components_and_is_refunded_as_a_kit(trade):
    order, _ = await trade.sold(SET=2)
    assert (await trade.on_hand("TEA"), await trade.on_hand("CUP")) == ({"A": 16}, {"A": 18})
    coming = await trade.send_back(order, (1, 1))
    received = await trade.receive(coming, 1)
    assert [(line.sku, line.received_quantity) for line in received.lines] == [
        ("SET", 1),
        ("CUP", 1),
        ("TEA", 2),
    ]
    for line in received.lines:
        resolved = await trade.inspect(line.id)
    assert (resolved.state, resolved.refund_minor) == ("resolved", 4000)
    assert (await trade.on_hand("TEA"), await trade.on_hand("CUP")) == ({"A": 18}, {"A": 19})


async def test_an_account_without_stock_has_its_goods_inspected_without_moving_any(trade):
    order, _ = await trade.went_out("delivered", stocked=False, BOOK=2)
    coming = await trade.send_back(order, (1, 1))
    await trade.receive(coming, 1)
    resolved = await trade.inspect(coming.lines[0].id, "vendor")
    assert (resolved.state, resolved.refund_minor) == ("resolved", 0)


async def test_goods_are_brought_to_the_counter_without_a_pickup(trade, relay):
    order, _ = await trade.sold(TEA=2)
    await set_reason(trade, auto_approve=True)
    one = ReturningGoods(order_line=1, quantity=1, reason="wrong_size")
    approved, other = await ask(trade, order, one), await ask(trade, order, one)
    async with trade.db.transaction() as session:
        labelled = await service.book_return(session, approved.id, drop_off=True, by="test")
    assert labelled.state == "booked"
    await trade.move(labelled.consignment_id, "at_depot")
    await relay()
    assert (await trade.returned(approved.id)).state == "received", "a scan says so"
    assert (await trade.receive(other, 1)).state == "received", "without any label too"


async def test_what_is_never_handed_over_expires_and_frees_its_units(trade):
    await trade.agree(days_to_hand_over=5)
    order, _ = await trade.sold(TEA=2)
    coming = await trade.send_back(order, (1, 2))
    async with trade.db.transaction() as session:
        assert not await service.expire_next(session)
    trade.now += timedelta(days=6)
    async with trade.db.transaction() as session:
        assert await service.expire_next(session)
        assert not await service.expire_next(session)
    assert (await trade.returned(coming.id)).state == "expired"
    assert (await trade.send_back(order, (1, 2))).state == "booked"


async def test_goods_that_a_driver_has_do_not_expire(trade, relay):
    order, _ = await trade.sold(TEA=1)
    coming = await trade.send_back(order, (1, 1))
    trade.now += timedelta(days=30)
    await trade.move(coming.consignment_id, "collected")
    async with trade.db.transaction() as session:
        assert await service.expire_next(session)
    assert (await trade.returned(coming.id)).state == "booked"
    await relay()
    assert (await trade.returned(coming.id)).state == "collected"


async def test_goods_that_come_although_their_return_was_cancelled_are_here(trade, relay):
    order, _ = await trade.sold(TEA=1)
    coming = await trade.send_back(order, (1, 1))
    async with trade.db.transaction() as session:
        await service.cancel_return(session, coming.id, reason="", by="test")
    await trade.move(coming.consignment_id, "collected")
    await relay()
    assert (await trade.returned(coming.id)).state == "collected"
    await trade.move(coming.consignment_id, "at_depot")
    await relay()
    await trade.receive(coming, 1)
    assert (await trade.inspect(coming.lines[0].id)).state == "resolved"


async def test_a_resolved_return_takes_nothing_in_any_more(trade):
    order, _ = await trade.sold(TEA=1)
    coming = await trade.send_back(order, (1, 1))
    await trade.receive(coming, 1)
    await trade.inspect(coming.lines[0].id)
    with pytest.raises(IllegalMove):
        await trade.receive(coming, found=[FoundGoods(sku="TEA", quantity=1)])


async def test_a_refused_delivery_comes_back_to_the_shelf_and_its_order_is_told(trade, relay):
    order, sent = await trade.went_out("out_for_delivery", "refused", TEA=2)
    assert await trade.on_hand("TEA") == {"A": 18}
    await trade.move(sent.id, "at_depot")
    await relay()
    async with trade.db.transaction() as session:
        (back,) = await service.list_returns(session, account_id=trade.account_id)
        log = await orders.order_history(session, order.id)
    assert (back.kind, back.state, back.reason) == ("to_sender", "received", "refused")
    assert any("refused" in entry.reason for entry in log)
    assert await state_of(trade, sent.id) == "returning"
    await trade.receive(back, 2)
    resolved = await trade.inspect(back.lines[0].id)
    assert (resolved.state, resolved.refund_minor) == ("resolved", 2000)
    assert await trade.on_hand("TEA") == {"A": 20}
    assert await state_of(trade, sent.id) == "returned"


async def test_a_delivery_goes_back_after_as_many_attempts_as_were_agreed(trade, relay):
    await trade.agree(attempts_max=3)
    _, sent = await trade.went_out(TEA=1)
    for attempt in range(1, 4):
        await trade.move(sent.id, "attempted")
        await trade.move(sent.id, "at_depot")
        await relay()
        assert await state_of(trade, sent.id) == ("returning" if attempt == 3 else "at_depot")


async def test_what_somebody_else_handed_over_is_brought_home_to_them(trade, relay):
    giver = bob(trade)
    _, sent = await trade.went_out("refused", "at_depot", consignor=giver, stocked=False, BOOK=1)
    await relay()
    async with trade.db.transaction() as session:
        (back,) = await service.list_returns(session, account_id=trade.account_id)
    await trade.move(back.consignment_id, "delivered")
    await relay()
    assert (await trade.returned(back.id)).state == "resolved"
    assert await state_of(trade, sent.id) == "returned"


def bob(trade: Trade) -> Party:
    return Party(name="Bob", place_id=trade.door.id)


async def state_of(trade: Trade, consignment_id) -> str:
    async with trade.db.transaction() as session:
        return (await consignments.get_consignment(session, consignment_id)).state
