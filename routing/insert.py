"""Finds the cheapest places for one job or shipment in a plan that stands.

The other visits keep their vehicle and order; only their times move. Optimistic bounds over all
places at once (`routing.timetable`) leave few candidates, and `routing.schedule` has the last word
on each. Moving other work to make room does not belong here.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from routing.halts import Halt, halt_of
from routing.plan import Plan, Route, price_wishes
from routing.problem import Job, Problem, Step, Vehicle, Work, steps_of
from routing.rules import Violation, check_rules, may_serve
from routing.schedule import Itinerary, schedule_route
from routing.timetable import Bools, Ints, Row, Timetable, measure_row
from routing.timing import Timing

BOUND_SLACK = 2
"""Rounding of costs and of the bounds together stays below this many minor units."""

Position = tuple[int, ...]
"""Before which visit; a shipment has two, the second counted without the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A visit of the route that begins `later_s` later than planned so far.

    `late_s` is how far that is behind its last window: 0 unless lateness was allowed.
    """

    step: Step
    later_s: int
    late_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """A place for the work: the new route, what it costs more than the old one, what it delays."""

    vehicle_id: str
    route: Route
    added_cost: int
    delays: tuple[Delay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlace:
    """No vehicle can take the work: the reasons met, the most frequent first."""

    reasons: tuple[Violation, ...]


def insert(
    problem: Problem, plan: Plan, work_id: str, *, most: int = 3, late_s: int = 0
) -> tuple[Insertion, ...] | NoPlace:
    """Find the cheapest ways to add work to a plan.

    Parameters
    ----------
    problem : holds the work; raises UnknownReference when it does not
    plan : sound for the problem; whether the work is among its unassigned does not matter
    most : how many ways to return, each on another route, the cheapest first
    late_s : how late visits may begin behind their windows; 0 keeps all of them

    Returns
    -------
    At least one `Insertion`, or why there is none.
    """
    return Inserter(problem, plan, late_s=late_s).find(problem.find_work(work_id), most=most)


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


class Inserter:
    """A plan made ready for many questions: where would this work go?"""

    def __init__(self, problem: Problem, plan: Plan, *, late_s: int = 0) -> None:
        self.promised = problem
        self.late_s = late_s
        self.problem = stretch_windows(problem, late_s) if late_s else problem
        self.routes = {route.vehicle_id: route for route in plan.routes}
        self.rows = {
            vehicle.id: measure_row(self.problem, vehicle, self.routes.get(vehicle.id))
            for vehicle in problem.vehicles
        }
        self._tables: dict[str, Timetable] = {}

    def put(self, route: Route) -> None:
        """Take over a route that has changed."""
        self.routes[route.vehicle_id] = route
        vehicle = self.problem.vehicle_by_id[route.vehicle_id]
        self.rows[vehicle.id] = measure_row(self.problem, vehicle, route)
        self._tables.pop(vehicle.profile, None)

    def find(
        self, work: Work, *, most: int = 3, in_haste: bool = False
    ) -> tuple[Insertion, ...] | NoPlace:
        """Return the cheapest ways to add the work.

        It may be new to the problem, or differ from what the problem says in who may do it. In
        haste the one way is the first that can be driven, in the order of what they may cost at
        least: on long routes that takes a tenth of the time and costs hardly more.
        """
        promised, problem = self.promised, self.problem
        if work.id not in promised.job_by_id and work.id not in promised.shipment_by_id:
            promised = promised.add_work(work)
            problem = promised
        if self.late_s:
            work = _stretch(work, self.late_s)
            if promised is not self.promised:
                problem = self.problem.add_work(work)
        search = _Search(self, problem, work)
        found = search.find(1 if in_haste else most, in_haste=in_haste)
        if not found:
            return NoPlace(reasons=tuple(reason for reason, _ in search.reasons.most_common()))
        return tuple(replace(way, delays=self._tell_delays(promised, way.route)) for way in found)

    def tables(self) -> Iterator[Timetable]:
        """Yield the arrays of each profile, made when they are first needed."""
        for profile in dict.fromkeys(vehicle.profile for vehicle in self.problem.vehicles):
            if profile not in self._tables:
                rows = [row for row in self.rows.values() if row.vehicle.profile == profile]
                self._tables[profile] = Timetable(self.problem, rows)
            yield self._tables[profile]

    def _tell_delays(self, problem: Problem, route: Route) -> tuple[Delay, ...]:
        before = self.routes.get(route.vehicle_id)
        was_s = {(v.id, v.leg): v.start_s for v in before.visits} if before else {}
        delays = []
        for visit in route.visits:
            if visit.leg not in ("job", "pickup", "delivery"):
                continue
            step = Step(id=visit.id, leg=visit.leg)
            windows = halt_of(problem, step).windows
            late_s = max(0, visit.start_s - windows[-1].end_s) if windows else 0
            later_s = visit.start_s - was_s.get((visit.id, visit.leg), visit.start_s)
            if later_s > 0 or (late_s and self.late_s):
                delays.append(Delay(step=step, later_s=max(0, later_s), late_s=late_s))
        return tuple(delays)


def stretch_windows(problem: Problem, late_s: int) -> Problem:
    """Return the problem with all work allowed to begin so much later."""
    return replace(
        problem,
        jobs=tuple(_stretch(job, late_s) for job in problem.jobs),
        shipments=tuple(_stretch(shipment, late_s) for shipment in problem.shipments),
    )


def _stretch[W: Work](work: W, late_s: int) -> W:
    def stretch[H](halt: H) -> H:
        windows = halt.windows  # type: ignore[attr-defined]
        if not windows:
            return halt
        last = replace(windows[-1], end_s=windows[-1].end_s + late_s)
        return replace(halt, windows=(*windows[:-1], last))  # type: ignore[type-var]

    if isinstance(work, Job):
        return stretch(work)
    return replace(work, pickup=stretch(work.pickup), delivery=stretch(work.delivery))


class _Search:
    """One work looked for in all routes."""

    def __init__(self, inserter: Inserter, problem: Problem, work: Work) -> None:
        self.inserter = inserter
        self.problem = problem
        self.work = work
        self.added = steps_of(work)
        self.halts = [halt_of(problem, step) for step in self.added]
        self.reasons: Counter[Violation] = Counter()
        self.best: dict[str, tuple[int, Itinerary, Timing]] = {}

    def find(self, most: int, *, in_haste: bool) -> list[Insertion]:
        tried: set[str] = set()
        for least_cost, row, position in self._find_places():
            if in_haste and self.best:
                break
            costs = sorted(cost for cost, *_ in self.best.values())
            if len(costs) >= most and least_cost > costs[most - 1]:
                break
            held = self.best.get(row.vehicle.id)
            if held is None or least_cost <= held[0]:
                tried.add(row.vehicle.id)
                halts = place(row.halts, self.halts, position)
                self._try(row, tuple(halt.step for halt in halts), halts)
        if not self.best:
            self._try_reloads(in_haste=in_haste)
        if not self.best:
            self._note_examples(tried)
        ways = sorted(self.best.items(), key=lambda item: item[1][0])[:most]
        return [
            Insertion(vehicle_id=name, route=itinerary.make_route(timing), added_cost=cost)
            for name, (cost, itinerary, timing) in ways
        ]

    def _try(
        self, row: Row, steps: tuple[Step, ...], halts: tuple[Halt, ...], *, notes: bool = True
    ) -> None:
        itinerary = Itinerary(self.problem, row.vehicle, steps, halts)
        timing = itinerary.find_times()
        if not isinstance(timing, Timing):
            if notes:
                self.reasons.update(timing)
            return
        added_cost = itinerary.price(timing) - row.cost
        held = self.best.get(row.vehicle.id)
        if held is None or added_cost < held[0]:
            self.best[row.vehicle.id] = (added_cost, itinerary, timing)

    def _try_reloads(self, *, in_haste: bool) -> None:
        """Where there is no room in a trip, let the vehicle load once more for this work."""
        if len(self.added) > 1 or not any(self.work.size):
            return
        found = [place for table in self.inserter.tables() for place in self._weigh_reloads(table)]
        for least_cost, row, position, halts in sorted(found, key=lambda place: place[0]):
            held = self.best.get(row.vehicle.id)
            if (in_haste and self.best) or (held and least_cost > held[0]):
                continue
            both = (*row.halts[:position], *halts, *row.halts[position:])
            steps = tuple(halt.step for halt in both)
            if not check_rules(self.problem, row.vehicle, steps):
                self._try(row, steps, both, notes=False)

    def _weigh_reloads(
        self, table: Timetable
    ) -> Iterator[tuple[float, Row, int, tuple[Halt, Halt]]]:
        """Yield where the work and a reload before or behind it may fit but the work alone not."""
        able = np.array([self._may_take(row) and can_reload(row) for row in table.rows])
        if not able.any():
            return
        is_full = ~table.fits(self.work.size, self._find_side()) & able[table.owner]
        for depot_id in sorted({one for row in table.rows for one in row.vehicle.reload_at}):
            step = Step(id=depot_id, leg="reload")
            reload, visit = halt_of(self.problem, step), self.halts[0]
            for halts in ((reload, visit), (visit, reload)):
                cost, possible = table.weigh(*halts)
                for k in np.flatnonzero(possible & is_full):
                    row = table.rows[int(table.owner[k])]
                    if depot_id in row.vehicle.reload_at:
                        wish = price_wishes(row.vehicle, self.work) - BOUND_SLACK
                        yield float(cost[k]) + wish, row, int(table.position[k]), halts

    def _find_side(self) -> str:
        """Return which room the work needs: see `Timetable.fits`."""
        if not isinstance(self.work, Job):
            return "at"
        return "until" if self.work.kind == "delivery" else "from"

    def _may_take(self, row: Row) -> bool:
        """Rule out the vehicle as a whole, noting why."""
        vehicle, work = row.vehicle, self.work
        if not may_serve(vehicle, work):
            lacking = sorted(work.skills - vehicle.skills)
            if lacking:
                self._note(vehicle, "skills", f"Vehicle {vehicle.id} lacks {', '.join(lacking)}.")
            else:
                self._note(vehicle, "vehicle", f"Vehicle {vehicle.id} may not do {work.id}.")
            return False
        if vehicle.max_stops is None:
            return True
        visits = sum(step.leg != "reload" for step in row.steps) + len(self.added)
        if visits > vehicle.max_stops:
            sentence = f"Vehicle {vehicle.id} has its {vehicle.max_stops} visits."
            self._note(vehicle, "stops", sentence)
            return False
        return True

    def _note(self, vehicle: Vehicle, code: str, sentence: str) -> None:
        self.reasons[Violation(id=vehicle.id, code=code, sentence=sentence)] += 1

    def _find_places(self) -> Iterator[tuple[float, Row, Position]]:
        """Yield the places that the bounds allow by the least cost that they can have."""
        tables = list(self.inserter.tables())
        if not tables:
            return
        found = [part for table in tables for part in self._weigh(table)]
        cost = np.concatenate([part[0] for part in found])
        number = np.repeat(np.arange(len(found)), [len(part[0]) for part in found])
        first = np.concatenate([part[1] for part in found])
        last = np.concatenate([part[2] for part in found])
        parts_each = len(found) // len(tables)
        for k in np.argsort(cost, kind="stable"):
            table = tables[number[k] // parts_each]
            row = table.rows[int(table.owner[first[k]])]
            position = (int(table.position[first[k]]), int(table.position[last[k]]))
            yield float(cost[k]), row, position[: len(self.added)]

    def _weigh(self, table: Timetable) -> list[tuple[NDArray[np.float64], Ints, Ints]]:
        """Return least costs and positions in the table, for a shipment together and apart."""
        able = np.array([self._may_take(row) for row in table.rows])
        base = np.full(len(table.owner), -BOUND_SLACK)
        if self.work.preferences:
            wishes = np.array([price_wishes(row.vehicle, self.work) for row in table.rows])
            base += wishes[table.owner]
        usable = table.fits(self.work.size, self._find_side()) & able[table.owner]
        added, possible = table.weigh(*self.halts)
        at = np.flatnonzero(possible & usable)
        found = [(added[at] + base[at], at, at)]
        if len(self.added) == 2:
            first, last, cost = self._weigh_apart(table, usable)
            found.append((cost + base[first], first, last))
        return found

    def _weigh_apart(
        self, table: Timetable, usable: Bools
    ) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """Return places for a pickup and, after other visits, its delivery."""
        pick_cost, can_pick = table.weigh(self.halts[0], is_all=False)
        drop_cost, can_drop = table.weigh(self.halts[1], is_all=False)
        drop_cost = drop_cost - table.entry_cost
        # how far the load can stay on board: the first position without room, or the route's end
        count = len(usable)
        full = np.where(usable, count, np.arange(count))
        next_full = np.minimum.accumulate(full[::-1])[::-1]
        until = np.minimum(next_full, table.first[table.owner + 1])
        firsts: list[Ints] = [np.zeros(0, dtype=np.int64)]
        lasts: list[Ints] = [np.zeros(0, dtype=np.int64)]
        drops = np.flatnonzero(can_drop)
        for k in np.flatnonzero(can_pick & usable):
            behind = drops[np.searchsorted(drops, k + 1) : np.searchsorted(drops, until[k])]
            firsts.append(np.full(len(behind), k))
            lasts.append(behind)
        first, last = np.concatenate(firsts), np.concatenate(lasts)
        return first, last, pick_cost[first] + drop_cost[last]

    def _note_examples(self, tried: Collection[str]) -> None:
        """Where bounds ruled out a whole route, let one exact try at its end say why."""
        for row in self.inserter.rows.values():
            if row.vehicle.id in tried or not may_serve(row.vehicle, self.work):
                continue
            timed = schedule_route(self.problem, row.vehicle, (*row.steps, *self.added))
            if isinstance(timed, Route):
                sentence = f"Vehicle {row.vehicle.id} has no room for {self.work.id}."
                self._note(row.vehicle, "capacity", sentence)
            else:
                self.reasons.update(timed)


def can_reload(row: Row) -> bool:
    """Whether the vehicle may load once more than it does."""
    reloads = sum(step.leg == "reload" for step in row.steps)
    return bool(row.vehicle.reload_at) and reloads < row.vehicle.max_reloads


def place(halts: tuple[Halt, ...], added: Sequence[Halt], position: Position) -> tuple[Halt, ...]:
    """Return the halts with the added ones at their positions."""
    first, last = position[0], position[-1]
    return (*halts[:first], added[0], *halts[first:last], *added[1:], *halts[last:])
