"""Orders are captured once, amended with care, moved along their life cycle, and found again."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent
from server.orders import service as orders
from server.orders.service import (
    OrderChanges,
    OrderDraft,
    OrderLine,
    OrderLogEntry,
    OrderNumberTaken,
    OrderView,
    ParcelSpec,
    Party,
)
from server.places import service as places
from server.places.service import Address
from server.protocol.to_driver import ProofDemand

Capture = Callable[..., Awaitable[OrderView]]
NewDraft = Callable[..., OrderDraft]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def hours(count: float) -> datetime:
    return NOW + timedelta(hours=count)


async def events_of(db: Database) -> list[str]:
    async with db.transaction() as session:
        return list(
            await session.scalars(
                select(OutboxEvent.name)
                .where(OutboxEvent.name.startswith("orders."))
                .order_by(OutboxEvent.id)
            )
        )


async def history(db: Database, order: OrderView) -> list[OrderLogEntry]:
    async with db.transaction() as session:
        return await orders.order_history(session, order.id)


async def amend(db: Database, order: OrderView, version: int = 1, **changes: Any) -> OrderView:
    async with db.transaction() as session:
        return await orders.amend_order(
            session, order.id, OrderChanges(**changes), expected_version=version, by="clerk"
        )


async def test_captured_order_has_a_number_a_promise_and_is_announced(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    assert re.fullmatch(r"O-[0-9]{6}", order.number) and order.is_new
    assert (order.state, order.version, order.service_level) == ("received", 1, "next_day")
    assert order.window_start_at == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert await events_of(db) == ["orders.OrderCaptured"]
    assert [(entry.what, entry.by) for entry in await history(db, order)] == [("captured", "test")]


async def test_captured_order_reads_back_as_it_was_drafted(
    db: Database, capture: Capture, party: Party
) -> None:
    order = await capture(
        kind="courier",
        lines=(),
        consignor=party,
        parcels=(ParcelSpec(description="Box", weight_g=1500, length_mm=300),),
        window_start_at=hours(2),
        window_end_at=hours(4),
        instructions="Ring\ntwice",
        skills=("fridge",),
        proof=ProofDemand(pin="required", photo="off"),
        pin="1234",
        cash_minor=1250,
        currency="CHF",
        external_id="A-1",
        reference="ref",
    )
    async with db.transaction() as session:
        again = await orders.get_order(session, order.id)
    assert msgspec.structs.replace(again, is_new=True) == order
    assert order.pickup_window_start_at == NOW
    assert order.pickup_window_end_at == hours(4)


async def test_the_same_external_id_is_the_same_order(db: Database, capture: Capture) -> None:
    first = await capture(external_id="A-1", source_sha256="x")
    second = await capture(external_id="A-1", source_sha256="x")
    other_channel = await capture(external_id="A-1", channel="other")
    assert (second.id, second.is_new) == (first.id, False)
    assert other_channel.id != first.id
    assert await events_of(db) == ["orders.OrderCaptured"] * 2


async def test_the_same_external_id_with_other_content_is_refused(capture: Capture) -> None:
    first = await capture(external_id="A-1", source_sha256="x")
    with pytest.raises(OrderNumberTaken, match=first.number):
        await capture(external_id="A-1", source_sha256="y")


async def test_two_captures_of_one_external_id_at_once_make_one_order(own_db: Database) -> None:
    async with own_db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        place = await places.create_place(
            session, Address(street="Main Street"), position=Position(9.5, 47.1)
        )
    draft = OrderDraft(
        account_id=account.id,
        kind="goods",
        channel="test",
        external_id="A-1",
        consignee=Party(name="Ada", place_id=place.id),
        lines=(OrderLine(sku="TEA-1", quantity=1),),
    )

    async def capture() -> OrderView:
        async with own_db.transaction() as session:
            return await orders.capture_order(session, draft, by="test")

    taken = await asyncio.gather(*(capture() for _ in range(8)))
    assert len({order.id for order in taken}) == 1
    assert sum(order.is_new for order in taken) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lines": ()}, "orders.nothing_ordered"),
        ({"kind": "courier", "lines": (), "parcels": (ParcelSpec(),)}, "orders.consignor_missing"),
        ({"pickup_window_start_at": hours(1)}, "orders.consignor_of_goods"),
        ({"window_start_at": hours(1)}, "orders.half_window"),
        (
            {"window_start_at": hours(2), "window_end_at": hours(2)},
            "orders.window_ends_before_start",
        ),
        ({"window_start_at": hours(-5), "window_end_at": hours(-1)}, "orders.window_in_the_past"),
        (
            {"window_start_at": hours(24 * 400), "window_end_at": hours(24 * 401)},
            "orders.window_too_far",
        ),
        ({"proof": ProofDemand(pin="required")}, "orders.pin_missing"),
        ({"service_level": "yesterday"}, "orders.unknown_service_level"),
    ],
)
async def test_orders_that_make_no_sense_are_refused(
    db: Database, capture: Capture, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await capture(**fields)
    assert refused.value.code == code
    assert "field" in refused.value.details
    assert await events_of(db) == []


async def test_courier_booking_cannot_be_collected_after_it_is_delivered(
    capture: Capture, party: Party
) -> None:
    with pytest.raises(Invalid, match="must start before"):
        await capture(
            kind="courier",
            lines=(),
            parcels=(ParcelSpec(),),
            consignor=party,
            window_start_at=hours(1),
            window_end_at=hours(2),
            pickup_window_start_at=hours(3),
            pickup_window_end_at=hours(4),
        )


async def test_amending_logs_what_it_was_and_what_it_is(db: Database, capture: Capture) -> None:
    order = await capture(instructions="Ring")
    lines = (OrderLine(sku="TEA-2", quantity=1), OrderLine(sku="TEA-3", quantity=9))
    amended = await amend(db, order, instructions="Knock", lines=lines)
    assert (amended.version, amended.instructions, amended.lines) == (2, "Knock", lines)
    async with db.transaction() as session:
        assert await orders.get_order(session, order.id) == amended
    entry = (await history(db, order))[-1]
    assert (entry.what, entry.by, entry.version) == ("amended", "clerk", 2)
    assert entry.changes["instructions"] == ("Ring", "Knock")
    assert await events_of(db) == ["orders.OrderCaptured", "orders.OrderAmended"]


async def test_amending_nothing_changes_nothing(db: Database, capture: Capture) -> None:
    order = await capture(instructions="Ring")
    same = await amend(db, order, instructions="Ring")
    assert same.version == 1
    assert await events_of(db) == ["orders.OrderCaptured"]


async def test_amending_an_old_version_says_what_changed_since(
    db: Database, capture: Capture
) -> None:
    order = await capture(instructions="Ring", reference="a")
    await amend(db, order, instructions="Knock")
    await amend(db, order, version=2, instructions="Shout")
    with pytest.raises(Conflict) as refused:
        await amend(db, order, reference="b")
    assert refused.value.code == "orders.changed"
    assert refused.value.details["changes"] == {"instructions": ["Ring", "Shout"]}
    assert "instructions" in refused.value.message
    async with db.transaction() as session:
        assert (await orders.get_order(session, order.id)).reference == "a"


async def test_a_pin_does_not_show_in_the_log(db: Database, capture: Capture) -> None:
    order = await capture()
    await amend(db, order, pin="47110815")
    assert "47110815" not in str(await history(db, order))


async def test_another_service_level_promises_another_window(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    amended = await amend(db, order, service_level="express")
    assert (amended.window_start_at, amended.window_end_at) == (NOW, hours(3))


async def test_an_order_whose_window_has_passed_can_still_be_amended(
    db: Database, capture: Capture
) -> None:
    order = await capture(window_start_at=hours(1), window_end_at=hours(2))
    with clock.running(lambda: hours(5)):
        amended = await amend(db, order, instructions="Better late")
        with pytest.raises(Invalid, match="ended already"):
            await amend(db, order, version=2, window_end_at=hours(3))
    assert amended.instructions == "Better late"


async def test_cancelling_twice_is_cancelling_once(db: Database, capture: Capture) -> None:
    order = await capture()
    for reason in ("changed my mind", "again"):
        async with db.transaction() as session:
            gone = await orders.cancel_order(session, order.id, by="clerk", reason=reason)
        assert gone.state == "cancelled"
    assert await events_of(db) == ["orders.OrderCaptured", "orders.OrderCancelled"]
    entry = (await history(db, order))[-1]
    assert (entry.what, entry.reason) == ("cancelled", "changed my mind")
    assert entry.changes == {"state": ("received", "cancelled")}


async def test_a_cancelled_order_cannot_be_amended(db: Database, capture: Capture) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.cancel_order(session, order.id, by="clerk", reason="")
    with pytest.raises(Conflict, match="Send a new order"):
        await amend(db, order, reference="b")


async def test_shipped_goods_can_only_be_returned(db: Database, capture: Capture) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "shipped", by="test")
    async with db.transaction() as session:
        with pytest.raises(Conflict, match="only returned"):
            await orders.cancel_order(session, order.id, by="clerk", reason="")
    with pytest.raises(Conflict) as refused:
        await amend(db, order, reference="b")
    assert refused.value.code == "orders.already_shipped"


async def test_advancing_logs_every_step_and_says_delivered_once(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    for _ in range(2):
        async with db.transaction() as session:
            moved = await orders.advance_order(session, order.id, "delivered", by="test")
        assert moved == "delivered"
    states = [entry.changes["state"][1] for entry in (await history(db, order))[1:]]
    assert states == ["accepted", "processing", "in_fulfilment", "shipped", "delivered"]
    assert (await events_of(db)).count("orders.OrderDelivered") == 1


async def test_a_held_order_goes_nowhere_until_it_is_released_which_is_told(
    db: Database, capture: Capture
) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "accepted", by="test")
        await orders.hold_order(session, order.id, "who are they?", by="clerk")
        held = await orders.advance_order(session, order.id, "shipped", by="test")
        assert held == "on_hold"
        released = await orders.release_order(session, order.id, by="clerk")
    assert released.state == "accepted"
    assert "orders.OrderReleased" in await events_of(db)


async def test_orders_come_page_by_page_newest_first(
    db: Database, capture: Capture, account: AccountView
) -> None:
    made = [(await capture()).id for _ in range(5)]
    seen, after = [], None
    async with db.transaction() as session:
        while True:
            page = await orders.list_orders(session, account_id=account.id, limit=2, after=after)
            seen += [order.id for order in page.items]
            after = page.next
            if after is None:
                break
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *[(text, True) for text in ("wig", "O-", "o", "WIG-77", "77", "ada", "100%", "ada wig")],
        *[(text, True) for text in ("main str", "Main Street 7, 10115 BERLIN", "ada@exa", "st 7")],
        *[(text, True) for text in ("+423 555 1234", "00423 5551234", "0555 1234", "555-1234")],
        *[(text, True) for text in ("10115 77", "77 101", "4235 55")],
        *[(text, False) for text in ("wig_78", "nobody", "da", "%", "!?", "ada 78")],
        *[(text, False) for text in ("101 77", "555-1235")],
        *[
            (text, False)
            for text in ("'", "o & nobody", "xx:*' | 'ada", "\\", "nobody' | 'ada", "?@")
        ],
    ],
)
async def test_orders_are_found_by_the_beginnings_of_what_is_written_on_them(
    db: Database, capture: Capture, party: Party, text: str, found: bool
) -> None:
    await capture(
        external_id="WIG-77",
        reference="100% tea",
        consignee=Party(
            name="Ada Berg",
            place_id=party.place_id,
            phone="+423 555 1234",
            email="ada@example.org",
            address="Main Street 7, 10115 Berlin",
        ),
    )
    async with db.transaction() as session:
        page = await orders.list_orders(session, text=text)
    assert bool(page.items) == found


async def test_what_is_found_comes_page_by_page_newest_first_over_weeks_and_of_one_account(
    db: Database, capture: Capture, account: AccountView
) -> None:
    """Weeks apart, so that the search has to go from slice to slice, over empty ones as well."""
    made = []
    for weeks in (60, 8, 1, 1, 0):
        with clock.running(lambda weeks=weeks: NOW - timedelta(weeks=weeks)):
            made.append((await capture(reference="tea for two")).id)
    seen, after = [], None
    async with db.transaction() as session:
        while True:
            page = await orders.list_orders(
                session, account_id=account.id, text="tea", limit=2, after=after
            )
            seen += [order.id for order in page.items]
            after = page.next
            if after is None:
                break
        assert seen == made[::-1]
        for since, until, found in ((9, 0, 3), (70, 5, 2), (5, 3, 0)):
            page = await orders.list_orders(
                session,
                text="tea",
                since=NOW - timedelta(weeks=since),
                until=NOW - timedelta(weeks=until),
            )
            assert len(page.items) == found
        assert not (await orders.list_orders(session, account_id=new_id(), text="tea")).items


async def test_orders_are_listed_by_state_and_account(db: Database, capture: Capture) -> None:
    order = await capture()
    async with db.transaction() as session:
        assert not (await orders.list_orders(session, state="delivered")).items
        assert not (await orders.list_orders(session, account_id=new_id())).items
        assert [
            each.id for each in (await orders.list_orders(session, state="received")).items
        ] == [order.id]
        with pytest.raises(NotFound):
            await orders.get_order(session, order.id, account_id=new_id())
