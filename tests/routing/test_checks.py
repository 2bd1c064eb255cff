"""The checker finds every kind of tampering with a sound plan."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from routing.checks import violations
from routing.plan import Plan, Route, Unassigned, Visit
from routing.problem import (
    UNREACHABLE,
    Break,
    Handover,
    Job,
    Matrix,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
)
from routing.schedule import schedule_route
from tests.routing.cities import HOUR_S, drive_matrix

PLACES = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (3000.0, 0.0)]
STEPS = (
    Step(id="held"),
    Step(id="box", leg="pickup"),
    Step(id="box", leg="delivery"),
    Step(id="door"),
)


def make_problem() -> Problem:
    van = Vehicle(
        id="van",
        start_place=0,
        end_place=0,
        capacity=(5,),
        skills=frozenset({"lift"}),
        shift=TimeWindow(start_s=0, end_s=4 * HOUR_S),
        breaks=(Break(id="tea", earliest_start_s=300, latest_start_s=500, duration_s=300),),
        cost_per_km=100,
        cost_per_hour=3600,
        max_stops=4,
        max_distance_m=8000,
        max_duration_s=2 * HOUR_S,
        fixed=(Step(id="held"),),
    )
    return Problem(
        places=tuple(PLACES),
        jobs=(
            Job(id="held", place=1, size=(1,), service_s=60),
            Job(
                id="door",
                place=3,
                size=(2,),
                service_s=60,
                windows=(TimeWindow(start_s=0, end_s=HOUR_S),),
                skills=frozenset({"lift"}),
            ),
        ),
        shipments=(
            Shipment(
                id="box",
                pickup=Handover(place=1),
                delivery=Handover(place=2),
                size=(3,),
                max_ride_s=HOUR_S,
            ),
        ),
        vehicles=(van, replace(van, id="spare", fixed=())),
        matrices={"car": drive_matrix(PLACES)},
    )


def make_plan(problem: Problem) -> Plan:
    route = schedule_route(problem, problem.vehicles[0], STEPS)
    assert isinstance(route, Route), route
    return Plan(routes=(route,), cost=route.cost)


def change_visit(plan: Plan, leg: str, **changes: object) -> Plan:
    [route] = plan.routes
    visits = list(route.visits)
    index = next(k for k, visit in enumerate(visits) if visit.leg == leg)
    visits[index] = replace(visits[index], **changes)  # type: ignore[arg-type]
    return replace(plan, routes=(replace(route, visits=tuple(visits)),))


def keep_visits(plan: Plan, keep: Callable[[Visit], bool]) -> Plan:
    [route] = plan.routes
    visits = tuple(visit for visit in route.visits if keep(visit))
    return replace(plan, routes=(replace(route, visits=visits),))


def swap(plan: Plan, first: int, second: int) -> Plan:
    [route] = plan.routes
    visits = list(route.visits)
    visits[first], visits[second] = visits[second], visits[first]
    return replace(plan, routes=(replace(route, visits=tuple(visits)),))


def test_the_plan_is_sound_before_it_is_tampered_with() -> None:
    problem = make_problem()
    assert violations(problem, make_plan(problem)) == []


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda p: replace(p, cost=p.cost + 1), "its routes cost"),
        (lambda p: replace(p, routes=()), "its fixed visits are missing"),
        (lambda p: replace(p, routes=p.routes * 2), "has 2 routes"),
        (lambda p: replace(p, routes=(replace(p.routes[0], vehicle_id="x"),)), "no such vehicle"),
        (lambda p: replace(p, routes=(replace(p.routes[0], cost=1),)), "says it costs"),
        (lambda p: replace(p, routes=(replace(p.routes[0], distance_m=1),)), "m long, not"),
        (lambda p: replace(p, routes=(replace(p.routes[0], duration_s=1),)), "says it lasts"),
        (
            lambda p: replace(
                p, unassigned=(Unassigned(id="door", code="window", sentence="Too late."),)
            ),
            "accounted for 2 times",
        ),
        (
            lambda p: replace(
                p, unassigned=(Unassigned(id="ghost", code="window", sentence="Too late."),)
            ),
            "not in the problem",
        ),
        (lambda p: keep_visits(p, lambda v: v.id != "door"), "accounted for 0 times"),
        (lambda p: keep_visits(p, lambda v: v.leg != "break"), "leaves out break tea"),
        (lambda p: keep_visits(p, lambda v: v.leg != "start"), "must begin with one start"),
        (lambda p: keep_visits(p, lambda v: v.leg != "delivery"), "never delivers it"),
        (lambda p: change_visit(p, "job", id="ghost"), "there is no such job"),
        (lambda p: change_visit(p, "delivery", place=3), "is at place 3, not 2"),
        (lambda p: change_visit(p, "delivery", arrival_s=0), "not at 0 as the plan says"),
        (lambda p: change_visit(p, "pickup", start_s=0), "before the vehicle arrives"),
        (lambda p: change_visit(p, "job", departure_s=1), "does not last 60 s"),
        (lambda p: change_visit(p, "job", load=(9,)), "carries"),
        (lambda p: change_visit(p, "break", start_s=501), "when it may not"),
        (lambda p: change_visit(p, "break", departure_s=301), "does not last 300 s"),
        (lambda p: change_visit(p, "break", id="nap"), "takes a break nap"),
        (lambda p: change_visit(p, "end", id="spare"), "its end is that of spare"),
        (lambda p: swap(p, 2, 3), "before picking it up"),
        (lambda p: swap(p, 1, 2), "does not do its fixed visits first"),
    ],
)
def test_a_changed_plan_is_found_out(tamper: Callable[[Plan], Plan], found: str) -> None:
    problem = make_problem()
    assert any(found in wrong for wrong in violations(problem, tamper(make_plan(problem))))


def change_vehicle(problem: Problem, **changes: object) -> Problem:
    van = replace(problem.vehicles[0], **changes)  # type: ignore[arg-type]
    return replace(problem, vehicles=(van, problem.vehicles[1]))


def change_door(problem: Problem, **changes: object) -> Problem:
    door = replace(problem.jobs[1], **changes)  # type: ignore[arg-type]
    return replace(problem, jobs=(problem.jobs[0], door))


def cut_road(problem: Problem) -> Problem:
    duration_s = problem.matrices["car"].duration_s.copy()
    duration_s[2, 3] = UNREACHABLE
    matrix = Matrix(duration_s=duration_s, distance_m=problem.matrices["car"].distance_m)
    return replace(problem, matrices={"car": matrix})


@pytest.mark.parametrize(
    ("tighten", "found"),
    [
        (lambda p: change_vehicle(p, capacity=(4,)), "more than it can"),
        (lambda p: change_vehicle(p, on_board=(1,)), "not (3,)"),
        (lambda p: change_vehicle(p, skills=frozenset()), "door needs lift"),
        (lambda p: change_vehicle(p, max_stops=3), "has 4 visits, more than 3"),
        (lambda p: change_vehicle(p, max_distance_m=5999), "longer than it may be"),
        (lambda p: change_vehicle(p, max_duration_s=600), "longer than it may"),
        (lambda p: change_vehicle(p, shift=TimeWindow(start_s=0, end_s=600)), "after its shift"),
        (lambda p: change_vehicle(p, shift=TimeWindow(start_s=9, end_s=9000)), "before its shift"),
        (
            lambda p: change_door(p, windows=(TimeWindow(start_s=0, end_s=1),)),
            "outside its windows",
        ),
        (lambda p: change_door(p, vehicles=frozenset({"spare"})), "may not be done"),
        (lambda p: change_door(p, barred=frozenset({"van"})), "may not be done"),
        (lambda p: change_door(p, id="other"), "accounted for 0 times"),
        (
            lambda p: replace(p, shipments=(replace(p.shipments[0], max_ride_s=1),)),
            "longer than 1 s",
        ),
        (cut_road, "no road leads"),
    ],
)
def test_a_plan_for_another_problem_is_found_out(
    tighten: Callable[[Problem], Problem], found: str
) -> None:
    plan = make_plan(make_problem())
    wrong = violations(tighten(make_problem()), plan)
    assert any(found in sentence for sentence in wrong), wrong
