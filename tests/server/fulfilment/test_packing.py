"""What was picked becomes parcels; what becomes of these moves the fulfilment and the stock."""

import pytest

from server.consignments import service as consignments
from server.consignments.service import ConsignmentClosed, ParcelsHaveLeft
from server.fulfilment import service as fulfilment
from server.fulfilment.errors import (
    NothingPickedToPack,
    NothingToSend,
    NotItsWeight,
    SerialsNotPicked,
    TooHeavy,
)
from server.fulfilment.service import CartonType, Packing
from server.kit import clock
from server.kit.relay import relay_pending
from server.orders import service as orders
from server.orders.service import OrderChanges
from tests.server.fulfilment.conftest import PICKER, House


async def carton(house: House, code: str, **fields: int) -> None:
    sides = dict.fromkeys(("inner_length_mm", "inner_width_mm", "inner_height_mm"), 300)
    async with house.db.transaction() as session:
        kind = CartonType(code=code, name=code, **sides | {"max_weight_g": 5_000} | fields)
        await fulfilment.save_carton(session, kind, by="test")


async def test_a_packed_parcel_takes_over_the_label_that_was_announced(house: House) -> None:
    await house.stock("TEA", 5)
    await carton(house, "BOX")
    order = await house.order(("TEA", 2))
    (announced,) = (await house.consignment(order)).parcels
    await house.pick_all(await house.wave())
    packed = await house.pack(order, weight_g=1234, carton="BOX")
    (parcel,) = (await house.consignment(order)).parcels
    assert (parcel.id, parcel.barcode) == (announced.id, announced.barcode)
    assert (parcel.weight_g, parcel.volume_ml) == (1234, 27_000)
    assert (packed.barcode, packed.left) == (announced.barcode, 0)
    assert [(each.sku, each.quantity) for each in packed.contents] == [("TEA", 2)]
    assert await house.state(order) == "ready"


async def test_packing_a_part_leaves_the_rest_open(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 5))
    await house.pick_all(await house.wave())
    first = await house.pack(order, ("TEA", 2))
    assert (first.left, first.fulfilment_state) == (3, "picked")
    assert len((await house.consignment(order)).parcels) == 2  # the rest is still announced
    last = await house.pack(order)
    assert (last.left, last.fulfilment_state) == (0, "ready")
    parcels = (await house.consignment(order)).parcels
    assert {each.barcode for each in parcels} == {first.barcode, last.barcode}
    assert sorted(each.description for each in parcels) == ["2 x TEA", "3 x TEA"]


async def test_announced_parcels_that_were_not_needed_are_withdrawn(house: House) -> None:
    await house.stock("TEA", 5)
    booked = (orders.ParcelSpec(description="one"), orders.ParcelSpec(description="two"))
    order = await house.order(("TEA", 2), parcels=booked)
    before = await house.consignment(order)
    await house.pick_all(await house.wave())
    await house.pack(order)
    after = await house.consignment(order)
    assert [each.id for each in after.parcels] == [before.parcels[0].id]
    async with house.db.transaction() as session:
        assert await consignments.find_parcels(session, [before.parcels[1].barcode]) == {}


async def test_nothing_is_packed_that_was_not_picked(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    with pytest.raises(NothingPickedToPack):
        await house.pack(order)
    await house.pick_all(await house.wave())
    with pytest.raises(NothingPickedToPack):
        await house.pack(order, ("TEA", 3))
    with pytest.raises(NothingPickedToPack):
        await house.pack(order, ("TEA", 1), ("TEA", 2))
    with pytest.raises(NothingPickedToPack):
        await house.pack(order, ("CUP", 1))
    await house.pack(order, ("TEA", 1), ("TEA", 1))
    with pytest.raises(NothingPickedToPack):
        await house.pack(order)


async def test_the_scale_has_a_say(house: House) -> None:
    await house.sku("TEA", weight_g=1000)
    await house.stock("TEA", 9)
    await carton(house, "BOX", max_weight_g=4_000, tare_g=200)
    order = await house.order(("TEA", 5))
    await house.pick_all(await house.wave())
    with pytest.raises(NotItsWeight):
        await house.pack(order, weight_g=4_000)
    with pytest.raises(TooHeavy):
        await house.pack(order, weight_g=5_200, carton="BOX")
    await house.pack(order, ("TEA", 3), weight_g=3_200, carton="BOX")


async def test_serial_numbers_go_into_the_parcel_that_they_were_put_in(house: House) -> None:
    await house.sku("PHONE", has_serials=True)
    await house.stock("PHONE", 3, serials=("S1", "S2", "S3"))
    order = await house.order(("PHONE", 3))
    await house.pick(await house.wave(), "A/1", "PHONE", 3, serials=("S1", "S2", "S3"))
    one = await house.fulfilment_of(order)

    async def pack(*serials: str, quantity: int) -> fulfilment.PackedView:
        content = Packing(sku="PHONE", quantity=quantity, serials=serials)
        async with house.db.transaction() as session:
            return await fulfilment.pack_parcel(
                session, one.id, contents=[content], weight_g=500, by="packer"
            )

    for serials, quantity in [((), 1), (("S9",), 1), (("S1", "S1"), 2), (("S1", "S2"), 1)]:
        with pytest.raises(SerialsNotPicked):
            await pack(*serials, quantity=quantity)
    assert (await pack("S2", quantity=1)).contents[0].serials == ["S2"]
    with pytest.raises(SerialsNotPicked):
        await pack("S2", quantity=1)
    assert (await pack("S3", "S1", quantity=2)).left == 0


async def test_boxes_are_suggested_for_what_is_not_packed_yet(house: House) -> None:
    await house.sku("TEA", length_mm=100, width_mm=100, height_mm=100, weight_g=100)
    await house.stock("TEA", 40)
    await carton(house, "BOX")
    order = await house.order(("TEA", 30))
    one = await house.fulfilment_of(order)
    async with house.db.transaction() as session:
        suggestion = await fulfilment.suggest_cartons(session, one.id)
    assert [each.contents for each in suggestion.boxes] == [{"TEA": 27}, {"TEA": 3}]
    await house.pick_all(await house.wave())
    await house.pack(order, ("TEA", 27), weight_g=2_700)
    async with house.db.transaction() as session:
        suggestion = await fulfilment.suggest_cartons(session, one.id)
    assert [each.contents for each in suggestion.boxes] == [{"TEA": 3}]


async def test_custody_moves_the_fulfilment_on_and_ships_the_stock_once(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.packed_order(("TEA", 2))
    for custody, state, on_hand in [
        ("at_depot", "ready", (5, 2)),
        ("loaded", "handed_over", (3, 0)),
        ("at_depot", "ready", (3, 0)),
        ("loaded", "handed_over", (3, 0)),
        ("out_for_delivery", "handed_over", (3, 0)),
        ("attempted", "delivery_failed", (3, 0)),
        ("at_depot", "ready", (3, 0)),
        ("out_for_delivery", "handed_over", (3, 0)),
        ("delivered", "delivered", (3, 0)),
    ]:
        await house.report(order, custody)
        assert await house.state(order) == state, custody
        assert await house.levels("TEA") == {"A/1": on_hand}, custody
    assert (await house.order_now(order)).state == "delivered"


async def test_goods_that_come_back_after_failed_attempts_went_back_to_the_sender(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    order = await house.packed_order(("TEA", 2))
    for custody in ("out_for_delivery", "refused", "returning", "returned"):
        await house.report(order, custody)
    assert await house.state(order) == "returned_to_sender"


async def test_goods_loaded_without_any_scan_in_the_house_left_all_the_same(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    wave = await house.wave()
    await house.report(order, "loaded")
    assert await house.state(order) == "handed_over"
    assert await house.levels("TEA") == {"A/1": (3, 0)}
    async with house.db.transaction() as session:
        assert (await fulfilment.next_pick(session, wave.id, person_id=PICKER)).task is None


async def test_serials_that_left_unscanned_stay_in_the_books_and_the_order_says_so(
    house: House,
) -> None:
    await house.sku("PHONE", has_serials=True)
    await house.stock("PHONE", 1, serials=("S1",))
    order = await house.order(("PHONE", 1))
    await house.report(order, "loaded")
    assert await house.state(order) == "handed_over"
    assert await house.levels("PHONE") == {"A/1": (1, 1)}
    assert "without being scanned" in (await house.notes(order))[0]


async def test_the_rest_of_an_order_whose_first_parcel_left_travels_by_itself(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 5))
    await house.pick_all(await house.wave())
    first = await house.pack(order, ("TEA", 2))
    before = await house.consignment(order)
    await house.report(order, "loaded", [first.parcel_id])
    assert await house.state(order) == "picked"
    assert await house.levels("TEA") == {"A/1": (5, 5)}
    rest = await house.pack(order)
    after = await house.consignment(order)
    assert (rest.waybill, rest.waybill == first.waybill) == (after.waybill, False)
    async with house.db.transaction() as session:
        old = await consignments.get_consignment(session, before.id)
    assert [each.id for each in old.parcels] == [first.parcel_id]
    await house.report(order, "delivered", [first.parcel_id])
    assert (await house.order_now(order)).state == "shipped"
    await house.report(order, "loaded")
    assert await house.levels("TEA") == {}
    await house.report(order, "delivered")
    assert await house.state(order) == "delivered"
    assert (await house.order_now(order)).state == "delivered"


async def test_goods_that_were_loaded_as_announced_are_not_packed_after_that(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    await house.pick_all(await house.wave())
    parcels = [each.id for each in (await house.consignment(order)).parcels]
    for state, refusal in (("loaded", ParcelsHaveLeft), ("delivered", ConsignmentClosed)):
        async with house.db.transaction() as session:  # the news of it has not come through yet
            await consignments.record_custody(
                session,
                parcel_ids=parcels,
                state=state,
                occurred_at=clock.now(),
                received_at=clock.now(),
                by="test",
            )
        with pytest.raises(refusal):
            await house.pack(order)
    await relay_pending(house.db)
    with pytest.raises(NothingPickedToPack):
        await house.pack(order)
    assert await house.levels("TEA") == {"A/1": (3, 0)}


async def test_a_cancelled_order_is_not_packed_any_more_and_its_boxes_are_put_back(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 3))
    await house.pick_all(await house.wave())
    await house.pack(order, ("TEA", 1))
    await house.cancel(order)
    with pytest.raises(NothingToSend):
        await house.pack(order)
    async with house.db.transaction() as session:
        (task,) = await fulfilment.list_put_backs(session)
        assert task.quantity == 3
        await fulfilment.put_back_scanned(session, task.id, location=task.location, by="picker")
    assert await house.levels("TEA") == {"A/1": (5, 0)}


async def test_a_cancellation_after_the_goods_left_is_refused(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.packed_order(("TEA", 2))
    parcels = [each.id for each in (await house.consignment(order)).parcels]
    async with house.db.transaction() as session:  # the news of it has not come through yet
        await consignments.record_custody(
            session,
            parcel_ids=parcels,
            state="out_for_delivery",
            occurred_at=clock.now(),
            received_at=clock.now(),
            by="test",
        )
        await orders.cancel_order(session, order.id, by="clerk", reason="changed my mind")
    await relay_pending(house.db)
    one = await house.fulfilment_of(order)
    assert (one.state, one.cancellation) == ("handed_over", "refused")
    assert await house.levels("TEA") == {"A/1": (3, 0)}


async def test_goods_that_left_although_their_cancellation_was_accepted_are_booked_out(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    order = await house.packed_order(("TEA", 2))
    parcels = [each.id for each in (await house.consignment(order)).parcels]
    await house.cancel(order)
    await house.report(order, "out_for_delivery", parcels)
    assert await house.state(order) == "handed_over"
    assert await house.levels("TEA") == {"A/1": (3, 0)}
    async with house.db.transaction() as session:
        assert await fulfilment.list_put_backs(session) == []


async def test_an_amendment_does_not_undo_what_is_packed(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.packed_order(("TEA", 2))
    before = await house.consignment(order)
    async with house.db.transaction() as session:
        await orders.amend_order(
            session,
            order.id,
            OrderChanges(instructions="Knock"),
            expected_version=order.version,
            by="clerk",
        )
    await relay_pending(house.db)
    after = await house.consignment(order)
    assert (after.id, after.instructions) == (before.id, "Knock")
    assert after.parcels == before.parcels


async def test_orders_of_two_warehouses_are_ready_when_both_are_packed(house: House) -> None:
    await house.stock("TEA", 2)
    first = house.warehouse, house.code, dict(house.bins)
    await house.build()
    await house.stock("CUP", 2, at="B/1")
    order = await house.order(("TEA", 2), ("CUP", 2))
    await house.pick_all(await house.wave())
    cups = await house.pack(order)
    assert await house.state(order) == "packed"
    second = await house.fulfilment_of(order)
    for custody, state in (("loaded", "handed_over"), ("at_depot", "ready")):
        await house.report(order, custody, [cups.parcel_id])
        assert await house.state(order) == state
    house.warehouse, house.code, house.bins = first
    await house.pick_all(await house.wave())
    await house.pack(order)
    assert await house.state(order) == "ready"
    async with house.db.transaction() as session:
        detail = await fulfilment.get_fulfilment(session, second.id)
    assert detail.fulfilment.state == "ready"
    assert [(each.sku, each.packed) for each in detail.goods] == [("CUP", 2)]
    assert len((await house.consignment(order)).parcels) == 2
