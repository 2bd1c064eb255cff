"""Finds the cheapest places for one job or shipment in a plan that stands.

The other visits keep their vehicle and order; only their times move. Optimistic bounds over all
places at once (numpy) leave few candidates, and `schedule_route` has the last word on each.
Moving other work to make room does not belong here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from routing.plan import Plan, Route
from routing.problem import (
    UNREACHABLE,
    Job,
    Matrix,
    Problem,
    Step,
    Vehicle,
    Work,
    steps_of,
)
from routing.rules import Violation, load_after_each, may_serve
from routing.schedule import Halt, halt_of, schedule_route

Ints = NDArray[np.int64]
NEVER_S = 2**40
BOUND_SLACK = 2
"""Rounding of costs and of the bounds together stays below this many minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """A place for the work: the whole new route and what it costs more than the old one."""

    vehicle_id: str
    route: Route
    added_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlace:
    """No vehicle can take the work: the reasons met, the most frequent first."""

    reasons: tuple[Violation, ...]


def insert(
    problem: Problem, plan: Plan, work_id: str, *, most: int = 3
) -> tuple[Insertion, ...] | NoPlace:
    """Find the cheapest ways to add work to a plan.

    Parameters
    ----------
    problem : holds the work; raises UnknownReference when it does not
    plan : sound for the problem; whether the work is among its unassigned does not matter
    most : how many ways to return, each on another route, the cheapest first

    Returns
    -------
    At least one `Insertion`, or why there is none.
    """
    work = problem.find_work(work_id)
    found: list[Insertion] = []
    reasons: Counter[Violation] = Counter()
    vehicles = [_Candidate(problem, plan, vehicle, work, reasons) for vehicle in problem.vehicles]
    for candidate in sorted(vehicles, key=lambda one: one.least_cost):
        if len(found) == most and candidate.least_cost > found[-1].added_cost:
            break
        best = candidate.find_best(found[-1].added_cost if len(found) == most else None)
        if best:
            found = sorted([*found, best], key=lambda one: one.added_cost)[:most]
    if found:
        return tuple(found)
    return NoPlace(reasons=tuple(reason for reason, _ in reasons.most_common()))


def apply_insertion(problem: Problem, plan: Plan, insertion: Insertion, work_id: str) -> Plan:
    """Return the plan with the insertion made."""
    by_vehicle = {route.vehicle_id: route for route in plan.routes}
    by_vehicle[insertion.vehicle_id] = insertion.route
    routes = tuple(by_vehicle[v.id] for v in problem.vehicles if v.id in by_vehicle)
    return replace(
        plan,
        routes=routes,
        unassigned=tuple(one for one in plan.unassigned if one.id != work_id),
        cost=sum(route.cost for route in routes),
    )


class _Candidate:
    """One vehicle that might take the work, with a lower bound for each place on its route."""

    def __init__(
        self,
        problem: Problem,
        plan: Plan,
        vehicle: Vehicle,
        work: Work,
        reasons: Counter[Violation],
    ) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.work = work
        self.reasons = reasons
        route = plan.route_of(vehicle.id)
        self.steps = route.steps if route else vehicle.fixed
        self.cost = route.cost if route else 0
        self.duration_s = route.duration_s if route else 0
        self.places: list[tuple[float, tuple[int, ...]]] = []
        if self._may_carry():
            self.places = sorted(self._find_places())
            if not self.places:
                self._note_example()
        self.least_cost = self.places[0][0] if self.places else float("inf")

    def _may_carry(self) -> bool:
        """Rule out the vehicle as a whole, noting why."""
        vehicle, work = self.vehicle, self.work
        if not may_serve(vehicle, work):
            lacking = sorted(work.skills - vehicle.skills)
            if lacking:
                self._note("skills", f"Vehicle {vehicle.id} lacks {', '.join(lacking)}.")
            else:
                self._note("vehicle", f"Vehicle {vehicle.id} may not do {work.id}.")
            return False
        count = len(self.steps) + len(steps_of(work))
        if vehicle.max_stops is not None and count > vehicle.max_stops:
            self._note("stops", f"Vehicle {vehicle.id} has its {vehicle.max_stops} visits.")
            return False
        return True

    def _note(self, code: str, sentence: str) -> None:
        self.reasons[Violation(id=self.vehicle.id, code=code, sentence=sentence)] += 1

    def _note_example(self) -> None:
        """All places were ruled out by bounds: let one exact try at the end say why."""
        timed = schedule_route(self.problem, self.vehicle, (*self.steps, *steps_of(self.work)))
        for reason in timed if isinstance(timed, tuple) else ():
            self.reasons[reason] += 1

    def find_best(self, below_cost: int | None) -> Insertion | None:
        """Try the places in the order of their bounds until none can be cheaper."""
        best: Insertion | None = None
        for least_cost, position in self.places:
            limit = below_cost if best is None else best.added_cost
            if limit is not None and least_cost > limit:
                break
            timed = schedule_route(self.problem, self.vehicle, self._with_work(position))
            if not isinstance(timed, Route):
                self.reasons.update(timed)
                continue
            added_cost = timed.cost - self.cost
            if best is None or added_cost < best.added_cost:
                best = Insertion(vehicle_id=self.vehicle.id, route=timed, added_cost=added_cost)
        return best

    def _with_work(self, position: tuple[int, ...]) -> tuple[Step, ...]:
        added = steps_of(self.work)
        first = position[0]
        last = position[-1]
        return (
            *self.steps[:first],
            added[0],
            *self.steps[first:last],
            *added[1:],
            *self.steps[last:],
        )

    def _find_places(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Yield places that the bounds allow, each with the least cost that it can have.

        Position p is before the p-th visit; a shipment has two, the second counted without the
        first.
        """
        bounds = _Bounds(self.problem, self.vehicle, self.steps, self.duration_s)
        halts = [halt_of(self.problem, step) for step in steps_of(self.work)]
        fixed_cost = 0 if self.steps else self.vehicle.fixed_cost
        first = len(self.vehicle.fixed)
        peaks = self._fits()
        if isinstance(self.work, Job):
            added, possible = bounds.weigh_one(halts[0])
            possible &= peaks
            for p in np.flatnonzero(possible):
                if p >= first:
                    yield fixed_cost + float(added[p]) - BOUND_SLACK, (int(p),)
            return
        added_pickup, can_pick = bounds.weigh_one(halts[0])
        added_delivery, can_drop = bounds.weigh_one(halts[1])
        together, can_both = bounds.weigh_two(halts[0], halts[1])
        full = np.flatnonzero(~peaks)
        for p in np.flatnonzero(can_pick | can_both):
            if p < first:
                continue
            if can_both[p] and peaks[p]:
                yield fixed_cost + float(together[p]) - BOUND_SLACK, (int(p), int(p))
            if not can_pick[p] or not peaks[p]:
                continue
            next_full = full[full > p]
            last = int(next_full[0]) if len(next_full) else len(self.steps) + 1
            for q in range(int(p) + 1, last):
                if can_drop[q]:
                    cost = fixed_cost + float(added_pickup[p] + added_delivery[q])
                    yield cost - BOUND_SLACK, (int(p), q)

    def _fits(self) -> NDArray[np.bool_]:
        """Whether the size fits at position p, shape (visits + 1,).

        A delivery is on board up to p, a pickup from p on, a shipment at p itself.
        """
        loads = np.array(load_after_each(self.problem, self.vehicle, self.steps), dtype=np.int64)
        if not self.work.size or not len(self.vehicle.capacity):
            return np.ones(len(self.steps) + 1, dtype=bool)
        size = np.array(self.work.size, dtype=np.int64)
        room: NDArray[np.bool_] = (loads + size <= np.array(self.vehicle.capacity)).all(axis=1)
        if not isinstance(self.work, Job):
            fits = room
        elif self.work.kind == "delivery":
            fits = np.logical_and.accumulate(room)
        else:
            fits = np.logical_and.accumulate(room[::-1])[::-1]
        if not fits.any():
            self._note("capacity", f"Vehicle {self.vehicle.id} has no room for {self.work.id}.")
        return fits


class _Bounds:
    """Earliest departures and latest starts along a route, breaks and rides left out.

    Both err on the possible side, so nothing that can be driven is ruled out.
    """

    def __init__(
        self, problem: Problem, vehicle: Vehicle, steps: Sequence[Step], duration_s: int
    ) -> None:
        self.vehicle = vehicle
        self.matrix: Matrix = problem.matrix_of(vehicle)
        count = len(steps)
        halts = [
            halt_of(problem, step, fixed=i < len(vehicle.fixed)) for i, step in enumerate(steps)
        ]
        inner: list[int | None] = [halt.place for halt in halts]
        self.before = [vehicle.start_place, *inner]
        self.after = [*inner, vehicle.end_place]
        self.travel_s = self._between(self.before, self.after, self.matrix.duration_s)
        self.distance_m = self._between(self.before, self.after, self.matrix.distance_m)
        ready = np.zeros(count + 1, dtype=np.int64)
        ready[0] = vehicle.shift.start_s
        for i, halt in enumerate(halts):
            start_s = halt.begin(int(ready[i] + self.travel_s[i]))
            ready[i + 1] = (NEVER_S if start_s is None else start_s) + halt.service_s
        due = np.zeros(count + 1, dtype=np.int64)
        due[count] = vehicle.shift.end_s
        for i in reversed(range(count)):
            due[i] = self._latest(halts[i], int(due[i + 1] - self.travel_s[i + 1]))
        self.ready_s = ready
        self.due_s = due
        busy_s = int(self.travel_s.sum()) + sum(halt.service_s for halt in halts)
        self.idle_s = duration_s - busy_s

    @staticmethod
    def _latest(halt: Halt, leave_by_s: int) -> int:
        begin_by_s = leave_by_s - halt.service_s
        if halt.fixed or not halt.windows:
            return begin_by_s
        starts = [
            min(window.end_s, begin_by_s) for window in halt.windows if window.start_s <= begin_by_s
        ]
        return max(starts, default=-NEVER_S)

    @staticmethod
    def _between(
        origins: Sequence[int | None], targets: Sequence[int | None], grid: NDArray[np.int32]
    ) -> Ints:
        values = grid[[place or 0 for place in origins], [place or 0 for place in targets]]
        found: Ints = values.astype(np.int64)
        for k, (origin, target) in enumerate(zip(origins, targets, strict=True)):
            if origin is None or target is None:
                found[k] = 0
        return found

    def _price(self, added_m: Ints, added_s: Ints) -> NDArray[np.float64]:
        """Return the least added cost: what the route idles may swallow the added time."""
        least_s = np.maximum(added_s - self.idle_s, np.minimum(added_s, 0))
        cost: NDArray[np.float64] = (
            self.vehicle.cost_per_km * added_m / 1000 + self.vehicle.cost_per_hour * least_s / 3600
        )
        return cost

    def weigh_one(self, halt: Halt) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return least cost and possibility of a visit at each position, shape (visits + 1,)."""
        return self.weigh_two(halt, None)

    def weigh_two(
        self, halt: Halt, other: Halt | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the same for two visits, one directly after the other."""
        count = len(self.before)
        last = other or halt
        first_place: list[int | None] = [halt.place] * count
        last_place: list[int | None] = [last.place] * count
        to_s = self._between(self.before, first_place, self.matrix.duration_s)
        from_s = self._between(last_place, self.after, self.matrix.duration_s)
        to_m = self._between(self.before, first_place, self.matrix.distance_m)
        from_m = self._between(last_place, self.after, self.matrix.distance_m)
        start_s = _begin_all(halt, self.ready_s + to_s)
        left_s = start_s + halt.service_s
        inner_s = inner_m = 0
        service_s = halt.service_s
        if other is not None:
            inner_s = int(self.matrix.duration_s[halt.place, other.place])
            inner_m = int(self.matrix.distance_m[halt.place, other.place])
            left_s = _begin_all(other, left_s + inner_s) + other.service_s
            service_s += other.service_s
        added_m = to_m + inner_m + from_m - self.distance_m
        added_s = to_s + inner_s + from_s + service_s - self.travel_s
        possible = (left_s + from_s <= self.due_s) & (to_s < UNREACHABLE) & (from_s < UNREACHABLE)
        possible &= (to_m < UNREACHABLE) & (from_m < UNREACHABLE)
        possible &= inner_s < UNREACHABLE and inner_m < UNREACHABLE
        return self._price(added_m, added_s), possible


def _begin_all(halt: Halt, ready_s: Ints) -> Ints:
    """Return the earliest start for each time of arrival; NEVER_S when it is too late."""
    start_s = np.full_like(ready_s, NEVER_S)
    if not halt.windows:
        return ready_s.copy()
    for window in reversed(halt.windows):
        start_s = np.where(ready_s <= window.end_s, np.maximum(ready_s, window.start_s), start_s)
    return start_s
