"""More stock for an order that has its allocations: the books follow what was seen at the shelf."""

from datetime import timedelta

import pytest

from server.inventory import service as inventory
from server.inventory.service import NotEnoughStock, Pick, Replaced
from server.kit.errors import IllegalMove
from server.kit.ids import new_id
from tests.server.inventory.conftest import Shop


async def replace_missing(shop: Shop, stock: inventory.OrderStock) -> Replaced:
    (allocation,) = stock.allocations
    async with shop.db.transaction() as session:
        return await inventory.replace_missing(
            session, allocation.id, reason="not there", by="picker"
        )


async def test_missing_units_leave_the_books_and_are_taken_from_another_shelf(shop: Shop) -> None:
    await shop.stocked("TEA", 3)
    stock = await shop.allocate(("TEA", 3))
    await shop.receive("TEA", 2, at=shop.bin_b)
    replaced = await replace_missing(shop, stock)
    assert (sum(each.quantity for each in replaced.allocations), replaced.missing) == (2, 1)
    assert await shop.levels("TEA") == {"A": (0, 0), "B": (2, 2)}


async def test_units_with_serials_stay_in_the_books_until_they_are_counted(shop: Shop) -> None:
    await shop.sku("PHONE", has_serials=True)
    await shop.receive("PHONE", 1, serials=("S1",))
    stock = await shop.allocate(("PHONE", 1))
    replaced = await replace_missing(shop, stock)
    assert (replaced.allocations, replaced.missing) == ((), 1)
    assert await shop.levels("PHONE") == {"A": (1, 0)}


async def test_safety_stock_covers_what_is_missing_but_no_hold_is_broken(shop: Shop) -> None:
    await shop.stocked("TEA", 2, safety_stock=2)
    await shop.receive("TEA", 3, at=shop.bin_b)
    async with shop.db.transaction() as session:
        await inventory.place_hold(
            session,
            account_id=shop.account_id,
            lines=[inventory.Wanted(line=1, sku="TEA", quantity=1)],
            expires_at=shop.now + timedelta(hours=1),
            by="test",
        )
    order_id = new_id()
    stock = await shop.allocate(("TEA", 2), order_id=order_id)
    replaced = await replace_missing(shop, stock)
    assert (sum(each.quantity for each in replaced.allocations), replaced.missing) == (2, 0)
    assert await shop.available("TEA") == -2  # one held, two for safety, one free


async def test_what_was_picked_is_not_missing(shop: Shop) -> None:
    await shop.stocked("TEA", 2)
    stock = await shop.allocate(("TEA", 2))
    async with shop.db.transaction() as session:
        await inventory.pick_stock(
            session, [Pick(allocation_id=stock.allocations[0].id, quantity=2)]
        )
    with pytest.raises(inventory.AlreadyPicked):
        await replace_missing(shop, stock)
    await shop.ship(stock.allocations[0].order_id)
    with pytest.raises(IllegalMove):
        await replace_missing(shop, stock)


async def test_more_for_a_line_is_all_of_it_or_nothing(shop: Shop) -> None:
    await shop.stocked("TEA", 3)
    order_id = new_id()
    await shop.allocate(("TEA", 1), order_id=order_id)

    async def more(quantity: int) -> int:
        async with shop.db.transaction() as session:
            got = await inventory.allocate_more(
                session,
                order_id=order_id,
                line=1,
                sku_id=shop.skus["TEA"],
                quantity=quantity,
                account_id=shop.account_id,
            )
        return sum(each.quantity for each in got)

    with pytest.raises(NotEnoughStock):
        await more(3)
    assert await more(2) == 2
    assert await shop.levels("TEA") == {"A": (3, 3)}


async def test_a_part_of_an_order_leaves_the_books_when_it_leaves_the_house(shop: Shop) -> None:
    await shop.stocked("TEA", 3)
    await shop.stocked("CUP", 3)
    order_id = new_id()
    stock = await shop.allocate(("TEA", 2), ("CUP", 2), order_id=order_id)
    tea = [each.id for each in stock.allocations if each.sku_id == shop.skus["TEA"]]
    for _ in range(2):
        async with shop.db.transaction() as session:
            await inventory.ship_stock(session, order_id, allocation_ids=tea, by="test")
    assert await shop.levels("TEA") == {"A": (1, 0)}
    assert await shop.levels("CUP") == {"A": (3, 2)}
