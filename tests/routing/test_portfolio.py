"""The engines together, in their processes."""

import os
from dataclasses import replace
from pathlib import Path
from random import Random
from select import select
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.engine_process import EngineProcess, Search
from routing.engines import EngineName, pyvrp
from routing.engines.ortools_model import Model
from routing.formats import read_problem
from routing.mend import mend
from routing.plan import Plan, Progress, measure_objective
from routing.portfolio import ALL_ENGINES, Portfolio
from routing.problem import Break, Job, Problem, Step
from routing.process import Solving
from routing.repair import fill, repair
from routing.solve import solve
from tests.routing.cities import HOUR_S, draw_problem, make_line_street
from tests.routing.promptness import TRIES, within
from tests.routing.test_formats import make_homberger_file


def make_plain_day(jobs: int) -> Problem:
    return read_problem(make_homberger_file(jobs), "made up")


def make_day_with_breaks(jobs: int) -> Problem:
    problem = make_plain_day(jobs)
    shift = problem.vehicles[0].shift
    middle_s = (shift.start_s + shift.end_s) // 2
    lunch = Break(
        id="lunch", earliest_start_s=middle_s - HOUR_S, latest_start_s=middle_s, duration_s=300
    )
    return replace(problem, vehicles=tuple(replace(v, breaks=(lunch,)) for v in problem.vehicles))


@pytest.mark.parametrize("make", [make_plain_day, make_day_with_breaks])
def test_the_trace_says_who_found_what_and_ends_with_the_plan(make: object) -> None:
    problem = make(60)  # type: ignore[operator]
    told: list[Progress] = []
    found: list[Plan] = []
    plan = solve(problem, budget_s=3, progress=told.append, better=found.append)
    assert violations(problem, plan) == []
    objectives = [(one.priority_missed, one.unassigned, one.cost) for one in plan.trace]
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[-1] == measure_objective(problem, plan)
    known = {"greedy", "joint", "vroom", "ortools", "insertion"}
    assert {one.engine for one in plan.trace} <= known
    assert found[-1].routes == plan.routes
    assert all(violations(problem, one) == [] for one in found)
    assert told


def test_a_plan_is_never_worse_than_its_start_nor_than_any_engine_found() -> None:
    problem = make_day_with_breaks(40)
    start = solve(problem, budget_s=2, engines=("vroom",))
    plan = solve(problem, budget_s=2, start=start)
    assert measure_objective(problem, plan) <= measure_objective(problem, start)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_ortools_takes_every_sound_plan_as_its_start(seed: int) -> None:
    problem = draw_problem(Random(seed))
    plan = fill(problem, repair(problem, {}), until=monotonic() + 10)
    start = {vehicle.id: () for vehicle in problem.vehicles}
    start |= {route.vehicle_id: route.steps for route in plan.routes}
    model = Model(problem, start, prices_waiting=True)
    model.routing.CloseModel()
    assert model.routing.ReadAssignmentFromRoutes(model.routes_of(start), True) is not None


def test_breaks_that_all_take_are_cut_out_of_the_day_for_pyvrp() -> None:
    problem = make_day_with_breaks(30)
    found = pyvrp.improve(problem, {}, budget_s=1, seed=1, improved=lambda _: None)
    assert found is not None
    plan = repair(problem, found)
    assert violations(problem, plan) == []
    assert len(plan.unassigned) <= 2


def test_what_engines_left_over_finds_room_when_neighbours_move() -> None:
    problem = make_line_street()
    small = replace(problem.vehicles[0], id="small", capacity=(1,))
    large = replace(problem.vehicles[0], id="large", capacity=(2,))
    big = Job(id="big", place=2, size=(2,))
    little = Job(id="little", place=1, size=(1,))
    problem = replace(problem, jobs=(big, little), vehicles=(small, large))
    stuck = repair(problem, {"large": [Step(id="little")]})
    filled = fill(problem, stuck, until=monotonic() + 10)
    assert [one.id for one in filled.unassigned] == ["big"]
    mended = mend(problem, filled, until=monotonic() + 10, seed=1, most_rounds=20)
    assert violations(problem, mended) == []
    assert mended.unassigned == ()


def test_a_day_is_planned_though_no_engine_gets_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is busy with other things they may be hardly started when time is over."""
    hear = EngineProcess.tell

    def tell(self: EngineProcess, message: object) -> None:
        if not isinstance(message, Search):
            hear(self, message)  # type: ignore[arg-type]

    monkeypatch.setattr(EngineProcess, "tell", tell)
    problem = make_day_with_breaks(60)
    plan = solve(problem, budget_s=1.5)
    assert plan.unassigned == ()
    assert {one.engine for one in plan.trace} == {"greedy"}


def test_a_cheaper_answer_that_leaves_something_over_is_not_thrown_away() -> None:
    problem = make_day_with_breaks(30)
    poor = fill(problem, repair(problem, {}), until=monotonic() + 30)
    start = {route.vehicle_id: route.steps for route in poor.routes}
    found = pyvrp.improve(
        problem, start, budget_s=20, seed=1, improved=lambda _: None, effort=2_000
    )
    assert found is not None
    good = {vehicle_id: tuple(steps) for vehicle_id, steps in found.items()}
    some_id = next(vehicle_id for vehicle_id, steps in good.items() if steps)
    good[some_id] = good[some_id][1:]
    portfolio = Portfolio(
        problem,
        repair(problem, {}),
        began_s=monotonic(),
        until_s=monotonic() + 30,
        seed=1,
        engines=ALL_ENGINES,
        progress=lambda _: None,
        better=lambda _: None,
        lanes=2,
    )
    portfolio.best = poor
    portfolio.hopeful = repair(problem, good)
    assert portfolio.hopeful.unassigned
    assert portfolio.hopeful.cost < poor.cost
    while portfolio._mend_a_little():
        pass
    assert portfolio.best.unassigned == ()
    assert portfolio.best.cost < poor.cost


@pytest.mark.parametrize("engines", [None, ("pyvrp",), ("vroom",), ("ortools",)])
def test_the_budget_holds_on_the_wall_clock(engines: tuple[EngineName, ...] | None) -> None:
    problem = make_plain_day(100)
    plan = within(2 * 1.05 + 0.2, lambda: solve(problem, budget_s=2, engines=engines))
    assert violations(problem, plan) == []


def test_a_day_of_forty_jobs_does_not_burn_its_budget() -> None:
    within(15, lambda: solve(make_plain_day(40), budget_s=30))


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes as Linux shows them")
def test_cancelling_ends_the_engines_too_and_keeps_the_best_plan() -> None:
    problem = make_plain_day(60)

    def cancel_a_search() -> float:
        solving = Solving(problem, budget_s=600)
        workers: list[int] = []
        while solving.best is None or len(workers) < 2:
            assert not solving.done
            workers = [pid for pid in find_descendants(os.getpid()) if runs_engines(pid)]
        assert len(workers) == 2
        watched = [os.pidfd_open(pid) for pid in workers]
        began_s = monotonic()
        solving.cancel()
        took_s = monotonic() - began_s
        assert violations(problem, solving.best) == []
        assert all(has_ended(worker, within_s=5) for worker in watched)
        return took_s

    # Somebody else's work may hold it up once, and not each time.
    assert any(cancel_a_search() < 0.2 for _ in range(TRIES))


def find_descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *find_descendants(child)]
    return found


def runs_engines(pid: int) -> bool:
    return b"engine_process" in Path(f"/proc/{pid}/cmdline").read_bytes()


def has_ended(watched: int, *, within_s: float) -> bool:
    """Wait without taking the processor from those who are to end."""
    with open(watched, "rb"):
        return bool(select([watched], [], [], within_s)[0])
