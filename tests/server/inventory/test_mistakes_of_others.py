"""What went wrong in other people's shops does not go wrong in ours."""

import asyncio
from datetime import timedelta

import pytest

from server.inventory import service as inventory
from server.inventory.service import NotEnoughStock, Pick
from server.kit.db import Database
from server.kit.ids import new_id
from tests.server.inventory.conftest import Shop, wanted


async def test_checking_and_taking_in_two_steps_would_sell_the_last_unit_twice(
    own_db: Database,
) -> None:
    shop = Shop(own_db)
    await shop.open()
    await shop.stocked("TEA", 1)
    answers = await asyncio.gather(
        *(shop.allocate(("TEA", 1)) for _ in range(8)), return_exceptions=True
    )
    assert len([each for each in answers if isinstance(each, inventory.OrderStock)]) == 1
    assert len([each for each in answers if isinstance(each, NotEnoughStock)]) == 7
    assert await shop.levels("TEA") == {"A": (1, 1)}
    await shop.prove()


async def test_the_same_sku_on_several_lines_is_summed_before_the_check(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    with pytest.raises(NotEnoughStock) as refusal:
        await shop.allocate(("TEA", 3), ("TEA", 3))
    assert refusal.value.details["short"] == [{"sku": "TEA", "wanted": 6, "available": 5}]
    stock = await shop.allocate(("TEA", 3), ("TEA", 2))
    assert [(each.line, each.quantity) for each in stock.allocations] == [(1, 3), (2, 2)]


async def test_the_same_sku_in_a_kit_and_on_a_line_is_summed_before_the_check(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    await shop.stocked("CUP", 5)
    await shop.kit("TEATIME", TEA=2, CUP=1)
    with pytest.raises(NotEnoughStock):
        await shop.allocate(("TEATIME", 2), ("TEA", 2))
    stock = await shop.allocate(("TEATIME", 2), ("TEA", 1))
    assert sorted((each.line, each.quantity) for each in stock.allocations) == [
        (1, 2),
        (1, 4),
        (2, 1),
    ]


async def test_a_hold_does_not_block_its_own_buyer(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    async with shop.db.transaction() as session:
        hold = await inventory.place_hold(
            session,
            account_id=shop.account_id,
            lines=wanted(("TEA", 5)),
            expires_at=shop.now + timedelta(minutes=15),
            by="test",
        )
    with pytest.raises(NotEnoughStock):
        await shop.allocate(("TEA", 1))
    await shop.allocate(("TEA", 5), hold_id=hold.id)
    assert await shop.levels("TEA") == {"A": (5, 5)}
    with pytest.raises(inventory.HoldOver):
        await shop.allocate(("TEA", 1), hold_id=hold.id)


async def test_a_hold_ends_by_itself_at_its_hour(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    async with shop.db.transaction() as session:
        await inventory.place_hold(
            session,
            account_id=shop.account_id,
            lines=wanted(("TEA", 5)),
            expires_at=shop.now + timedelta(minutes=15),
            by="test",
        )
    assert await shop.available("TEA") == 0
    shop.now += timedelta(minutes=15)
    assert await shop.available("TEA") == 5


async def test_a_cancel_releases_however_often_it_comes(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id = new_id()
    await shop.allocate(("TEA", 4), order_id=order_id)
    for _ in range(3):
        stock = await shop.release(order_id)
        assert [each.state for each in stock.allocations] == ["released"]
    assert await shop.levels("TEA") == {"A": (5, 0)}


async def test_a_cancel_of_picked_goods_ends_when_they_are_put_back(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id = new_id()
    (allocation,) = (await shop.allocate(("TEA", 4), order_id=order_id)).allocations
    async with shop.db.transaction() as session:
        await inventory.pick_stock(session, [Pick(allocation_id=allocation.id, quantity=4)])
    stock = await shop.release(order_id)
    assert [each.state for each in stock.allocations] == ["picked"], "they are not on the shelf"
    assert await shop.available("TEA") == 1
    async with shop.db.transaction() as session:
        await inventory.put_back(session, [allocation.id])
    assert await shop.available("TEA") == 5


async def test_allocated_units_never_drift_below_zero(shop: Shop) -> None:
    """Shipping and releasing what was shipped or released before changes nothing."""
    await shop.stocked("TEA", 5)
    order_id = new_id()
    await shop.allocate(("TEA", 2), order_id=order_id)
    for _ in range(2):
        await shop.ship(order_id)
        await shop.release(order_id)
    assert await shop.levels("TEA") == {"A": (3, 0)}


async def test_an_order_told_twice_is_allocated_once(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id = new_id()
    first = await shop.allocate(("TEA", 3), order_id=order_id)
    assert await shop.allocate(("TEA", 3), order_id=order_id) == first
    assert await shop.levels("TEA") == {"A": (5, 3)}


async def test_a_refused_order_has_no_half_effect(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    await shop.stocked("CUP", 0)
    with pytest.raises(NotEnoughStock):
        await shop.allocate(("TEA", 2), ("CUP", 1))
    assert await shop.levels("TEA") == {"A": (5, 0)}
