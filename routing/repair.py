"""Turns any sequences of visits into ones that can be driven.

A plan made for yesterday's facts, or by an engine that sees time a little differently, comes in;
what breaks a rule is taken out. Putting work back where it fits is `fill`.
"""

from collections.abc import Iterable, Mapping

from routing.insert import Inserter, NoPlace, apply_insertion
from routing.plan import Plan, Route, Unassigned, measure_objective
from routing.problem import Problem, ProblemError, Step, Vehicle
from routing.rules import Violation, fixed_steps, tidy_reloads
from routing.schedule import schedule_route
from routing.stopwatch import now_s

NOT_YET = "not_placed"
MOST_WITH_CARE = 10
"""More work than that is placed in haste: what searches after it moves it anyway."""


class FixedWorkImpossible(ProblemError):
    """The fixed visits of a vehicle cannot be driven; free some, or give the vehicle more time."""

    code = "routing.fixed_work_impossible"


def repair(problem: Problem, sequences: Mapping[str, Iterable[Step]]) -> Plan:
    """Keep of the sequences what can be driven; the rest becomes unassigned.

    Fixed visits are added where they are missing. Raises FixedWorkImpossible when they alone
    cannot be driven.
    """
    fixed_on = {
        step: vehicle.id
        for vehicle in problem.vehicles
        for step in vehicle.fixed
        if step.leg != "reload"
    }
    held = {step.id: vehicle_id for step, vehicle_id in fixed_on.items()}
    used: set[Step] = set()
    routes: list[Route] = []
    for vehicle in problem.vehicles:
        steps = list(vehicle.fixed)
        for step in _skip_fixed(vehicle, sequences.get(vehicle.id, ())):
            is_elsewhere = held.get(step.id, vehicle.id) != vehicle.id
            if step.leg == "reload":
                steps.append(step)
            elif step not in fixed_on and step not in used and not is_elsewhere:
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


def _skip_fixed(vehicle: Vehicle, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Leave out the fixed steps if the sequence begins with them: reloads have no names."""
    given = tuple(steps)
    count = len(vehicle.fixed)
    return given[count:] if given[:count] == vehicle.fixed else given


def fill(problem: Problem, plan: Plan, *, until: float) -> Plan:
    """Insert unassigned work where it fits, the most important first, until `until` (`stopwatch`).

    Optional work comes last, and only if it costs less than its prize.
    """

    def rank(one: Unassigned) -> tuple[bool, int]:
        work = problem.find_work(one.id)
        return work.prize is not None, -work.priority if work.prize is None else -work.prize

    inserter = Inserter(problem, plan)
    in_haste = len(plan.unassigned) > MOST_WITH_CARE
    for one in sorted(plan.unassigned, key=rank):
        if now_s() >= until:
            break
        work = problem.find_work(one.id)
        found = inserter.find(work, most=1, in_haste=in_haste)
        if isinstance(found, NoPlace):
            continue
        if work.prize is None or found[0].added_cost < work.prize:
            inserter.put(found[0].route)
            plan = apply_insertion(problem, plan, found[0], one.id)
    return plan


def drop_unworthy(problem: Problem, plan: Plan) -> Plan:
    """Leave out optional work that costs more than its prize."""
    if all(work.prize is None for work in problem.work):
        return plan
    held = {step.id for vehicle in problem.vehicles for step in vehicle.fixed}
    sequences = {route.vehicle_id: route.steps for route in plan.routes}
    for route in plan.routes:
        vehicle = problem.vehicle_by_id[route.vehicle_id]
        cost = route.cost
        for work_id in {step.id for step in route.steps if step.leg != "reload"} - held:
            prize = problem.find_work(work_id).prize
            if prize is None:
                continue
            steps = tuple(step for step in sequences[vehicle.id] if step.id != work_id)
            steps = tidy_reloads(steps, len(vehicle.fixed))
            timed = schedule_route(problem, vehicle, steps) if steps else None
            if isinstance(timed, tuple):
                continue
            without = timed.cost if timed else 0
            if cost - without > prize:
                sequences[vehicle.id], cost = steps, without
    better = repair(problem, sequences)
    return min(plan, better, key=lambda one: measure_objective(problem, one))


def _shed(problem: Problem, vehicle: Vehicle, steps: list[Step]) -> Route | None:
    """Take out the visits that stand in the way, one work after another."""
    held = {step.id for step in vehicle.fixed if step.leg != "reload"}
    kept = len(vehicle.fixed)
    steps = list(tidy_reloads(steps, kept))
    while steps:
        timed = schedule_route(problem, vehicle, steps)
        if isinstance(timed, Route):
            return timed
        free = [step.id for step in steps[kept:] if step.id not in held]
        if not free:
            reasons = " ".join(violation.sentence for violation in timed)
            raise FixedWorkImpossible(f"Vehicle {vehicle.id}: {reasons}")
        dropped = _choose_dropped(timed, free)
        rest = [step for step in steps[kept:] if step.id not in dropped]
        steps = list(tidy_reloads((*steps[:kept], *rest), kept))
    return None


def _choose_dropped(violations: tuple[Violation, ...], free: list[str]) -> set[str]:
    """Choose the work or depot that the violations name, or the last work of the route."""
    named = {violation.id for violation in violations} & set(free)
    return named or {free[-1]}
