"""A plan as arrays: every place where a visit could go, with optimistic bounds on what it costs.

Position p of a route is before its p-th visit. The bounds leave out breaks and longest rides and
err on the possible side, so nothing that can be driven is ruled out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

import numpy as np
from numpy.typing import NDArray

from routing.halts import Halt, halt_at, halt_of
from routing.plan import Route
from routing.problem import UNREACHABLE, Problem, Step, Vehicle
from routing.rules import Load, load_after_each

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NEVER_S = 2**40


@dataclass(frozen=True, slots=True)
class Row:
    """The positions of one route, lists of one number for each: there are visits + 1.

    Lists, as a route is too short for arrays to be quicker.

    Attributes
    ----------
    before, after : the places on either side; N, which is nowhere, at an open end
    ready_s, due_s : earliest departure from `before`, latest arrival at `after`
    travel_s, distance_m : from `before` to `after` as it is now
    room_until, room_at, room_from : room for a delivery, a shipment and a pickup, a list of K each
    busy_before_s, busy_after_s : driving and service up to leaving `before`, and from reaching
        `after` to the end
    idle_s : what of the route is neither driving nor service
    paid_s, unpaid_s : what of the route is paid, and how long all breaks without pay are
    latest_leave_s : when the route begins at the latest, as far as its visits know
    """

    vehicle: Vehicle
    steps: tuple[Step, ...]
    halts: tuple[Halt, ...]
    cost: int
    duration_s: int
    paid_s: int
    unpaid_s: int
    latest_leave_s: int
    before: list[int]
    after: list[int]
    ready_s: list[int]
    due_s: list[int]
    travel_s: list[int]
    distance_m: list[int]
    room_until: list[list[int]]
    room_at: list[list[int]]
    room_from: list[list[int]]
    busy_before_s: list[int]
    busy_after_s: list[int]
    idle_s: int


def measure_row(problem: Problem, vehicle: Vehicle, route: Route | None) -> Row:
    """Return the row of a vehicle with its route, or with its fixed visits if it has none."""
    steps = route.steps if route else vehicle.fixed
    fixed = len(vehicle.fixed)
    halts = [halt_of(problem, step, fixed=k < fixed) for k, step in enumerate(steps)]
    nowhere = len(problem.places)
    inner = [halt.place for halt in halts]
    before = [nowhere if vehicle.start_place is None else vehicle.start_place, *inner]
    after = [*inner, nowhere if vehicle.end_place is None else vehicle.end_place]
    matrix = problem.matrix_of(vehicle)
    travel_s = _look_up(matrix.duration_s, before, after)
    distance_m = _look_up(matrix.distance_m, before, after)
    loading = halt_at(problem.loading_depot(vehicle))
    begin_s = loading.begin(vehicle.shift.start_s) if loading else vehicle.shift.start_s
    loading_s = loading.service_s if loading else 0
    at_s = NEVER_S if begin_s is None else begin_s + loading_s
    ready_s, before_s = [at_s], [loading_s]
    for halt, travel in zip(halts, travel_s, strict=False):
        start_s = halt.begin(at_s + travel)
        at_s = (NEVER_S if start_s is None else start_s) + halt.service_s
        ready_s.append(at_s)
        before_s.append(before_s[-1] + travel + halt.service_s)
    arriving = halt_at(problem.find_depot(vehicle.end_place))
    by_s = vehicle.latest_end_s
    if arriving and arriving.windows:
        by_s = min(by_s, arriving.windows[-1].end_s)
    due_s = [by_s]
    for halt, travel in zip(reversed(halts), reversed(travel_s), strict=False):
        by_s = _latest(halt, by_s - travel)
        due_s.append(by_s)
    duration_s = route.duration_s if route else 0
    total_s = before_s[-1] + travel_s[-1]
    unpaid = {rest.id: rest.duration_s for rest in vehicle.breaks if not rest.paid}
    rested_s = sum(unpaid.get(v.id, 0) for v in route.visits if v.leg == "break") if route else 0
    if route:  # the end is left out: nothing goes behind it
        loads: Sequence[Load] = [v.load for v in route.visits[:-1] if v.leg != "break"]
    else:
        loads = load_after_each(problem, vehicle, steps)
    return Row(
        vehicle,
        steps,
        tuple(halts),
        route.cost if route else 0,
        duration_s,
        duration_s - rested_s,
        sum(unpaid.values()),
        vehicle.shift.start_s if fixed else due_s[-1] - travel_s[0] - loading_s,
        before,
        after,
        ready_s,
        due_s[::-1],
        travel_s,
        distance_m,
        *_measure_room(vehicle, steps, loads),
        before_s,
        [total_s - spent_s - on_s for spent_s, on_s in zip(before_s, travel_s, strict=True)],
        max(0, duration_s - total_s) if steps else 0,
    )


def _look_up(grid: NDArray[np.int32], origins: list[int], targets: list[int]) -> list[int]:
    """Return what lies between each two, as `pick` does."""
    count, find = len(grid), grid.item
    return [
        find(here, there) if here < count and there < count else 0
        for here, there in zip(origins, targets, strict=True)
    ]


def _latest(halt: Halt, leave_by_s: int) -> int:
    begin_by_s = leave_by_s - halt.service_s
    if halt.fixed or not halt.windows:
        return begin_by_s
    starts = [min(w.end_s, begin_by_s) for w in halt.windows if w.start_s <= begin_by_s]
    return max(starts, default=-NEVER_S)


def _measure_room(
    vehicle: Vehicle, steps: tuple[Step, ...], loads: Sequence[Load]
) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Return the least room from the start of the trip, at, and until the end of the trip."""
    ends = [k + 1 for k, step in enumerate(steps) if step.leg == "reload"]
    trips = list(pairwise((0, *ends, len(loads))))
    until, at, since = [], [], []
    for k, most in enumerate(vehicle.capacity):
        room = [most - load[k] for load in loads]
        at.append(room)
        parts = [room[first:last] for first, last in trips]
        until.append([least for part in parts for least in accumulate(part, min)])
        backwards = [[*accumulate(reversed(part), min)] for part in parts]
        since.append([least for part in backwards for least in reversed(part)])
    return until, at, since


def pick(
    grid: NDArray[np.int32], origins: Sequence[int] | Ints, targets: Sequence[int] | Ints
) -> Ints:
    """Return what lies between each two; nowhere, one past the last place, is no way off."""
    count = len(grid)
    here, there = np.asarray(origins), np.asarray(targets)
    found: Ints = grid[np.minimum(here, count - 1), np.minimum(there, count - 1)].astype(np.int64)
    found[(here >= count) | (there >= count)] = 0
    return found


class Timetable:
    """All rows of the vehicles of one profile, joined; `first[k]` is where the k-th begins."""

    def __init__(self, problem: Problem, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.matrix = problem.matrix_of(rows[0].vehicle)
        counts = [len(row.before) for row in rows]
        self.first = np.concatenate([[0], np.cumsum(counts)])
        self.owner = np.repeat(np.arange(len(rows)), counts)
        self.position = np.arange(len(self.owner)) - self.first[self.owner]
        for name in self.ALONG:
            setattr(self, name, _join(getattr(row, name) for row in rows))
        self.rooms: dict[str, list[Ints]] = {}
        for name in ("until", "at", "from"):
            rooms = [getattr(row, f"room_{name}") for row in rows]
            self.rooms[name] = [_join(parts) for parts in zip(*rooms, strict=True)]
        vehicles = [row.vehicle for row in rows]
        self.per_km = self._spread([vehicle.cost_per_km for vehicle in vehicles])
        self.per_hour = self._spread([vehicle.cost_per_hour for vehicle in vehicles])
        self.per_overtime = self._spread([v.overtime_cost_per_hour for v in vehicles])
        self.per_squared = self._spread([v.cost_per_squared_hour for v in vehicles])
        self.duration_s = self._spread([row.duration_s for row in rows])
        self.idle_s = self._spread([row.idle_s for row in rows])
        self.paid_s = self._spread([row.paid_s for row in rows])
        self.unpaid_s = self._spread([row.unpaid_s for row in rows])
        self.latest_leave_s = self._spread([row.latest_leave_s for row in rows])
        self.earliest_end_s = self._spread([r.ready_s[-1] + r.travel_s[-1] for r in rows])
        self.is_used = self._spread([len(row.steps) for row in rows]) > 0
        self.entry_cost = self._spread([0 if row.cost else row.vehicle.fixed_cost for row in rows])
        self.is_fixed = self._spread([len(v.fixed) for v in vehicles]) > 0
        self.is_free = self.position >= self._spread([len(v.fixed) for v in vehicles])

    before: Ints
    after: Ints
    ready_s: Ints
    due_s: Ints
    travel_s: Ints
    distance_m: Ints
    busy_before_s: Ints
    busy_after_s: Ints
    ALONG = (
        "before",
        "after",
        "ready_s",
        "due_s",
        "travel_s",
        "distance_m",
        "busy_before_s",
        "busy_after_s",
    )

    def _spread(self, values: Sequence[int]) -> Ints:
        return np.array(values, dtype=np.int64)[self.owner]

    def fits(self, size: tuple[int, ...], side: str) -> Bools:
        """Return where there is room; `side` is one of `rooms`."""
        possible = np.ones(len(self.owner), dtype=bool)
        for amount, room in zip(size, self.rooms[side], strict=False):
            possible &= room >= amount
        return possible

    def price(self, added_m: Ints, added_s: Ints, least_s: Ints) -> NDArray[np.float64]:
        """Return the least added cost.

        What the route idles may swallow the added time; `least_s` is how long it lasts at least.
        """
        longer_s = np.maximum(added_s - self.idle_s, np.minimum(added_s, 0))
        longer_s = np.maximum(longer_s, least_s - self.duration_s)
        paid_s = np.maximum(added_s - self.idle_s, np.minimum(added_s, 0))
        paid_s = np.maximum(paid_s, least_s - self.unpaid_s - self.paid_s)
        cost: NDArray[np.float64] = (
            self.entry_cost + self.per_km * added_m / 1000 + self.per_hour * paid_s / 3600
        )
        cost += self.per_overtime * np.minimum(longer_s, 0) / 3600
        if self.per_squared.any():
            all_s = self.duration_s + longer_s
            cost += self.per_squared * (all_s**2 - self.duration_s**2) / 3600**2
        return cost

    def weigh(
        self, halt: Halt, other: Halt | None = None, *, is_all: bool = True
    ) -> tuple[NDArray[np.float64], Bools]:
        """Return least cost and possibility of one visit, or two on end, at each position.

        Costs of visits that are not all the work may be added up: none contains any waiting.
        """
        last = other or halt
        seconds, metres = self.matrix.duration_s, self.matrix.distance_m
        first_place = np.full(len(self.before), halt.place)
        last_place = first_place if other is None else np.full(len(self.before), last.place)
        to_s, from_s = (
            pick(seconds, self.before, first_place),
            pick(seconds, last_place, self.after),
        )
        to_m, from_m = pick(metres, self.before, first_place), pick(metres, last_place, self.after)
        begin_s = _begin_all(halt, self.ready_s + to_s)
        left_s = begin_s + halt.service_s
        inner_s = inner_m = 0
        service_s = halt.service_s
        if other is not None:
            inner_s = int(seconds[halt.place, other.place])
            inner_m = int(metres[halt.place, other.place])
            left_s = _begin_all(other, left_s + inner_s) + other.service_s
            service_s += other.service_s
        added_m = to_m + inner_m + from_m - self.distance_m
        added_s = to_s + inner_s + from_s + service_s - self.travel_s
        ways = np.maximum(np.maximum(to_s, from_s), np.maximum(to_m, from_m))
        possible = self.is_free & (left_s + from_s <= self.due_s) & (ways < UNREACHABLE)
        if max(inner_s, inner_m) >= UNREACHABLE:
            possible[:] = False
        least_s = np.zeros_like(added_s)
        if is_all:
            least_s = self._last_at_least(halt, begin_s, left_s + from_s, to_s)
        return self.price(added_m, added_s, least_s), possible

    def _last_at_least(self, halt: Halt, begin_s: Ints, back_s: Ints, to_s: Ints) -> Ints:
        """Return how long a route lasts at least that is back on its way at `back_s`.

        It leaves early enough for its own visits and for the last window of this one.
        """
        leave_s = self.latest_leave_s
        leave_s = np.where(self.position == 0, begin_s * 0 + NEVER_S, leave_s)
        if halt.windows:
            by_s = halt.windows[-1].end_s - to_s - self.busy_before_s
            leave_s = np.minimum(leave_s, np.where(self.is_fixed, leave_s, by_s))
        end_s = np.maximum(back_s + self.busy_after_s, self.earliest_end_s)
        return np.where(self.is_used & (leave_s < NEVER_S), end_s - leave_s, 0)


def _join(parts: Iterable[list[int]]) -> Ints:
    return np.fromiter(chain.from_iterable(parts), dtype=np.int64)


def _begin_all(halt: Halt, ready_s: Ints) -> Ints:
    """Return the earliest start for each time of arrival; NEVER_S when it is too late."""
    if not halt.windows:
        return ready_s
    start_s = np.full_like(ready_s, NEVER_S)
    for window in reversed(halt.windows):
        start_s = np.where(ready_s <= window.end_s, np.maximum(ready_s, window.start_s), start_s)
    return start_s
