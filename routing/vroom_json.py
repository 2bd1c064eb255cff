"""Reads VROOM's JSON problems and writes its JSON answers, so that its users can switch.

Differences: `setup` counts as service; `steps` of vehicles are not kept; a break with several
windows, a job that both brings and fetches and a longest travel time beside distances are refused.
VROOM prices driving only, we price the whole time. Where a file has no distances, seconds of
driving stand for metres, so that costs are VROOM's.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from routing.plan import Plan, Route, Visit
from routing.problem import (
    UNREACHABLE,
    Break,
    Handover,
    Job,
    Matrix,
    Position,
    Problem,
    Shipment,
    TimeWindow,
    Vehicle,
)
from routing.problem_errors import BadFile
from routing.roads import Roads
from routing.traffic import slow_down

ENDLESS_S = 7 * 24 * 3_600
"""When a shift without a window ends."""

JOB, SHIPMENT = "job", "shipment"
Windows = list[tuple[int, int]]


class _Costs(msgspec.Struct):
    fixed: int = 0
    per_hour: int = 3_600
    per_km: int = 0


class _Break(msgspec.Struct):
    id: int
    time_windows: Windows = []
    service: int = 0


class _Vehicle(msgspec.Struct):
    id: int
    profile: str = "car"
    start: Position | None = None
    start_index: int | None = None
    end: Position | None = None
    end_index: int | None = None
    capacity: list[int] = []
    skills: list[int] = []
    time_window: tuple[int, int] | None = None
    breaks: list[_Break] = []
    speed_factor: float = 1.0
    max_tasks: int | None = None
    max_travel_time: int | None = None
    max_distance: int | None = None
    costs: _Costs = msgspec.field(default_factory=_Costs)


class _Stop(msgspec.Struct):
    id: int
    location: Position | None = None
    location_index: int | None = None
    setup: int = 0
    service: int = 0
    time_windows: Windows = []


class _Job(_Stop):
    delivery: list[int] = []
    pickup: list[int] = []
    skills: list[int] = []
    priority: int = 0


class _Shipment(msgspec.Struct):
    pickup: _Stop
    delivery: _Stop
    amount: list[int] = []
    skills: list[int] = []
    priority: int = 0


class _Grids(msgspec.Struct):
    durations: list[list[int]]
    distances: list[list[int]] | None = None


class _Input(msgspec.Struct):
    vehicles: list[_Vehicle]
    jobs: list[_Job] = []
    shipments: list[_Shipment] = []
    matrices: dict[str, _Grids] = {}


class _Shape(msgspec.Struct):
    vehicles: msgspec.Raw = msgspec.Raw()
    places: msgspec.Raw = msgspec.Raw()


def is_vroom(text: bytes) -> bool:
    """Whether this JSON has vehicles but no places, as VROOM's problems have."""
    try:
        shape = msgspec.json.decode(text, type=_Shape)
    except msgspec.DecodeError:
        return False
    return bool(bytes(shape.vehicles)) and not bytes(shape.places)


def read_vroom(text: bytes, name: str, roads: Roads) -> Problem:
    """Read a problem of VROOM; raises BadFile with the path of what is wrong."""
    try:
        given = msgspec.json.decode(text, type=_Input)
    except msgspec.DecodeError as error:
        raise BadFile(str(error)) from error
    return _Reader(given, roads).read(name)


class _Reader:
    def __init__(self, given: _Input, roads: Roads) -> None:
        self.given = given
        self.roads = roads
        self.has_matrices = bool(given.matrices)
        self.places: list[Position] = []
        self.index_of: dict[Position, int] = {}
        rows = [len(grids.durations) for grids in given.matrices.values()]
        if self.has_matrices:
            self.places = [(0.0, 0.0)] * max(rows)

    def read(self, name: str) -> Problem:
        given = self.given
        jobs = tuple(self._read_job(job, f"$.jobs[{k}]") for k, job in enumerate(given.jobs))
        shipments = tuple(
            self._read_shipment(one, f"$.shipments[{k}]") for k, one in enumerate(given.shipments)
        )
        vehicles = tuple(
            self._read_vehicle(one, f"$.vehicles[{k}]") for k, one in enumerate(given.vehicles)
        )
        return Problem(
            places=tuple(self.places),
            jobs=jobs,
            shipments=shipments,
            vehicles=vehicles,
            matrices=self._read_matrices(),
            name=name,
        )

    def _find_place(self, spot: Position | None, index: int | None, path: str) -> int:
        if self.has_matrices:
            if index is None:
                raise BadFile(f"A location_index is missing - at `{path}`")
            if not 0 <= index < len(self.places):
                raise BadFile(f"{index} is not a row of the matrices - at `{path}`")
            if spot:
                self.places[index] = spot
            return index
        if spot is None:
            raise BadFile(f"Without matrices a location is needed - at `{path}`")
        if spot not in self.index_of:
            self.index_of[spot] = len(self.places)
            self.places.append(spot)
        return self.index_of[spot]

    def _read_windows(self, windows: Windows) -> tuple[TimeWindow, ...]:
        return tuple(TimeWindow(start_s=start_s, end_s=end_s) for start_s, end_s in windows)

    def _read_job(self, job: _Job, path: str) -> Job:
        if any(job.pickup) and any(job.delivery):
            raise BadFile(f"A job that both brings and fetches must be two - at `{path}`")
        return Job(
            id=f"{JOB} {job.id}",
            place=self._find_place(job.location, job.location_index, path),
            kind="pickup" if any(job.pickup) else "delivery",
            size=tuple(job.pickup if any(job.pickup) else job.delivery),
            service_s=job.setup + job.service,
            windows=self._read_windows(job.time_windows),
            skills=frozenset(map(str, job.skills)),
            priority=job.priority,
        )

    def _read_shipment(self, one: _Shipment, path: str) -> Shipment:
        sides = [
            Handover(
                place=self._find_place(stop.location, stop.location_index, path),
                service_s=stop.setup + stop.service,
                windows=self._read_windows(stop.time_windows),
            )
            for stop in (one.pickup, one.delivery)
        ]
        return Shipment(
            id=f"{SHIPMENT} {one.pickup.id}/{one.delivery.id}",
            pickup=sides[0],
            delivery=sides[1],
            size=tuple(one.amount),
            skills=frozenset(map(str, one.skills)),
            priority=one.priority,
        )

    def _read_vehicle(self, one: _Vehicle, path: str) -> Vehicle:
        start_s, end_s = one.time_window or (0, ENDLESS_S)
        ends = [
            None if spot is None and index is None else self._find_place(spot, index, path)
            for spot, index in ((one.start, one.start_index), (one.end, one.end_index))
        ]
        costs = one.costs
        by_seconds = self._lacks_distances(one.profile)
        if one.max_travel_time is not None and not by_seconds:
            raise BadFile(f"A max_travel_time beside distances - at `{path}`")
        return Vehicle(
            id=str(one.id),
            profile=_name_profile(one),
            start_place=ends[0],
            end_place=ends[1],
            capacity=tuple(one.capacity),
            skills=frozenset(map(str, one.skills)),
            shift=TimeWindow(start_s=start_s, end_s=end_s),
            breaks=tuple(self._read_break(rest, path) for rest in one.breaks),
            fixed_cost=costs.fixed,
            cost_per_km=round(costs.per_hour * 1_000 / 3_600) if by_seconds else costs.per_km,
            cost_per_hour=0 if by_seconds else costs.per_hour,
            max_stops=one.max_tasks,
            max_distance_m=one.max_travel_time if by_seconds else one.max_distance,
        )

    def _read_break(self, rest: _Break, path: str) -> Break:
        if len(rest.time_windows) > 1:
            raise BadFile(f"A break with several windows - at `{path}`")
        start_s, end_s = rest.time_windows[0] if rest.time_windows else (0, ENDLESS_S)
        return Break(
            id=str(rest.id),
            earliest_start_s=start_s,
            latest_start_s=end_s,
            duration_s=rest.service,
        )

    def _lacks_distances(self, profile: str) -> bool:
        return profile in self.given.matrices and self.given.matrices[profile].distances is None

    def _read_matrices(self) -> dict[str, Matrix]:
        matrices: dict[str, Matrix] = {}
        for one in self.given.vehicles:
            name = _name_profile(one)
            if name in matrices:
                continue
            if not self.has_matrices:
                matrix = self.roads.table(self.places, one.profile)
            elif one.profile in self.given.matrices:
                matrix = self._read_grids(self.given.matrices[one.profile], one.profile)
            else:
                raise BadFile(f"No matrix for {one.profile!r} - at `$.matrices`")
            if not 0.1 <= one.speed_factor <= 10:
                raise BadFile(f"{one.speed_factor} is no speed_factor of vehicle {one.id}.")
            matrices[name] = slow_down(matrix, 1 / one.speed_factor)
        return matrices

    def _read_grids(self, grids: _Grids, profile: str) -> Matrix:
        try:
            duration_s = np.minimum(np.array(grids.durations, dtype=np.int64), UNREACHABLE)
            distance_m = duration_s
            if grids.distances is not None:
                distance_m = np.minimum(np.array(grids.distances, dtype=np.int64), UNREACHABLE)
        except (ValueError, OverflowError) as error:
            raise BadFile(f"{error} - at `$.matrices.{profile}`") from error
        return Matrix(duration_s=duration_s, distance_m=distance_m)


def _name_profile(vehicle: _Vehicle) -> str:
    """Name a matrix of its own for each speed."""
    is_plain = vehicle.speed_factor == 1.0
    return vehicle.profile if is_plain else f"{vehicle.profile} x {vehicle.speed_factor:g}"


def encode_vroom(problem: Problem, plan: Plan) -> bytes:
    """Return the plan of a problem that came from `read_vroom` as VROOM answers it."""
    routes = [_write_route(problem, route) for route in plan.routes]
    unassigned = [
        {"id": number, "type": kind, "description": one.sentence}
        for one in plan.unassigned
        for number, kind in _number_ends(one.id)
    ]
    totals = {
        name: sum(route[name] for route in routes)
        for name in ("cost", "service", "duration", "waiting_time", "distance")
    }
    summary = {**totals, "routes": len(routes), "unassigned": len(unassigned)}
    return msgspec.json.encode(
        {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}
    )


def _number_ends(work_id: str) -> list[tuple[int, str]]:
    kind, _, numbers = work_id.partition(" ")
    if kind == JOB:
        return [(int(numbers), "job")]
    pickup, delivery = numbers.split("/")
    return [(int(pickup), "pickup"), (int(delivery), "delivery")]


def _write_route(problem: Problem, route: Route) -> dict[str, Any]:
    steps = [_write_step(problem, visit) for visit in route.visits]
    service_s = sum(step["service"] for step in steps)
    waiting_s = sum(step["waiting_time"] for step in steps)
    return {
        "vehicle": int(route.vehicle_id),
        "cost": route.cost,
        "service": service_s,
        "duration": route.duration_s - service_s - waiting_s,
        "waiting_time": waiting_s,
        "distance": route.distance_m,
        "steps": steps,
    }


def _write_step(problem: Problem, visit: Visit) -> dict[str, Any]:
    step: dict[str, Any] = {
        "type": visit.leg,
        "arrival": visit.arrival_s,
        "service": visit.departure_s - visit.start_s,
        "waiting_time": visit.start_s - visit.arrival_s,
        "load": _write_load(visit.load),
    }
    if visit.place is not None:
        step |= {"location": problem.places[visit.place], "location_index": visit.place}
    if visit.leg == "break":
        step["id"] = int(visit.id)
    elif visit.leg in ("job", "pickup", "delivery"):
        ends = _number_ends(visit.id)
        step["id"] = ends[-1 if visit.leg == "delivery" else 0][0]
    return step


def _write_load(load: Sequence[int]) -> list[int]:
    return list(load)
