"""Work that is over is charged once; what has no price is kept, shown, and priced later."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import to_builtins

from server.billing import service as billing
from server.billing.charging import UnknownWork
from server.billing.price_lines import recompute
from server.billing.service import Rules
from server.billing.tariff_rules import (
    Band,
    CashFee,
    Distance,
    Flat,
    PerStop,
    Reattempt,
    ReturnFee,
    Waiting,
    Weight,
)
from server.consignments import service as consignments
from server.identity.access import Role
from server.kit import clock
from server.kit.geo import Position
from server.kit.relay import relay_pending
from server.protocol.from_driver import ArriveAtTasks
from tests.conftest import SignIn
from tests.server.billing.bookkeeping import BUYER, Office
from tests.server.billing.conftest import Trade
from tests.server.dispatch.conftest import MORNING, corner


async def test_a_delivery_is_charged_with_its_waiting_time_and_cash(trade: Trade) -> None:
    await trade.tariff(
        Rules(
            flat=Flat(minor=500),
            weight=Weight(bands=(Band(up_to=None, minor=100),)),
            waiting=Waiting(free_minutes=2, unit_minutes=5, minor=150),
            cash_fee=CashFee(percent_bp=200),
        )
    )
    driver = await trade.town.add_driver()
    consignment = await trade.deliver(driver, corner(1, 1), waits_s=421, cash_minor=2500)
    charges = await trade.charges()
    assert {charge.kind: charge.net_minor for charge in charges} == {
        "flat": 500,
        "weight": 100,
        "waiting": 300,  # 7 min 1 s, of which 2 min are free
        "cash_fee": 50,
    }
    for charge in charges:
        assert charge.consignment_id == consignment.id
        assert recompute(charge.trace) == charge.net_minor
    assert [each.source for each in charges] == [
        f"consignment:{consignment.id}:delivery:{number}" for number in (1, 2, 3, 4)
    ]


async def test_an_orders_cost_centre_and_country_go_all_the_way_to_the_electronic_invoice(
    trade: Trade, sign_in: SignIn
) -> None:
    await trade.tariff(Rules(flat=Flat(minor=1000)))
    office = Office(trade.db)
    await office.open()
    desk = await sign_in(Role.ADMIN)
    buyer = to_builtins(BUYER)
    assert (
        await desk.put(f"/api/accounts/{trade.account_id}/billing-profile", json=buyer)
    ).is_success
    orders = [
        an_order(at=corner(1, 1), country="CH", cost_centre="Lab 7"),
        an_order(at=corner(2, 1), country="at", cost_centre="Sales"),
        an_order(at=corner(1, 2), country="Nowhere", cost_centre=""),
    ]
    taken = [(await desk.post("/api/orders", json=order)).json() for order in orders]
    amendment = {"expected_version": 1, "cost_centre": "Marketing"}
    await desk.patch(f"/api/orders/{taken[2]['id']}", json=amendment)
    await relay_pending(trade.db)
    driver = await trade.town.add_driver()
    for order in taken:
        async with trade.db.transaction() as session:
            consignment = await consignments.consignment_of_order(session, UUID(order["id"]))
        assert consignment is not None
        await trade.town.insert(consignment)
        task_id = await trade.town.task_id(consignment)
        await trade.town.start(driver, task_id)
        await trade.town.complete(driver, task_id)
    facts = [(each.cost_centre, each.ship_to_country) for each in await trade.charges()]
    assert facts == [("Lab 7", "CH"), ("Sales", "AT"), ("Marketing", "")]
    office.now = trade.town.later(hours=1)
    (draft,) = await office.draft(trade.account_id)
    invoice = await office.issue(draft)
    lines = {line.cost_centre: line.treatment.category for line in invoice.lines}
    assert lines == {"Lab 7": "G", "Marketing": "S", "Sales": "S"}
    ubl = (await desk.get(f"/api/invoices/{invoice.id}/ubl")).text
    for centre in lines:
        assert f">{centre}</cbc:AccountingCost>" in ubl
    for words in ("VATEX-EU-G", "Export outside the EU"):
        assert words in ubl


def an_order(*, at: Position, country: str, cost_centre: str) -> dict[str, Any]:
    address = {"line": "Some Street 1, Town", "country": country, "lon": at.lon, "lat": at.lat}
    return {
        "account": "ACME",
        "consignee": {"name": f"Ada {at.lon} {at.lat}", "address": address},
        "cost_centre": cost_centre,
        "window_start_at": MORNING.isoformat(),
        "window_end_at": (MORNING + timedelta(hours=8)).isoformat(),
        "lines": [{"sku": "LAMP", "quantity": 1}],
    }


async def test_nobody_pays_for_a_driver_who_came_too_early(trade: Trade) -> None:
    await trade.tariff(Rules(waiting=Waiting(free_minutes=0, unit_minutes=1, minor=100)))
    driver = await trade.town.add_driver()
    opens_at = MORNING + timedelta(minutes=25)
    await trade.deliver(driver, corner(1, 1), waits_s=20 * 60 + 60, window_start_at=opens_at)
    (charge,) = await trade.charges()
    assert charge.net_minor == 100


async def test_the_second_customer_at_a_stop_does_not_pay_for_the_first(trade: Trade) -> None:
    await trade.tariff(Rules(waiting=Waiting(free_minutes=0, unit_minutes=1, minor=100)))
    town = trade.town
    driver = await town.add_driver()
    owner = {"account_id": trade.account_id}
    first, first_task = await town.assign(corner(1, 1), **owner)
    second = await town.book(corner(1, 1), **owner)
    async with town.db.transaction() as session:
        await consignments.amend_consignment(
            session,
            second.id,
            consignments.ConsignmentChanges(consignee=first.consignee),
            by="test",
        )
    await relay_pending(town.db)
    await town.insert(second)
    second_task = await town.task_id(second)
    await town.start(driver, first_task, second_task)
    arrived = ArriveAtTasks(task_ids=(first_task, second_task), occurred_at=town.now)
    await town.does(driver, arrived)
    town.later(minutes=10)
    await town.complete(driver, first_task)
    town.later(minutes=1)
    await town.complete(driver, second_task)
    task, other = await town.task(first), await town.task(second)
    assert task.stop_id == other.stop_id
    paid = {charge.consignment_id: charge.net_minor for charge in await trade.charges()}
    assert paid == {first.id: 1000, second.id: 100}


async def test_a_courier_booking_is_priced_by_the_road_when_driven_straight(trade: Trade) -> None:
    by_km = Distance(bands=(Band(up_to=None, minor=0, more_minor=1000),))
    await trade.tariff(Rules(distance=by_km, per_stop=PerStop(minor=10)))
    town = trade.town
    driver = await town.add_driver()
    consignment = await town.book(
        corner(4, 4), pick_up_at=corner(2, 2), account_id=trade.account_id
    )
    await town.insert(consignment)
    pickup, delivery = [await town.task_id(consignment, kind) for kind in ("pickup", "delivery")]
    await town.start(driver, pickup)
    await town.complete(driver, pickup, outcome_code="collected")
    assert await trade.charges() == []
    town.later(minutes=5)
    await town.start(driver, delivery)
    await town.complete(driver, delivery)
    distance, stops = await trade.charges()
    assert "by road" in distance.trace["words"]
    assert stops.net_minor == 20


async def test_attempts_in_vain_are_charged_once_each_and_ours_are_not(trade: Trade) -> None:
    await trade.tariff(Rules(flat=Flat(minor=500), reattempt=Reattempt(minor=200)))
    town = trade.town
    driver = await town.add_driver()
    owner = {"account_id": trade.account_id}
    for code in ("not_home", "out_of_time", "damaged"):
        _, task_id = await town.assign(corner(1, 1), **owner)
        await town.start(driver, task_id)
        await town.fail(driver, task_id, code)
    charged = await trade.charges()
    assert [(charge.kind, charge.net_minor) for charge in charged] == [("reattempt", 200)]


async def test_a_return_and_goods_brought_back_cost_the_way_back(trade: Trade) -> None:
    await trade.tariff(Rules(flat=Flat(minor=500), return_fee=ReturnFee(percent_bp=5000)))
    town = trade.town
    driver = await town.add_driver()
    coming = await town.book(corner(2, 1), kind="return", account_id=trade.account_id)
    await town.insert(coming)
    task_id = await town.task_id(coming, "return_pickup")
    await town.start(driver, task_id)
    await town.complete(driver, task_id, outcome_code="collected")
    refused, task_id = await town.assign(corner(1, 1), account_id=trade.account_id)
    await town.start(driver, task_id)
    await town.fail(driver, task_id, "refused")
    for state in ("returning", "returned"):
        async with town.db.transaction() as session:
            await consignments.record_custody(
                session,
                parcel_ids=[parcel.id for parcel in refused.parcels],
                state=state,
                occurred_at=town.later(minutes=10),
                received_at=town.now,
                by="test",
            )
        await relay_pending(town.db)
    charges = await trade.charges()
    assert {(charge.consignment_id, charge.kind, charge.net_minor) for charge in charges} == {
        (coming.id, "return_fee", 250),
        (refused.id, "flat", 500),
        (refused.id, "return_fee", 250),
    }
    assert len(charges) == 3


async def test_news_that_comes_twice_charges_once(trade: Trade) -> None:
    await trade.tariff()
    driver = await trade.town.add_driver()
    consignment = await trade.deliver(driver, corner(1, 1))
    before = await trade.charges()
    for _ in range(2):
        async with trade.db.transaction() as session:
            await billing.charge_consignment(session, consignment.id)
    assert await trade.charges() == before
    assert len(before) == 1


async def test_done_after_it_had_failed_is_charged_all_the_same(trade: Trade) -> None:
    await trade.tariff(Rules(flat=Flat(minor=500), cash_fee=CashFee(minor=80)))
    town = trade.town
    driver = await town.add_driver()
    _, task_id = await town.assign(
        corner(1, 1), account_id=trade.account_id, currency="EUR", cash_minor=900
    )
    await town.start(driver, task_id)
    await town.fail(driver, task_id)
    await town.complete(driver, task_id, cash_minor=900)
    charged = await trade.charges()
    assert {charge.kind: charge.net_minor for charge in charged} == {"flat": 500, "cash_fee": 80}
    async with town.db.transaction() as session:
        (expected,) = await billing.expected_cash(session, driver)
    assert expected.expected_minor == 900


async def test_an_order_that_cannot_be_priced_is_kept_shown_and_priced_later(
    trade: Trade,
) -> None:
    driver = await trade.town.add_driver()
    consignment = await trade.deliver(driver, corner(1, 1))
    (waiting,) = await trade.unpriced()
    assert waiting.consignment_id == consignment.id
    assert "No tariff in EUR was in force for ACME" in (waiting.reason or "")
    await trade.tariff()
    async with trade.db.transaction() as session:
        done = await billing.reprice(session, by="test")
        kept = await billing.list_unpriced(session, settled=True)
        with pytest.raises(UnknownWork):
            await billing.reprice(session, work_ids=[waiting.id], by="test")
    assert (done.priced, done.waiting) == (1, 0)
    assert await trade.unpriced() == []
    assert [each.reason for each in kept] == [waiting.reason]
    assert [charge.net_minor for charge in await trade.charges()] == [500]


async def test_a_mended_tariff_prices_what_the_broken_one_could_not(trade: Trade) -> None:
    broken = await trade.tariff(Rules(distance=Distance(bands=(Band(up_to=1000, minor=300),))))
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1))
    await trade.deliver(driver, corner(3, 3))
    (waiting,) = await trade.unpriced()
    assert "beyond the last band" in (waiting.reason or "")
    mended = Distance(bands=(Band(up_to=1000, minor=300), Band(up_to=None, minor=500)))
    new = await trade.tariff(Rules(distance=mended), valid_from=MORNING, replace=True)
    async with trade.db.transaction() as session:
        await billing.reprice(session, work_ids=[waiting.id], by="test")
    assert [charge.tariff_id for charge in await trade.charges()] == [broken.id, new.id]
    assert await trade.unpriced() == []


async def test_goods_without_an_account_wait_for_one(trade: Trade) -> None:
    await trade.tariff()
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), account_id=None)
    (waiting,) = await trade.unpriced()
    assert "no account" in (waiting.reason or "")
    assert await trade.charges() == []


async def test_the_same_work_priced_at_once_by_many_is_charged_once(real_trade: Trade) -> None:
    trade, real_town = real_trade, real_trade.town
    await trade.tariff(Rules(flat=Flat(minor=500), per_stop=PerStop(minor=50)))
    consignment = await real_town.book(corner(1, 1), account_id=trade.account_id)
    async with real_town.db.transaction() as session:
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in consignment.parcels],
            state="delivered",
            occurred_at=clock.now(),
            received_at=clock.now(),
            by="test",
        )

    async def charge() -> None:
        async with real_town.db.transaction() as session:
            await billing.charge_consignment(session, consignment.id)

    await asyncio.gather(*(charge() for _ in range(10)), relay_pending(real_town.db))
    assert sorted(charge.net_minor for charge in await trade.charges()) == [50, 500]


async def test_a_dry_run_compares_and_changes_nothing(trade: Trade) -> None:
    await trade.tariff()
    driver = await trade.town.add_driver()
    light = await trade.deliver(driver, corner(1, 1))
    heavy = await trade.deliver(driver, corner(2, 1))
    before = await trade.charges()
    limited = Weight(bands=(Band(up_to=1000, minor=640),))
    dearer = await trade.draft(Rules(weight=limited), name="Dearer")
    none_fits = await trade.draft(Rules(weight=Weight(bands=(Band(up_to=10, minor=1),))))
    period = {"since": MORNING - timedelta(days=1), "until": MORNING + timedelta(days=1)}
    async with trade.db.transaction() as session:
        tried = await billing.try_tariff(session, dearer.id, **period)
        lost = await billing.try_tariff(session, none_fits.id, **period)
        elsewhen = await billing.try_tariff(
            session, dearer.id, since=MORNING - timedelta(days=9), until=MORNING
        )
    (account,) = tried.accounts
    assert (account.account_id, account.works) == (trade.account_id, 2)
    assert (account.old_total_minor, account.new_total_minor) == (1000, 1280)
    assert account.difference_minor == 280
    assert tried.unpriceable == []
    assert {each.consignment_id for each in lost.unpriceable} == {light.id, heavy.id}
    assert lost.unpriceable_count == 2
    assert "beyond the last band" in lost.unpriceable[0].reason
    assert (lost.accounts, elsewhen.accounts) == ([], [])
    assert await trade.charges() == before
    assert await trade.unpriced() == []


async def test_a_dry_run_of_the_companys_tariff_leaves_out_who_has_an_own_one(
    trade: Trade,
) -> None:
    await trade.tariff(account_id=trade.account_id)
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1))
    company = await trade.draft(Rules(flat=Flat(minor=900)))
    async with trade.db.transaction() as session:
        tried = await billing.try_tariff(
            session,
            company.id,
            since=MORNING - timedelta(days=1),
            until=MORNING + timedelta(days=1),
        )
    assert tried.accounts == []
