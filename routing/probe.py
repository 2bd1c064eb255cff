"""Asks a plan why: which rules keep work out, what each rule costs, why a stop is on its run.

Everything is found by trying: a rule is lifted and the work placed, or the day planned, once more.
The first reason for a person to read is found by `routing.explain`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from routing.insert import Inserter, NoPlace
from routing.plan import Objective, Plan, measure_objective
from routing.problem import UNREACHABLE, Job, Problem, Vehicle, Work
from routing.rules import tidy_reloads
from routing.schedule import schedule_route
from routing.solve import solve

DAY_S = 24 * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A rule that alone keeps the work out: without it, `vehicle_id` would do it for so much."""

    rule: str
    vehicle_id: str
    added_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrice:
    """What all rules of one kind cost: with them, and if there were none of them.

    Both are `routing.plan.measure_objective`; `saved` is how much cheaper it would be, in minor
    units, and tells the price only where the same work is done.
    """

    rule: str
    with_rule: Objective
    without: Objective

    @property
    def saved(self) -> int:
        return self.with_rule[2] - self.without[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where else a piece of work could be: on that run it would cost so much more than now."""

    vehicle_id: str
    dearer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyHere:
    """Why work is on its run: the other runs by their price, and why the rest cannot have it."""

    id: str
    vehicle_id: str
    others: tuple[Choice, ...]
    impossible: tuple[str, ...]


def find_binding(problem: Problem, plan: Plan, work_id: str) -> tuple[Binding, ...]:
    """Return the rules each of which alone keeps unassigned work out of the plan."""
    found = []
    for rule in RULES:
        freed = lift(problem, rule, only=work_id)
        if freed is problem:
            continue
        ways = Inserter(freed, plan).find(freed.find_work(work_id), most=1)
        if not isinstance(ways, NoPlace):
            best = ways[0]
            found.append(Binding(rule=rule, vehicle_id=best.vehicle_id, added_cost=best.added_cost))
    return tuple(found)


def price_rules(
    problem: Problem, plan: Plan, *, budget_s: float, seed: int = 0, threads: int = 2
) -> tuple[RulePrice, ...]:
    """Plan once more without the rules of each kind that occurs; the dearest kind first.

    The budget is for all together. A plan that is not very good yet makes rules look dear: each
    search starts from it and may also find what it missed.
    """
    freed = {rule: lift(problem, rule) for rule in RULES}
    occurring = {rule: free for rule, free in freed.items() if free is not problem}
    prices = []
    for rule, free in occurring.items():
        better = solve(
            free, budget_s=budget_s / len(occurring), seed=seed, start=plan, threads=threads
        )
        prices.append(
            RulePrice(
                rule=rule,
                with_rule=measure_objective(problem, plan),
                without=measure_objective(free, better),
            )
        )
    return tuple(sorted(prices, key=lambda price: price.without))


def explain_choice(problem: Problem, plan: Plan, work_id: str, *, most: int = 3) -> WhyHere | None:
    """Return where else assigned work could be and at what price; None if it is not assigned.

    The other stops keep their runs; fixed work has no choice.
    """
    route = next((r for r in plan.routes if any(s.id == work_id for s in r.steps)), None)
    if route is None:
        return None
    here = problem.vehicle_by_id[route.vehicle_id]
    steps = tuple(step for step in route.steps if step.id != work_id)
    steps = tidy_reloads(steps, len(here.fixed))
    timed = schedule_route(problem, here, steps) if steps else None
    if isinstance(timed, tuple):
        sentence = f"The run of {here.id} could not be driven without it: {timed[0].sentence}"
        return WhyHere(id=work_id, vehicle_id=here.id, others=(), impossible=(sentence,))
    others = [one for one in plan.routes if one is not route]
    thinned = replace(plan, routes=(*others, timed) if timed else tuple(others))
    costs_here = route.cost - (timed.cost if timed else 0)
    inserter = Inserter(problem, thinned)
    work = problem.find_work(work_id)
    elsewhere = replace(work, barred=work.barred | {here.id})
    found = inserter.find(elsewhere, most=most)
    choices: tuple[Choice, ...] = ()
    if not isinstance(found, NoPlace):
        choices = tuple(
            Choice(vehicle_id=way.vehicle_id, dearer=way.added_cost - costs_here) for way in found
        )
    possible = {here.id} | {choice.vehicle_id for choice in choices}
    impossible = []
    for vehicle in problem.vehicles if len(choices) < most else ():
        if vehicle.id in possible:
            continue
        alone = inserter.find(replace(elsewhere, vehicles=frozenset({vehicle.id})), most=1)
        if isinstance(alone, NoPlace):
            own = [reason for reason in alone.reasons if reason.id in (vehicle.id, work_id)]
            told = [reason.sentence for reason in own if vehicle.id in reason.sentence]
            impossible += told[:1]
    return WhyHere(id=work_id, vehicle_id=here.id, others=choices, impossible=tuple(impossible))


def lift(problem: Problem, rule: str, *, only: str | None = None) -> Problem:
    """Return the problem without a rule; the same object if it has none of that kind.

    `only` limits rules that belong to work to that one piece of work.
    """
    if rule in WORK_RULES:
        change = WORK_RULES[rule]

        def free[W: Work](work: W) -> W:
            return work if only not in (None, work.id) else cast(W, change(work))

        jobs, shipments = tuple(map(free, problem.jobs)), tuple(map(free, problem.shipments))
        if (jobs, shipments) == (problem.jobs, problem.shipments):
            return problem
        return replace(problem, jobs=jobs, shipments=shipments)
    vehicles = tuple(map(VEHICLE_RULES[rule], problem.vehicles))
    return problem if vehicles == problem.vehicles else replace(problem, vehicles=vehicles)


def _drop_windows(work: Work) -> Work:
    if isinstance(work, Job):
        return replace(work, windows=())
    return replace(
        work,
        pickup=replace(work.pickup, windows=()),
        delivery=replace(work.delivery, windows=()),
    )


def _drop_ride(work: Work) -> Work:
    return work if isinstance(work, Job) else replace(work, max_ride_s=None)


def _drop_capacity(vehicle: Vehicle) -> Vehicle:
    return replace(vehicle, capacity=(UNREACHABLE,) * len(vehicle.capacity))


def _extend_shift(vehicle: Vehicle) -> Vehicle:
    return replace(vehicle, shift=replace(vehicle.shift, end_s=vehicle.shift.end_s + DAY_S))


WORK_RULES: dict[str, Callable[[Work], Work]] = {
    "windows": _drop_windows,
    "skills": lambda work: replace(work, skills=frozenset()),
    "vehicles": lambda work: replace(work, vehicles=None, barred=frozenset()),
    "ride": _drop_ride,
}
VEHICLE_RULES: dict[str, Callable[[Vehicle], Vehicle]] = {
    "capacity": _drop_capacity,
    "shift": _extend_shift,
    "breaks": lambda vehicle: replace(vehicle, breaks=()),
    "stops": lambda vehicle: replace(vehicle, max_stops=None),
    "distance": lambda vehicle: replace(vehicle, max_distance_m=None),
    "duration": lambda vehicle: replace(vehicle, max_duration_s=None),
}
RULES = (*WORK_RULES, *VEHICLE_RULES)
"""How the kinds of hard rules are named here."""
