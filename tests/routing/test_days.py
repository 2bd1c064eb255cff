"""Made-up courier days: rich, the same every time, and planned within their budget."""

from random import Random

import pytest

from routing.checks import violations
from routing.days import make_day
from routing.formats import decode_problem, encode_problem
from routing.measure import format_measurements, make_full_day, measure_insertion
from routing.plan import measure_objective
from routing.problem import Position, Problem
from routing.roads import HaversineRoads
from routing.solve import solve
from tests.routing.promptness import within


def draw_addresses() -> list[Position]:
    random = Random(1)
    return [(9.5 + random.uniform(0, 0.1), 47.1 + random.uniform(0, 0.1)) for _ in range(200)]


def make_rich_day(jobs: int) -> Problem:
    return make_day(draw_addresses(), HaversineRoads(), jobs=jobs, seed=4)


def test_a_day_is_rich_and_the_same_for_the_same_seed() -> None:
    day = make_rich_day(100)
    assert day == make_rich_day(100)
    assert decode_problem(encode_problem(day)) == day
    assert len(day.work) == 100
    assert any(shipment.max_ride_s for shipment in day.shipments)
    assert any(len(job.windows) == 2 for job in day.jobs)
    assert {job.kind for job in day.jobs} == {"delivery", "pickup", "service"}
    for rule in ("skills", "priority", "prize", "preferences"):
        assert any(getattr(job, rule) for job in day.jobs), rule
    for rule in ("breaks", "fixed", "overtime_s", "max_reloads"):
        assert any(getattr(vehicle, rule) for vehicle in day.vehicles), rule


@pytest.mark.parametrize("budget_s", [0.5, 1.5])
def test_a_rich_day_keeps_its_rules_and_its_budget(budget_s: float) -> None:
    day = make_rich_day(200)
    plan = within(1.05 * budget_s + 0.2, lambda: solve(day, budget_s=budget_s))
    assert violations(day, plan) == []
    assert all(one.sentence and one.code != "not_placed" for one in plan.unassigned)


def test_engines_together_are_no_worse_than_the_first_engine_that_is_quick() -> None:
    day = make_rich_day(60)
    alone = solve(day, budget_s=3, engines=("vroom",))
    together = solve(day, budget_s=6)
    assert violations(day, together) == []
    assert measure_objective(day, together) <= measure_objective(day, alone)


def test_insertion_is_measured_on_a_plan_that_serves_all() -> None:
    problem, plan = make_full_day(vehicles=5, stops=60, seed=2)
    assert violations(problem, plan) == []
    assert (len(plan.routes), plan.unassigned) == (5, ())
    measured = measure_insertion(vehicles=5, stops=60, count=20, seed=2)
    assert measured.wall.p50_ms <= measured.wall.p99_ms <= measured.wall.most_ms
    assert "insert into 5 routes with 60 stops" in format_measurements([measured])
