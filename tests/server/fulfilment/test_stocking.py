"""Orders of an account that keeps stock with us are filled from it, or wait for it."""

from uuid import UUID

import pytest

from server.fulfilment import service as fulfilment
from server.fulfilment.errors import NothingToPick
from server.fulfilment.timers import TIMERS
from server.inventory import service as inventory
from server.inventory.service import SkuChanges
from server.kit.db import Database
from server.kit.relay import relay_pending
from server.orders import service as orders
from server.orders.service import OrderChanges, OrderLine, OrderView, PickingBegan
from tests.server.fulfilment.conftest import House


async def amend(
    house: House, order: OrderView, *lines: tuple[str, int], relay: bool = True
) -> None:
    now = await house.order_now(order)
    async with house.db.transaction() as session:
        await orders.amend_order(
            session,
            order.id,
            OrderChanges(lines=tuple(OrderLine(sku=sku, quantity=n) for sku, n in lines)),
            expected_version=now.version,
            by="clerk",
        )
    if relay:
        await relay_pending(house.db)


async def release_hold(house: House, order: OrderView) -> None:
    async with house.db.transaction() as session:
        await orders.release_order(session, order.id, by="clerk")
    await relay_pending(house.db)


async def test_an_accepted_order_has_its_goods_set_aside(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    assert (await house.order_now(order)).state == "in_fulfilment"
    assert await house.levels("TEA") == {"A/1": (5, 2)}
    assert await house.state(order) == "open"
    assert [each.description for each in (await house.consignment(order)).parcels] == ["2 x TEA"]


async def test_an_order_without_enough_stock_waits_and_says_what_is_missing(house: House) -> None:
    await house.stock("TEA", 1)
    order = await house.order(("TEA", 1), ("TEA", 2))
    now = await house.order_now(order)
    assert now.state == "on_hold"
    (hold,) = now.holds
    assert hold.kind == "stock"
    assert "TEA (1 of 3)" in hold.reason and "by itself" in hold.reason
    assert await house.levels("TEA") == {"A/1": (1, 0)}


async def test_an_order_for_an_unknown_sku_waits_for_a_person(house: House) -> None:
    await house.stock("TEA", 1)
    order = await house.order(("TAE", 1))
    now = await house.order_now(order)
    assert now.state == "on_hold"
    assert "There is no SKU TAE" in now.holds[0].reason
    await amend(house, order, ("TEA", 1))
    assert (await house.order_now(order)).state == "in_fulfilment"


async def test_stock_that_comes_in_goes_to_whoever_waits_longest(house: House) -> None:
    await house.sku("TEA")
    waiting = [await house.order(("TEA", units)) for units in (3, 4, 2, 1)]
    await house.stock("TEA", 6)
    await relay_pending(house.db)
    states = [(await house.order_now(order)).state for order in waiting]
    assert states == ["in_fulfilment", "on_hold", "in_fulfilment", "in_fulfilment"]
    assert await house.levels("TEA") == {"A/1": (6, 6)}


async def test_what_a_cancelled_order_frees_goes_to_those_who_wait(house: House) -> None:
    await house.stock("TEA", 2)
    first = await house.order(("TEA", 2))
    second = await house.order(("TEA", 2))
    await house.cancel(first)
    assert (await house.order_now(second)).state == "in_fulfilment"
    assert await house.levels("TEA") == {"A/1": (2, 2)}


async def test_a_count_that_finds_more_wakes_those_who_wait(house: House) -> None:
    await house.sku("TEA")
    order = await house.order(("TEA", 2))
    async with house.db.transaction() as session:
        await inventory.count_stock(
            session,
            sku_id=house.skus["TEA"],
            location_id=house.bins["B/2"],
            counted=2,
            by="test",
        )
    await relay_pending(house.db)
    assert (await house.order_now(order)).state == "in_fulfilment"


async def test_an_order_that_a_person_holds_as_well_gets_its_goods_but_does_not_go_on(
    house: House,
) -> None:
    await house.sku("TEA")
    order = await house.order(("TEA", 2))
    async with house.db.transaction() as session:
        await orders.hold_order(session, order.id, "unpaid", kind="person", by="clerk")
    await house.stock("TEA", 2)
    await relay_pending(house.db)
    now = await house.order_now(order)
    assert (now.state, [hold.kind for hold in now.holds]) == ("on_hold", ["person"])
    assert await house.levels("TEA") == {"A/1": (2, 2)}
    await release_hold(house, order)
    assert (await house.order_now(order)).state == "in_fulfilment"
    assert await house.levels("TEA") == {"A/1": (2, 2)}


async def test_an_order_released_by_hand_without_stock_waits_again(house: House) -> None:
    await house.sku("TEA")
    order = await house.order(("TEA", 2))
    await release_hold(house, order)
    assert (await house.order_now(order)).state == "on_hold"
    await house.stock("TEA", 2)
    await relay_pending(house.db)
    assert (await house.order_now(order)).state == "in_fulfilment"


async def test_a_backordered_order_goes_on_when_all_of_it_has_come(house: House) -> None:
    await house.sku("TEA", backorder_allowed=True)
    await house.stock("TEA", 1)
    order = await house.order(("TEA", 3))
    now = await house.order_now(order)
    assert now.state == "on_hold" and "2 x TEA on backorder" in now.holds[0].reason
    await house.stock("TEA", 1)
    await relay_pending(house.db)
    assert (await house.order_now(order)).state == "on_hold"
    await house.stock("TEA", 4)
    await relay_pending(house.db)
    assert (await house.order_now(order)).state == "in_fulfilment"
    assert await house.levels("TEA") == {"A/1": (6, 3)}


async def test_a_cancel_while_waiting_ends_the_wait(house: House) -> None:
    await house.sku("TEA", backorder_allowed=True)
    await house.stock("TEA", 1)
    order = await house.order(("TEA", 3))
    await house.cancel(order)
    await house.stock("TEA", 4)
    await relay_pending(house.db)
    assert (await house.order_now(order)).state == "cancelled"
    assert await house.levels("TEA") == {"A/1": (5, 0)}


async def test_amended_lines_are_set_aside_instead_of_the_old_ones(house: House) -> None:
    await house.stock("TEA", 3)
    await house.stock("CUP", 3, at="B/2")
    order = await house.order(("TEA", 3))
    await amend(house, order, ("TEA", 1), ("CUP", 2))
    assert await house.levels("TEA") == {"A/1": (3, 1)}
    assert await house.levels("CUP") == {"B/2": (3, 2)}
    (parcel,) = (await house.consignment(order)).parcels
    assert parcel.description == "1 x TEA, 2 x CUP"
    assert await house.state(order) == "open"


async def test_an_amendment_beyond_the_stock_keeps_what_was_set_aside_and_says_so(
    house: House,
) -> None:
    await house.stock("TEA", 3)
    order = await house.order(("TEA", 2))
    before = await house.consignment(order)
    await amend(house, order, ("TEA", 4))
    assert await house.levels("TEA") == {"A/1": (3, 2)}
    (note,) = await house.notes(order)
    assert "still has the lines of before" in note and "TEA (3 of 4)" in note
    assert (await house.consignment(order)).id == before.id


async def test_an_amendment_beyond_the_stock_is_picked_for_as_soon_as_there_is_enough(
    house: House,
) -> None:
    await house.stock("TEA", 3)
    order = await house.order(("TEA", 2))
    await amend(house, order, ("TEA", 4))
    with pytest.raises(NothingToPick):
        await house.wave()
    await house.stock("TEA", 1)
    await relay_pending(house.db)
    assert await house.levels("TEA") == {"A/1": (4, 4)}
    await house.pick_all(await house.wave())
    assert await house.state(order) == "picked"


async def test_what_was_amended_is_not_picked_before_the_warehouse_has_heard_of_it(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    await amend(house, order, ("TEA", 4), relay=False)
    with pytest.raises(NothingToPick):
        await house.wave()
    await relay_pending(house.db)
    await house.pick_all(await house.wave())
    assert await house.levels("TEA") == {"A/1": (5, 4)}


async def test_from_the_wave_on_the_lines_stand_fast_until_it_is_given_up(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    wave = await house.wave()
    with pytest.raises(PickingBegan):
        await amend(house, order, ("TEA", 4))
    async with house.db.transaction() as session:
        await fulfilment.cancel_wave(session, wave.id, by="test")
    await relay_pending(house.db)
    await amend(house, order, ("TEA", 4))
    assert await house.levels("TEA") == {"A/1": (5, 4)}


async def test_merged_orders_get_the_goods_of_both(house: House) -> None:
    """The other one still holds its goods when the news of the amendment comes."""
    await house.stock("TEA", 3)
    order, other = await house.order(("TEA", 2)), await house.order(("TEA", 1))
    async with house.db.transaction() as session:
        await orders.merge_orders(session, order.id, other.id, by="clerk")
    await relay_pending(house.db)
    assert await house.levels("TEA") == {"A/1": (3, 3)}
    await house.pick_all(await house.wave())
    assert await house.state(order) == "picked"
    assert (await house.consignment(order)).parcels[0].description == "3 x TEA"


async def test_safety_stock_given_up_is_found_by_looking_again(house: House, db: Database) -> None:
    await house.sku("TEA", safety_stock=2)
    await house.stock("TEA", 2)
    order = await house.order(("TEA", 2))
    sku_id: UUID = house.skus["TEA"]
    async with db.transaction() as session:
        await inventory.change_sku(session, sku_id, SkuChanges(safety_stock=0), by="test")
    await TIMERS[0].act(db)
    await relay_pending(db)
    assert (await house.order_now(order)).state == "in_fulfilment"
