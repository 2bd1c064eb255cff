"""Waves, scans, shelves that are emptier than the books, and orders given up half-way."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest

from server.fulfilment import service as fulfilment
from server.fulfilment.errors import (
    MoreThanAsked,
    NothingPicked,
    NothingToPick,
    NothingToPickHere,
    SayWhich,
    WaveOver,
    WrongShelf,
)
from server.identity import service as identity
from server.identity.access import Role
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku, SerialsNeeded
from server.kit.db import Database
from server.kit.errors import Conflict
from server.kit.relay import relay_pending
from tests.server.fulfilment.conftest import HELPER, PICKER, House, built_house


async def wave_state(house: House) -> str:
    async with house.db.transaction() as session:
        return (await fulfilment.list_waves(session, warehouse_id=house.warehouse))[0].state


async def next_for(house: House, wave: fulfilment.WaveView, person: UUID) -> str | None:
    async with house.db.transaction() as session:
        step = await fulfilment.next_pick(session, wave.id, person_id=person)
    return step.task.location.removeprefix(f"{house.code}/") if step.task else None


async def substitutes(house: House, sku: str, *others: str) -> None:
    async with house.db.transaction() as session:
        await fulfilment.set_substitutes(session, house.skus[sku], others, by="clerk")


async def shortages(house: House, state: str = "open") -> list[fulfilment.ShortageView]:
    async with house.db.transaction() as session:
        return await fulfilment.list_shortages(session, state=state)


async def test_a_wave_leads_through_the_shelves_and_ends_with_the_last_of_them(
    house: House,
) -> None:
    await house.stock("TEA", 5, at="A/1")
    await house.stock("CUP", 5, at="B/3")
    order = await house.order(("CUP", 1), ("TEA", 2))
    wave = await house.wave()
    assert await house.state(order) == "picking"
    first = await house.pick(wave, "A/1", "TEA", 2)
    assert [(task.sku, task.quantity) for task in first.done] == [("TEA", 2)]
    assert first.next.task is not None and first.next.task.location.endswith("B/3")
    last = await house.pick(wave, "B/3", "CUP", 1)
    assert last.next.task is None
    assert await house.state(order) == "picked"
    assert await wave_state(house) == "done"


async def test_the_same_goods_for_several_orders_are_taken_with_one_scan(house: House) -> None:
    await house.stock("TEA", 9)
    orders = [await house.order(("TEA", units)) for units in (1, 2, 3)]
    wave = await house.wave()
    async with house.db.transaction() as session:
        step = await fulfilment.next_pick(session, wave.id, person_id=HELPER)
    assert (step.units_here, step.left) == (6, 3)
    await house.pick(wave, "A/1", "TEA", 6)
    assert [await house.state(order) for order in orders] == ["picked"] * 3


async def test_a_wave_takes_the_most_urgent_orders_whole_and_leaves_the_rest(house: House) -> None:
    await house.stock("TEA", 9, at="A/1")
    await house.stock("CUP", 9, at="B/3")
    orders = [await house.order(("TEA", 1), ("CUP", 1)) for _ in range(3)]
    await house.wave(max_tasks=5)
    assert [await house.state(order) for order in orders] == ["picking", "picking", "open"]
    await house.wave()
    assert await house.state(orders[2]) == "picking"
    with pytest.raises(NothingToPick):
        await house.wave()


async def test_a_wave_of_a_zone_leaves_what_lies_elsewhere_to_another_one(house: House) -> None:
    await house.stock("TEA", 9, at="A/1")
    await house.stock("CUP", 9, at="B/3")
    order = await house.order(("TEA", 1), ("CUP", 1))
    await house.pick_all(await house.wave(zone_id=house.bins["A"]))
    assert await house.state(order) == "picking"
    await house.pick_all(await house.wave(zone_id=house.bins["B"]))
    assert await house.state(order) == "picked"


async def test_a_double_scan_takes_nothing_twice(house: House) -> None:
    await house.stock("TEA", 9)
    await house.stock("CUP", 1, at="B/1")
    await house.order(("TEA", 2), ("CUP", 1))
    wave = await house.wave()
    await house.pick(wave, "A/1", "TEA", 2)
    with pytest.raises(NothingToPickHere):
        await house.pick(wave, "A/1", "TEA", 2)
    assert await house.levels("TEA") == {"A/1": (9, 2)}


@pytest.mark.parametrize(
    ("at", "sku", "quantity", "refusal"),
    [
        ("A/2", "TEA", 1, NothingToPickHere),
        ("A/1", "CUP", 1, NothingToPickHere),
        ("A/1", "TEA", 3, MoreThanAsked),
        ("A/1", "TEA", 0, NothingPicked),
    ],
)
async def test_a_wrong_scan_is_refused_with_what_is_wrong(
    house: House, at: str, sku: str, quantity: int, refusal: type[Exception]
) -> None:
    await house.stock("TEA", 9)
    await house.stock("CUP", 9, at="A/1")
    order = await house.order(("TEA", 2))
    wave = await house.wave()
    with pytest.raises(refusal):
        await house.pick(wave, at, sku, quantity)
    assert await house.state(order) == "picking"


async def test_fewer_than_asked_leave_the_rest_to_be_taken_later(house: House) -> None:
    await house.stock("TEA", 9)
    order = await house.order(("TEA", 5))
    wave = await house.wave()
    step = await house.pick(wave, "A/1", "TEA", 2)
    assert step.next.task is not None and step.next.task.quantity == 3
    await house.pick(wave, "A/1", "TEA", 3)
    assert await house.state(order) == "picked"
    assert sum(each.quantity for each in await house.allocations(order)) == 5


async def test_what_is_not_on_its_shelf_is_taken_from_another_and_leaves_the_books(
    house: House,
) -> None:
    await house.stock("TEA", 3, at="A/1")
    order = await house.order(("TEA", 3))
    await house.stock("TEA", 5, at="B/4")
    wave = await house.wave()
    found = await house.pick(wave, "A/1", "TEA", 1, short=True)
    assert (found.elsewhere, found.lacking) == (2, 0)
    assert found.next.task is not None and found.next.task.location.endswith("B/4")
    assert await house.levels("TEA") == {"A/1": (1, 1), "B/4": (5, 2)}
    await house.pick(wave, "B/4", "TEA", 2)
    assert await house.state(order) == "picked"
    await relay_pending(house.db)
    (note,) = await house.notes(order)
    assert note == "2 x TEA was not on its shelf. 2 of it comes from another one."


async def test_what_is_nowhere_waits_for_stock_and_the_order_is_told(house: House) -> None:
    await house.stock("TEA", 3, at="A/1")
    order = await house.order(("TEA", 3))
    wave = await house.wave()
    found = await house.pick(wave, "A/1", "TEA", 1, short=True)
    assert (found.elsewhere, found.lacking) == (0, 2)
    await relay_pending(house.db)
    assert "2 is nowhere" in (await house.notes(order))[0]
    assert (await house.state(order), await wave_state(house)) == ("picking", "done")
    await house.stock("TEA", 2, at="B/1")
    await relay_pending(house.db)
    assert await shortages(house) == []
    await house.pick_all(await house.wave())
    assert await house.state(order) == "picked"


async def test_an_empty_shelf_is_told_with_no_units(house: House) -> None:
    await house.stock("TEA", 3, at="A/1")
    order = await house.order(("TEA", 3))
    found = await house.pick(await house.wave(), "A/1", "TEA", 0, short=True)
    assert found.lacking == 3
    assert await house.levels("TEA") == {}
    assert await house.state(order) == "picking"


async def test_what_may_stand_in_for_it_is_sent_without_asking(house: House) -> None:
    await house.stock("TEA", 3)
    await house.stock("GREEN", 5, at="B/1")
    await house.stock("BLACK", 1, at="B/2")
    await substitutes(house, "TEA", "BLACK", "GREEN")  # of the better one there is too little
    order = await house.order(("TEA", 3))
    await house.pick(await house.wave(), "A/1", "TEA", 1, short=True)
    await relay_pending(house.db)
    assert (await house.notes(order))[0].endswith("Sent instead: 2 x GREEN.")
    await house.pick_all(await house.wave())
    assert await house.state(order) == "picked"
    assert await house.levels("GREEN") == {"B/1": (5, 2)}


async def test_a_clerk_sends_something_else_or_leaves_it_out(house: House) -> None:
    await house.stock("TEA", 2, at="A/1")
    await house.stock("CUP", 2, at="A/2")
    await house.stock("MUG", 2, at="A/3")
    order = await house.order(("TEA", 2), ("CUP", 2))
    wave = await house.wave()
    await house.pick(wave, "A/1", "TEA", 1, short=True)
    await house.pick(wave, "A/2", "CUP", 0, short=True)
    await relay_pending(house.db)
    tea, cup = await shortages(house)
    async with house.db.transaction() as session:
        await fulfilment.substitute_shortage(session, cup.id, sku="MUG", by="clerk")
    async with house.db.transaction() as session:
        await fulfilment.leave_out(session, tea.id, by="clerk")
    with pytest.raises(Conflict):
        async with house.db.transaction() as session:
            await fulfilment.substitute_shortage(session, tea.id, sku="MUG", by="clerk")
    await house.pick_all(await house.wave())
    assert await house.state(order) == "picked"
    assert (await house.notes(order))[-2:] == [
        "2 x MUG is sent instead of CUP.",
        "1 x TEA is left out: there is none.",
    ]


async def test_an_order_of_which_nothing_is_left_needs_no_work_any_more(house: House) -> None:
    await house.stock("TEA", 2)
    order = await house.order(("TEA", 2))
    await house.pick(await house.wave(), "A/1", "TEA", 0, short=True)
    (lack,) = await shortages(house)
    async with house.db.transaction() as session:
        await fulfilment.leave_out(session, lack.id, by="clerk")
    assert await house.state(order) == "cancelled"


async def test_the_components_of_a_kit_are_picked_one_by_one(house: House) -> None:
    await house.stock("TEA", 4, at="A/1")
    await house.stock("CUP", 4, at="A/2")
    async with house.db.transaction() as session:
        parts = (Component(sku="TEA", quantity=1), Component(sku="CUP", quantity=2))
        kit = NewSku(code="SET", name="Set", components=parts)
        await inventory.create_sku(session, kit, account_id=house.account_id, by="test")
    order = await house.order(("SET", 2))
    wave = await house.wave()
    await house.pick(wave, "A/1", "TEA", 2)
    await house.pick(wave, "A/2", "CUP", 4)
    assert await house.state(order) == "picked"


async def test_units_with_serial_numbers_are_scanned_one_by_one(house: House) -> None:
    await house.sku("PHONE", has_serials=True)
    await house.stock("PHONE", 3, serials=("S1", "S2", "S3"))
    orders = [await house.order(("PHONE", 1)) for _ in range(2)]
    wave = await house.wave()
    with pytest.raises(SerialsNeeded):
        await house.pick(wave, "A/1", "PHONE", 2)
    with pytest.raises(Conflict):
        await house.pick(wave, "A/1", "PHONE", 2, serials=("S1", "S9"))
    done = (await house.pick(wave, "A/1", "PHONE", 2, serials=("S3", "S1"))).done
    assert [task.serials for task in done] == [["S3"], ["S1"]]
    assert [await house.state(order) for order in orders] == ["picked", "picked"]


async def test_of_two_lots_on_one_shelf_the_picker_says_which(house: House) -> None:
    await house.sku("MILK", has_lots=True)
    await house.stock("MILK", 1, lot="L1")
    await house.stock("MILK", 1, lot="L2")
    order = await house.order(("MILK", 2))
    wave = await house.wave()
    with pytest.raises(SayWhich):
        await house.pick(wave, "A/1", "MILK", 1)
    await house.pick(wave, "A/1", "MILK", 1, lot="L2")
    await house.pick(wave, "A/1", "MILK", 1, lot="L1")
    assert await house.state(order) == "picked"


async def test_an_order_cancelled_in_the_middle_of_picking_is_put_back(house: House) -> None:
    await house.stock("TEA", 5, at="A/1")
    await house.stock("CUP", 5, at="B/3")
    order = await house.order(("TEA", 2), ("CUP", 1))
    wave = await house.wave()
    await house.pick(wave, "A/1", "TEA", 2)
    await house.cancel(order)
    one = await house.fulfilment_of(order)
    assert (one.state, one.cancellation) == ("cancelled", "accepted")
    with pytest.raises(WaveOver):
        await house.pick(wave, "B/3", "CUP", 1)
    assert await house.levels("CUP") == {"B/3": (5, 0)}
    assert await house.levels("TEA") == {"A/1": (5, 2)}
    async with house.db.transaction() as session:
        (task,) = await fulfilment.list_put_backs(session, warehouse_id=house.warehouse)
    assert (task.sku, task.quantity, task.order_number) == ("TEA", 2, order.number)
    with pytest.raises(WrongShelf):
        async with house.db.transaction() as session:
            await fulfilment.put_back_scanned(session, task.id, location="B/3", by="picker")
    for _ in range(2):
        async with house.db.transaction() as session:
            done = await fulfilment.put_back_scanned(
                session, task.id, location=task.location, by="picker"
            )
        assert done.state == "done"
    assert await house.levels("TEA") == {"A/1": (5, 0)}
    async with house.db.transaction() as session:
        assert await fulfilment.list_put_backs(session) == []


async def test_the_rest_of_a_wave_goes_on_when_one_of_its_orders_is_cancelled(
    house: House,
) -> None:
    await house.stock("TEA", 5)
    gone = await house.order(("TEA", 2))
    kept = await house.order(("TEA", 1))
    wave = await house.wave()
    await house.cancel(gone)
    with pytest.raises(MoreThanAsked):
        await house.pick(wave, "A/1", "TEA", 3)
    await house.pick(wave, "A/1", "TEA", 1)
    assert await house.state(kept) == "picked"
    assert await wave_state(house) == "done"


async def test_a_wave_given_up_leaves_its_orders_to_the_next(house: House) -> None:
    await house.stock("TEA", 5, at="A/1")
    await house.stock("CUP", 5, at="B/3")
    begun = await house.order(("TEA", 1), ("CUP", 1))
    untouched = await house.order(("CUP", 1))
    wave = await house.wave()
    await house.pick(wave, "A/1", "TEA", 1)
    for _ in range(2):
        async with house.db.transaction() as session:
            given_up = await fulfilment.cancel_wave(session, wave.id, by="test")
        assert given_up.state == "cancelled"
    assert [await house.state(each) for each in (begun, untouched)] == ["picking", "open"]
    await house.pick_all(await house.wave())
    assert [await house.state(each) for each in (begun, untouched)] == ["picked", "picked"]


async def test_a_fulfilment_on_hold_is_in_no_wave(house: House) -> None:
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 1))
    one = await house.fulfilment_of(order)
    async with house.db.transaction() as session:
        await fulfilment.hold_fulfilment(session, one.id, reason="wait for the van", by="test")
    with pytest.raises(NothingToPick):
        await house.wave()
    async with house.db.transaction() as session:
        await fulfilment.release_fulfilment(session, one.id, by="test")
    await house.wave()


async def test_a_helper_begins_at_the_other_end_of_the_walk(house: House) -> None:
    for number in range(1, 5):
        await house.stock(f"SKU-{number}", 1, at=f"A/{number}")
    await house.order(*((f"SKU-{number}", 1) for number in range(1, 5)))
    wave = await house.wave()
    assert await next_for(house, wave, HELPER) == "A/1"  # it is nobody's yet
    async with house.db.transaction() as session:
        person = await identity.create_person(
            session, name="Pi", email="pi@example.org", role=Role.WAREHOUSE, by="test"
        )
        await fulfilment.cancel_wave(session, wave.id, by="test")
    mine = await house.wave(picker_id=person.id)
    assert await next_for(house, mine, person.id) == "A/1"
    assert await next_for(house, mine, HELPER) == "A/4"


async def test_two_pickers_on_one_wave_take_everything_once(own_db: Database) -> None:
    house = await built_house(own_db)
    for number in range(1, 6):
        await house.stock(f"SKU-{number}", 6, at=f"A/{number}")
    orders = [
        await house.order(*((f"SKU-{number}", 2) for number in range(1, 6))) for _ in range(3)
    ]
    wave = await house.wave()

    async def work(person: UUID) -> int:
        taken = 0
        while True:
            async with own_db.transaction() as session:
                step = await fulfilment.next_pick(session, wave.id, person_id=person)
            if step.task is None:
                return taken
            at = step.task.location.removeprefix(f"{house.code}/")
            try:
                await house.pick(wave, at, step.task.sku, 1)
                taken += 1
            except (NothingToPickHere, WaveOver):
                continue  # the other one was first

    taken = await asyncio.gather(work(PICKER), work(HELPER))
    assert sum(taken) == 30
    assert [await house.state(order) for order in orders] == ["picked"] * 3
    assert await wave_state(house) == "done"
    await house.prove()


async def test_two_waves_at_once_never_share_an_order(own_db: Database) -> None:
    house = await built_house(own_db)
    await house.stock("TEA", 20)
    for _ in range(8):
        await house.order(("TEA", 1))
    waves = await asyncio.gather(
        *(house.wave(max_tasks=4) for _ in range(4)), return_exceptions=True
    )
    made = [each for each in waves if isinstance(each, fulfilment.WaveView)]
    assert all(isinstance(each, fulfilment.WaveView | NothingToPick) for each in waves)
    while True:
        try:
            made.append(await house.wave())
        except NothingToPick:
            break
    counts = []
    for wave in made:
        async with own_db.transaction() as session:
            counts.append((await fulfilment.next_pick(session, wave.id, person_id=HELPER)).left)
    assert sum(counts) == 8


async def test_picks_and_a_cancellation_at_once_leave_true_books(own_db: Database) -> None:
    house = await built_house(own_db)
    await house.stock("TEA", 20)
    orders = [await house.order(("TEA", 2)) for _ in range(6)]
    wave = await house.wave()

    async def pick() -> None:
        with suppress(Conflict):  # its order was cancelled
            await house.pick(wave, "A/1", "TEA", 2)

    await asyncio.gather(*(pick() for _ in range(6)), *(house.cancel(each) for each in orders[:3]))
    await relay_pending(own_db)
    await house.prove()
    for order in orders[:3]:
        assert await house.state(order) == "cancelled"
    async with own_db.transaction() as session:
        back = await fulfilment.list_put_backs(session, warehouse_id=house.warehouse)
        for task in back:
            await fulfilment.put_back_scanned(session, task.id, location=task.location, by="p")
    open_units = [sum(each.quantity for each in await house.allocations(o)) for o in orders]
    assert open_units == [0, 0, 0, 2, 2, 2]
    await house.prove()
