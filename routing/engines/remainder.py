"""What is still open in a problem: each vehicle from the end of its fixed visits on.

PyVRP and VROOM know no fixed visits. They are given vehicles that begin where and when the last
fixed visit ends, with what room, stops and metres that leaves. Work that a fixed visit has begun
becomes a visit without size that only this vehicle may make: its size stays taken from the room.
All of this errs on the careful side, so that the answer can be driven behind the fixed visits.
"""

from dataclasses import dataclass
from itertools import pairwise

from routing.engines import Sequences
from routing.halts import Halt, halt_of
from routing.plan import Route
from routing.problem import (
    Break,
    Depot,
    Job,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
    Work,
    steps_of,
)
from routing.rules import may_serve
from routing.schedule import schedule_route


@dataclass(frozen=True, slots=True)
class Cab:
    """A vehicle from when it is free on; equal cabs differ in nothing but `vehicle_id`."""

    vehicle_id: str
    profile: str
    start_place: int | None
    end_place: int | None
    ready_s: int
    due_s: int
    """When the shift ends, before any overtime."""
    must_leave: bool
    """It is at work already: time runs from `ready_s`, and its fixed cost is spent."""
    loading: Depot | None
    arriving: Depot | None
    reloads: int
    reload_at: frozenset[str]
    room: tuple[int, ...]
    breaks: tuple[Break, ...]
    fixed_cost: int
    cost_per_km: int
    cost_per_hour: int
    cost_per_squared_hour: int
    overtime_s: int
    overtime_cost_per_hour: int
    max_stops: int | None
    max_distance_m: int | None
    max_duration_s: int | None


@dataclass(frozen=True, slots=True)
class Errand:
    """One piece of work still to do: a visit, or a pickup and then its delivery."""

    work: Work
    halts: tuple[Halt, ...]
    size: tuple[int, ...]
    servers: frozenset[int]
    """Indices of the cabs that may do it."""

    @property
    def is_collected(self) -> bool:
        """Whether what it carries stays on board until the end."""
        return isinstance(self.work, Job) and self.work.kind != "delivery"


@dataclass(frozen=True, slots=True)
class Remainder:
    problem: Problem
    cabs: tuple[Cab, ...]
    errands: tuple[Errand, ...]
    origin_s: int
    horizon_s: int

    @property
    def anybody(self) -> frozenset[int]:
        return frozenset(range(len(self.cabs)))

    def windows_of(self, halt: Halt) -> tuple[TimeWindow, ...]:
        """Return the windows inside the day, counted from its origin; none means never."""
        if not halt.windows:
            return (TimeWindow(start_s=0, end_s=self.horizon_s),)
        return tuple(
            TimeWindow(
                start_s=max(0, window.start_s - self.origin_s),
                end_s=min(self.horizon_s, window.end_s - self.origin_s),
            )
            for window in halt.windows
            if window.end_s >= self.origin_s and window.start_s <= self.origin_s + self.horizon_s
        )

    def is_possible(self, errand: Errand) -> bool:
        """Whether anybody may do it at a time that exists, delivering after picking up."""
        windows = [self.windows_of(halt) for halt in errand.halts]
        return (
            bool(errand.servers) and all(windows) and windows[0][0].start_s <= windows[-1][-1].end_s
        )


def find_remainder(problem: Problem, start: Sequences) -> Remainder:
    """Leave out what is fixed; `start` must be drivable and contain all fixed visits."""
    cabs = tuple(_find_cab(problem, vehicle, start) for vehicle in problem.vehicles)
    origin_s = min(cab.ready_s for cab in cabs)
    remainder = Remainder(
        problem=problem,
        cabs=cabs,
        errands=tuple(_find_errands(problem)),
        origin_s=origin_s,
        horizon_s=max(1, max(cab.due_s + cab.overtime_s for cab in cabs) - origin_s),
    )
    possible = tuple(errand for errand in remainder.errands if remainder.is_possible(errand))
    return Remainder(problem, cabs, possible, origin_s, remainder.horizon_s)


def _find_cab(problem: Problem, vehicle: Vehicle, start: Sequences) -> Cab:
    room = list(vehicle.capacity)
    for k, amount in enumerate(vehicle.on_board):
        room[k] -= amount
    start_place, ready_s, breaks = vehicle.start_place, vehicle.shift.start_s, vehicle.breaks
    driven_m = 0
    if vehicle.fixed:
        for work_id in {step.id for step in vehicle.fixed if step.leg != "reload"}:
            for k, amount in enumerate(problem.find_work(work_id).size):
                room[k] -= amount
        route = schedule_route(problem, vehicle, start[vehicle.id])
        assert isinstance(route, Route), "engines start from routes that can be driven"
        visits = [visit for visit in route.visits if visit.leg not in ("start", "break", "end")]
        last = visits[len(vehicle.fixed) - 1]
        start_place, ready_s = last.place, last.departure_s
        taken = {v.id for v in route.visits if v.leg == "break" and v.start_s < ready_s}
        breaks = tuple(rest for rest in breaks if rest.id not in taken)
        matrix = problem.matrix_of(vehicle)
        places = [vehicle.start_place, *(visit.place for visit in visits[: len(vehicle.fixed)])]
        for here, there in pairwise(places):
            if here is not None and there is not None:
                driven_m += int(matrix.distance_m[here, there])

    visited = sum(step.leg != "reload" for step in vehicle.fixed)

    def what_is_left(most: int | None, used: int) -> int | None:
        return None if most is None else max(0, most - used)

    return Cab(
        vehicle_id=vehicle.id,
        profile=vehicle.profile,
        start_place=start_place,
        end_place=vehicle.end_place,
        ready_s=ready_s,
        due_s=max(ready_s, vehicle.shift.end_s),
        must_leave=bool(vehicle.fixed),
        room=tuple(max(0, amount) for amount in room),
        breaks=tuple(rest for rest in breaks if rest.latest_start_s >= ready_s),
        fixed_cost=0 if vehicle.fixed else vehicle.fixed_cost,
        cost_per_km=vehicle.cost_per_km,
        cost_per_hour=vehicle.cost_per_hour,
        cost_per_squared_hour=vehicle.cost_per_squared_hour,
        overtime_s=vehicle.overtime_s,
        overtime_cost_per_hour=vehicle.overtime_cost_per_hour,
        loading=problem.loading_depot(vehicle),
        arriving=problem.find_depot(vehicle.end_place),
        reloads=max(0, vehicle.max_reloads - (len(vehicle.fixed) - visited)),
        reload_at=vehicle.reload_at,
        max_stops=what_is_left(vehicle.max_stops, visited),
        max_distance_m=what_is_left(vehicle.max_distance_m, driven_m),
        max_duration_s=what_is_left(vehicle.max_duration_s, ready_s - vehicle.shift.start_s),
    )


def _find_errands(problem: Problem) -> list[Errand]:
    holder = {step: k for k, v in enumerate(problem.vehicles) for step in v.fixed}
    begun = {step.id: k for step, k in holder.items()}
    servers_of: dict[object, frozenset[int]] = {}
    errands = []
    for work in problem.work:
        steps: list[Step] = [step for step in steps_of(work) if step not in holder]
        if not steps:
            continue
        size = work.size or (0,) * problem.dimensions
        if work.id in begun:
            servers = frozenset({begun[work.id]})
            size = (0,) * problem.dimensions
        else:
            key = (work.skills, work.vehicles, work.barred)
            if key not in servers_of:
                servers_of[key] = frozenset(
                    k for k, vehicle in enumerate(problem.vehicles) if may_serve(vehicle, work)
                )
            servers = servers_of[key]
        halts = tuple(halt_of(problem, step) for step in steps)
        if isinstance(work, Shipment) and len(halts) == 2 and work.max_ride_s is not None:
            halts = _tighten(halts, work.max_ride_s)
        errands.append(Errand(work=work, halts=halts, size=size, servers=servers))
    return errands


def _tighten(halts: tuple[Halt, ...], max_ride_s: int) -> tuple[Halt, ...]:
    """Leave out times that the longest ride forbids anyway, for engines that do not know it."""
    pickup, delivery = halts
    away_s = pickup.service_s + max_ride_s
    if pickup.windows:
        latest_s = pickup.windows[-1].end_s + away_s
        earliest_s = pickup.windows[0].start_s + pickup.service_s
        delivery = delivery._replace(windows=_clip(delivery.windows, earliest_s, latest_s))
    if delivery.windows:
        earliest_s = delivery.windows[0].start_s - away_s
        latest_s = delivery.windows[-1].end_s - pickup.service_s
        pickup = pickup._replace(windows=_clip(pickup.windows, earliest_s, latest_s))
    return pickup, delivery


def _clip(
    windows: tuple[TimeWindow, ...], earliest_s: int, latest_s: int
) -> tuple[TimeWindow, ...]:
    """Return what of the windows lies between; all of them if nothing does."""
    if earliest_s > latest_s:
        return windows
    clipped = tuple(
        TimeWindow(start_s=max(w.start_s, earliest_s), end_s=min(w.end_s, latest_s))
        for w in windows
        if w.end_s >= earliest_s and w.start_s <= latest_s
    )
    if windows:
        return clipped or windows
    return (TimeWindow(start_s=earliest_s, end_s=latest_s),)
