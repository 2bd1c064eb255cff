"""From the pool over a plan to runs on the drivers' phones."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from routing.roads import HaversineRoads
from server.consignments import service as consignments
from server.consignments.service import ConsignmentChanges, NewParcel
from server.dispatch import planner, staleness
from server.dispatch import service as dispatch
from server.dispatch.draft_edits import MoveNotPossible, StopIsLocked
from server.dispatch.planner import plan_next
from server.dispatch.service import PlanView, StalePlan
from server.kit.errors import IllegalMove
from server.kit.relay import relay_pending
from server.places import service as places

from .conftest import DAY, MORNING, Town, corner


def waybills(plan: PlanView) -> dict[UUID, list[str]]:
    """Driver -> waybills in the order of the stops."""
    return {
        run.driver_id: [visit.waybill for stop in run.stops for visit in stop.visits]
        for run in plan.runs
    }


async def test_a_plan_reaches_the_drivers_phones(town: Town) -> None:
    driver = await town.add_driver()
    goods = [await town.book(corner(x, 1)) for x in range(1, 4)]
    booking = await town.book(corner(3, 3), pick_up_at=corner(0, 3))
    back = await town.book(corner(2, 2), kind="return")
    plan = await town.plan()
    assert (plan.state, plan.unassigned, plan.changes) == ("draft", (), ())
    assert await town.shown(driver) == {}
    await town.publish(plan)
    manifest = await town.manifest(driver)
    assert manifest.version == 1
    assert {task.waybill for stop in manifest.stops for task in stop.tasks} == {
        each.waybill for each in (*goods, booking, back)
    }
    arrivals = [stop.planned_arrival_at for stop in manifest.stops]
    assert arrivals == sorted(arrivals)
    order = [
        task.kind
        for stop in manifest.stops
        for task in stop.tasks
        if task.waybill == booking.waybill
    ]
    assert order == ["pickup", "delivery"]


async def test_tasks_at_one_place_that_follow_each_other_are_one_stop(town: Town) -> None:
    driver = await town.add_driver()
    first = await town.book(corner(2, 2))
    second = await town.book(corner(2, 2), consignee=first.consignee)
    await town.book(corner(5, 5))
    await town.publish(await town.plan())
    stops = (await town.manifest(driver)).stops
    grouped = [{task.waybill for task in stop.tasks} for stop in stops]
    assert len(stops) == 2
    assert {first.waybill, second.waybill} in grouped


async def test_what_cannot_be_planned_says_why(town: Town) -> None:
    await town.add_driver(parcels=5)
    vague = await town.book(None)
    cold = await town.book(corner(1, 1), skills=("fridge",))
    huge = await town.book(corner(1, 2), parcels=6)
    closed = await town.book(
        corner(1, 3),
        window_start_at=MORNING - timedelta(hours=2),
        window_end_at=MORNING - timedelta(hours=1),
    )
    plan = await town.plan()
    reasons = {one.waybill: one.code for one in plan.unassigned}
    assert reasons == {
        vague.waybill: "needs_pin",
        cold.waybill: "skills",
        huge.waybill: "too_heavy",
        closed.waybill: "window",
    }
    assert all(one.sentence.endswith(".") for one in plan.unassigned)


async def test_a_pin_brings_work_into_the_pool(town: Town) -> None:
    await town.add_driver()
    vague = await town.book(None)
    async with town.db.transaction() as session:
        (item,) = await dispatch.read_pool(session, town.depot_id, DAY)
        assert item.obstacle == "needs_pin"
        place_id = vague.consignee.place_id
        assert place_id is not None
        await places.pin_place(session, place_id, corner(2, 0), by="test")
    await relay_pending(town.db)
    async with town.db.transaction() as session:
        (item,) = await dispatch.read_pool(session, town.depot_id, DAY)
    assert (item.obstacle, item.position) == (None, corner(2, 0))


async def test_work_for_later_days_is_not_in_the_pool_and_overdue_work_is(town: Town) -> None:
    await town.add_driver()
    day = timedelta(days=1)
    early, late = MORNING - day, MORNING + day
    overdue = await town.book(corner(1, 1), window_start_at=early, window_end_at=early)
    await town.book(corner(1, 2), window_start_at=late, window_end_at=late + timedelta(hours=4))
    async with town.db.transaction() as session:
        pool = await dispatch.read_pool(session, town.depot_id, DAY)
    assert [item.waybill for item in pool] == [overdue.waybill]
    plan = await town.plan()
    assert list(waybills(plan).values()) == [[overdue.waybill]]


async def new_order(town: Town) -> None:
    await town.book(corner(9, 9))


async def cancelled_order(town: Town) -> None:
    tasks = await town.all_tasks()
    async with town.db.transaction() as session:
        await consignments.cancel_consignment(
            session, tasks[0].consignment_id, by="test", reason=""
        )
    await relay_pending(town.db)


async def new_shift(town: Town) -> None:
    await town.add_driver()


async def smaller_van(town: Town) -> None:
    async with town.db.transaction() as session:
        (vehicle,) = await dispatch.list_vehicles(session)
        await dispatch.change_vehicle(session, vehicle.id, {"capacity_parcels": 1}, by="test")


async def moved_place(town: Town) -> None:
    tasks = await town.all_tasks()
    async with town.db.transaction() as session:
        await places.pin_place(session, tasks[0].place_id, corner(8, 8), by="test")
    await relay_pending(town.db)


async def removed_shift(town: Town) -> None:
    async with town.db.transaction() as session:
        (shift_id,) = town.shifts.values()
        await dispatch.remove_shift(session, shift_id, by="test")


@pytest.mark.parametrize(
    "change", [new_order, cancelled_order, new_shift, smaller_van, moved_place, removed_shift]
)
async def test_a_plan_made_stale_cannot_be_published(town: Town, change: object) -> None:
    await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    await change(town)  # type: ignore[operator]
    with pytest.raises(StalePlan) as refused:
        await town.publish(plan)
    assert refused.value.details["changes"]
    async with town.db.transaction() as session:
        assert (await dispatch.get_plan(session, plan.id)).changes


async def repacked(town: Town, *, weight_g: int, parcels: int = 1) -> None:
    """The only consignment is packed, as the warehouse does it."""
    (task,) = await town.all_tasks()
    async with town.db.transaction() as session:
        booked = await consignments.get_consignment(session, task.consignment_id)
        await consignments.replace_parcels(
            session,
            booked.id,
            expected=[each.id for each in booked.parcels],
            packed=[NewParcel(weight_g=weight_g, description="2 x TEA")] * parcels,
            by="test",
        )
    await relay_pending(town.db)


async def test_a_packed_parcel_that_fits_into_its_van_makes_no_plan_stale(town: Town) -> None:
    await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    for weight_g in (1000, 400, 25_000):  # as announced, less, more
        await repacked(town, weight_g=weight_g)
        async with town.db.transaction() as session:
            assert (await dispatch.get_plan(session, plan.id)).changes == ()
    assert (await town.publish(plan)).state == "published"


@pytest.mark.parametrize("packed", [{"weight_g": 1_000_001}, {"weight_g": 10, "parcels": 51}])
async def test_a_packed_parcel_that_overloads_its_van_makes_the_plan_stale(
    town: Town, packed: dict[str, int]
) -> None:
    await town.add_driver(parcels=50)
    await town.book(corner(1, 1))
    plan = await town.plan()
    await repacked(town, **packed)
    with pytest.raises(StalePlan, match="was amended"):
        await town.publish(plan)


async def test_what_no_plan_reads_makes_none_stale_and_still_reaches_the_phone(town: Town) -> None:
    driver = await town.add_driver()
    booked = await town.book(corner(1, 1))
    await town.publish(await town.plan())
    plan = await town.plan()
    async with town.db.transaction() as session:
        changes = ConsignmentChanges(instructions="Ring twice", cash_minor=500)
        await consignments.amend_consignment(session, booked.id, changes, by="test")
    await relay_pending(town.db)
    async with town.db.transaction() as session:
        assert (await dispatch.get_plan(session, plan.id)).changes == ()
        manifest = await dispatch.manifest_of(session, driver)
    assert "Ring twice" in {task.instructions for stop in manifest.stops for task in stop.tasks}


async def test_another_change_hides_behind_no_packed_parcels(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "MOST_TOLD", 2)
    await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    for weight_g in range(1, 4):
        await repacked(town, weight_g=weight_g)
    await removed_shift(town)
    with pytest.raises(StalePlan):
        await town.publish(plan)


async def test_what_matters_only_to_another_day_makes_nothing_stale(town: Town) -> None:
    await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    await town.add_driver(starts_at=MORNING + timedelta(days=1))
    tomorrow = MORNING + timedelta(days=1)
    await town.book(corner(2, 2), window_start_at=tomorrow, window_end_at=tomorrow)
    async with town.db.transaction() as session:
        told = (await dispatch.get_plan(session, plan.id)).changes
    assert [change.what for change in told] == [
        "Driver Driver 2 was added.",
        "Vehicle Van 2 was added.",
    ]


async def test_inputs_that_change_while_it_is_solved_let_the_plan_be_made_again(
    town: Town,
) -> None:
    driver = await town.add_driver()
    first = await town.book(corner(1, 1))
    late: list[str] = []

    class SlowRoads(HaversineRoads):
        """A map that answers only after the world has moved on, the first time."""

        def table(self, positions, profile="car"):  # type: ignore[no-untyped-def]
            if not late:
                late.append(asyncio.run_coroutine_threadsafe(book(), loop).result())
            return super().table(positions, profile)

    async def book() -> str:
        return (await town.book(corner(2, 2))).waybill

    loop = asyncio.get_running_loop()
    town.roads = SlowRoads()
    plan = await town.plan()
    assert plan.state == "draft"
    assert set(waybills(plan)[driver]) == {first.waybill, *late}


async def test_a_stop_is_moved_by_hand_and_refused_where_it_cannot_be(town: Town) -> None:
    able = await town.add_driver(skills=("fridge",))
    plain = await town.add_driver()
    cold = await town.book(corner(1, 0), skills=("fridge",))
    await town.book(corner(2, 0))
    await town.book(corner(3, 0))
    plan = await town.plan()
    stops = {
        visit.waybill: stop for run in plan.runs for stop in run.stops for visit in stop.visits
    }
    other = next(stop for waybill, stop in stops.items() if waybill != cold.waybill)
    async with town.db.transaction() as session:
        plan = await dispatch.move_stop(
            session, plan.id, other.id, to_shift_id=town.shifts[plain], to_index=0, roads=town.roads
        )
    assert waybills(plan)[plain] == [other.visits[0].waybill]
    assert len(waybills(plan)[able]) == 2
    async with town.db.transaction() as session:
        with pytest.raises(MoveNotPossible, match="fridge"):
            await dispatch.move_stop(
                session,
                plan.id,
                stops[cold.waybill].id,
                to_shift_id=town.shifts[plain],
                to_index=0,
                roads=town.roads,
            )
    await town.publish(plan)
    assert len(await town.shown(plain)) == 1


async def test_a_moved_booking_takes_both_its_ends_along(town: Town) -> None:
    await town.add_driver()
    await town.add_driver()
    booking = await town.book(corner(3, 3), pick_up_at=corner(0, 3))
    plan = await town.plan()
    (source,) = plan.runs
    target = next(shift for driver, shift in town.shifts.items() if driver != source.driver_id)
    async with town.db.transaction() as session:
        plan = await dispatch.move_stop(
            session,
            plan.id,
            source.stops[1].id,
            to_shift_id=target,
            to_index=0,
            roads=town.roads,
        )
    (run,) = plan.runs
    assert run.shift_id == target
    assert [visit.leg for stop in run.stops for visit in stop.visits] == ["pickup", "delivery"]
    assert {visit.waybill for stop in run.stops for visit in stop.visits} == {booking.waybill}


async def test_a_locked_stop_stays_with_its_driver(town: Town) -> None:
    first = await town.add_driver()
    second = await town.add_driver()
    near = await town.book(corner(1, 0))
    plan = await town.plan()
    (run,) = plan.runs
    other = second if run.driver_id == first else first
    async with town.db.transaction() as session:
        await dispatch.move_stop(
            session,
            plan.id,
            run.stops[0].id,
            to_shift_id=town.shifts[other],
            to_index=0,
            roads=town.roads,
        )
        plan = await dispatch.get_plan(session, plan.id)
        plan = await dispatch.lock_stop(session, plan.id, plan.runs[0].stops[0].id, locked=True)
        with pytest.raises(StopIsLocked):
            await dispatch.move_stop(
                session,
                plan.id,
                plan.runs[0].stops[0].id,
                to_shift_id=town.shifts[run.driver_id],
                to_index=0,
                roads=town.roads,
            )
    again = await town.plan(keep_locks_of=plan.id)
    assert waybills(again) == {other: [near.waybill]}
    assert again.runs[0].stops[0].locked


async def test_a_plan_is_cancelled_while_it_is_solved(real_town: Town) -> None:
    town = real_town
    for _ in range(3):
        await town.add_driver()
    for number in range(60):
        await town.book(corner(number % 8, number // 8))
    async with town.db.transaction() as session:
        plan = await dispatch.request_plan(
            session, depot_id=town.depot_id, day=DAY, budget_s=120.0, by="test"
        )
    solving = asyncio.create_task(plan_next(town.db, town.roads, lease_s=0.6))
    await until(town, plan.id, "solving")
    async with town.db.transaction() as session:
        await dispatch.discard_plan(session, plan.id)
    assert await asyncio.wait_for(solving, 20)
    async with town.db.transaction() as session:
        view = await dispatch.get_plan(session, plan.id)
    assert (view.state, view.runs) == ("discarded", ())


async def until(town: Town, plan_id: UUID, state: str) -> None:
    """Wait for what another task or process does."""
    async with asyncio.timeout(30):
        while True:
            async with town.db.transaction() as session:
                if (await dispatch.get_plan(session, plan_id)).state == state:
                    return
            await asyncio.sleep(0.05)


async def test_of_two_publications_at_once_one_takes_place(real_town: Town) -> None:
    town = real_town
    driver = await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    twin = await town.plan(seed=1)
    done = await asyncio.gather(
        town.publish(plan), town.publish(plan), town.publish(twin), return_exceptions=True
    )
    published = [each for each in done if isinstance(each, PlanView)]
    refused = [each for each in done if isinstance(each, StalePlan | IllegalMove)]
    assert (len(published), len(refused)) == (1, 2)
    assert (await town.manifest(driver)).version == 1


async def test_a_new_plan_during_the_day_leaves_alone_what_has_begun(town: Town) -> None:
    driver = await town.add_driver()
    goods = [await town.book(corner(x, 0)) for x in (1, 2, 3)]
    await town.publish(await town.plan())
    stops = (await town.manifest(driver)).stops
    done, begun = stops[0].tasks[0], stops[1].tasks[0]
    await town.start(driver, done.id)
    town.later(minutes=10)
    await town.complete(driver, done.id)
    await town.start(driver, begun.id)
    helper = await town.add_driver()
    fresh = await town.book(corner(4, 1))
    plan = await town.plan()
    await town.publish(plan)
    now = await town.manifest(driver)
    assert [stop.id for stop in now.stops[:2]] == [stop.id for stop in stops[:2]]
    assert {task.waybill for stop in now.stops for task in stop.tasks} >= {
        each.waybill for each in goods
    }
    states = {task.waybill: task.state for task in (await town.shown(driver)).values()}
    assert states[done.waybill] == "completed"
    assert states[begun.waybill] == "en_route"
    brought = {task.waybill for task in (await town.shown(helper)).values()} | set(states)
    assert fresh.waybill in brought
    assert await town.raised() == []


async def test_a_failing_solver_says_so_in_its_plan(town: Town) -> None:
    class NoRoads(HaversineRoads):
        def table(self, positions, profile="car"):  # type: ignore[no-untyped-def]
            raise RuntimeError("The map is being repaired.")

    await town.add_driver()
    await town.book(corner(1, 1))
    town.roads = NoRoads()
    plan = await town.plan()
    assert (plan.state, plan.failure) == ("failed", "The map is being repaired.")


async def test_a_plan_that_kills_its_planner_is_given_up(town: Town) -> None:
    async with town.db.transaction() as session:
        plan = await dispatch.request_plan(
            session, depot_id=town.depot_id, day=DAY, budget_s=1.0, by="test"
        )
        row = await session.get_one(planner.Plan, plan.id)
        row.attempts = planner.MOST_ATTEMPTS
    assert not await plan_next(town.db, town.roads)
    async with town.db.transaction() as session:
        assert (await dispatch.get_plan(session, plan.id)).state == "failed"
