"""One urgent job or shipment finds the cheapest place in a plan that stands."""

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.insert import Inserter, NoPlace, apply_insertion, insert
from routing.plan import Plan, Route
from routing.problem import Job, Problem, Step, TimeWindow, Vehicle, Work, steps_of
from routing.repair import MOST_WITH_CARE, fill, repair
from routing.schedule import schedule_route
from tests.routing.cities import HOUR_S, draw_problem, make_line_street


def insert_everywhere(problem: Problem, plan: Plan, work: Work) -> int | None:
    """Return the least added cost by trying every place of every route."""
    costs = []
    for vehicle in problem.vehicles:
        route = plan.route_of(vehicle.id)
        steps = route.steps if route else ()
        for first in range(len(steps) + 1):
            for last in range(first, len(steps) + 1) if len(steps_of(work)) == 2 else (first,):
                added = steps_of(work)
                tried = (
                    *steps[:first],
                    added[0],
                    *steps[first:last],
                    *added[1:],
                    *steps[last:],
                )
                timed = schedule_route(problem, vehicle, tried)
                if isinstance(timed, Route):
                    costs.append(timed.cost - (route.cost if route else 0))
    return min(costs, default=None)


def reload_everywhere(problem: Problem, plan: Plan, work: Work) -> int | None:
    """Return the least added cost with one reload more, before or behind the work."""
    costs = []
    for vehicle in problem.vehicles if len(steps_of(work)) == 1 else ():
        route = plan.route_of(vehicle.id)
        steps = route.steps if route else ()
        for depot_id in vehicle.reload_at:
            reload = Step(id=depot_id, leg="reload")
            for k in range(len(steps) + 1):
                for added in ((reload, *steps_of(work)), (*steps_of(work), reload)):
                    timed = schedule_route(problem, vehicle, (*steps[:k], *added, *steps[k:]))
                    if isinstance(timed, Route):
                        costs.append(timed.cost - (route.cost if route else 0))
    return min(costs, default=None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_inserting_all_work_one_by_one_keeps_the_plan_sound_and_is_cheapest(seed: int) -> None:
    problem = draw_problem(Random(seed))
    plan = repair(problem, {})
    for one in plan.unassigned:
        found = insert(problem, plan, one.id)
        work = problem.find_work(one.id)
        hasty = Inserter(problem, plan).find(work, in_haste=True)
        assert isinstance(hasty, NoPlace) == isinstance(found, NoPlace)
        if not isinstance(hasty, NoPlace):
            [way] = hasty
            assert violations(problem, apply_insertion(problem, plan, way, one.id)) == []
        cheapest = insert_everywhere(problem, plan, work)
        if cheapest is None:  # it does not fit without another trip
            cheapest = reload_everywhere(problem, plan, work)
        if isinstance(found, NoPlace):
            assert cheapest is None
            assert found.reasons
            continue
        assert found[0].added_cost == cheapest
        assert [way.added_cost for way in found] == sorted(way.added_cost for way in found)
        for way in found:
            assert violations(problem, apply_insertion(problem, plan, way, one.id)) == []
        plan = apply_insertion(problem, plan, found[0], one.id)


def test_the_answer_tells_what_is_delayed() -> None:
    problem = make_line_street()
    van = replace(problem.vehicles[0], capacity=(3,))
    problem = replace(problem, vehicles=(van,))
    held = replace(van, fixed=(Step(id="door1"),))  # at work, so it cannot leave earlier
    problem = replace(problem, vehicles=(held,))
    plan = repair(problem, {"van": [Step(id="door1"), Step(id="door3")]})
    found = insert(problem, plan, "door2")
    assert not isinstance(found, NoPlace)
    [delay] = found[0].delays
    assert (delay.step, delay.later_s, delay.late_s) == (Step(id="door3"), 60, 0)


def test_lateness_is_allowed_on_request_and_told() -> None:
    problem = make_line_street()
    van = replace(problem.vehicles[0], capacity=(3,))
    by_s = (TimeWindow(start_s=0, end_s=320),)  # where door3 is reached over door1
    doors = (problem.jobs[0], problem.jobs[1], replace(problem.jobs[2], windows=by_s))
    short = replace(van, shift=TimeWindow(start_s=0, end_s=900))
    problem = replace(problem, vehicles=(short,), jobs=doors)
    plan = repair(problem, {"van": [Step(id="door3")]})
    strict = insert(problem, plan, "door2")
    assert not isinstance(strict, NoPlace)
    assert all(delay.late_s == 0 for delay in strict[0].delays)
    long = replace(doors[1], service_s=200, windows=(TimeWindow(start_s=0, end_s=250),))
    problem = replace(problem, jobs=(doors[0], long, doors[2]))
    assert isinstance(insert(problem, plan, "door2"), NoPlace)
    late = insert(problem, plan, "door2", late_s=600)
    assert not isinstance(late, NoPlace)
    assert max(delay.late_s for delay in late[0].delays) == 180  # 100 + 100 + 200 + 100 - 320


def test_an_urgent_job_goes_between_the_stops_that_it_lies_between() -> None:
    problem = make_line_street()
    van = replace(problem.vehicles[0], capacity=(3,))
    problem = replace(problem, vehicles=(van,))
    plan = repair(problem, {"van": [Step(id="door1"), Step(id="door3")]})
    found = insert(problem, plan, "door2")
    assert not isinstance(found, NoPlace)
    assert [step.id for step in found[0].route.steps] == ["door1", "door2", "door3"]
    assert found[0].added_cost == 60  # a minute at the door; no metre more


def test_no_place_tells_the_reason_of_each_vehicle() -> None:
    problem = make_line_street()
    shift = TimeWindow(start_s=0, end_s=8 * HOUR_S)
    bike = Vehicle(id="bike", start_place=0, end_place=0, capacity=(0,), shift=shift)
    cold = Job(id="cold", place=1, size=(1,), skills=frozenset({"cold"}))
    late = Job(id="late", place=3, windows=(TimeWindow(start_s=0, end_s=9),))
    big = Job(id="big", place=1, size=(3,))
    problem = replace(problem, vehicles=(*problem.vehicles, bike), jobs=(cold, late, big))
    plan = repair(problem, {})
    for work_id, code in (("cold", "skills"), ("late", "window"), ("big", "capacity")):
        found = insert(problem, plan, work_id)
        assert isinstance(found, NoPlace)
        assert {reason.code for reason in found.reasons} == {code}
        assert {reason.id for reason in found.reasons} <= {"van", "bike", work_id}


def test_filling_takes_the_most_important_first() -> None:
    problem = make_line_street()
    jobs = tuple(replace(job, priority=k) for k, job in enumerate(problem.jobs))
    problem = replace(problem, jobs=jobs)
    plan = fill(problem, repair(problem, {}), until=float("inf"))
    assert [one.id for one in plan.unassigned] == ["door1"]


def test_much_work_is_placed_in_haste_and_none_is_left_that_has_a_place() -> None:
    problem = make_line_street()
    doors = tuple(Job(id=f"job{k}", place=1 + k % 3, size=(1,)) for k in range(3 * MOST_WITH_CARE))
    van = replace(problem.vehicles[0], capacity=(len(doors),))
    problem = replace(problem, vehicles=(van,), jobs=doors)
    plan = fill(problem, repair(problem, {}), until=float("inf"))
    assert plan.unassigned == ()
    assert violations(problem, plan) == []
