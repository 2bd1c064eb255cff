"""Turns any sequences of visits into ones that can be driven.

A plan made for yesterday's facts, or by an engine that sees time a little differently, comes in;
what breaks a rule is taken out. Putting work back where it fits is `fill`.
"""

from collections.abc import Iterable, Mapping
from time import monotonic

from routing.insert import NoPlace, apply_insertion, insert
from routing.plan import Plan, Route, Unassigned
from routing.problem import Problem, ProblemError, Step, Vehicle
from routing.rules import Violation, fixed_steps
from routing.schedule import schedule_route

NOT_YET = "not_placed"


class FixedWorkImpossible(ProblemError):
    """The fixed visits of a vehicle cannot be driven; free some, or give the vehicle more time."""

    code = "routing.fixed_work_impossible"


def repair(problem: Problem, sequences: Mapping[str, Iterable[Step]]) -> Plan:
    """Keep of the sequences what can be driven; the rest becomes unassigned.

    Fixed visits are added where they are missing. Raises FixedWorkImpossible when they alone
    cannot be driven.
    """
    fixed_on = {step: vehicle.id for vehicle in problem.vehicles for step in vehicle.fixed}
    held = {step.id: vehicle_id for step, vehicle_id in fixed_on.items()}
    used: set[Step] = set()
    routes: list[Route] = []
    for vehicle in problem.vehicles:
        steps = list(vehicle.fixed)
        for step in sequences.get(vehicle.id, ()):
            is_elsewhere = held.get(step.id, vehicle.id) != vehicle.id
            if step not in fixed_on and step not in used and not is_elsewhere:
                steps.append(step)
                used.add(step)
        steps += [step for step in fixed_steps(vehicle) if step not in steps]
        route = _shed(problem, vehicle, steps)
        if route:
            routes.append(route)
    done = {step.id for route in routes for step in route.steps}
    unassigned = tuple(
        Unassigned(id=work.id, code=NOT_YET, sentence="It has not been placed yet.")
        for work in problem.work
        if work.id not in done
    )
    cost = sum(route.cost for route in routes)
    return Plan(routes=tuple(routes), unassigned=unassigned, cost=cost)


def fill(problem: Problem, plan: Plan, *, until: float) -> Plan:
    """Insert unassigned work where it fits, the most important first, until `until` (monotonic)."""
    waiting = sorted(plan.unassigned, key=lambda one: -problem.find_work(one.id).priority)
    for one in waiting:
        if monotonic() >= until:
            break
        found = insert(problem, plan, one.id, most=1)
        if not isinstance(found, NoPlace):
            plan = apply_insertion(problem, plan, found[0], one.id)
    return plan


def _shed(problem: Problem, vehicle: Vehicle, steps: list[Step]) -> Route | None:
    """Take out the visits that stand in the way, one work after another."""
    held = {step.id for step in vehicle.fixed}
    while steps:
        timed = schedule_route(problem, vehicle, steps)
        if isinstance(timed, Route):
            return timed
        free = [step.id for step in steps if step.id not in held]
        if not free:
            reasons = " ".join(violation.sentence for violation in timed)
            raise FixedWorkImpossible(f"Vehicle {vehicle.id}: {reasons}")
        dropped = _choose_dropped(timed, free)
        steps = [step for step in steps if step.id not in dropped]
    return None


def _choose_dropped(violations: tuple[Violation, ...], free: list[str]) -> set[str]:
    """Choose the work that the violations name, or the last of the route."""
    named = {violation.id for violation in violations} & set(free)
    return named or {free[-1]}
