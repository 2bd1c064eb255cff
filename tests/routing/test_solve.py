"""Whole plans: everything that `solve` answers passes the independent checker."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.plan import Progress, measure_objective
from routing.problem import Break, Handover, Job, Problem, Shipment, Step, TimeWindow, Vehicle
from routing.repair import FixedWorkImpossible
from routing.solve import solve
from tests.routing.cities import HOUR_S, draw_problem, drive_matrix, make_line_street

VAN = Vehicle(
    id="van",
    start_place=0,
    end_place=0,
    capacity=(10,),
    shift=TimeWindow(start_s=0, end_s=8 * HOUR_S),
    cost_per_km=100,
)
STREET = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (3000.0, 0.0)]


def on_street(**parts: object) -> Problem:
    return Problem(places=tuple(STREET), matrices={"car": drive_matrix(STREET)}, **parts)  # type: ignore[arg-type]


def test_three_doors_on_one_street_and_room_for_two_parcels() -> None:
    plan = solve(make_line_street(), budget_s=1)
    [route] = plan.routes
    [left] = plan.unassigned
    assert (left.id, left.code) == ("door3", "all_full")
    assert left.sentence == "Every vehicle that could do it is full: van."
    # 4 km at 100 per km and, with 400 s of driving and 120 s at doors, 520 s at 1 per second
    assert (route.distance_m, route.duration_s, plan.cost) == (4000, 520, 920)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
@example(49)
def test_every_plan_of_a_rich_random_problem_is_sound(seed: int) -> None:
    problem = draw_problem(Random(seed))
    plan = solve(problem, budget_s=0.15)
    assert violations(problem, plan) == []
    assert all(one.sentence and one.code != "not_placed" for one in plan.unassigned)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_a_plan_is_never_worse_than_its_start(seed: int) -> None:
    problem = draw_problem(Random(seed))
    start = solve(problem, budget_s=0.1)
    better = solve(problem, budget_s=0.1, start=start)
    assert measure_objective(problem, better) <= measure_objective(problem, start)


def test_a_start_for_an_older_problem_is_repaired() -> None:
    jobs = tuple(Job(id=f"j{k}", place=k, size=(4,)) for k in (1, 2))
    old = on_street(jobs=jobs, vehicles=(VAN,))
    start = solve(old, budget_s=0.2)
    now = on_street(
        jobs=(replace(jobs[1], size=(9,), priority=5), Job(id="new", place=3, size=(1,))),
        vehicles=(VAN,),
    )
    plan = solve(now, budget_s=0.2, start=start)
    assert violations(now, plan) == []
    assert plan.unassigned == ()


def test_same_seed_gives_the_same_plan() -> None:
    problem = draw_problem(Random(5))
    assert solve(problem, budget_s=2, seed=7) == solve(problem, budget_s=2, seed=7)


def test_priority_goes_before_number_and_number_before_cost() -> None:
    jobs = (
        Job(id="far but important", place=3, size=(10,), priority=1),
        Job(id="near", place=1, size=(5,)),
        Job(id="nearer", place=1, size=(5,)),
    )
    plan = solve(on_street(jobs=jobs, vehicles=(VAN,)), budget_s=0.3)
    assert [step.id for step in plan.routes[0].steps] == ["far but important"]
    equal = tuple(replace(job, priority=0) for job in jobs)
    plan = solve(on_street(jobs=equal, vehicles=(VAN,)), budget_s=0.3)
    assert {step.id for step in plan.routes[0].steps} == {"near", "nearer"}


def test_the_second_of_two_windows_is_used_when_the_first_is_over() -> None:
    windows = (
        TimeWindow(start_s=0, end_s=50),
        TimeWindow(start_s=4 * HOUR_S, end_s=5 * HOUR_S),
    )
    problem = on_street(jobs=(Job(id="j", place=1, windows=windows),), vehicles=(VAN,))
    [route] = solve(problem, budget_s=0.3).routes
    assert route.visits[1].start_s == 4 * HOUR_S
    assert route.duration_s == 200  # it leaves late rather than wait


def test_fixed_visits_stay_first_even_when_late_and_out_of_the_way() -> None:
    late = Job(id="late", place=3, windows=(TimeWindow(start_s=0, end_s=10),))
    problem = on_street(
        jobs=(late, Job(id="near", place=1)),
        vehicles=(replace(VAN, fixed=(Step(id="late"),)),),
    )
    [route] = solve(problem, budget_s=0.3).routes
    assert [step.id for step in route.steps] == ["late", "near"]


def test_fixed_work_that_cannot_be_driven_is_said_clearly() -> None:
    vehicle = replace(VAN, fixed=(Step(id="big"),))
    problem = on_street(jobs=(Job(id="big", place=1, size=(11,)),), vehicles=(vehicle,))
    with pytest.raises(FixedWorkImpossible, match="Vehicle van would carry"):
        solve(problem, budget_s=0.3)


def test_a_break_falls_between_visits_and_is_left_out_of_a_short_day() -> None:
    lunch = Break(id="lunch", earliest_start_s=3600, latest_start_s=4000, duration_s=1800)
    vehicle = replace(VAN, breaks=(lunch,))
    both = tuple(
        Job(id=f"j{k}", place=1, windows=(TimeWindow(start_s=at_s, end_s=at_s),))
        for k, at_s in enumerate((3000, 7000))
    )
    [route] = solve(on_street(jobs=both, vehicles=(vehicle,)), budget_s=0.3).routes
    assert [visit.leg for visit in route.visits] == ["start", "job", "break", "job", "end"]
    [route] = solve(on_street(jobs=both[:1], vehicles=(vehicle,)), budget_s=0.3).routes
    assert [visit.leg for visit in route.visits] == ["start", "job", "end"]


def test_longest_ride_keeps_other_stops_out_of_the_way() -> None:
    meal = Shipment(id="meal", pickup=Handover(place=1), delivery=Handover(place=3), max_ride_s=200)
    stop = Job(id="stop", place=2, service_s=60)
    [route] = solve(
        on_street(jobs=(stop,), shipments=(meal,), vehicles=(VAN,)), budget_s=0.3
    ).routes
    order = [(step.id, step.leg) for step in route.steps]
    assert order.index(("meal", "delivery")) == order.index(("meal", "pickup")) + 1
    assert len(order) == 3


def test_goods_collected_on_the_way_need_room_beside_those_still_to_deliver() -> None:
    jobs = (
        Job(id="bring", place=2, size=(10,)),
        Job(id="fetch", place=1, kind="pickup", size=(10,)),
    )
    [route] = solve(on_street(jobs=jobs, vehicles=(VAN,)), budget_s=0.3).routes
    assert [step.id for step in route.steps] == ["bring", "fetch"]


def test_progress_tells_better_plans_and_a_tiny_budget_still_answers() -> None:
    told: list[Progress] = []
    problem = draw_problem(Random(11), most_jobs=30)
    solve(problem, budget_s=0.5, progress=told.append)
    assert told
    plan = solve(problem, budget_s=0.001)
    assert violations(problem, plan) == []


def test_a_listener_that_fails_is_not_overheard() -> None:
    def fail(_: Progress) -> None:
        raise RuntimeError("the listener is gone")

    with pytest.raises(RuntimeError, match="the listener is gone"):
        solve(make_line_street(), budget_s=30, progress=fail)


def test_nothing_to_do_and_nobody_to_do_it_are_plans_too() -> None:
    assert solve(on_street(vehicles=(VAN,)), budget_s=1).routes == ()
    [left] = solve(on_street(jobs=(Job(id="j", place=1),)), budget_s=1).unassigned
    assert left.code == "no_vehicle"
