"""Plans again with the least disturbance: what drivers know moves only if that is worth a price.

Solving is the matter of `routing.solve`; here known work gets a wish to stay, and every move that
saves less than the price is taken back.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from routing.insert import Inserter, NoPlace
from routing.plan import Plan, Progress, Route
from routing.problem import Preference, Problem, Step, Work
from routing.repair import repair
from routing.rules import tidy_reloads
from routing.schedule import schedule_route
from routing.solve import solve


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Known work that is done by another vehicle now, or by none, and why.

    `saved` is what it would cost more to leave it where it was; None when that is impossible.
    """

    id: str
    from_vehicle: str
    to_vehicle: str | None
    saved: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """A plan, what moved between vehicles, and which vehicles do known work in another order."""

    plan: Plan
    moves: tuple[Move, ...]
    reordered: tuple[str, ...]


def replan(
    problem: Problem,
    known: Plan,
    *,
    price: int,
    budget_s: float,
    seed: int = 0,
    threads: int = 2,
    progress: Callable[[Progress], None] | None = None,
) -> Replanned:
    """Plan with `known` as what drivers have been told.

    Parameters
    ----------
    problem : the state of now; work of the known plan may be gone, and new work be there
    price : minor units that moving one piece of work to another vehicle, or within the order of its
        own, must save at least
    budget_s, seed, threads, progress : as for `routing.solve.solve`
    """
    holder = {
        step.id: route.vehicle_id
        for route in known.routes
        if route.vehicle_id in problem.vehicle_by_id
        for step in route.steps
        if step.leg != "reload"
    }
    wishful = replace(
        problem,
        jobs=tuple(_wish_to_stay(job, holder, price) for job in problem.jobs),
        shipments=tuple(_wish_to_stay(one, holder, price) for one in problem.shipments),
    )
    found = solve(
        wishful, budget_s=budget_s, seed=seed, start=known, threads=threads, progress=progress
    )
    before = {route.vehicle_id: route.steps for route in known.routes}
    plan = _time_again(problem, found)
    plan = _take_back(problem, plan, holder, price)
    plan = _keep_orders(problem, plan, before, price)
    moves = tuple(_tell_move(problem, plan, work_id, old) for work_id, old in _moved(plan, holder))
    reordered = tuple(
        route.vehicle_id
        for route in plan.routes
        if _count_displaced(route.steps, before.get(route.vehicle_id, ()))
    )
    return Replanned(plan=plan, moves=moves, reordered=reordered)


def _wish_to_stay[W: Work](work: W, holder: dict[str, str], price: int) -> W:
    if work.id not in holder:
        return work
    stay = Preference(vehicles=frozenset({holder[work.id]}), cost=price)
    return replace(work, preferences=(*work.preferences, stay))


def _time_again(problem: Problem, found: Plan) -> Plan:
    """Return the plan with costs without our wishes; the reasons of what is left stay."""
    plan = repair(problem, {route.vehicle_id: route.steps for route in found.routes})
    return replace(plan, unassigned=found.unassigned, trace=found.trace)


def _moved(plan: Plan, holder: dict[str, str]) -> list[tuple[str, str]]:
    """Return what is not where it was, and where that was."""
    now = {step.id: route.vehicle_id for route in plan.routes for step in route.steps}
    left = {one.id for one in plan.unassigned}
    return [
        (work_id, old)
        for work_id, old in holder.items()
        if (work_id in now or work_id in left) and now.get(work_id) != old
    ]


def _lift_out(problem: Problem, plan: Plan, work_id: str) -> Plan | None:
    """Return the plan without that work; None if its route cannot be driven so."""
    routes = []
    for route in plan.routes:
        if all(step.id != work_id for step in route.steps):
            routes.append(route)
            continue
        vehicle = problem.vehicle_by_id[route.vehicle_id]
        kept = tuple(step for step in route.steps if step.id != work_id)
        kept = tidy_reloads(kept, len(vehicle.fixed))
        timed = schedule_route(problem, vehicle, kept) if kept else None
        if isinstance(timed, tuple):
            return None
        if timed:
            routes.append(timed)
    cost = sum(route.cost for route in routes)
    return replace(plan, routes=tuple(routes), cost=cost)


def _put_back(problem: Problem, plan: Plan, work_id: str, old: str) -> Plan | NoPlace | None:
    """Return the plan with that work where it was, if that is possible."""
    lifted = _lift_out(problem, plan, work_id)
    if lifted is None:
        return None
    work = problem.find_work(work_id)
    only = (work.vehicles or frozenset({old})) & {old}
    bound = replace(work, vehicles=only)
    inserter = Inserter(problem, lifted)
    found = inserter.find(bound, most=1)
    if isinstance(found, NoPlace):
        return found
    inserter.put(found[0].route)
    known = inserter.routes
    routes = tuple(known[vehicle.id] for vehicle in problem.vehicles if vehicle.id in known)
    return replace(lifted, routes=routes, cost=sum(route.cost for route in routes))


def _take_back(problem: Problem, plan: Plan, holder: dict[str, str], price: int) -> Plan:
    """Undo the moves that save less than the price, until none is left."""
    held = {step.id for vehicle in problem.vehicles for step in vehicle.fixed}
    for _ in range(len(holder)):
        for work_id, old in _moved(plan, holder):
            if work_id in held or any(one.id == work_id for one in plan.unassigned):
                continue
            back = _put_back(problem, plan, work_id, old)
            if isinstance(back, Plan) and back.cost - plan.cost < price:
                plan = back
                break
        else:
            break
    return plan


def _keep_orders(
    problem: Problem, plan: Plan, before: dict[str, tuple[Step, ...]], price: int
) -> Plan:
    """Give known work of a run its old order again unless the new one saves enough."""
    routes = list(plan.routes)
    for index, route in enumerate(routes):
        old = before.get(route.vehicle_id, ())
        displaced = _count_displaced(route.steps, old)
        if not displaced:
            continue
        ours = set(route.steps)
        waiting = iter([step for step in old if step in ours])
        known = set(old)
        steps = [next(waiting) if step in known else step for step in route.steps]
        timed = schedule_route(problem, problem.vehicle_by_id[route.vehicle_id], steps)
        if isinstance(timed, Route) and timed.cost - route.cost < price * displaced:
            routes[index] = timed
    return replace(plan, routes=tuple(routes), cost=sum(route.cost for route in routes))


def _count_displaced(steps: Sequence[Step], old: Sequence[Step]) -> int:
    """Return how many known steps must move to turn one order into the other."""
    rank = {step: k for k, step in enumerate(old) if step.leg != "reload"}
    ranks = [rank[step] for step in steps if step in rank]
    longest: list[int] = []
    for one in ranks:
        at = bisect_left(longest, one)
        longest[at : at + 1] = [one]
    return len(ranks) - len(longest)


def _tell_move(problem: Problem, plan: Plan, work_id: str, old: str) -> Move:
    to = next(
        (r.vehicle_id for r in plan.routes if any(step.id == work_id for step in r.steps)), None
    )
    saved: int | None = None
    if to is None:
        left = next(one for one in plan.unassigned if one.id == work_id)
        sentence = left.sentence
    else:
        back = _put_back(problem, plan, work_id, old)
        if isinstance(back, Plan):
            saved = back.cost - plan.cost
            sentence = f"Leaving it to {old} would cost {saved} more."
        elif back is None:
            sentence = f"{to} could not drive its run without it."
        else:
            reasons = [reason for reason in back.reasons if reason.id in (old, work_id)]
            told = (reasons or list(back.reasons))[:1]
            sentence = told[0].sentence if told else f"{old} may not do it any more."
    return Move(id=work_id, from_vehicle=old, to_vehicle=to, saved=saved, sentence=sentence)
