"""Says why work stays unassigned, by probing what would have to change.

The first reason that holds for every vehicle is the binding one: skills, size, roads, windows, and
only then the other work of the day. Proposing what to change does not belong here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from routing.plan import Plan, Route, Unassigned
from routing.problem import UNREACHABLE, Job, Problem, Step, Vehicle, Work, steps_of
from routing.rules import Violation, fixed_steps, load_after_each, may_serve
from routing.schedule import halt_of, schedule_route

ALONE_SENTENCES = {
    "window": "No vehicle can be there before its last window closes.",
    "shift": "No vehicle could do it and end within its shift.",
    "break": "No vehicle could do it and still take its breaks.",
    "ride": "It would be on the way for longer than it may with any vehicle.",
    "duration": "It would make the route of any vehicle longer than it may last.",
    "distance": "It would make the route of any vehicle longer than it may be.",
    "stops": "Every vehicle that may do it already has as many visits as it may.",
    "unreachable": "No road leads there.",
    "capacity": "It does not fit beside what the vehicles already hold.",
}


def explain(problem: Problem, plan: Plan) -> Plan:
    """Return the plan with a code and a sentence for everything that is unassigned."""
    return replace(
        plan,
        unassigned=tuple(
            find_reason(problem, plan, problem.find_work(one.id)) for one in plan.unassigned
        ),
    )


def find_reason(problem: Problem, plan: Plan, work: Work) -> Unassigned:
    """Return the first reason that keeps every vehicle from doing the work.

    Codes: no_vehicle, skills, vehicle, too_heavy, unreachable, window, shift, break, ride,
    duration, distance, stops, capacity, all_full, no_time.
    """

    def say(code: str, sentence: str) -> Unassigned:
        return Unassigned(id=work.id, code=code, sentence=sentence)

    vehicles: list[Vehicle] = list(problem.vehicles)
    if not vehicles:
        return say("no_vehicle", "There is no vehicle.")
    vehicles = [vehicle for vehicle in vehicles if work.skills <= vehicle.skills]
    if not vehicles:
        return say("skills", f"No vehicle has {_list_words(_lacking(problem, work))}.")
    vehicles = [vehicle for vehicle in vehicles if may_serve(vehicle, work)]
    if not vehicles:
        return say("vehicle", "No vehicle with the right skills is allowed to do it.")
    size = work.size or (0,) * problem.dimensions
    vehicles = [
        vehicle
        for vehicle in vehicles
        if all(
            amount + held <= limit
            for amount, held, limit in zip(
                size, vehicle.on_board or (0,) * len(size), vehicle.capacity, strict=True
            )
        )
    ]
    if not vehicles:
        return say("too_heavy", "It is larger than any vehicle that may do it can carry.")
    vehicles = [vehicle for vehicle in vehicles if _can_reach(problem, vehicle, work)]
    if not vehicles:
        return say("unreachable", "No road leads there and on to where a vehicle must end.")
    reasons: list[Violation] = []
    able: list[Vehicle] = []
    for vehicle in vehicles:
        alone = schedule_route(problem, vehicle, (*fixed_steps(vehicle), *steps_of(work)))
        if isinstance(alone, Route):
            able.append(vehicle)
        else:
            reasons += alone[:1]
    if not able:
        code = _most_common(reason.code for reason in reasons)
        return say(code, ALONE_SENTENCES[code])
    return _blame_the_day(problem, plan, work, able)


def _lacking(problem: Problem, work: Work) -> list[str]:
    """Return the skills that nobody has, or all of them if only no one has them together."""
    owned = {skill for vehicle in problem.vehicles for skill in vehicle.skills}
    return sorted(work.skills - owned) or sorted(work.skills)


def _list_words(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]} together"


def _can_reach(problem: Problem, vehicle: Vehicle, work: Work) -> bool:
    """Whether roads lead from where the vehicle can come from, through the work, to its end."""
    matrix = problem.matrix_of(vehicle)
    places = [halt_of(problem, step).place for step in steps_of(work)]
    path = [vehicle.start_place, *places, vehicle.end_place]
    known = [place for place in path if place is not None]
    return all(
        matrix.duration_s[origin, target] < UNREACHABLE
        and matrix.distance_m[origin, target] < UNREACHABLE
        for origin, target in pairwise(known)
    )


def _most_common(codes: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for code in codes:
        counts[code] = counts.get(code, 0) + 1
    return max(counts, key=lambda code: counts[code])


def _blame_the_day(problem: Problem, plan: Plan, work: Work, able: list[Vehicle]) -> Unassigned:
    """Some vehicle could do it, were it not for the other work of its route."""
    names = _list_words(sorted(vehicle.id for vehicle in able)).removesuffix(" together")
    full: list[Vehicle] = []
    late: list[Vehicle] = []
    for vehicle in able:
        route = plan.route_of(vehicle.id)
        steps = route.steps if route else ()
        (late if _has_room(problem, vehicle, steps, work) else full).append(vehicle)
    if not late:
        sentence = f"Every vehicle that could do it is full: {names}."
        return Unassigned(id=work.id, code="all_full", sentence=sentence)
    sentence = f"Every vehicle that could do it is full or out of time in its window: {names}."
    return Unassigned(id=work.id, code="no_time", sentence=sentence)


def _has_room(problem: Problem, vehicle: Vehicle, steps: Sequence[Step], work: Work) -> bool:
    """Whether the work fits where it must: a delivery at the start, a pickup at the end."""
    loads = load_after_each(problem, vehicle, steps)
    if isinstance(work, Job):
        loads = loads[:1] if work.kind == "delivery" else loads[-1:]
    size = work.size or (0,) * problem.dimensions
    return any(
        all(a + b <= limit for a, b, limit in zip(load, size, vehicle.capacity, strict=True))
        for load in loads
    )
