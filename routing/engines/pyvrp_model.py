"""The remainder of a problem as PyVRP's data: what stands for what.

Given as it is: windows, capacities, shipments, shifts, longest distance and duration, open ends,
fixed cost, metres and hours with waiting. Given in another shape: several windows of a job (a group
of alternatives), who may do what (a profile for each set of forbidden visits), most stops (a
capacity), priorities (prizes; work is required as soon as a plan that does it all is known).
Relaxed: breaks shorten the shift by their length, several windows of a shipment become their hull,
shipments do not count for the most stops, longest rides are left out. Fixed visits: see
`remainder`. Searching is the matter of `pyvrp.py`.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvrp import (
    Activity,
    ActivityType,
    Client,
    ClientGroup,
    Depot,
    Location,
    ProblemData,
    Shipment,
    Solution,
    VehicleType,
)
from pyvrp import Route as PyvrpRoute

from routing.engines import Sequences
from routing.engines.remainder import Cab, Remainder
from routing.plan import Progress, Route
from routing.problem import UNREACHABLE, Step, TimeWindow
from routing.schedule import Halt, schedule_route

MOST_COST_PER_UNIT = 100
"""PyVRP's penalties are tuned for metres and seconds that cost about one."""

MOST_MATRIX_CELLS = 60_000_000
MOST_PRIZE = 2**40


@dataclass(frozen=True, slots=True)
class _Stop:
    halt: Halt
    window: TimeWindow


class Translation:
    """The remainder as PyVRP's data; every visit has a location of its own."""

    def __init__(self, remainder: Remainder, start: Sequences) -> None:
        self.remainder = remainder
        done = {step.id for steps in start.values() for step in steps}
        self.all_done = all(errand.work.id in done for errand in remainder.errands)
        self.clients = [
            (errand, _Stop(errand.halts[0], window))
            for errand in remainder.errands
            if len(errand.halts) == 1
            for window in remainder.windows_of(errand.halts[0])
        ]
        self.pairs = [errand for errand in remainder.errands if len(errand.halts) == 2]
        cab_groups: dict[tuple[Cab, frozenset[int]], list[int]] = defaultdict(list)
        tied = self._tie()
        for index, cab in enumerate(remainder.cabs):
            if cab.max_stops == 0:
                continue
            cab_groups[replace(cab, vehicle_id=""), tied[index]].append(index)
        self.groups = list(cab_groups.values())
        self.cost_unit = self._choose_cost_unit()
        self.data = self._make_data([tied[group[0]] for group in self.groups])

    def _tie(self) -> list[frozenset[int]]:
        """Return for each cab which errands it must not do."""
        errands = self.remainder.errands
        forbidden: list[set[int]] = [set() for _ in self.remainder.cabs]
        anybody = self.remainder.anybody
        for number, errand in enumerate(errands):
            for index in anybody - errand.servers:
                forbidden[index].add(number)
        return [frozenset(numbers) for numbers in forbidden]

    def _choose_cost_unit(self) -> float:
        """Return how many of PyVRP's units one 1/18000 of a minor unit of money is."""
        rates = [
            rate
            for cab in self.remainder.cabs
            for rate in (cab.cost_per_km * 18, cab.cost_per_hour * 5)
            if rate
        ]
        if not rates:
            return 1.0
        return min(1 / gcd(*rates), MOST_COST_PER_UNIT / max(rates))

    def _price(self, parts: int) -> int:
        return round(parts * self.cost_unit)

    def _make_data(self, forbidden: list[frozenset[int]]) -> ProblemData:
        remainder = self.remainder
        cabs = [remainder.cabs[group[0]] for group in self.groups]
        terminals = sorted(
            {place for cab in cabs for place in (cab.start_place, cab.end_place)},
            key=lambda place: -1 if place is None else place,
        )
        depot_of = {place: k for k, place in enumerate(terminals)}
        halts = [stop.halt for _, stop in self.clients]
        owners = [errand for errand, _ in self.clients]
        for errand in self.pairs:
            halts += errand.halts
            owners += [errand, errand]
        places = [*terminals, *(halt.place for halt in halts)]
        profile_of: dict[tuple[str, frozenset[int]], int] = {}
        distances: list[Any] = []
        durations: list[Any] = []
        numbers = {id(errand): k for k, errand in enumerate(remainder.errands)}
        is_affordable = len(set(forbidden)) * len(places) ** 2 <= MOST_MATRIX_CELLS
        types = []
        for cab, tied, group in zip(cabs, forbidden, self.groups, strict=True):
            key = (cab.profile, tied if is_affordable else frozenset())
            if key not in profile_of:
                profile_of[key] = len(distances)
                distance_m, duration_s = self._make_grids(cab.profile, places)
                for row, owner in enumerate(owners, len(terminals)):
                    if numbers[id(owner)] in key[1]:
                        duration_s[row, :] = duration_s[:, row] = UNREACHABLE
                        duration_s[row, row] = 0
                distances.append(distance_m)
                durations.append(duration_s)
            types.append(self._make_type(cab, len(group), profile_of[key], depot_of))
        return ProblemData(
            locations=[Location(0, 0) for _ in places],
            clients=self._make_clients(len(terminals)),
            depots=[Depot(k) for k in range(len(terminals))],
            vehicle_types=types,
            distance_matrices=distances,
            duration_matrices=durations,
            groups=self._group_alternatives(),
            shipments=self._make_shipments(len(terminals) + len(self.clients)),
        )

    def _make_grids(
        self, profile: str, places: list[int | None]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        matrix = self.remainder.problem.matrices[profile]
        at = [place or 0 for place in places]
        cut = np.ix_(at, at)
        distance_m = matrix.distance_m[cut].astype(np.int64)
        duration_s = matrix.duration_s[cut].astype(np.int64)
        duration_s[distance_m >= UNREACHABLE] = UNREACHABLE
        distance_m[duration_s >= UNREACHABLE] = 0
        for row, place in enumerate(places):
            if place is None:
                for grid in (distance_m, duration_s):
                    grid[row, :] = grid[:, row] = 0
        np.fill_diagonal(distance_m, 0)
        np.fill_diagonal(duration_s, 0)
        return distance_m, duration_s

    def _make_type(
        self, cab: Cab, count: int, profile: int, depot_of: dict[int | None, int]
    ) -> VehicleType:
        resting_s = sum(rest.duration_s for rest in cab.breaks if rest.latest_start_s <= cab.due_s)
        ready_s = cab.ready_s - self.remainder.origin_s
        due_s = max(ready_s, cab.due_s - self.remainder.origin_s - resting_s)
        limits: dict[str, Any] = {}
        if cab.max_distance_m is not None:
            limits["max_distance"] = cab.max_distance_m
        if cab.max_duration_s is not None:
            limits["shift_duration"] = max(0, cab.max_duration_s - resting_s)
        if cab.must_leave:
            limits["start_late"] = ready_s
        most = len(self.clients) if cab.max_stops is None else cab.max_stops
        return VehicleType(
            num_available=count,
            capacity=[*cab.room, most],
            start_depot=depot_of[cab.start_place],
            end_depot=depot_of[cab.end_place],
            fixed_cost=self._price(cab.fixed_cost * 18_000),
            tw_early=ready_s,
            tw_late=due_s,
            unit_distance_cost=self._price(cab.cost_per_km * 18),
            unit_duration_cost=self._price(cab.cost_per_hour * 5),
            profile=profile,
            **limits,
        )

    def _dearest(self) -> int:
        """Return more than a detour for one job can cost."""
        dearest = 1
        for cab in self.remainder.cabs:
            matrix = self.remainder.problem.matrices[cab.profile]
            reachable = matrix.distance_m[matrix.distance_m < UNREACHABLE]
            longest_m = int(reachable.max(initial=0))
            parts = 4 * longest_m * cab.cost_per_km * 18 + cab.fixed_cost * 18_000
            parts += self.remainder.horizon_s * cab.cost_per_hour * 5
            dearest = max(dearest, self._price(parts))
        return dearest

    def _make_clients(self, first_location: int) -> list[Client]:
        group_of: dict[int, int] = {}
        for number, members in enumerate(self._alternatives()):
            group_of.update(dict.fromkeys(members, number))
        clients = []
        prizes = self._prizes()
        for index, (errand, stop) in enumerate(self.clients):
            nothing = [0] * len(errand.size)
            collected, brought = (
                (errand.size, nothing)
                if errand.is_collected
                else (
                    nothing,
                    errand.size,
                )
            )
            clients.append(
                Client(
                    location=first_location + index,
                    delivery=[*brought, 1],
                    pickup=[*collected, 0],
                    service_duration=stop.halt.service_s,
                    tw_early=stop.window.start_s,
                    tw_late=stop.window.end_s,
                    prize=prizes[id(errand)],
                    required=self.all_done and index not in group_of,
                    group=group_of.get(index),
                )
            )
        return clients

    def _prizes(self) -> dict[int, int]:
        if self.all_done:
            return Counter()
        dearest = self._dearest()
        per_point = len(self.remainder.errands) + 1
        return {
            id(errand): min(MOST_PRIZE, (errand.work.priority * per_point + 1) * dearest)
            for errand in self.remainder.errands
        }

    def _alternatives(self) -> list[list[int]]:
        members: dict[int, list[int]] = defaultdict(list)
        for index, (errand, _) in enumerate(self.clients):
            members[id(errand)].append(index)
        return [indices for indices in members.values() if len(indices) > 1]

    def _group_alternatives(self) -> list[ClientGroup]:
        return [ClientGroup(members, required=self.all_done) for members in self._alternatives()]

    def _make_shipments(self, first_location: int) -> list[Shipment]:
        prizes = self._prizes()
        shipments = []
        for index, errand in enumerate(self.pairs):
            hulls = [
                (windows[0].start_s, windows[-1].end_s)
                for windows in map(self.remainder.windows_of, errand.halts)
            ]
            pickup, delivery = errand.halts
            shipments.append(
                Shipment(
                    first_location + 2 * index,
                    first_location + 2 * index + 1,
                    *hulls[0],
                    pickup.service_s,
                    *hulls[1],
                    delivery.service_s,
                    amount=[*errand.size, 0],
                    prize=prizes[id(errand)],
                    required=self.all_done,
                )
            )
        return shipments

    def make_initial(self, start: Sequences) -> Solution | None:
        """Return the start as PyVRP's solution; None when it holds nothing but fixed visits."""
        routes = []
        pair_of = {errand.work.id: k for k, errand in enumerate(self.pairs)}
        clients_of: dict[str, list[int]] = defaultdict(list)
        for index, (errand, _) in enumerate(self.clients):
            clients_of[errand.work.id].append(index)
        for type_index, group in enumerate(self.groups):
            for cab_index in group:
                vehicle = self.remainder.problem.vehicles[cab_index]
                timed = schedule_route(self.remainder.problem, vehicle, start.get(vehicle.id, ()))
                if not isinstance(timed, Route):
                    continue
                begins_s = {
                    Step(id=v.id, leg=v.leg): v.start_s - self.remainder.origin_s
                    for v in timed.visits
                    if v.leg in ("job", "pickup", "delivery")
                }
                activities = []
                for step in timed.steps[len(vehicle.fixed) :]:
                    if step.leg != "job" and step.id in pair_of:
                        is_pickup = step.leg == "pickup"
                        kind = ActivityType.PICKUP if is_pickup else ActivityType.DELIVERY
                        activities.append(Activity(kind, pair_of[step.id]))
                    elif step.id in clients_of:
                        chosen = self._find_window(clients_of[step.id], begins_s[step])
                        activities.append(Activity(ActivityType.CLIENT, chosen))
                if activities:
                    routes.append(PyvrpRoute(self.data, activities, type_index))
        return Solution(self.data, routes) if routes else None

    def _find_window(self, indices: list[int], begin_s: int) -> int:
        for index in indices:
            window = self.clients[index][1].window
            if window.start_s <= begin_s <= window.end_s:
                return index
        return indices[0]

    def read(self, solution: Solution) -> Sequences:
        """Return the order of visits on each vehicle; equal vehicles are dealt out in turn."""
        free: list[list[int]] = [list(reversed(group)) for group in self.groups]
        found: dict[str, tuple[Step, ...]] = {}
        for route in solution.routes():
            cab = self.remainder.cabs[free[route.vehicle_type()].pop()]
            found[cab.vehicle_id] = tuple(
                self._name(activity) for activity in route if not activity.is_depot()
            )
        return found

    def _name(self, activity: Any) -> Step:
        index: int = activity.idx
        if activity.is_client():
            return self.clients[index][1].halt.step
        pickup, delivery = self.pairs[index].halts
        return pickup.step if activity.is_pickup() else delivery.step

    def measure(self, solution: Solution, elapsed_s: float) -> Progress:
        missed = Counter(a.idx for a in solution.unplanned() if a.is_pickup())
        left = [self.pairs[index].work for index in missed]
        served = {self._name(a).id for r in solution.routes() for a in r if not a.is_depot()}
        left += [
            errand.work
            for errand in self.remainder.errands
            if len(errand.halts) == 1 and errand.work.id not in served
        ]
        parts = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
        return Progress(
            elapsed_s=elapsed_s,
            priority_missed=sum(work.priority for work in left),
            unassigned=len(left),
            cost=round(parts / self.cost_unit / 18_000),
        )
