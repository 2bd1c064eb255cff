"""The search of our own on PyVRP's moves: what it takes from others, and how patient it is."""

from collections import Counter
from random import Random
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyvrp import RandomNumberGenerator, Solution

from routing.engines import Offers, joint
from routing.engines.crossing import cross
from routing.engines.joint import LONGEST_HISTORY, SHORTEST_HISTORY, _Search
from routing.engines.pyvrp_model import Translation
from routing.engines.remainder import find_remainder
from routing.formats import read_problem
from routing.problem import Problem
from routing.repair import repair
from tests.routing.cities import draw_problem
from tests.routing.test_formats import make_homberger_file


def translate(problem: Problem) -> Translation:
    begun = {route.vehicle_id: route.steps for route in repair(problem, {}).routes}
    return Translation(find_remainder(problem, begun), begun)


def begin(problem: Problem, **more: object) -> _Search:
    given: dict[str, object] = {
        "began_s": monotonic(),
        "until_s": monotonic() + 10,
        "seed": 1,
        "improved": lambda _: None,
        "effort": None,
        "offers": Offers(None, 0.0),
        "take": None,
    }
    return _Search(translate(problem), None, **(given | more))  # type: ignore[arg-type]


def count_work(translation: Translation, solution: Solution) -> Counter[str]:
    done: Counter[str] = Counter()
    for activity in (one for route in solution.routes() for one in route):
        if activity.is_client():
            done[translation.clients[activity.idx][0].work.id] += 1
        elif activity.is_pickup():
            done[translation.pairs[activity.idx].work.id] += 1
    return done


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000))
def test_a_crossing_does_no_work_twice_and_sends_out_no_vehicle_twice(seed: int) -> None:
    problem = draw_problem(Random(seed))
    if not problem.work:
        return
    translation = translate(problem)
    if not translation.can_leave or not translation.remainder.errands:
        return
    data = translation.data
    parents = [Solution.make_random(data, RandomNumberGenerator(seed=seed + k)) for k in range(2)]
    child = cross(translation, *parents, Random(seed))
    used = Counter(route.vehicle_type() for route in child.routes())
    assert all(count <= data.vehicle_type(k).num_available for k, count in used.items())
    before = [count_work(translation, parent) for parent in parents]
    for work, count in count_work(translation, child).items():
        assert count <= max(parent[work] for parent in before)


def test_a_plan_of_another_search_that_is_ahead_is_gone_on_from() -> None:
    problem = read_problem(make_homberger_file(60), "made up")
    ahead = joint.improve(problem, {}, budget_s=300, seed=1, improved=lambda _: None, effort=2_000)
    assert ahead is not None
    answers = iter([None, ahead])
    behind = joint.improve(
        problem,
        {},
        budget_s=300,
        seed=2,
        improved=lambda _: None,
        effort=400,
        take=lambda: next(answers, None),
    )
    assert behind is not None
    assert next(answers, None) is None
    assert repair(problem, behind).cost <= repair(problem, ahead).cost


@pytest.mark.parametrize(("visits", "length"), [(20, LONGEST_HISTORY), (1000, SHORTEST_HISTORY)])
def test_the_history_is_as_long_as_the_steps_can_fill(visits: int, length: int) -> None:
    search = begin(read_problem(make_homberger_file(20), "made up"), effort=2_000)
    search.visits = visits
    search._look_around(0)
    assert search.length == length


def test_a_history_that_grows_with_the_pace_does_not_let_in_any_plan() -> None:
    search = begin(read_problem(make_homberger_file(20), "made up"))
    costs = search.penalties.max_cost_evaluator()
    good, rng = search.current, RandomNumberGenerator(seed=1)
    worse, worst = sorted(
        (Solution.make_random(search.translation.data, rng) for _ in range(2)),
        key=costs.penalised_cost,
    )
    assert costs.penalised_cost(good) < costs.penalised_cost(worse) < costs.penalised_cost(worst)
    search.begun = worst
    search.length = SHORTEST_HISTORY
    for _ in range(SHORTEST_HISTORY):
        search._accept(good, costs)
    search.length += 5
    search._accept(worse, costs)
    assert search.current is good
    assert len(search.history) == SHORTEST_HISTORY + 1
