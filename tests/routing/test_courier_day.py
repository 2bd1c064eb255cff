"""What a courier's day has beyond windows and capacities, each rule by a plan that shows it."""

from dataclasses import replace

import pytest

from routing.checks import violations
from routing.engines import ortools, pyvrp
from routing.insert import NoPlace, insert
from routing.plan import Plan, Route, measure_objective
from routing.problem import (
    Break,
    Depot,
    Handover,
    Job,
    Preference,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
)
from routing.repair import repair
from routing.schedule import schedule_route
from routing.solve import solve
from tests.routing.cities import HOUR_S, drive_matrix
from tests.routing.test_engines import orders

STREET = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (3000.0, 0.0)]
VAN = Vehicle(
    id="van",
    start_place=0,
    end_place=0,
    capacity=(10,),
    shift=TimeWindow(start_s=0, end_s=8 * HOUR_S),
    cost_per_km=100,
)
HALL = Depot(
    id="hall", place=0, windows=(TimeWindow(start_s=HOUR_S, end_s=3 * HOUR_S),), loading_s=600
)
RELOAD = Step(id="hall", leg="reload")


def on_street(**parts: object) -> Problem:
    return Problem(places=tuple(STREET), matrices={"car": drive_matrix(STREET)}, **parts)  # type: ignore[arg-type]


def timed(problem: Problem, *steps: Step) -> Route:
    route = schedule_route(problem, problem.vehicles[0], steps)
    assert isinstance(route, Route), route
    plan = Plan(routes=(route,), cost=route.cost)
    unaccounted = [one for one in violations(problem, plan) if "accounted" not in one]
    assert unaccounted == []
    return route


def test_a_van_is_loaded_when_its_depot_opens_and_is_back_before_it_closes() -> None:
    problem = on_street(jobs=(Job(id="a", place=1),), vehicles=(VAN,), depots=(HALL,))
    route = timed(problem, Step(id="a"))
    start, door, end = route.visits
    assert (start.start_s, start.departure_s) == (HOUR_S, HOUR_S + 600)
    assert (door.start_s, end.start_s) == (HOUR_S + 700, HOUR_S + 800)
    assert route.duration_s == 800
    late = Job(id="a", place=1, windows=(TimeWindow(start_s=3 * HOUR_S, end_s=4 * HOUR_S),))
    [left] = solve(replace(problem, jobs=(late,)), budget_s=0.2).unassigned
    assert (left.code, "closes" in left.sentence) == ("window", True)


def test_a_van_under_way_is_not_loaded_again() -> None:
    problem = on_street(
        jobs=(Job(id="a", place=1),),
        vehicles=(replace(VAN, fixed=(Step(id="a"),)),),
        depots=(HALL,),
    )
    assert timed(problem, Step(id="a")).visits[0].departure_s == 0


def test_a_second_trip_begins_with_a_reload_and_carries_its_own_load() -> None:
    van = replace(VAN, max_reloads=1, reload_at=frozenset({"hall"}))
    jobs = (
        Job(id="a", place=1, size=(8,)),
        Job(id="back", place=1, kind="pickup", size=(9,)),
        Job(id="b", place=2, size=(10,)),
    )
    problem = on_street(jobs=jobs, vehicles=(van,), depots=(HALL,))
    route = timed(problem, Step(id="a"), Step(id="back"), RELOAD, Step(id="b"))
    assert [visit.load for visit in route.visits] == [(8,), (0,), (9,), (10,), (0,), (0,)]
    assert route.distance_m == 6000
    reload = route.visits[3]
    assert reload.departure_s - reload.start_s == 600
    once = schedule_route(problem, replace(van, max_reloads=0), route.steps)
    assert not isinstance(once, Route)
    assert once[0].code == "reload"


@pytest.mark.parametrize("engine", [pyvrp, ortools], ids=lambda e: e.__name__[16:])
def test_engines_send_the_only_van_on_several_trips(engine: object) -> None:
    van = replace(VAN, max_reloads=2, reload_at=frozenset({"hall"}))
    jobs = tuple(Job(id=f"j{k}", place=1 + k % 3, size=(3,)) for k in range(9))
    hall = replace(HALL, windows=())
    problem = on_street(jobs=jobs, vehicles=(van,), depots=(hall,))
    [done] = orders(engine, problem).values()
    assert sorted(done) == ["hall", "hall", *(job.id for job in jobs)]


def test_an_urgent_job_without_room_gets_a_trip_of_its_own() -> None:
    van = replace(VAN, max_reloads=1, reload_at=frozenset({"hall"}))
    jobs = (Job(id="a", place=1, size=(8,)), Job(id="b", place=2, size=(8,)))
    problem = on_street(jobs=jobs, vehicles=(van,), depots=(replace(HALL, windows=()),))
    plan = repair(problem, {"van": (Step(id="a"),)})
    found = insert(problem, plan, "b")
    assert not isinstance(found, NoPlace)
    assert RELOAD in found[0].route.steps


def test_time_after_the_shift_has_its_price_and_its_limit() -> None:
    van = replace(
        VAN,
        shift=TimeWindow(start_s=0, end_s=500),
        overtime_s=100,
        overtime_cost_per_hour=3600,
        cost_per_hour=3600,
    )
    problem = on_street(jobs=(Job(id="far", place=3),), vehicles=(van,))
    route = timed(problem, Step(id="far"))
    assert route.cost == 600 + 600 + 100  # 6 km, 600 s, of which 100 s are overtime
    [left] = solve(
        replace(problem, vehicles=(replace(van, overtime_s=99),)), budget_s=0.2
    ).unassigned
    assert left.code == "shift"


def test_a_break_without_pay_costs_nothing() -> None:
    rest = Break(id="rest", earliest_start_s=0, latest_start_s=50, duration_s=600, paid=False)
    van = replace(VAN, cost_per_hour=3600, breaks=(rest,))
    at_noon = (TimeWindow(start_s=100, end_s=700),)
    problem = on_street(jobs=(Job(id="a", place=1, windows=at_noon),), vehicles=(van,))
    paid = replace(problem, vehicles=(replace(van, breaks=(replace(rest, paid=True),)),))
    assert timed(problem, Step(id="a")).cost <= timed(paid, Step(id="a")).cost
    held = replace(van, fixed=(Step(id="a"),))  # at work since 0, so it rests during its shift
    cheap = timed(replace(problem, vehicles=(held,)), Step(id="a"))
    with_pay = replace(held, breaks=(replace(rest, paid=True),))
    dear = timed(replace(problem, vehicles=(with_pay,)), Step(id="a"))
    assert dear.cost - cheap.cost == 600


def test_optional_work_is_done_only_for_less_than_its_prize() -> None:
    jobs = (Job(id="worth it", place=1, prize=250), Job(id="not", place=3, prize=350))
    problem = on_street(jobs=jobs, vehicles=(VAN,))
    plan = solve(problem, budget_s=0.3)
    assert [step.id for step in plan.routes[0].steps] == ["worth it"]
    [left] = plan.unassigned
    assert (left.id, left.code) == ("not", "not_worth_it")
    assert measure_objective(problem, plan) == (0, 0, 200 + 350)


def test_a_stranger_takes_work_only_if_that_saves_more_than_the_wish_costs() -> None:
    near = replace(VAN, id="near", start_place=3, end_place=3)
    wish = Preference(vehicles=frozenset({"van"}), cost=399)
    problem = on_street(jobs=(Job(id="a", place=3, preferences=(wish,)),), vehicles=(VAN, near))
    [route] = solve(problem, budget_s=0.3).routes
    assert (route.vehicle_id, route.cost) == ("near", 399)
    dearer = replace(problem.jobs[0], preferences=(replace(wish, cost=601),))
    [route] = solve(replace(problem, jobs=(dearer,)), budget_s=0.3).routes
    assert (route.vehicle_id, route.cost) == ("van", 600)


def test_a_price_on_long_routes_shares_the_work_evenly() -> None:
    jobs = tuple(Job(id=f"j{k}", place=1, service_s=HOUR_S) for k in range(4))
    pair = (replace(VAN, id="a"), replace(VAN, id="b"))
    alone = solve(on_street(jobs=jobs, vehicles=pair), budget_s=0.3)
    assert len(alone.routes) == 1
    even = tuple(replace(van, cost_per_squared_hour=100) for van in pair)
    plan = solve(on_street(jobs=jobs, vehicles=even), budget_s=1)
    assert [len(route.steps) for route in plan.routes] == [2, 2]


def test_a_shipment_may_stay_on_board_over_a_reload() -> None:
    van = replace(VAN, max_reloads=1, reload_at=frozenset({"hall"}))
    box = Shipment(id="box", pickup=Handover(place=1), delivery=Handover(place=2), size=(4,))
    jobs = (Job(id="a", place=1, size=(6,)), Job(id="b", place=2, size=(7,)))
    problem = on_street(
        jobs=jobs, shipments=(box,), vehicles=(van,), depots=(replace(HALL, windows=()),)
    )
    steps = (Step(id="a"), Step(id="box", leg="pickup"), RELOAD, Step(id="b"))
    over = schedule_route(problem, van, (*steps, Step(id="box", leg="delivery")))
    assert not isinstance(over, Route)
    assert over[0].code == "capacity"
    small = replace(problem, jobs=(jobs[0], replace(jobs[1], size=(6,))))
    route = timed(small, *steps, Step(id="box", leg="delivery"))
    assert max(visit.load for visit in route.visits) == (10,)
