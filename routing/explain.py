"""Says why work stays unassigned, by probing what would have to change.

The first reason that holds for every vehicle is the binding one: skills, size, roads, windows, and
only then the other work of the day. Proposing what to change does not belong here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from routing.halts import halt_of
from routing.insert import NoPlace, insert
from routing.plan import Plan, Route, Unassigned
from routing.problem import UNREACHABLE, Job, Problem, Vehicle, Work, steps_of
from routing.rules import fixed_steps, may_serve
from routing.schedule import schedule_route
from routing.stopwatch import now_s

MOST_NAMED = 5
OUT_OF_TIME = "The time was over before its places were tried; plan again with more time."
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
    "reload": "It would need a reload that no vehicle may make.",
}


def explain(problem: Problem, plan: Plan, *, until: float = inf) -> Plan:
    """Return the plan with a code and a sentence for everything that is unassigned, in the order of
    the problem.

    What cannot be probed before `until` (`stopwatch`) is told to be out of time.
    Codes: no_vehicle, skills, vehicle, too_heavy, unreachable, window, shift, break, ride,
    duration, distance, stops, capacity, not_worth_it, all_full, no_time, out_of_time.
    """
    probe = _Probe(problem, plan)
    reasons = []
    left = {one.id for one in plan.unassigned}
    for work in problem.work:
        if work.id not in left:
            continue
        if now_s() < until:
            reasons.append(probe.find_reason(work))
        else:
            reasons.append(Unassigned(id=work.id, code="out_of_time", sentence=OUT_OF_TIME))
    return replace(plan, unassigned=tuple(reasons))


class _Probe:
    """Tries work on the vehicles of one plan; vehicles that differ only in name are tried once."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.plan = plan
        kinds: dict[Vehicle, int] = {}
        self.kind_of = {
            vehicle.id: kinds.setdefault(replace(vehicle, id=""), len(kinds))
            for vehicle in problem.vehicles
        }
        self.loads_of: dict[str, list[tuple[int, ...]]] = {
            route.vehicle_id: [visit.load for visit in route.visits] for route in plan.routes
        }

    def find_reason(self, work: Work) -> Unassigned:
        """Return the first reason that keeps every vehicle from doing the work."""

        def say(code: str, sentence: str) -> Unassigned:
            return Unassigned(id=work.id, code=code, sentence=sentence)

        problem = self.problem
        if not problem.vehicles:
            return say("no_vehicle", "There is no vehicle.")
        vehicles = [vehicle for vehicle in problem.vehicles if work.skills <= vehicle.skills]
        if not vehicles:
            return say("skills", f"No vehicle has {_name_skills(problem, work)}.")
        vehicles = [vehicle for vehicle in vehicles if may_serve(vehicle, work)]
        if not vehicles:
            return say("vehicle", "No vehicle with the right skills is allowed to do it.")
        vehicles = [vehicle for vehicle in vehicles if self._fits(work, vehicle, _bare(vehicle))]
        if not vehicles:
            return say("too_heavy", "It is larger than any vehicle that may do it can carry.")
        examples = {self.kind_of[vehicle.id]: vehicle for vehicle in vehicles}.values()
        reachable = [vehicle for vehicle in examples if _can_reach(problem, vehicle, work)]
        if not reachable:
            return say("unreachable", "No road leads there and on to where a vehicle must end.")
        able, codes = self._try_alone(work, reachable)
        if not able:
            code = Counter(codes).most_common(1)[0][0]
            return say(code, ALONE_SENTENCES[code])
        kinds = {self.kind_of[vehicle.id] for vehicle in able}
        could = [vehicle for vehicle in vehicles if self.kind_of[vehicle.id] in kinds]
        ways = insert(problem, self.plan, work.id, most=1)
        if not isinstance(ways, NoPlace):
            cost, vehicle_id = ways[0].added_cost, ways[0].vehicle_id
            if work.prize is None or cost < work.prize:
                return say("out_of_time", f"{vehicle_id} has room for it. {OUT_OF_TIME}")
            return say("not_worth_it", f"It would cost {cost}, more than its prize {work.prize}.")
        if not any(self._has_room(work, vehicle) for vehicle in could):
            return say("all_full", f"Every vehicle that could do it is full: {_name(could)}.")
        return say(
            "no_time",
            f"Every vehicle that could do it is full or out of time in its window: {_name(could)}.",
        )

    def _try_alone(
        self, work: Work, vehicles: Sequence[Vehicle]
    ) -> tuple[list[Vehicle], list[str]]:
        """Return who could do it beside fixed visits only, and what stops the others."""
        able: list[Vehicle] = []
        codes: list[str] = []
        for vehicle in vehicles:
            steps = (*fixed_steps(vehicle), *steps_of(work))
            alone = schedule_route(self.problem, vehicle, steps)
            if isinstance(alone, Route):
                able.append(vehicle)
            else:
                codes.append(alone[0].code)
        return able, codes

    def _has_room(self, work: Work, vehicle: Vehicle) -> bool:
        """Whether it fits where it must: a delivery at the start, a pickup at the end."""
        loads = self.loads_of.get(vehicle.id, [_bare(vehicle)])
        if vehicle.max_reloads:
            return any(self._fits(work, vehicle, load) for load in loads)
        if isinstance(work, Job):
            loads = loads[:1] if work.kind == "delivery" else loads[-1:]
        return any(self._fits(work, vehicle, load) for load in loads)

    @staticmethod
    def _fits(work: Work, vehicle: Vehicle, load: tuple[int, ...]) -> bool:
        size = work.size or (0,) * len(load)
        return all(
            held + amount <= limit
            for held, amount, limit in zip(load, size, vehicle.capacity, strict=True)
        )


def _bare(vehicle: Vehicle) -> tuple[int, ...]:
    return vehicle.on_board or (0,) * len(vehicle.capacity)


def _name_skills(problem: Problem, work: Work) -> str:
    """Name the skills that nobody has, or all of them if only no one has them together."""
    owned = {skill for vehicle in problem.vehicles for skill in vehicle.skills}
    words = sorted(work.skills - owned) or sorted(work.skills)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]} together"


def _name(vehicles: Sequence[Vehicle]) -> str:
    named = ", ".join(vehicle.id for vehicle in vehicles[:MOST_NAMED])
    more = len(vehicles) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _can_reach(problem: Problem, vehicle: Vehicle, work: Work) -> bool:
    """Whether roads lead from where the vehicle comes free, through the work, to its end."""
    matrix = problem.matrix_of(vehicle)
    places = [halt_of(problem, step).place for step in steps_of(work)]
    origin = vehicle.start_place
    if vehicle.fixed:
        origin = halt_of(problem, vehicle.fixed[-1]).place
    known = [place for place in (origin, *places, vehicle.end_place) if place is not None]
    return all(
        matrix.duration_s[here, there] < UNREACHABLE
        and matrix.distance_m[here, there] < UNREACHABLE
        for here, there in pairwise(known)
    )
