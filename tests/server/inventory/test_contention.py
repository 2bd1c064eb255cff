"""Many fight for the last units: all of them are sold, none twice, and nobody is lied to."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

from server.inventory import service as inventory
from server.inventory.service import HoldOver, NotEnoughStock
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from tests.server.inventory.conftest import Shop, wanted

SEED = 20261123
BUYERS = 16
SKUS = 5
UNITS = 20
ENOUGH = 400


async def test_the_last_units_of_several_skus_are_all_sold_and_none_twice(
    own_db: Database,
) -> None:
    """Orders of one SKU, of several in any order, of kits; holds that are bought, that are given
    up, cancellations. Buyers go on until nothing at all is left."""
    shop = Shop(own_db)
    await shop.open()
    codes = [f"S{number}" for number in range(SKUS)]
    for code in codes:
        await shop.stocked(code, UNITS // 2)
        await shop.receive(code, UNITS // 2, at=shop.bin_b)
    await shop.kit("KIT-UP", S0=1, S1=2, S4=1)
    await shop.kit("KIT-DOWN", S4=1, S2=1, S0=1)
    print("seed", SEED)
    refusals: list[NotEnoughStock] = []
    kept: list[UUID] = []

    async def buy(number: int) -> None:
        dice = random.Random(SEED + number)
        for turn in range(ENOUGH):
            lines = _basket(dice, codes, last_units=turn > 8)
            order_id = new_id()
            try:
                hold_id = await _hold(shop, lines) if dice.random() < 0.3 else None
                if hold_id and dice.random() < 0.3:
                    await _give_up(shop, hold_id)
                    continue
                await shop.allocate(*lines, order_id=order_id, hold_id=hold_id)
            except NotEnoughStock as refusal:
                refusals.append(refusal)
                if len(lines) == 1 and lines[0][0] in codes:
                    codes_done = [code for code in codes if await shop.available(code) <= 0]
                    if len(codes_done) == SKUS:
                        return
                continue
            if dice.random() < 0.2:
                await shop.release(order_id)
            else:
                kept.append(order_id)
        raise AssertionError("the shelves never became empty")

    await asyncio.gather(*(buy(number) for number in range(BUYERS)))
    # A hold that was given up while its buyer was the last to look leaves units: sweep them up.
    for code in codes:
        while await shop.available(code) > 0:
            order_id = new_id()
            await shop.allocate((code, 1), order_id=order_id)
            kept.append(order_id)

    sold: dict[UUID, int] = {}
    for order_id in kept:
        async with own_db.transaction() as session:
            stock = await inventory.stock_of_order(session, order_id)
        for each in stock.allocations:
            assert each.state == "allocated"
            sold[each.sku_id] = sold.get(each.sku_id, 0) + each.quantity
    assert sold == {shop.skus[code]: UNITS for code in codes}
    assert refusals
    for refusal in refusals:
        assert refusal.details["short"]
        for each in refusal.details["short"]:
            assert 0 <= each["available"] < each["wanted"]
    for code in codes:
        assert await shop.levels(code) == {"A": (10, 10), "B": (10, 10)}
    await shop.prove()


def _basket(dice: random.Random, codes: list[str], *, last_units: bool) -> list[tuple[str, int]]:
    if last_units:
        return [(dice.choice(codes), 1)]
    if dice.random() < 0.3:
        return [(dice.choice(["KIT-UP", "KIT-DOWN"]), 1)]
    chosen = dice.sample(codes, dice.randint(1, 3))
    return [(code, dice.randint(1, 2)) for code in chosen]


async def _hold(shop: Shop, lines: list[tuple[str, int]]) -> UUID:
    async with shop.db.transaction() as session:
        hold = await inventory.place_hold(
            session,
            account_id=shop.account_id,
            lines=wanted(*lines),
            expires_at=clock.now() + timedelta(minutes=15),
            by="test",
        )
    return hold.id


async def _give_up(shop: Shop, hold_id: UUID) -> None:
    async with shop.db.transaction() as session:
        await inventory.release_hold(session, hold_id)


async def test_one_hold_is_used_by_one_order_only(own_db: Database) -> None:
    shop = Shop(own_db)
    await shop.open()
    await shop.stocked("TEA", 8)
    hold_id = await _hold(shop, [("TEA", 2)])
    answers = await asyncio.gather(
        *(shop.allocate(("TEA", 2), hold_id=hold_id) for _ in range(4)), return_exceptions=True
    )
    assert [type(each) for each in answers].count(inventory.OrderStock) == 1
    assert [type(each) for each in answers].count(HoldOver) == 3
    assert await shop.levels("TEA") == {"A": (8, 2)}


async def test_whoever_moves_stock_at_once_waits_in_no_circle(own_db: Database) -> None:
    """Receipts, transfers, counts, orders and cancellations over the same two SKUs, named in
    opposite orders."""
    shop = Shop(own_db)
    await shop.open()
    await shop.stocked("TEA", 50)
    await shop.stocked("CUP", 50)

    async def receive(first: str, second: str) -> None:
        async with own_db.transaction() as session:
            await inventory.receive_stock(
                session,
                account_id=shop.account_id,
                location_id=shop.bin_b,
                goods=[
                    inventory.Received(sku=first, quantity=1),
                    inventory.Received(sku=second, quantity=1),
                ],
                by="test",
            )

    async def come_and_go(first: str, second: str) -> None:
        order_id = new_id()
        await shop.allocate((first, 1), (second, 2), order_id=order_id)
        await shop.release(order_id)

    async def carry(code: str) -> None:
        async with own_db.transaction() as session:
            await inventory.transfer_stock(
                session,
                sku_id=shop.skus[code],
                from_location_id=shop.bin_a,
                to_location_id=shop.bin_b,
                quantity=1,
                by="test",
            )

    work = []
    for _ in range(10):
        work += [receive("TEA", "CUP"), receive("CUP", "TEA")]
        work += [come_and_go("TEA", "CUP"), come_and_go("CUP", "TEA")]
        work += [carry("TEA"), carry("CUP")]
    await asyncio.gather(*work)
    for code in ("TEA", "CUP"):
        assert await shop.levels(code) == {"A": (40, 0), "B": (30, 0)}
    await shop.prove()
