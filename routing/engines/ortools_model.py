"""The whole problem as a model of OR-Tools: which variables and rules stand for what.

Each window of a visit is a node of its own and at most one of them is visited: alternatives
propagate better than holes in a range. Work that may stay undone costs so much that priorities
come first, then the number of jobs, then money. Searching is the matter of `ortools.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp

from routing.engines import Sequences
from routing.plan import Route
from routing.problem import UNREACHABLE, Job, Problem, Step, TimeWindow, Vehicle, Work, steps_of
from routing.rules import may_serve
from routing.schedule import halt_of, schedule_route

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
        self.horizon_s = max(vehicle.shift.end_s for vehicle in self.vehicles) - self.origin_s
        self.fixed_start_s = self._time_fixed(start)
        self.holder = {step.id: v.id for v in self.vehicles for step in v.fixed}
        self.work = [work for work in problem.work if self._servers_of(work)]
        self.nodes: list[Node] = []
        self.nodes_of: dict[Step, list[int]] = {}
        for work in self.work:
            for step in steps_of(work):
                self.nodes_of[step] = self._add_nodes(work, step)
        self.terminals = sorted(
            {place for v in self.vehicles for place in (v.start_place, v.end_place)},
            key=lambda place: -1 if place is None else place,
        )
        terminal_at = {place: len(self.nodes) + k for k, place in enumerate(self.terminals)}
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.nodes) + len(self.terminals),
            len(self.vehicles),
            [terminal_at[vehicle.start_place] for vehicle in self.vehicles],
            [terminal_at[vehicle.end_place] for vehicle in self.vehicles],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.solver = self.routing.solver()
        self._transits: dict[tuple[object, ...], int] = {}
        self.penalty_unit, self.cost_parts = self._choose_units()
        self._add_costs()
        self.time = self._add_time()
        self._add_loads()
        self._add_limits()
        self._add_work()
        self._add_breaks()
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
                begins[step] = visit.start_s
        return begins

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

    def _index(self, node: int) -> int:
        return int(self.manager.NodeToIndex(node))

    def _grid(self, profile: str, what: str) -> Any:
        """Return travel between nodes as an int64 array.

        Open ends are nowhere and cost nothing; neither does a vehicle that stays at home.
        """
        places = [node.place for node in self.nodes] + [place or 0 for place in self.terminals]
        grid = getattr(self.problem.matrices[profile], what)[np.ix_(places, places)]
        grid = grid.astype(np.int64)
        grid[len(self.nodes) :, len(self.nodes) :] = 0
        for offset, place in enumerate(self.terminals, len(self.nodes)):
            if place is None:
                grid[offset, :] = 0
                grid[:, offset] = 0
        return grid

    def _time_transit(self, vehicle: Vehicle) -> int:
        key = ("time", vehicle.profile)
        if key not in self._transits:
            grid = self._grid(vehicle.profile, "duration_s")
            too_far = self._grid(vehicle.profile, "distance_m") >= UNREACHABLE
            grid[too_far] = UNREACHABLE
            for row, node in enumerate(self.nodes):
                grid[row] += node.service_s
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
                for row, node in enumerate(self.nodes):
                    busy_s[row] += node.service_s
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
        heaviest = sum(self._weigh(work) for work in self.work) or 1
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

    def _add_time(self) -> Any:
        self.routing.AddDimensionWithVehicleTransits(
            [self._time_transit(vehicle) for vehicle in self.vehicles],
            self.horizon_s,
            self.horizon_s,
            False,
            "time",
        )
        time = self.routing.GetDimensionOrDie("time")
        for row, node in enumerate(self.nodes):
            time.CumulVar(self._index(row)).SetRange(node.window.start_s, node.window.end_s)
        for index, vehicle in enumerate(self.vehicles):
            first_s = vehicle.shift.start_s - self.origin_s
            last_s = vehicle.shift.end_s - self.origin_s
            leave = time.CumulVar(self.routing.Start(index))
            leave.SetRange(first_s, first_s if vehicle.fixed else last_s)
            time.CumulVar(self.routing.End(index)).SetRange(first_s, last_s)
            if vehicle.cost_per_hour and self.prices_waiting:
                per_second = vehicle.cost_per_hour * self.cost_parts // 3600
                time.SetSlackCostCoefficientForVehicle(per_second, index)
            if vehicle.max_duration_s is not None:
                time.SetSpanUpperBoundForVehicle(vehicle.max_duration_s, index)
            if vehicle.cost_per_hour or vehicle.max_duration_s is not None:
                self.routing.AddVariableMaximizedByFinalizer(leave)
            self.routing.AddVariableMinimizedByFinalizer(time.CumulVar(self.routing.End(index)))
        return time

    def _add_loads(self) -> None:
        """Deliveries are on board from the start: then the load there is what is delivered."""
        rests = [0] * len(self.terminals)
        for k in range(self.problem.dimensions):
            room = [
                max(0, v.capacity[k] - (v.on_board[k] if v.on_board else 0)) for v in self.vehicles
            ]
            changes = [node.change[k] for node in self.nodes]
            out = [
                -change if node.step.leg == "job" and change < 0 else 0
                for node, change in zip(self.nodes, changes, strict=True)
            ]
            add = self.routing.AddDimensionWithVehicleCapacity
            if any(out):
                transit = self.routing.RegisterUnaryTransitVector(out + rests)
                add(transit, 0, room, True, f"delivered{k}")
            if out == [-change for change in changes]:
                continue
            transit = self.routing.RegisterUnaryTransitVector(changes + rests)
            add(transit, 0, room, not any(out), f"load{k}")
            if any(out):
                load = self.routing.GetDimensionOrDie(f"load{k}")
                delivered = self.routing.GetDimensionOrDie(f"delivered{k}")
                for index in range(len(self.vehicles)):
                    at_start = load.CumulVar(self.routing.Start(index))
                    in_all = delivered.CumulVar(self.routing.End(index))
                    self.solver.Add(at_start == in_all)

    def _add_limits(self) -> None:
        if any(vehicle.max_stops is not None for vehicle in self.vehicles):
            ones = [1] * len(self.nodes) + [0] * len(self.terminals)
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
            servers = self._servers_of(work)
            ends = [[self._index(node) for node in self.nodes_of[step]] for step in steps_of(work)]
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

    def _add_breaks(self) -> None:
        if not any(vehicle.breaks for vehicle in self.vehicles):
            return
        service_s = [0] * (self.routing.Size() + len(self.vehicles))
        for row, node in enumerate(self.nodes):
            service_s[self._index(row)] = node.service_s
        for index, vehicle in enumerate(self.vehicles):
            intervals = []
            for rest in vehicle.breaks:
                earliest_s = max(0, rest.earliest_start_s - self.origin_s)
                latest_s = rest.latest_start_s - self.origin_s
                if latest_s < 0 or earliest_s > self.horizon_s:
                    continue
                intervals.append(
                    self.solver.FixedDurationIntervalVar(
                        earliest_s, latest_s, rest.duration_s, False, f"{vehicle.id}.{rest.id}"
                    )
                )
            if intervals:
                self.time.SetBreakIntervalsOfVehicle(intervals, index, service_s)

    def _lock_fixed(self) -> None:
        for index, vehicle in enumerate(self.vehicles):
            at = self.routing.Start(index)
            for step in vehicle.fixed:
                following = self._index(self.nodes_of[step][0])
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
            begins_s = {(v.id, v.leg): v.start_s - self.origin_s for v in timed.visits}
            routes.append(
                [
                    next(
                        node
                        for node in self.nodes_of[step]
                        if self.nodes[node].window.start_s
                        <= begins_s[step.id, step.leg]
                        <= self.nodes[node].window.end_s
                    )
                    for step in timed.steps
                ]
            )
        return routes
