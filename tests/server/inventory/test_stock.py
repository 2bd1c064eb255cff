"""Goods come, wait, leave and return."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.inventory import service as inventory
from server.inventory.errors import (
    AlreadyDecided,
    BadKit,
    BadParent,
    KitHasNoStock,
    LotExpiresOtherwise,
    LotNeeded,
    MoreThanOrdered,
    NotSellable,
    ReturnedOtherwise,
    SerialElsewhere,
    SerialsNeeded,
    UnknownHold,
)
from server.inventory.lifecycle import SUPPLIER, TRANSIT
from server.inventory.service import (
    AlreadyPicked,
    Component,
    CountedBelowAllocated,
    NotEnoughHere,
    NotEnoughStock,
    Pick,
    UnknownSku,
)
from server.inventory.timers import end_expired_holds
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent
from tests.server.inventory.conftest import Shop, wanted


async def told(shop: Shop, *names: str) -> list[dict[str, Any]]:
    """What was emitted under these names, in order."""
    async with shop.db.transaction() as session:
        rows = await session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.name.in_([f"inventory.{name}" for name in names]))
            .order_by(OutboxEvent.id)
        )
        return [{"name": row.name.split(".")[1], **row.body} for row in rows]


async def pick(shop: Shop, allocation_id: UUID, quantity: int, *serials: str) -> None:
    async with shop.db.transaction() as session:
        await inventory.pick_stock(
            session, [Pick(allocation_id=allocation_id, quantity=quantity, serials=serials)]
        )


async def hold(shop: Shop, *lines: tuple[str, int], minutes: int = 15) -> UUID:
    async with shop.db.transaction() as session:
        held = await inventory.place_hold(
            session,
            account_id=shop.account_id,
            lines=wanted(*lines),
            expires_at=shop.now + timedelta(minutes=minutes),
            by="test",
        )
    return held.id


async def test_the_ledger_cannot_be_rewritten(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    for statement in ("update stock_move set quantity = 6", "delete from stock_move"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with shop.db.transaction() as session:
                await session.execute(text(statement))


async def test_the_database_itself_refuses_more_allocated_than_on_hand(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    for change in ("allocated = 6", "allocated = -1", "on_hand = -1"):
        with pytest.raises(DBAPIError, match="ck_stock_level"):
            async with shop.db.transaction() as session:
                await session.execute(text(f"update stock_level set {change}"))


class Undo(Exception):
    """Leave the transaction without a trace."""


async def test_the_proof_finds_a_level_that_somebody_changed_by_hand(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    with pytest.raises(Undo):
        async with shop.db.transaction() as session:
            await session.execute(text("update stock_level set on_hand = 7, allocated = 1"))
            proof = await inventory.reconcile(session)
            raise Undo
    assert not proof.is_consistent
    found = {(each.what, each.recorded, each.proven) for each in proof.discrepancies}
    assert found == {("on_hand", 7, 5), ("allocated", 1, 0)}


async def test_safety_stock_is_never_promised(shop: Shop) -> None:
    await shop.stocked("TEA", 5, safety_stock=2)
    with pytest.raises(NotEnoughStock) as refusal:
        await shop.allocate(("TEA", 4))
    assert refusal.value.details["short"] == [{"sku": "TEA", "wanted": 4, "available": 3}]
    await shop.allocate(("TEA", 3))


async def test_low_and_out_are_told_once_when_they_happen(shop: Shop) -> None:
    await shop.stocked("TEA", 10, reorder_point=4)
    await shop.allocate(("TEA", 5))
    assert await told(shop, "StockRanLow", "StockRanOut") == []
    await shop.allocate(("TEA", 1))
    await shop.allocate(("TEA", 1))
    await shop.allocate(("TEA", 3))
    (low, out) = await told(shop, "StockRanLow", "StockRanOut")
    assert (low["name"], low["free"], low["reorder_point"]) == ("StockRanLow", 4, 4)
    assert (out["name"], out["sku_id"]) == ("StockRanOut", str(shop.skus["TEA"]))


async def test_backorders_are_filled_in_their_order_as_stock_comes(shop: Shop) -> None:
    await shop.stocked("TEA", 1, backorder_allowed=True)
    first, second = new_id(), new_id()
    stock = await shop.allocate(("TEA", 4), order_id=first)
    assert [each.quantity for each in stock.allocations] == [1]
    assert [each.quantity for each in stock.backorders] == [3]
    await shop.allocate(("TEA", 2), order_id=second)
    await shop.receive("TEA", 4)
    await shop.receive("TEA", 4)
    filled = await told(shop, "BackorderFilled")
    assert [(each["order_id"], each["quantity"], each["remaining"]) for each in filled] == [
        (str(first), 3, 0),
        (str(second), 1, 1),
        (str(second), 1, 0),
    ]
    assert await shop.levels("TEA") == {"A": (9, 6)}


async def test_a_cancelled_order_s_goods_go_to_who_waits_for_them(shop: Shop) -> None:
    await shop.stocked("TEA", 3, backorder_allowed=True)
    given_up, patient = new_id(), new_id()
    await shop.allocate(("TEA", 3), order_id=given_up)
    await shop.allocate(("TEA", 2), order_id=patient)
    await shop.release(given_up)
    async with shop.db.transaction() as session:
        stock = await inventory.stock_of_order(session, patient)
    assert stock.is_complete
    assert await shop.levels("TEA") == {"A": (3, 2)}


async def test_a_cancelled_order_waits_no_longer(shop: Shop) -> None:
    await shop.stocked("TEA", 1, backorder_allowed=True)
    order_id = new_id()
    await shop.allocate(("TEA", 3), order_id=order_id)
    await shop.release(order_id)
    await shop.receive("TEA", 5)
    assert await shop.levels("TEA") == {"A": (6, 0)}


async def test_what_an_expired_hold_kept_goes_to_who_waits_for_it(shop: Shop) -> None:
    await shop.stocked("TEA", 3, backorder_allowed=True)
    await hold(shop, ("TEA", 3))
    await shop.allocate(("TEA", 2))
    assert await shop.levels("TEA") == {"A": (3, 0)}
    shop.now += timedelta(minutes=15)
    await end_expired_holds(shop.db)
    assert await shop.levels("TEA") == {"A": (3, 2)}
    assert len(await told(shop, "HoldExpired")) == 1


async def test_a_hold_of_another_account_is_not_found(shop: Shop) -> None:
    await shop.stocked("TEA", 3)
    other = Shop(shop.db)
    await other.open()
    await other.stocked("TEA", 3)
    with pytest.raises(UnknownHold):
        await other.allocate(("TEA", 1), hold_id=await hold(shop, ("TEA", 3)))


async def test_skus_of_other_accounts_are_not_found(shop: Shop) -> None:
    await shop.stocked("TEA", 3)
    other = Shop(shop.db)
    await other.open()
    with pytest.raises(UnknownSku):
        await other.allocate(("TEA", 1))
    async with shop.db.transaction() as session:
        with pytest.raises(UnknownSku):
            await inventory.get_sku(session, shop.skus["TEA"], account_id=other.account_id)


async def test_an_amended_order_takes_from_its_own_goods_first(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id = new_id()
    await shop.allocate(("TEA", 4), order_id=order_id)

    async def amend(units: int) -> inventory.OrderStock:
        async with shop.db.transaction() as session:
            return await inventory.reallocate_stock(
                session,
                order_id=order_id,
                account_id=shop.account_id,
                lines=wanted(("TEA", units)),
            )

    stock = await amend(5)
    assert [(each.quantity, each.state) for each in stock.allocations] == [
        (4, "released"),
        (5, "allocated"),
    ]
    with pytest.raises(NotEnoughStock):
        await amend(6)
    assert await shop.levels("TEA") == {"A": (5, 5)}
    await pick(shop, stock.allocations[-1].id, 5)
    with pytest.raises(AlreadyPicked):
        await amend(1)


async def test_a_short_pick_leaves_the_rest_to_be_found_or_released(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id = new_id()
    (whole,) = (await shop.allocate(("TEA", 4), order_id=order_id)).allocations
    await pick(shop, whole.id, 3)
    async with shop.db.transaction() as session:
        rest = (await inventory.stock_of_order(session, order_id)).allocations[-1]
        assert (rest.quantity, rest.state, rest.line) == (1, "allocated", 1)
        await inventory.release_stock(session, order_id)
    await shop.ship(order_id)
    assert await shop.levels("TEA") == {"A": (2, 0)}


async def test_orders_are_filled_from_the_nearest_warehouse(shop: Shop) -> None:
    await shop.sku("TEA")
    for code, lon in (("FAR", 10.5), ("NEAR", 9.5)):
        there = await shop.location("warehouse", code, position=Position(lon, 47.0))
        await shop.receive("TEA", 5, at=there)

    async def here() -> Position:
        return Position(9.52, 47.1)

    await shop.allocate(("TEA", 2), rule="nearest", near=here)
    assert await shop.levels("TEA") == {"FAR": (5, 0), "NEAR": (5, 2)}


async def test_vans_and_quarantine_fill_no_orders(shop: Shop) -> None:
    await shop.sku("TEA")
    await shop.receive("TEA", 5, at=await shop.location("van", "VAN"))
    await shop.receive("TEA", 5, at=await shop.location("quarantine", "Q", shop.warehouse))
    assert await shop.available("TEA") == 0


async def test_locations_lie_where_the_tree_allows_them(shop: Shop) -> None:
    zone = await shop.location("zone", "Z", shop.warehouse)
    await shop.location("bin", "01", await shop.location("aisle", "1", zone))
    astray: list[tuple[inventory.LocationKind, UUID | None]] = [
        ("bin", None),
        ("zone", zone),
        ("aisle", shop.bin_a),
    ]
    for kind, parent in astray:
        with pytest.raises(BadParent):
            await shop.location(kind, "X", parent)


async def test_lots_leave_by_their_last_day_and_not_after_it(shop: Shop) -> None:
    await shop.sku("MILK", has_lots=True)
    await shop.receive("MILK", 3, lot="LATE", expires_on=date(2026, 12, 24))
    await shop.receive("MILK", 3, lot="SOON", expires_on=date(2026, 11, 23))
    with pytest.raises(LotNeeded):
        await shop.receive("MILK", 3)
    with pytest.raises(LotExpiresOtherwise):
        await shop.receive("MILK", 3, lot="SOON", expires_on=date(2027, 1, 1))
    await shop.allocate(("MILK", 2))
    async with shop.db.transaction() as session:
        levels = await inventory.list_levels(session, sku_id=shop.skus["MILK"])
    assert {each.lot: each.allocated for each in levels} == {"LATE": 0, "SOON": 2}
    shop.now += timedelta(days=1)
    assert await shop.available("MILK") == 3


async def test_units_with_serial_numbers_are_known_one_by_one(shop: Shop) -> None:
    await shop.sku("PHONE", has_serials=True)
    with pytest.raises(SerialsNeeded):
        await shop.receive("PHONE", 2, serials=("1",))
    await shop.receive("PHONE", 3, serials=("1", "2", "3"))
    with pytest.raises(SerialElsewhere):
        await shop.receive("PHONE", 1, serials=("2",))
    order_id = new_id()
    (allocation,) = (await shop.allocate(("PHONE", 2), order_id=order_id)).allocations
    with pytest.raises(SerialsNeeded):
        await shop.ship(order_id)
    with pytest.raises(SerialElsewhere):
        await pick(shop, allocation.id, 2, "1", "9")
    await pick(shop, allocation.id, 2, "1", "3")
    (other,) = (await shop.allocate(("PHONE", 1))).allocations
    with pytest.raises(SerialElsewhere):
        await pick(shop, other.id, 1, "3")
    await shop.ship(order_id)
    async with shop.db.transaction() as session:
        with pytest.raises(SerialElsewhere):
            await inventory.receive_returned(
                session,
                return_line_id=new_id(),
                sku_id=shop.skus["PHONE"],
                quantity=1,
                serials=("2",),
                by="test",
            )


async def test_kits_have_components_and_no_stock_of_their_own(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    await shop.stocked("CUP", 2)
    kit_id = await shop.kit("SET", TEA=2, CUP=1)
    assert await shop.available("SET") == 2
    with pytest.raises(KitHasNoStock):
        await shop.receive("SET", 1)
    with pytest.raises(BadKit):
        await shop.kit("SETS", SET=2)
    stock = await shop.allocate(("SET", 1))
    assert {(each.sku_id, each.quantity) for each in stock.allocations} == {
        (shop.skus["TEA"], 2),
        (shop.skus["CUP"], 1),
    }
    assert {each.kit_id for each in stock.allocations} == {kit_id}


async def test_a_purchase_note_is_ticked_off_and_takes_no_more_than_was_ordered(
    shop: Shop,
) -> None:
    await shop.sku("TEA")
    async with shop.db.transaction() as session:
        note = await inventory.create_purchase_note(
            session,
            account_id=shop.account_id,
            number="P-1",
            supplier="Teas Ltd",
            lines=[Component(sku="TEA", quantity=6), Component(sku="TEA", quantity=4)],
        )

    async def receive(units: int) -> None:
        async with shop.db.transaction() as session:
            await inventory.receive_stock(
                session,
                account_id=shop.account_id,
                location_id=shop.bin_a,
                goods=[inventory.Received(sku="TEA", quantity=units)],
                note_id=note.id,
                by="test",
            )

    await receive(7)
    with pytest.raises(MoreThanOrdered):
        await receive(4)
    await receive(3)
    async with shop.db.transaction() as session:
        note = await inventory.get_purchase_note(session, note.id)
        moves = await inventory.list_moves(session, subject=f"purchase_note:{note.id}")
    assert [(line.ordered, line.received) for line in note.lines] == [(10, 10)]
    assert [(move.from_location_id, move.quantity) for move in moves] == [
        (SUPPLIER, 3),
        (SUPPLIER, 7),
    ]


async def test_a_count_below_what_orders_were_promised_is_not_swallowed(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    await shop.allocate(("TEA", 3))
    async with shop.db.transaction() as session:
        count: dict[str, Any] = {"sku_id": shop.skus["TEA"], "location_id": shop.bin_a}
        with pytest.raises(CountedBelowAllocated):
            await inventory.count_stock(session, **count, counted=2, by="test")
        assert await inventory.count_stock(session, **count, counted=3, by="test") == -2
        assert await inventory.count_stock(session, **count, counted=3, by="test") == 0
    assert [each["change"] for each in await told(shop, "StockAdjusted")] == [-2]


async def test_goods_between_warehouses_are_in_transit_and_cannot_be_sold(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    other = await shop.location("warehouse", "W2")

    async def carry(source: UUID, target: UUID, units: int) -> None:
        async with shop.db.transaction() as session:
            await inventory.transfer_stock(
                session,
                sku_id=shop.skus["TEA"],
                from_location_id=source,
                to_location_id=target,
                quantity=units,
                by="test",
            )

    await shop.allocate(("TEA", 3))
    with pytest.raises(NotEnoughHere):
        await carry(shop.bin_a, TRANSIT, 3)
    await carry(shop.bin_a, TRANSIT, 2)
    assert await shop.available("TEA") == 0
    await carry(TRANSIT, other, 2)
    assert await shop.levels("TEA") == {"A": (3, 3), "TRANSIT": (0, 0), "W2": (2, 0)}


async def test_returned_goods_move_into_inspection_and_out_of_it_exactly_once(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    order_id, return_line_id = new_id(), new_id()
    await shop.allocate(("TEA", 3), order_id=order_id)
    await shop.ship(order_id)

    async def come_back(units: int) -> None:
        async with shop.db.transaction() as session:
            await inventory.receive_returned(
                session,
                return_line_id=return_line_id,
                sku_id=shop.skus["TEA"],
                quantity=units,
                by="test",
            )

    async def decide(disposition: inventory.Disposition, where: UUID | None = None) -> None:
        async with shop.db.transaction() as session:
            await inventory.decide_returned(
                session,
                return_line_id=return_line_id,
                disposition=disposition,
                location_id=where,
                by="test",
            )

    await come_back(2)
    await come_back(2)
    with pytest.raises(ReturnedOtherwise):
        await come_back(3)
    assert await shop.available("TEA") == 2, "nothing is sold that was not inspected"
    with pytest.raises(NotSellable):
        await decide("restock")
    await decide("restock", shop.bin_b)
    await decide("restock", shop.bin_b)
    with pytest.raises(AlreadyDecided):
        await decide("scrap")
    assert await shop.levels("TEA") == {"A": (2, 0), "B": (2, 0), "RETURN_QC": (0, 0)}
    async with shop.db.transaction() as session:
        moves = await inventory.list_moves(session, subject=f"return_line:{return_line_id}")
    assert [move.kind for move in moves] == ["restocked", "returned"]


async def test_a_retired_sku_is_ordered_no_more(shop: Shop) -> None:
    await shop.stocked("TEA", 5)
    async with shop.db.transaction() as session:
        await inventory.change_sku(
            session, shop.skus["TEA"], inventory.SkuChanges(active=False), by="test"
        )
    with pytest.raises(UnknownSku):
        await shop.allocate(("TEA", 1))
