"""The remainder of a problem as PyVRP's data: what stands for what.

Given as it is: windows, capacities, shipments, shifts, longest distance and duration, open ends,
fixed cost, metres and hours with waiting, reloads, loading and opening hours of depots (as one
window), prizes. Given in another shape: several windows of a job (a group of alternatives), who may
do what (a profile for each set of forbidden visits), preferences (metres that cost as much), most
stops (a capacity), priorities (prizes; work is required as soon as a plan that does it all is
known), evenness (by the duration of a route), breaks (`pyvrp_clock`), longest rides and overtime
(`pyvrp_start`). Relaxed: several windows of a shipment become their hull, shipments do not count
for the most stops. Fixed visits: see `remainder`. Searching is the matter of `pyvrp.py`.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvrp import (
    Client,
    ClientGroup,
    Depot,
    Location,
    ProblemData,
    Shipment,
    VehicleType,
)

from routing import problem as problems
from routing.engines import Sequences, pyvrp_start
from routing.engines.pyvrp_clock import Clock
from routing.engines.pyvrp_scope import is_told_by_start
from routing.engines.remainder import Cab, Errand, Remainder
from routing.halts import Halt
from routing.plan import price_wishes
from routing.problem import UNREACHABLE, TimeWindow

MOST_COST_PER_UNIT = 100
"""PyVRP's penalties are tuned for metres and seconds that cost about one."""

MOST_MATRIX_CELLS = 60_000_000
MOST_PRIZE = 2**40
GOLDEN_RATIO = 0.618
"""Multiples of it lie evenly between whole numbers, however many there are."""


@dataclass(frozen=True, slots=True)
class _Stop:
    halt: Halt
    window: TimeWindow


@dataclass(frozen=True, slots=True)
class _Tie:
    """What a vehicle must not do, and what costs it as much as so many metres more."""

    forbidden: frozenset[int]
    dearer_m: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Gate:
    """What PyVRP calls a depot: where routes start, end or reload (then it has an id)."""

    place: int | None
    opens_s: int
    closes_s: int
    loading_s: int
    depot_id: str


class Translation:
    """The remainder as PyVRP's data; every visit has a location of its own."""

    def __init__(self, remainder: Remainder, start: Sequences) -> None:
        self.remainder = remainder
        done = {step.id for steps in start.values() for step in steps}
        self.all_done = all(
            errand.work.id in done for errand in remainder.errands if errand.work.prize is None
        )
        self.clock = Clock(remainder)
        routes = pyvrp_start.time_routes(remainder, start)
        self.typical_s = sum(route.duration_s for route in routes) // len(remainder.cabs)
        self.rides_s = pyvrp_start.find_rides(remainder, routes)
        self.is_told_by_start = is_told_by_start(remainder.problem)
        self.cabs = remainder.cabs
        if self.is_told_by_start and self.all_done:
            self.cabs = pyvrp_start.limit_overtime(remainder, routes)
        self.clients = [
            (errand, _Stop(errand.halts[0], self.clock.squeeze(window)))
            for errand in remainder.errands
            if len(errand.halts) == 1
            for window in remainder.windows_of(errand.halts[0])
        ]
        self.pairs = [errand for errand in remainder.errands if len(errand.halts) == 2]
        self.pair_of = {errand.work.id: k for k, errand in enumerate(self.pairs)}
        self.clients_of: dict[str, list[int]] = defaultdict(list)
        for index, (errand, _) in enumerate(self.clients):
            self.clients_of[errand.work.id].append(index)
        cab_groups: dict[tuple[Cab, _Tie], list[int]] = defaultdict(list)
        tied = self._tie()
        for index, cab in enumerate(self.cabs):
            if cab.max_stops == 0 or not self._can_leave(cab):
                continue
            breaks = tuple(replace(rest, id="") for rest in cab.breaks)
            alike = replace(cab, vehicle_id="", breaks=breaks)
            cab_groups[alike, tied[index]].append(index)
        self.groups = list(cab_groups.values())
        self.can_leave = bool(self.groups)
        if self.can_leave:
            self.cost_unit = self._choose_cost_unit()
            self.data = self._make_data([tied[group[0]] for group in self.groups])

    def _can_leave(self, cab: Cab) -> bool:
        """Whether its depots are open at any time of its shift."""
        opens_s, closes_s = self._hours(cab.loading)
        arrives_s, ends_s = self._hours(cab.arriving)
        first_s, last_s = self._shift(cab)
        return max(opens_s, first_s) <= min(closes_s, last_s) and max(arrives_s, first_s) <= min(
            ends_s, last_s
        )

    def _shift(self, cab: Cab) -> tuple[int, int]:
        """Return when the cab may work on the squeezed clock, overtime included."""
        origin_s = self.remainder.origin_s
        ready_s = self.clock.read(cab.ready_s - origin_s)
        due_s = self.clock.read(cab.due_s + cab.overtime_s - origin_s) - self.clock.owed_s(cab)
        return ready_s, max(ready_s, due_s)

    def _hours(self, depot: problems.Depot | None) -> tuple[int, int]:
        if depot is None or not depot.windows:
            return 0, self.remainder.horizon_s
        origin_s = self.remainder.origin_s
        opens_s = self.clock.read(depot.windows[0].start_s - origin_s)
        closes_s = self.clock.read(depot.windows[-1].end_s - origin_s)
        return max(0, opens_s), closes_s

    def _tie(self) -> list[_Tie]:
        """Return for each cab which errands it must not do, and which cost it more."""
        remainder = self.remainder
        forbidden: list[set[int]] = [set() for _ in remainder.cabs]
        dearer: list[set[tuple[int, int]]] = [set() for _ in remainder.cabs]
        for number, errand in enumerate(remainder.errands):
            for index in remainder.anybody - errand.servers:
                forbidden[index].add(number)
            for index in errand.servers if errand.work.preferences else ():
                cab = remainder.cabs[index]
                price = price_wishes(remainder.problem.vehicles[index], errand.work)
                if price and cab.cost_per_km and cab.max_distance_m is None:
                    dearer[index].add((number, price * 1000 // cab.cost_per_km))
        return [
            _Tie(frozenset(one), frozenset(two)) for one, two in zip(forbidden, dearer, strict=True)
        ]

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

    def _make_data(self, ties: list[_Tie]) -> ProblemData:
        remainder = self.remainder
        cabs = [self.cabs[group[0]] for group in self.groups]
        self.gates = list(dict.fromkeys(gate for cab in cabs for gate in self._gates_of(cab)))
        terminals = [gate.place for gate in self.gates]
        halts = [stop.halt for _, stop in self.clients]
        owners = [errand for errand, _ in self.clients]
        for errand in self.pairs:
            halts += errand.halts
            owners += [errand, errand]
        places = [*terminals, *(halt.place for halt in halts)]
        profile_of: dict[tuple[str, _Tie], int] = {}
        distances: list[Any] = []
        durations: list[Any] = []
        numbers = {id(errand): k for k, errand in enumerate(remainder.errands)}
        is_affordable = len(set(ties)) * len(places) ** 2 <= MOST_MATRIX_CELLS
        types = []
        for cab, tied, group in zip(cabs, ties, self.groups, strict=True):
            key = (cab.profile, tied if is_affordable else _Tie(frozenset(), frozenset()))
            if key not in profile_of:
                profile_of[key] = len(distances)
                distance_m, duration_s = self._make_grids(cab.profile, places)
                dearer = dict(key[1].dearer_m)
                for row, owner in enumerate(owners, len(terminals)):
                    if numbers[id(owner)] in key[1].forbidden:
                        duration_s[row, :] = duration_s[:, row] = UNREACHABLE
                        duration_s[row, row] = 0
                    is_delivery = (
                        len(owner.halts) == 2 and owners[row - len(terminals) - 1] is owner
                    )
                    extra_m = dearer.get(numbers[id(owner)], 0)
                    if extra_m and not is_delivery:
                        distance_m[:, row] += extra_m
                        distance_m[row, row] = 0
                distances.append(distance_m)
                durations.append(duration_s)
            types.append(self._make_type(cab, len(group), profile_of[key]))
        return ProblemData(
            locations=[Location(0, 0) for _ in places],
            clients=self._make_clients(len(terminals)),
            depots=[
                Depot(
                    k, tw_early=gate.opens_s, tw_late=gate.closes_s, service_duration=gate.loading_s
                )
                for k, gate in enumerate(self.gates)
            ],
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

    def _gates_of(self, cab: Cab) -> list[_Gate]:
        """Return where it starts, where it ends, and where it may reload."""
        depots = self.remainder.problem.depot_by_id
        arriving = _Gate(cab.end_place, *self._hours(cab.arriving), 0, "")
        loading_s = cab.loading.loading_s if cab.loading else 0
        gates = [_Gate(cab.start_place, *self._hours(cab.loading), loading_s, ""), arriving]
        for depot_id in sorted(cab.reload_at) if cab.reloads else ():
            depot = depots[depot_id]
            opens_s, closes_s = self._hours(depot)
            if opens_s <= closes_s:  # others have closed before anybody's shift begins
                gates.append(_Gate(depot.place, opens_s, closes_s, depot.loading_s, depot_id))
        return gates

    def _make_type(self, cab: Cab, count: int, profile: int) -> VehicleType:
        first_s, last_s = self._shift(cab)
        limits: dict[str, Any] = self._limit_duration(cab, last_s - first_s)
        if cab.max_distance_m is not None:
            limits["max_distance"] = cab.max_distance_m
        if cab.must_leave:
            limits["start_late"] = first_s
        most = len(self.clients) if cab.max_stops is None else cab.max_stops
        start, end, *reloads = map(self.gates.index, self._gates_of(cab))
        return VehicleType(
            num_available=count,
            capacity=[*cab.room, most],
            start_depot=start,
            end_depot=end,
            fixed_cost=self._price(cab.fixed_cost * 18_000),
            tw_early=first_s,
            tw_late=last_s,
            unit_distance_cost=self._price(cab.cost_per_km * 18),
            unit_duration_cost=self._price(cab.cost_per_hour * 5),
            profile=profile,
            reload_depots=reloads,
            max_reloads=cab.reloads,
            **limits,
        )

    def _limit_duration(self, cab: Cab, longest_s: int) -> dict[str, Any]:
        """Return up to what duration all is cheap, and how far dearer time may follow."""
        if cab.max_duration_s is not None:
            resting_s = sum(rest.duration_s for rest in cab.breaks)
            longest_s = min(longest_s, max(0, cab.max_duration_s - resting_s))
        cheap_s, per_hour = longest_s, 0
        if cab.overtime_s:
            cheap_s, per_hour = longest_s - cab.overtime_s, cab.overtime_cost_per_hour
        elif cab.cost_per_squared_hour:
            cheap_s = self.typical_s
            per_hour = 2 * cab.cost_per_squared_hour * self.typical_s // 3600
        cheap_s = max(0, min(cheap_s, longest_s))
        if not per_hour and cab.max_duration_s is None:
            return {}
        return {
            "shift_duration": cheap_s,
            "max_overtime": longest_s - cheap_s,
            "unit_overtime_cost": self._price(per_hour * 5),
        }

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
            nothing = (0,) * len(errand.size)
            collected = errand.size if errand.is_collected else nothing
            brought = nothing if errand.is_collected else errand.size
            clients.append(
                Client(
                    location=first_location + index,
                    delivery=[*brought, 1],
                    pickup=[*collected, 0],
                    service_duration=stop.halt.service_s,
                    tw_early=stop.window.start_s,
                    tw_late=stop.window.end_s,
                    prize=prizes[id(errand)],
                    required=self._is_required(errand) and index not in group_of,
                    group=group_of.get(index),
                )
            )
        return clients

    def _is_required(self, errand: Errand) -> bool:
        return self.all_done and errand.work.prize is None

    def _prizes(self) -> dict[int, int]:
        dearest = self._dearest()
        per_point = len(self.remainder.errands) + 1
        prizes = {}
        for errand in self.remainder.errands:
            work = errand.work
            prize = (work.priority * per_point + 1) * dearest
            if work.prize is not None:
                prize = self._price(work.prize * 18_000)
            prizes[id(errand)] = 0 if self._is_required(errand) else min(MOST_PRIZE, prize)
        return prizes

    def _alternatives(self) -> list[list[int]]:
        members: dict[int, list[int]] = defaultdict(list)
        for index, (errand, _) in enumerate(self.clients):
            members[id(errand)].append(index)
        return [indices for indices in members.values() if len(indices) > 1]

    def _group_alternatives(self) -> list[ClientGroup]:
        return [
            ClientGroup(members, required=self._is_required(self.clients[members[0]][0]))
            for members in self._alternatives()
        ]

    def _find_spans(self, index: int) -> tuple[pyvrp_start.Span, pyvrp_start.Span]:
        errand = self.pairs[index]
        pickup_s, delivery_s = (
            (windows[0].start_s, windows[-1].end_s)
            for windows in map(self.remainder.windows_of, errand.halts)
        )
        if not self.is_told_by_start:
            return pickup_s, delivery_s
        known_s = self.rides_s.get(errand.work.id)
        return pyvrp_start.keep_ride_short(
            errand, pickup_s, delivery_s, known_s, index * GOLDEN_RATIO % 1
        )

    def _make_shipments(self, first_location: int) -> list[Shipment]:
        prizes = self._prizes()
        shipments = []
        for index, errand in enumerate(self.pairs):
            hulls = [
                (self.clock.read(begin_s), self.clock.read(end_s))
                for begin_s, end_s in self._find_spans(index)
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
                    required=self._is_required(errand),
                )
            )
        return shipments
