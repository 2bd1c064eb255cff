"""The whole problem as a model of OR-Tools: which variables and rules stand for what.

Each window of a visit is a node of its own and at most one of them is visited: alternatives
propagate better than holes in a range. Work that may stay undone costs so much that priorities
come first, then the number of jobs, then money. Searching is the matter of `ortools.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp

from routing.engines import Sequences
from routing.engines.ortools_clock import add_breaks, add_time
from routing.engines.ortools_loads import add_loads
from routing.halts import halt_of
from routing.plan import Route, price_wishes
from routing.problem import (
    UNREACHABLE,
    Job,
    Problem,
    Step,
    TimeWindow,
    Vehicle,
    Work,
    steps_of,
)
from routing.rules import may_serve
from routing.schedule import schedule_route

LARGEST_OBJECTIVE = 2**60
FINEST_COST_PARTS = 18_000
"""One metre and one second are whole numbers of 1/18000 of what a km and an hour cost."""


@dataclass(frozen=True, slots=True)
class Node:
    step: Step
    place: int
    service_s: int
    window: TimeWindow
    change: tuple[int, ...]
    """What the visit adds to the load."""


class Model:
    def __init__(self, problem: Problem, start: Sequences, *, prices_waiting: bool) -> None:
        self.problem = problem
        self.prices_waiting = prices_waiting
        self.vehicles = problem.vehicles
        self.origin_s = min(vehicle.shift.start_s for vehicle in self.vehicles)
        self.horizon_s = max(vehicle.latest_end_s for vehicle in self.vehicles) - self.origin_s
        self.fixed_start_s = self._time_fixed(start)
        self.holder = {step.id: v.id for v in self.vehicles for step in v.fixed}
        self.typical_s = self._find_typical(start)
        self.work = [work for work in problem.work if self._servers_of(work)]
        required = sum(work.prize is None for work in problem.work)
        self.hopeless = required - sum(work.prize is None for work in self.work)
        self.nodes: list[Node] = []
        self.nodes_of: dict[Step, list[int]] = {}
        for work in self.work:
            for step in steps_of(work):
                self.nodes_of[step] = self._add_nodes(work, step)
        self.reloads = [list(self._add_reloads(vehicle)) for vehicle in self.vehicles]
        starts = [(v.start_place, self._loading_s(v)) for v in self.vehicles]
        ends = [(v.end_place, 0) for v in self.vehicles]
        self.terminals = list(dict.fromkeys((*starts, *ends)))
        terminal_at = {at: len(self.nodes) + k for k, at in enumerate(self.terminals)}
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.nodes) + len(self.terminals),
            len(self.vehicles),
            [terminal_at[start] for start in starts],
            [terminal_at[end] for end in ends],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.solver = self.routing.solver()
        self._transits: dict[tuple[object, ...], int] = {}
        self.penalty_unit, self.cost_parts = self._choose_units()
        self._add_costs()
        self.time = add_time(self)
        add_loads(self)
        self._add_limits()
        self._add_work()
        self._add_wishes()
        add_breaks(self)
        self._lock_fixed()

    def _time_fixed(self, start: Sequences) -> dict[Step, int]:
        """Return when each fixed visit begins; the start plan contains them all."""
        begins: dict[Step, int] = {}
        for vehicle in self.vehicles:
            if not vehicle.fixed:
                continue
            route = schedule_route(self.problem, vehicle, start[vehicle.id])
            assert isinstance(route, Route), "engines start from routes that can be driven"
            visits = [visit for visit in route.visits if visit.leg not in ("start", "break", "end")]
            for step, visit in zip(vehicle.fixed, visits, strict=False):
                if step.leg != "reload":
                    begins[step] = visit.start_s
        return begins

    def _find_typical(self, start: Sequences) -> int:
        """Return how long a route lasts if all vehicles share the work of the start evenly."""
        routes = [
            schedule_route(self.problem, self.problem.vehicle_by_id[vehicle_id], steps)
            for vehicle_id, steps in start.items()
            if steps
        ]
        return sum(r.duration_s for r in routes if isinstance(r, Route)) // len(self.vehicles)

    def _servers_of(self, work: Work) -> list[int]:
        holder = self.holder.get(work.id)
        return [
            index
            for index, vehicle in enumerate(self.vehicles)
            if (vehicle.id == holder if holder else may_serve(vehicle, work))
        ]

    def _add_nodes(self, work: Work, step: Step) -> list[int]:
        halt = halt_of(self.problem, step)
        size = work.size or (0,) * self.problem.dimensions
        falls = work.kind == "delivery" if isinstance(work, Job) else step.leg == "delivery"
        change = tuple(-amount for amount in size) if falls else size
        last_s = self.origin_s + self.horizon_s
        windows: tuple[TimeWindow, ...] = halt.windows
        if step in self.fixed_start_s:
            windows = (TimeWindow(start_s=self.fixed_start_s[step], end_s=last_s),)
        elif not windows:
            windows = (TimeWindow(start_s=self.origin_s, end_s=last_s),)
        usable = [w for w in windows if w.end_s >= self.origin_s and w.start_s <= last_s]
        first = len(self.nodes)
        for window in usable:
            inside = TimeWindow(
                start_s=max(window.start_s, self.origin_s) - self.origin_s,
                end_s=min(window.end_s, last_s) - self.origin_s,
            )
            self.nodes.append(Node(step, halt.place, halt.service_s, inside, change))
        return list(range(first, len(self.nodes)))

    def _add_reloads(self, vehicle: Vehicle) -> Iterator[int]:
        """Make the visits to depots that this vehicle may make between two trips."""
        held = [step.id for step in vehicle.fixed if step.leg == "reload"]
        spare = max(0, vehicle.max_reloads - len(held))
        nothing = (0,) * self.problem.dimensions
        for depot_id in (*held, *sorted(vehicle.reload_at) * spare):
            depot = self.problem.depot_by_id[depot_id]
            is_held = len(held) > 0
            held = held[1:]
            earliest_s, latest_s = self.origin_s, self.origin_s + self.horizon_s
            if depot.windows and not is_held:
                earliest_s = max(earliest_s, depot.windows[0].start_s)
                latest_s = min(latest_s, depot.windows[-1].end_s)
            if earliest_s > latest_s:
                continue
            window = TimeWindow(start_s=earliest_s - self.origin_s, end_s=latest_s - self.origin_s)
            step = Step(id=depot_id, leg="reload")
            self.nodes.append(Node(step, depot.place, depot.loading_s, window, nothing))
            yield len(self.nodes) - 1

    def _loading_s(self, vehicle: Vehicle) -> int:
        depot = self.problem.loading_depot(vehicle)
        return depot.loading_s if depot else 0

    def index_of(self, node: int) -> int:
        """Return OR-Tools' index of a node."""
        return int(self.manager.NodeToIndex(node))

    def _grid(self, profile: str, what: str) -> Any:
        """Return travel between nodes as an int64 array.

        Open ends are nowhere and cost nothing; neither does a vehicle that stays at home.
        """
        places = [node.place for node in self.nodes] + [place or 0 for place, _ in self.terminals]
        grid = getattr(self.problem.matrices[profile], what)[np.ix_(places, places)]
        grid = grid.astype(np.int64)
        grid[len(self.nodes) :, len(self.nodes) :] = 0
        for offset, (place, _) in enumerate(self.terminals, len(self.nodes)):
            if place is None:
                grid[offset, :] = 0
                grid[:, offset] = 0
        return grid

    def _add_service(self, grid: Any) -> None:
        """Add what is spent at each node; an idle vehicle is not loaded."""
        for row, node in enumerate(self.nodes):
            grid[row] += node.service_s
        for row, (_, loading_s) in enumerate(self.terminals, len(self.nodes)):
            grid[row, : len(self.nodes)] += loading_s

    def time_transit(self, vehicle: Vehicle) -> int:
        """Return the number of what driving and service take."""
        key = ("time", vehicle.profile)
        if key not in self._transits:
            grid = self._grid(vehicle.profile, "duration_s")
            too_far = self._grid(vehicle.profile, "distance_m") >= UNREACHABLE
            grid[too_far] = UNREACHABLE
            self._add_service(grid)
            self._transits[key] = self.routing.RegisterTransitMatrix(grid.tolist())
        return self._transits[key]

    def _distance_transit(self, vehicle: Vehicle) -> int:
        key = ("distance", vehicle.profile)
        if key not in self._transits:
            grid = self._grid(vehicle.profile, "distance_m")
            self._transits[key] = self.routing.RegisterTransitMatrix(grid.tolist())
        return self._transits[key]

    def _cost_transit(self, vehicle: Vehicle) -> int:
        """Price metres and busy seconds; what the vehicle waits is priced as slack."""
        key = ("cost", vehicle.profile, vehicle.cost_per_km, vehicle.cost_per_hour)
        if key not in self._transits:
            parts = self.cost_parts
            grid = self._grid(vehicle.profile, "distance_m") * vehicle.cost_per_km * parts // 1000
            if vehicle.cost_per_hour:
                busy_s = self._grid(vehicle.profile, "duration_s")
                self._add_service(busy_s)
                grid += busy_s * (vehicle.cost_per_hour * parts // 3600)
            self._transits[key] = self.routing.RegisterTransitMatrix(grid.tolist())
        return self._transits[key]

    def _choose_units(self) -> tuple[int, int]:
        """Return the penalty that outweighs any cost, and into how many parts a cost unit falls."""
        longest_m = 0
        for matrix in self.problem.matrices.values():
            reachable = matrix.distance_m[matrix.distance_m < UNREACHABLE]
            longest_m = max(longest_m, int(reachable.max(initial=0)))
        legs = len(self.work) * 2 + len(self.vehicles)
        most = 1 + legs * longest_m * max(v.cost_per_km for v in self.vehicles) // 1000
        for vehicle in self.vehicles:
            shift_s = vehicle.shift.end_s - vehicle.shift.start_s
            most += vehicle.fixed_cost + vehicle.cost_per_hour * shift_s // 3600 + 1
            most += vehicle.overtime_cost_per_hour * vehicle.overtime_s // 3600
            most += vehicle.cost_per_squared_hour * (shift_s // 3600 + 1) ** 2
        for work in self.work:
            most += (work.prize or 0) + sum(wish.cost for wish in work.preferences)
        heaviest = sum(self._weigh(work) for work in self.work if work.prize is None) or 1
        parts = FINEST_COST_PARTS
        while parts > 1 and (most * parts + 1) * heaviest > LARGEST_OBJECTIVE:
            parts //= 2
        return min(most * parts + 1, max(1, LARGEST_OBJECTIVE // heaviest)), parts

    def _weigh(self, work: Work) -> int:
        """One priority point outweighs any number of jobs."""
        return work.priority * (len(self.problem.work) + 1) + 1

    def _add_costs(self) -> None:
        for index, vehicle in enumerate(self.vehicles):
            self.routing.SetArcCostEvaluatorOfVehicle(self._cost_transit(vehicle), index)
            self.routing.SetFixedCostOfVehicle(vehicle.fixed_cost * self.cost_parts, index)

    def _add_limits(self) -> None:
        if any(vehicle.max_stops is not None for vehicle in self.vehicles):
            ones = [int(node.step.leg != "reload") for node in self.nodes]
            ones += [0] * len(self.terminals)
            most = [len(self.nodes) if v.max_stops is None else v.max_stops for v in self.vehicles]
            transit = self.routing.RegisterUnaryTransitVector(ones)
            self.routing.AddDimensionWithVehicleCapacity(transit, 0, most, True, "stops")
        if any(vehicle.max_distance_m is not None for vehicle in self.vehicles):
            endless = UNREACHABLE * (len(self.nodes) + 2)
            limits = [
                endless if v.max_distance_m is None else v.max_distance_m for v in self.vehicles
            ]
            self.routing.AddDimensionWithVehicleTransitAndCapacity(
                [self._distance_transit(vehicle) for vehicle in self.vehicles],
                0,
                limits,
                True,
                "distance",
            )

    def _add_work(self) -> None:
        for work in self.work:
            penalty = self._weigh(work) * self.penalty_unit
            if work.prize is not None:
                penalty = work.prize * self.cost_parts
            servers = self._servers_of(work)
            ends = [
                [self.index_of(node) for node in self.nodes_of[step]] for step in steps_of(work)
            ]
            groups = []
            for indices in ends:
                if indices:
                    groups.append(self.routing.AddDisjunction(indices, penalty, 1))
                for index in indices:
                    if len(servers) < len(self.vehicles):
                        self.routing.VehicleVar(index).SetValues([-1, *servers])
                penalty = 0
            if not isinstance(work, Job):
                self._pair(ends[0], ends[1], groups, work.max_ride_s)

        for number, nodes in enumerate(self.reloads):
            for node in nodes:
                self.routing.AddDisjunction([self.index_of(node)], 0, 1)
                self.routing.VehicleVar(self.index_of(node)).SetValues([-1, number])

    def _add_wishes(self) -> None:
        """Count what preferences cost on each vehicle in a dimension whose length has a price."""
        if not any(work.preferences for work in self.work):
            return
        prices: list[int] = []
        dearest = 0
        for vehicle in self.vehicles:
            cost = [0] * (len(self.nodes) + len(self.terminals))
            for work in self.work:
                for node in self.nodes_of[steps_of(work)[0]]:
                    cost[node] = price_wishes(vehicle, work)
            dearest = max(dearest, sum(cost))
            prices.append(self.routing.RegisterUnaryTransitVector(cost))
        self.routing.AddDimensionWithVehicleTransits(prices, 0, dearest, True, "wishes")
        wishes = self.routing.GetDimensionOrDie("wishes")
        wishes.SetSpanCostCoefficientForAllVehicles(self.cost_parts)

    def _pair(
        self,
        pickups: Sequence[int],
        deliveries: Sequence[int],
        groups: Sequence[int],
        max_ride_s: int | None,
    ) -> None:
        routing, solver = self.routing, self.solver
        if not pickups or not deliveries:
            for index in (*pickups, *deliveries):
                routing.ActiveVar(index).SetValue(0)
            return
        routing.AddPickupAndDeliverySets(groups[0], groups[1])
        if len(pickups) == len(deliveries) == 1:
            pickup, delivery = pickups[0], deliveries[0]
            solver.Add(routing.VehicleVar(pickup) == routing.VehicleVar(delivery))
        else:
            solver.Add(
                solver.Max([routing.VehicleVar(index) for index in pickups])
                == solver.Max([routing.VehicleVar(index) for index in deliveries])
            )
        if max_ride_s is None:
            return
        for pickup in pickups:
            limit_s = max_ride_s + self.nodes[self.manager.IndexToNode(pickup)].service_s
            for delivery in deliveries:
                idle = 2 - routing.ActiveVar(pickup) - routing.ActiveVar(delivery)
                ride = self.time.CumulVar(delivery) - self.time.CumulVar(pickup)
                solver.Add(ride <= limit_s + idle * self.horizon_s)

    def _lock_fixed(self) -> None:
        for index, vehicle in enumerate(self.vehicles):
            at = self.routing.Start(index)
            reloads = iter(self.reloads[index])
            for step in vehicle.fixed:
                is_reload = step.leg == "reload"
                following = self.index_of(next(reloads) if is_reload else self.nodes_of[step][0])
                self.routing.NextVar(at).SetValue(following)
                at = following

    def routes_of(self, start: Sequences) -> list[list[int]]:
        """Return the start plan as nodes, each visit in the window that it was timed for."""
        routes: list[list[int]] = []
        for vehicle in self.vehicles:
            if not start.get(vehicle.id):
                routes.append([])
                continue
            timed = schedule_route(self.problem, vehicle, start[vehicle.id])
            assert isinstance(timed, Route), "engines start from routes that can be driven"
            begins_s = iter(
                visit.start_s - self.origin_s
                for visit in timed.visits
                if visit.leg not in ("start", "break", "end")
            )
            reloads = list(self.reloads[len(routes)])
            routes.append(
                [
                    self._choose_node(
                        [n for n in reloads if self.nodes[n].step == step]
                        if step.leg == "reload"
                        else self.nodes_of[step],
                        begin_s,
                        reloads,
                    )
                    for step, begin_s in zip(timed.steps, begins_s, strict=True)
                ]
            )
        return routes

    def _choose_node(self, nodes: list[int], begin_s: int, reloads: list[int]) -> int:
        """Return the node whose window it is; each reload is used once."""
        for node in nodes:
            window = self.nodes[node].window
            if window.start_s <= begin_s <= window.end_s:
                if node in reloads:
                    reloads.remove(node)
                return node
        raise AssertionError("what was timed lies in a window")
