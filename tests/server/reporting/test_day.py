"""The figures of a day, from facts that the rooms have kept of it."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select

from server.accounts import service as accounts
from server.channels import service as channels
from server.channels.order_request import AddressRequest, OrderRequest, PartyRequest
from server.consignments import service as consignments
from server.consignments.models import Consignment
from server.consignments.service import ConsignmentView
from server.dispatch import service as dispatch
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position, haversine_m
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.kit.settings import UTC_ZONE
from server.orders.service import OrderLine
from server.protocol.from_driver import Fix
from server.protocol.from_driver import Proof as ProofOfDelivery
from server.reporting.service import DayReport, report_day
from server.tracking import service as tracking
from tests.conftest import SignIn
from tests.server.dispatch.conftest import DEPOT, MORNING, Town, corner

DAY_START = datetime(2026, 3, 2, tzinfo=UTC)
DAY_END = DAY_START + timedelta(days=1)


@pytest_asyncio.fixture
async def town(db: Database) -> AsyncIterator[Town]:
    with ExitStack() as stack:
        town = Town(db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        yield town


async def report(town: Town, since: datetime = DAY_START, until: datetime = DAY_END) -> DayReport:
    async with town.db.transaction() as session:
        return await report_day(session, since=since, until=until)


async def book_until(town: Town, x: int, minutes: int) -> ConsignmentView:
    """A delivery whose window closes that long after the start of the day."""
    return await town.book(
        corner(x, 0),
        window_start_at=MORNING,
        window_end_at=MORNING + timedelta(minutes=minutes),
    )


async def test_an_empty_day_is_all_zeros_and_knows_no_share(town: Town) -> None:
    empty = await report(town)
    assert empty == DayReport(
        orders=0,
        orders_by_state={},
        consignments=0,
        delivered=0,
        failed=0,
        returned=0,
        open=0,
        still_open=0,
        unassigned=[],
        on_time_share=None,
        planned_km=0.0,
        driven_km=0.0,
        fixes_stored=0,
        fixes_rejected={},
        proofs=0,
        returns=0,
        unannounced_returns=0,
        exceptions={},
        commands=0,
        commands_rejected={},
        duplicates_absorbed=0,
        unfinished_reactions=0,
        eta_arrivals=0,
        eta_coverage=None,
        eta_bias_s=None,
        eta_width_s=None,
        eta_pinball_s=None,
    )


async def test_what_came_of_each_consignment_and_how_many_were_in_time(town: Town) -> None:
    driver = await town.add_driver()
    in_time, late, nobody_home, waiting = [
        await book_until(town, x, minutes) for x, minutes in ((1, 600), (2, 60), (3, 600), (4, 600))
    ]
    plan = await town.publish(await town.plan())
    tasks = {each.id: await town.task_id(each) for each in (in_time, late, nobody_home, waiting)}
    town.later(minutes=30)
    await town.complete(driver, tasks[in_time.id], proof=ProofOfDelivery(recipient_name="Ada"))
    town.later(hours=1)
    await town.complete(driver, tasks[late.id], proof=ProofOfDelivery(recipient_name="Bo"))
    await town.fail(driver, tasks[nobody_home.id])

    day = await report(town)
    assert (day.consignments, day.delivered, day.failed, day.open) == (4, 2, 1, 1)
    assert day.on_time_share == 0.5
    assert day.still_open == 1
    assert day.proofs == 3  # an attempt is proved too
    assert day.unassigned == []
    assert day.unfinished_reactions == 0
    planned_m = sum(run.distance_m for run in plan.runs)
    assert day.planned_km == round(planned_m / 1000, 1) > 0


async def test_what_goes_home_to_its_sender_tomorrow_leaves_no_day_open(town: Town) -> None:
    sent = await town.book(corner(1, 1), pick_up_at=corner(2, 2))
    for state in ("refused", "at_depot"):
        async with town.db.transaction() as session:
            await consignments.record_custody(
                session,
                parcel_ids=[parcel.id for parcel in sent.parcels],
                state=state,
                occurred_at=town.later(minutes=1),
                received_at=town.now,
                by="test",
            )
        await relay_pending(town.db)
    found = await report(town)
    assert (found.consignments, found.returned, found.returns) == (2, 1, 1)
    assert found.unannounced_returns == 0, "nobody handed it over at a door"
    async with town.db.transaction() as session:
        (home,) = await session.scalars(select(Consignment.id).where(Consignment.id != sent.id))
        tasks = await dispatch.list_tasks(session, home)
    assert [task.state for task in tasks] == ["unassigned"]
    assert found.still_open == 0


async def test_work_that_no_run_can_take_is_named_with_the_reason(town: Town) -> None:
    await town.add_driver()
    await book_until(town, 1, 600)
    cold = await town.book(corner(2, 0), skills=("fridge",))
    await town.publish(await town.plan())
    day = await report(town)
    (left,) = day.unassigned
    assert left.waybill == cold.waybill
    assert left.task_id == await town.task_id(cold)
    assert "fridge" in left.sentence
    assert day.still_open == 1  # the other one; this one is accounted for


async def test_fixes_are_counted_with_what_was_wrong_with_the_others(town: Town) -> None:
    driver, device = await town.add_driver(), new_id()
    track = [
        Fix(
            seq=seq,
            taken_at=MORNING + timedelta(seconds=30 * seq),
            lon=DEPOT.lon + 0.004 * seq,
            lat=DEPOT.lat,
            accuracy_m=5.0,
        )
        for seq in range(1, 6)
    ]
    broken = Fix(seq=6, taken_at=MORNING, lon=0.0, lat=0.0, accuracy_m=5.0)
    town.later(minutes=10)
    async with town.db.transaction() as session:
        for fixes in ([*track, broken], track[:2]):
            await tracking.ingest_fixes(
                session, driver_id=driver, device_id=device, fixes=fixes, received_at=town.now
            )
    day = await report(town)
    assert day.fixes_stored == 5
    assert day.fixes_rejected == {"zero": 1}
    assert day.duplicates_absorbed == 2
    first, last = (Position(fix.lon, fix.lat) for fix in (track[0], track[-1]))
    assert day.driven_km == pytest.approx(haversine_m(first, last) / 1000, abs=0.1)


async def test_orders_are_counted_by_their_state_and_only_those_of_the_period(
    town: Town, db: Database
) -> None:
    async with db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        for number in range(3):
            await channels.take_order(
                session,
                OrderRequest(
                    external_id=f"A-{number}",
                    consignee=PartyRequest(
                        name="Ada", address=AddressRequest(lon=DEPOT.lon, lat=DEPOT.lat)
                    ),
                    lines=(OrderLine(sku="TEA", quantity=1),),
                ),
                account=account,
                channel="api",
                by="test",
                zone=UTC_ZONE,
            )
    before = await report(town)
    assert before.orders_by_state == {"received": 3}
    await relay_pending(db)
    day = await report(town)
    assert day.orders == sum(day.orders_by_state.values()) == 3
    assert "received" not in day.orders_by_state
    assert day.consignments == 3
    next_day = await report(town, DAY_END, DAY_END + timedelta(days=1))
    assert (next_day.orders, next_day.consignments) == (0, 0)


async def test_office_reads_the_day_over_http_and_accounts_do_not(
    town: Town, sign_in: SignIn, db: Database
) -> None:
    await book_until(town, 1, 600)
    asked = {"since": DAY_START.isoformat(), "until": DAY_END.isoformat()}
    clerk = await sign_in(Role.CLERK)
    answer = await clerk.get("/api/reports/day", params=asked)
    assert answer.status_code == 200
    assert answer.json()["consignments"] == 1
    without_zone = await clerk.get(
        "/api/reports/day", params=asked | {"since": "2026-03-02T00:00:00"}
    )
    assert (without_zone.status_code, without_zone.json()["code"]) == (422, "zone_missing")
    async with db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
    shop = await sign_in(Role.ACCOUNT_USER, account.id)
    assert (await shop.get("/api/reports/day", params=asked)).status_code == 403
