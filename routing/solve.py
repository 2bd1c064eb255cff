"""Makes a plan for a problem within a time budget.

The order of what matters: priorities served, then how much work is assigned, then cost. The result
always passes `routing.checks.violations` and is never worse than the plan to start from.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from routing.checks import violations
from routing.engines import EngineName, ortools
from routing.explain import explain
from routing.mend import mend
from routing.plan import Objective, Plan, Progress, measure_objective
from routing.portfolio import ALL_ENGINES, Portfolio
from routing.problem import UNREACHABLE, Problem
from routing.repair import drop_unworthy, fill, repair
from routing.stopwatch import now_s

LEAST_BUDGET_FOR_PORTFOLIO_S = 1.0
LEAST_WORK_FOR_PORTFOLIO = 20
"""Below either, starting processes costs more than it brings: OR-Tools alone, right here."""

MOST_WORK_IN_HASTE = 100
"""Above this, a model of OR-Tools alone would take the second that there is."""

LARGEST_FIXED_COST = 500_000_000
SHARE_FOR_GREEDY = 0.1
GREEDY_MOST_S = 0.5
LAST_CALL_S = 0.1
SHARE_FOR_LAST_CALL = 0.03
ROUNDS_OF_MENDING = 5
"""What the last try to place leftover work may take beyond the budget."""


class UnsoundPlan(RuntimeError):
    """The planner made a plan that breaks a rule: this is an error in the program; report it."""

    code = "routing.unsound_plan"

    def __init__(self, found: list[str]) -> None:
        super().__init__(found)

    def __str__(self) -> str:
        return f"{type(self).__doc__} {'; '.join(self.args[0][:5])}"


LEAST_EXPLAINING_S = 0.1
"""Seconds for the reasons of what is left, however slow the engines were to stop."""


def solve(
    problem: Problem,
    *,
    budget_s: float,
    seed: int = 0,
    start: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    better: Callable[[Plan], None] | None = None,
    engines: Collection[EngineName] | None = None,
    threads: int = 2,
) -> Plan:
    """Plan the work of a problem.

    Parameters
    ----------
    problem : what to plan
    budget_s : seconds on the wall clock; a small problem that stops improving returns earlier
    seed : with one thread, the same problem, budget and seed give the same plan, as steps rather
        than seconds bound the search; it ends well before the budget
    start : a plan to begin with, of this problem or of an older state of it
    progress : called with every better plan that the search meets; must be quick
    better : called with every better plan itself, which can be driven, from the one to begin with
        on; its unassigned work has no reasons yet
    engines : only these; one alone gets the whole time and no start but yours
    threads : how many engines search side by side

    Returns
    -------
    The best plan found, each unassigned work with its reason.

    Raises
    ------
    FixedWorkImpossible
        When the fixed visits of a vehicle cannot be driven.
    """
    began_s = now_s()
    spared_s = min(0.06 * budget_s, 0.1 + 0.0005 * len(problem.work))
    run = _Run(
        problem,
        began_s=began_s,
        budget_s=budget_s,
        until_s=began_s + budget_s - spared_s,
        seed=seed,
        progress=progress or _ignore,
        better=better or _ignore,
        threads=threads,
    )
    best = run.make_plan(start, engines)
    plan = explain(problem, best, until=max(run.last_s, now_s() + LEAST_EXPLAINING_S))
    if found := violations(problem, plan):
        raise UnsoundPlan(found)
    return plan


def put_vehicles_first(problem: Problem) -> Problem:
    """Return the problem with a price on each vehicle that outweighs any way or time it saves."""
    longest_m = max(
        (int(m.distance_m[m.distance_m < UNREACHABLE].max()) for m in problem.matrices.values()),
        default=0,
    )
    legs = sum(len(work.places) for work in problem.work) + len(problem.vehicles)
    price = 1 + legs * longest_m * max((v.cost_per_km for v in problem.vehicles), default=0) // 1000
    for vehicle in problem.vehicles:
        shift_s = vehicle.latest_end_s - vehicle.shift.start_s
        rate = vehicle.cost_per_hour + vehicle.overtime_cost_per_hour
        price += vehicle.fixed_cost + rate * shift_s // 3600
    price = min(price, LARGEST_FIXED_COST)
    vehicles = tuple(
        replace(vehicle, fixed_cost=vehicle.fixed_cost + price) for vehicle in problem.vehicles
    )
    return replace(problem, vehicles=vehicles)


def _ignore(_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `solve`."""

    problem: Problem
    began_s: float
    budget_s: float
    until_s: float
    seed: int
    progress: Callable[[Progress], None]
    better: Callable[[Plan], None]
    threads: int

    @property
    def last_s(self) -> float:
        """When leftover work is given up."""
        return self.began_s + self.budget_s * (1 + SHARE_FOR_LAST_CALL) + LAST_CALL_S

    def make_plan(self, start: Plan | None, engines: Collection[EngineName] | None) -> Plan:
        given = {route.vehicle_id: route.steps for route in start.routes} if start else {}
        bare = repair(self.problem, given)
        self.better(bare)
        if not self.problem.work or not self.problem.vehicles:
            return bare
        if engines is not None and len(engines) == 1:
            return self._fill_up(self._use_portfolio(bare, engines))
        is_small = len(self.problem.work) < LEAST_WORK_FOR_PORTFOLIO
        greedy_s = min(SHARE_FOR_GREEDY * self.budget_s, GREEDY_MOST_S)
        is_hasty = self.budget_s < LEAST_BUDGET_FOR_PORTFOLIO_S
        if engines is None and is_hasty and len(self.problem.work) > MOST_WORK_IN_HASTE:
            best = fill(self.problem, bare, until=self.until_s)
        elif engines is None and (is_hasty or (is_small and self.threads > 1)):
            best = fill(self.problem, bare, until=self.began_s + greedy_s)
            best = self._report(best, bare)
            best = self._search_here(bare if start is None else best, best)
            self.better(best)
        else:
            best = self._use_portfolio(bare, engines or ALL_ENGINES)
        return self._report(self._mend(self._fill_up(best)), best)

    def _fill_up(self, plan: Plan) -> Plan:
        return drop_unworthy(self.problem, fill(self.problem, plan, until=self.last_s))

    def _mend(self, plan: Plan) -> Plan:
        """Rounds instead of seconds bound it where the plan must be the same every time."""
        if self.threads == 1:
            return mend(
                self.problem,
                plan,
                until=self.until_s,
                seed=self.seed,
                most_rounds=ROUNDS_OF_MENDING,
            )
        return mend(self.problem, plan, until=self.began_s + self.budget_s, seed=self.seed)

    def _report(self, plan: Plan, before: Plan) -> Plan:
        """Add to the trace what filling up and mending gained."""
        if self._rank(plan) >= self._rank(before):
            return plan
        priority_missed, unassigned, cost = self._rank(plan)
        step = Progress(
            elapsed_s=now_s() - self.began_s,
            priority_missed=priority_missed,
            unassigned=unassigned,
            cost=cost,
            engine="insertion",
        )
        self.progress(step)
        self.better(plan)
        return replace(plan, trace=(*before.trace, step))

    def _use_portfolio(self, begun: Plan, engines: Collection[EngineName]) -> Plan:
        portfolio = Portfolio(
            self.problem,
            begun,
            began_s=self.began_s,
            until_s=self.until_s,
            seed=self.seed,
            engines=engines,
            progress=self.progress,
            better=self.better,
            lanes=self.threads,
        )
        return portfolio.run()

    def _search_here(self, begin: Plan, best: Plan) -> Plan:
        """Let OR-Tools search; again from the greedy plan if it leaves work and gives up early."""
        best = min(best, self._improve(begin), key=self._rank)
        if best.unassigned and now_s() < self.until_s:
            best = min(best, self._improve(best), key=self._rank)
        return best

    def _rank(self, plan: Plan) -> Objective:
        return measure_objective(self.problem, plan)

    def _improve(self, begin: Plan) -> Plan:
        trace: list[Progress] = []

        def improved(step: Progress) -> None:
            told = replace(step, elapsed_s=now_s() - self.began_s, engine="ortools")
            trace.append(told)
            self.progress(told)

        found = ortools.improve(
            self.problem,
            {route.vehicle_id: route.steps for route in begin.routes},
            budget_s=self.until_s - now_s(),
            seed=self.seed,
            improved=improved,
        )
        plan = begin if found is None else repair(self.problem, found)
        return replace(plan, trace=(*begin.trace, *trace))
