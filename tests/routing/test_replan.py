"""Drivers keep what they know unless another plan is worth the disturbance."""

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.problem import Job, Problem, Step, TimeWindow, Vehicle
from routing.repair import FixedWorkImpossible, repair
from routing.replan import replan
from routing.solve import solve
from tests.routing.cities import HOUR_S, draw_problem, drive_matrix

STREET = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (10_000.0, 0.0), (11_000.0, 0.0)]


def make_two_vans() -> Problem:
    van = Vehicle(
        id="near",
        start_place=0,
        end_place=0,
        shift=TimeWindow(start_s=0, end_s=8 * HOUR_S),
        cost_per_km=100,
    )
    return Problem(
        places=tuple(STREET),
        jobs=tuple(Job(id=f"j{k}", place=k, service_s=60) for k in (1, 2, 4)),
        vehicles=(van, replace(van, id="far", start_place=3, end_place=3)),
        matrices={"car": drive_matrix(STREET)},
    )


def test_a_move_that_saves_less_than_its_price_is_not_made() -> None:
    problem = make_two_vans()
    known = repair(problem, {"near": [Step(id="j1"), Step(id="j2"), Step(id="j4")]})
    # 22 km in one run; without j4 it is 4 km, and the other van drives 2 km for it
    dear = replan(problem, known, price=1601, budget_s=0.3)
    assert (dear.moves, dear.plan.cost) == ((), 2200)
    cheap = replan(problem, known, price=1599, budget_s=0.3)
    [move] = cheap.moves
    assert (move.id, move.from_vehicle, move.to_vehicle) == ("j4", "near", "far")
    assert (move.saved, move.sentence) == (1600, "Leaving it to near would cost 1600 more.")
    assert cheap.plan.cost == 600
    assert violations(problem, cheap.plan) == []


def test_what_can_stay_no_longer_says_why_it_moved() -> None:
    problem = make_two_vans()
    known = repair(problem, {"near": [Step(id="j1"), Step(id="j4")]})
    short = replace(problem.vehicles[0], shift=TimeWindow(start_s=0, end_s=1000))
    problem = replace(problem, vehicles=(short, problem.vehicles[1]))
    again = replan(problem, known, price=10**6, budget_s=0.3)
    assert [(move.id, move.to_vehicle, move.saved) for move in again.moves] == [("j4", "far", None)]
    assert "after its shift ends" in again.moves[0].sentence


def test_the_order_that_a_driver_knows_stays_unless_another_saves_enough() -> None:
    problem = replace(make_two_vans(), vehicles=make_two_vans().vehicles[:1])
    known = repair(problem, {"near": [Step(id="j2"), Step(id="j1"), Step(id="j4")]})
    kept = replan(problem, known, price=10**4, budget_s=0.3)
    assert [step.id for step in kept.plan.routes[0].steps] == ["j2", "j1", "j4"]
    assert kept.reordered == ()
    free = replan(problem, known, price=0, budget_s=0.3)
    assert free.plan.cost == 2200
    assert free.reordered == ("near",)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_replanning_keeps_every_rule_and_moves_less_for_a_higher_price(seed: int) -> None:
    problem = draw_problem(Random(seed))
    known = solve(problem, budget_s=0.1)
    begun = tuple(
        replace(v, shift=replace(v.shift, end_s=v.shift.end_s - 1800)) for v in problem.vehicles
    )
    shorter = replace(problem, vehicles=begun)
    try:
        again = replan(shorter, known, price=50, budget_s=0.1)
    except FixedWorkImpossible:
        return
    assert violations(shorter, again.plan) == []
    assert all(move.sentence for move in again.moves)
    assert all(move.saved is None or move.saved >= 50 for move in again.moves)
