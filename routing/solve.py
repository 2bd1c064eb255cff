"""Makes a plan for a problem within a time budget.

The order of what matters: priorities served, then how much work is assigned, then cost. The result
always passes `routing.checks.violations` and is never worse than the plan to start from.
"""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from routing.checks import violations
from routing.engines import Improved, ortools
from routing.explain import explain
from routing.plan import Objective, Plan, Progress, measure_objective
from routing.problem import Problem
from routing.repair import fill, repair

SHARE_FOR_ENGINE = 0.94
SHARE_FOR_GREEDY = 0.1
GREEDY_MOST_S = 0.5
LAST_CALL_S = 0.1
"""What the last try to place leftover work may take beyond the budget."""


class UnsoundPlan(RuntimeError):
    """The planner made a plan that breaks a rule: this is an error in the program; report it."""

    code = "routing.unsound_plan"

    def __init__(self, found: list[str]) -> None:
        super().__init__(found)

    def __str__(self) -> str:
        return f"{type(self).__doc__} {'; '.join(self.args[0][:5])}"


def solve(
    problem: Problem,
    *,
    budget_s: float,
    seed: int = 0,
    start: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """Plan the work of a problem.

    Parameters
    ----------
    problem : what to plan
    budget_s : seconds on the wall clock; a small problem that stops improving returns earlier
    seed : the same problem and seed give the same plan if the search ends before its budget does
    start : a plan to begin with, of this problem or of an older state of it
    progress : called with every better plan that the search meets; must be quick

    Returns
    -------
    The best plan found, each unassigned work with its reason.

    Raises
    ------
    FixedWorkImpossible
        When the fixed visits of a vehicle cannot be driven.
    """
    began_s = monotonic()
    until_s = began_s + budget_s * SHARE_FOR_ENGINE
    given = {route.vehicle_id: route.steps for route in start.routes} if start else {}
    bare = repair(problem, given)
    best = fill(problem, bare, until=began_s + min(SHARE_FOR_GREEDY * budget_s, GREEDY_MOST_S))
    if problem.work and problem.vehicles:

        def improved(step: Progress) -> None:
            if progress:
                progress(replace(step, elapsed_s=monotonic() - began_s))

        def search(begin: Plan) -> Plan:
            return _search(problem, begin, until_s=until_s, seed=seed, improved=improved)

        def rank(plan: Plan) -> Objective:
            return measure_objective(problem, plan)

        best = min(best, search(best if start else bare), key=rank)
        if best.unassigned and monotonic() < until_s:
            # the search gave up early; from the greedy plan it may find other neighbourhoods
            best = min(best, search(best), key=rank)
        best = fill(problem, best, until=began_s + budget_s + LAST_CALL_S)
    plan = explain(problem, best)
    if found := violations(problem, plan):
        raise UnsoundPlan(found)
    return plan


def _search(
    problem: Problem, begin: Plan, *, until_s: float, seed: int, improved: Improved
) -> Plan:
    found = ortools.improve(
        problem,
        {route.vehicle_id: route.steps for route in begin.routes},
        budget_s=until_s - monotonic(),
        seed=seed,
        improved=improved,
    )
    return begin if found is None else repair(problem, found)
