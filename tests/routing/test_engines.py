"""Each engine alone, in this process: what it answers can be repaired into a sound plan."""

from dataclasses import replace
from random import Random
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.engines import Improved, Sequences, joint, ortools, pyvrp, vroom
from routing.formats import read_problem
from routing.plan import Plan, Progress, measure_objective
from routing.problem import (
    Depot,
    Handover,
    Job,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
    steps_of,
)
from routing.repair import fill, repair
from tests.routing.cities import HOUR_S, draw_problem, drive_matrix
from tests.routing.test_formats import make_homberger_file

ENGINES = pytest.mark.parametrize(
    "engine", [pyvrp, joint, vroom, ortools], ids=lambda e: e.__name__[16:]
)
STREET = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (3000.0, 0.0)]
VAN = Vehicle(
    id="van",
    start_place=0,
    end_place=0,
    capacity=(10,),
    shift=TimeWindow(start_s=0, end_s=8 * HOUR_S),
    cost_per_km=100,
)


def on_street(**parts: object) -> Problem:
    return Problem(places=tuple(STREET), matrices={"car": drive_matrix(STREET)}, **parts)  # type: ignore[arg-type]


def search(
    engine: object, problem: Problem, start: Plan, budget_s: float = 0.1, **more: object
) -> Sequences | None:
    improve = engine.improve  # type: ignore[attr-defined]
    given_start = {route.vehicle_id: route.steps for route in start.routes}
    listen: Improved = more.pop("improved", lambda _: None)  # type: ignore[assignment]
    found: Sequences | None = improve(
        problem, given_start, budget_s=budget_s, seed=1, improved=listen, **more
    )
    return found


def orders(engine: object, problem: Problem) -> dict[str, list[str]]:
    """What the engine itself answers, before anything is repaired."""
    found = search(engine, problem, repair(problem, {}), 0.3)
    assert found is not None
    return {vehicle: [step.id for step in steps] for vehicle, steps in found.items() if steps}


@ENGINES
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000))
def test_answers_to_rich_random_problems_become_sound_plans(engine: object, seed: int) -> None:
    problem = draw_problem(Random(seed))
    if not problem.work:
        return
    cold = repair(problem, search(engine, problem, repair(problem, {}), 0.05) or {})
    warm = fill(problem, cold, until=monotonic() + 1)
    assert violations(problem, warm) == []
    again = repair(problem, search(engine, problem, warm, 0.05) or {})
    assert violations(problem, again) == []


@ENGINES
def test_plain_problems_are_answered_without_any_need_for_repair(engine: object) -> None:
    problem = read_problem(make_homberger_file(30), "made up")
    found = search(engine, problem, repair(problem, {}), 1.0)
    assert found is not None
    plan = repair(problem, found)
    assert plan.unassigned == ()
    assert sum(len(steps) for steps in found.values()) == len(problem.jobs)


@ENGINES
def test_skills_and_lists_of_vehicles_are_understood(engine: object) -> None:
    jobs = (
        Job(id="cold", place=1, skills=frozenset({"cold"})),
        Job(id="not b", place=2, barred=frozenset({"b"})),
        Job(id="only b", place=3, vehicles=frozenset({"b"})),
    )
    vehicles = (replace(VAN, id="a"), replace(VAN, id="b", skills=frozenset({"cold"})))
    found = orders(engine, on_street(jobs=jobs, vehicles=vehicles))
    assert set(found["b"]) == {"cold", "only b"}
    assert found["a"] == ["not b"]


@ENGINES
def test_the_open_one_of_several_windows_is_found(engine: object) -> None:
    windows = (TimeWindow(start_s=0, end_s=50), TimeWindow(start_s=HOUR_S, end_s=2 * HOUR_S))
    problem = on_street(jobs=(Job(id="j", place=1, windows=windows),), vehicles=(VAN,))
    assert orders(engine, problem) == {"van": ["j"]}


@ENGINES
def test_priority_chooses_who_stays_behind(engine: object) -> None:
    jobs = (Job(id="dear", place=3, size=(10,), priority=9), Job(id="near", place=1, size=(10,)))
    assert orders(engine, on_street(jobs=jobs, vehicles=(VAN,))) == {"van": ["dear"]}


@ENGINES
def test_what_a_fixed_pickup_began_is_brought_by_the_same_vehicle(engine: object) -> None:
    meal = Shipment(id="meal", pickup=Handover(place=1), delivery=Handover(place=3), size=(4,))
    jobs = (Job(id="door", place=2, size=(2,)),)
    vehicles = (replace(VAN, fixed=(Step(id="meal", leg="pickup"),)), replace(VAN, id="other"))
    problem = on_street(jobs=jobs, shipments=(meal,), vehicles=vehicles)
    found = search(engine, problem, repair(problem, {}), 0.3)
    assert found is not None
    assert Step(id="meal", leg="delivery") in found["van"]
    assert violations(problem, repair(problem, found)) == []


@ENGINES
def test_no_more_visits_than_a_vehicle_may_have(engine: object) -> None:
    jobs = tuple(Job(id=f"j{k}", place=k) for k in (1, 2, 3))
    found = orders(engine, on_street(jobs=jobs, vehicles=(replace(VAN, max_stops=2),)))
    assert len(found["van"]) == 2


@ENGINES
def test_open_ends_cost_no_way(engine: object) -> None:
    jobs = tuple(Job(id=f"j{k}", place=k) for k in (1, 2, 3))
    problem = on_street(jobs=jobs, vehicles=(replace(VAN, start_place=None, end_place=None),))
    found = search(engine, problem, repair(problem, {}), 0.3)
    assert found is not None
    assert repair(problem, found).cost == 200


@ENGINES
def test_a_start_that_reloads_with_a_shipment_on_board_is_taken(engine: object) -> None:
    depot = Depot(id="depot", place=0)
    ride = Shipment(id="ride", pickup=Handover(place=1), delivery=Handover(place=3), size=(1,))
    jobs = tuple(Job(id=f"j{k}", place=k, size=(9,)) for k in (1, 2))
    van = replace(VAN, max_reloads=1, reload_at=frozenset({"depot"}))
    problem = on_street(jobs=jobs, shipments=(ride,), vehicles=(van,), depots=(depot,))
    pickup, delivery = Step(id="ride", leg="pickup"), Step(id="ride", leg="delivery")
    between = (Step(id="j1"), pickup, Step(id="depot", leg="reload"), Step(id="j2"), delivery)
    start = repair(problem, {"van": between})
    assert start.unassigned == ()
    found = search(engine, problem, start)
    if found is not None:  # VROOM knows no reloads
        assert violations(problem, repair(problem, found)) == []


PYVRPS = pytest.mark.parametrize("engine", [pyvrp, joint], ids=lambda e: e.__name__[16:])


@PYVRPS
@pytest.mark.parametrize("is_warm", [False, True])
def test_no_ride_is_longer_than_it_may_be(engine: object, is_warm: bool) -> None:
    ride = Shipment(
        id="ride", pickup=Handover(place=1), delivery=Handover(place=3), max_ride_s=HOUR_S // 2
    )
    by_s = (TimeWindow(start_s=0, end_s=250),)  # on the way to the ride's end, and no later
    long = Job(id="long", place=2, service_s=HOUR_S, windows=by_s)
    van = replace(VAN, fixed_cost=1_000)
    problem = on_street(jobs=(long,), shipments=(ride,), vehicles=(van, replace(van, id="other")))
    start = repair(problem, {"van": (Step(id="long"), *steps_of(ride)) if is_warm else ()})
    found = search(engine, problem, start)
    assert found is not None
    plan = repair(problem, found)
    assert plan.unassigned == ()
    assert not is_warm or plan.cost <= start.cost


@PYVRPS
def test_nobody_is_kept_late_where_a_plan_without_overtime_is_known(engine: object) -> None:
    half_s = HOUR_S // 2
    windows = (TimeWindow(start_s=half_s, end_s=2 * HOUR_S),)
    jobs = tuple(Job(id=f"j{k}", place=k, service_s=25 * 60, windows=windows) for k in (1, 2))
    shift = TimeWindow(start_s=0, end_s=HOUR_S + 300)
    van = replace(VAN, shift=shift, overtime_s=HOUR_S, overtime_cost_per_hour=100_000)
    problem = on_street(jobs=jobs, vehicles=(van, replace(van, id="other")))
    start = repair(problem, {"van": (Step(id="j1"),), "other": (Step(id="j2"),)})
    found = search(engine, problem, start)
    assert found is not None
    assert repair(problem, found).cost <= start.cost


@pytest.mark.parametrize("engine", [pyvrp, joint, ortools], ids=lambda e: e.__name__[16:])
def test_progress_tells_the_cost_that_the_plan_has(engine: object) -> None:
    told: list[Progress] = []
    problem = read_problem(make_homberger_file(15), "made up")
    found = search(engine, problem, repair(problem, {}), 1.0, improved=told.append)
    assert found is not None
    last = told[-1]
    objective = (last.priority_missed, last.unassigned, last.cost)
    assert objective == measure_objective(problem, repair(problem, found))


@ENGINES
def test_bounded_by_steps_a_search_repeats_itself(engine: object) -> None:
    problem = read_problem(make_homberger_file(25), "made up")
    start = repair(problem, {})
    first = search(engine, problem, start, 60, effort=3)
    assert first is not None
    assert search(engine, problem, start, 60, effort=3) == first


def test_unreachable_places_do_not_upset_vroom() -> None:
    problem = draw_problem(Random(7), most_jobs=25)
    found = search(vroom, problem, repair(problem, {}))
    assert violations(problem, repair(problem, found or {})) == []
