"""What a planner is asked: places, work, vehicles and travel times.

Everything is an integer in the unit that its name says: seconds since an origin that the caller
chooses, metres, grams, minor units of money. All classes check themselves when they are made, so
a `Problem` that exists makes sense. How it is solved does not belong here.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from routing.matrix import UNREACHABLE, Matrix
from routing.problem_consistency import (
    check_consistency,
    check_not_negative,
    check_one_work,
    check_sizes,
    check_unique,
    check_windows,
)
from routing.problem_errors import (
    BadFixedWork,
    BadMatrix,
    BadSize,
    BadWindows,
    DuplicateId,
    NumberOutOfRange,
    ProblemError,
    UnknownReference,
)

__all__ = [
    "HIGHEST_PRIORITY",
    "UNREACHABLE",
    "BadFixedWork",
    "BadMatrix",
    "BadSize",
    "BadWindows",
    "Break",
    "Depot",
    "DuplicateId",
    "Handover",
    "Job",
    "JobKind",
    "Leg",
    "Matrix",
    "NumberOutOfRange",
    "Position",
    "Preference",
    "Problem",
    "ProblemError",
    "Shipment",
    "Step",
    "TimeWindow",
    "UnknownReference",
    "Vehicle",
    "Work",
    "steps_of",
]

JobKind = Literal["delivery", "pickup", "service"]
Leg = Literal["start", "job", "pickup", "delivery", "reload", "break", "end"]
Position = tuple[float, float]

HIGHEST_PRIORITY = 100


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TimeWindow:
    """From `start_s` to `end_s`, both included."""

    start_s: int
    end_s: int

    def __post_init__(self) -> None:
        if max(abs(self.start_s), abs(self.end_s)) > UNREACHABLE:
            raise NumberOutOfRange(f"A window runs from {self.start_s} to {self.end_s}.")
        if self.end_s < self.start_s:
            raise BadWindows(f"This one runs from {self.start_s} to {self.end_s}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A wish with a price: it costs `cost` minor units if none of these `vehicles` does the work.

    A driver's own territory is one, and so is what drivers know of their day already.
    """

    vehicles: frozenset[str]
    cost: int

    def __post_init__(self) -> None:
        check_not_negative("a preference", cost=self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Where vehicles are loaded, which takes `loading_s` and begins inside one of the `windows`.

    A vehicle that starts at this place is loaded first, unless it has fixed visits and so is under
    way; one that ends here arrives inside a window. None means that it is always open.
    """

    id: str
    place: int
    windows: tuple[TimeWindow, ...] = ()
    loading_s: int = 0

    def __post_init__(self) -> None:
        check_not_negative(self.id, loading_s=self.loading_s)
        check_windows(self.id, self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One visit to one place.

    A delivery is on board from the start of the route, or from the last reload before it; a pickup
    stays there until the next reload or the end; a service carries nothing. The visit must begin
    inside one of the `windows`; none means at any time.
    `size` has one number for each capacity of the vehicles; empty means that nothing is carried.
    `vehicles` are the only ones that may do it (None: any), `barred` those that may not.
    Without a `prize` it is done if that is possible at all; with one it is optional and done only
    if it costs less than the prize, in minor units.
    """

    id: str
    place: int
    kind: JobKind = "delivery"
    size: tuple[int, ...] = ()
    service_s: int = 0
    windows: tuple[TimeWindow, ...] = ()
    skills: frozenset[str] = frozenset()
    priority: int = 0
    prize: int | None = None
    vehicles: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()
    preferences: tuple[Preference, ...] = ()

    def __post_init__(self) -> None:
        _check_work(self)
        _check_halt(self.id, self.service_s, self.windows)
        if self.kind == "service" and any(self.size):
            raise BadSize(f"Job {self.id} is a service, which carries nothing.")

    @property
    def places(self) -> tuple[int, ...]:
        """Where it takes place."""
        return (self.place,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Where and when one end of a shipment takes place."""

    place: int
    service_s: int = 0
    windows: tuple[TimeWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Something to fetch at one place and bring to another with the same vehicle.

    `max_ride_s` is the longest time between leaving the pickup and beginning the delivery.
    """

    id: str
    pickup: Handover
    delivery: Handover
    size: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    priority: int = 0
    prize: int | None = None
    max_ride_s: int | None = None
    vehicles: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()
    preferences: tuple[Preference, ...] = ()

    def __post_init__(self) -> None:
        _check_work(self)
        for end in (self.pickup, self.delivery):
            _check_halt(self.id, end.service_s, end.windows)
        check_not_negative(self.id, max_ride_s=self.max_ride_s)

    @property
    def places(self) -> tuple[int, ...]:
        """Where it begins and where it ends."""
        return self.pickup.place, self.delivery.place


Work = Job | Shipment


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A rest of `duration_s` that begins between `earliest_start_s` and `latest_start_s`.

    It never interrupts a visit but may interrupt a drive. A route that starts after it could be
    over, or ends before it must begin, needs none. The time of one that is not
    `paid` costs nothing.
    """

    id: str
    earliest_start_s: int
    latest_start_s: int
    duration_s: int
    paid: bool = True

    def __post_init__(self) -> None:
        if self.latest_start_s < self.earliest_start_s:
            raise BadWindows(f"Break {self.id} must start before it may.")
        if max(abs(self.earliest_start_s), abs(self.latest_start_s)) > UNREACHABLE:
            raise NumberOutOfRange(f"Break {self.id} begins at {self.latest_start_s}.")
        check_not_negative(self.id, duration_s=self.duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One visit of a route by name.

    Leg "job" of a job, "pickup" or "delivery" of a shipment, "reload" at a depot.
    """

    id: str
    leg: Literal["job", "pickup", "delivery", "reload"] = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle with its driver in one shift.

    `start_place` None: the route begins at its first visit; `end_place` None: it ends at its last.
    `profile` names the matrix that it drives by. Costs are in minor units of money.
    Time after the shift, `overtime_s` at most, costs `overtime_cost_per_hour` on top of the hour.
    `cost_per_squared_hour` is for a route of one hour, four times that for one of two: with it,
    work is spread evenly. `max_stops` counts visits without start, end, reloads and breaks.
    At the depots `reload_at` it may empty and load again in mid-run, `max_reloads` times.
    `on_board` is load that stays on the vehicle all the time, besides the work planned here.
    `fixed` are visits that are started or locked: they come first, in this order. They are facts:
    the ends of their windows, skills and lists of vehicles do not bind them.
    """

    id: str
    profile: str = "car"
    start_place: int | None = None
    end_place: int | None = None
    capacity: tuple[int, ...] = ()
    on_board: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    shift: TimeWindow
    breaks: tuple[Break, ...] = ()
    fixed_cost: int = 0
    cost_per_km: int = 0
    cost_per_hour: int = 0
    cost_per_squared_hour: int = 0
    overtime_s: int = 0
    overtime_cost_per_hour: int = 0
    max_reloads: int = 0
    reload_at: frozenset[str] = frozenset()
    max_stops: int | None = None
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    fixed: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        check_sizes(self.id, self.capacity + self.on_board)
        check_not_negative(
            self.id,
            fixed_cost=self.fixed_cost,
            cost_per_km=self.cost_per_km,
            cost_per_hour=self.cost_per_hour,
            cost_per_squared_hour=self.cost_per_squared_hour,
            overtime_s=self.overtime_s,
            overtime_cost_per_hour=self.overtime_cost_per_hour,
            max_reloads=self.max_reloads,
            max_stops=self.max_stops,
            max_distance_m=self.max_distance_m,
            max_duration_s=self.max_duration_s,
        )
        for earlier, later in pairwise(self.breaks):
            if (
                earlier.earliest_start_s > later.earliest_start_s
                or earlier.latest_start_s > later.latest_start_s
            ):
                raise BadWindows(f"The breaks of vehicle {self.id} are not in order of time.")
        check_unique(f"vehicle {self.id}", (rest.id for rest in self.breaks))

    @property
    def latest_end_s(self) -> int:
        """When the route must be over, overtime included."""
        return self.shift.end_s + self.overtime_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Everything that one plan depends on.

    Attributes
    ----------
    places : (longitude, latitude) of every place; jobs and vehicles refer to it by index
    matrices : one `Matrix` for each profile that a vehicle names
    depots : at most one at each place
    job_by_id, shipment_by_id, vehicle_by_id, depot_by_id : the same by id
    """

    places: tuple[Position, ...]
    jobs: tuple[Job, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    name: str = ""
    depots: tuple[Depot, ...] = ()
    job_by_id: dict[str, Job] = field(init=False, repr=False, compare=False)
    shipment_by_id: dict[str, Shipment] = field(init=False, repr=False, compare=False)
    vehicle_by_id: dict[str, Vehicle] = field(init=False, repr=False, compare=False)
    depot_by_id: dict[str, Depot] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "job_by_id", {job.id: job for job in self.jobs})
        object.__setattr__(self, "shipment_by_id", {s.id: s for s in self.shipments})
        object.__setattr__(self, "vehicle_by_id", {v.id: v for v in self.vehicles})
        object.__setattr__(self, "depot_by_id", {depot.id: depot for depot in self.depots})
        named = (*self.work, *self.depots)
        check_unique("the work and the depots", (one.id for one in named))
        check_unique("the vehicles", (vehicle.id for vehicle in self.vehicles))
        check_consistency(self)

    @property
    def work(self) -> tuple[Work, ...]:
        """All jobs, then all shipments."""
        return (*self.jobs, *self.shipments)

    @property
    def dimensions(self) -> int:
        """How many capacities each vehicle has."""
        return len(self.vehicles[0].capacity) if self.vehicles else 0

    def find_work(self, work_id: str) -> Work:
        """Return the job or shipment of that id; raises UnknownReference."""
        work = self.job_by_id.get(work_id) or self.shipment_by_id.get(work_id)
        if work is None:
            raise UnknownReference(f"There is no job or shipment {work_id}.")
        return work

    def add_work(self, work: Work) -> "Problem":
        """Return the problem with one more job or shipment, without checking all the rest again."""
        if work.id in self.job_by_id or work.id in self.shipment_by_id:
            raise DuplicateId(f"In the work, {work.id} occurs twice.")
        check_one_work(self, work)
        larger = copy(self)
        group = "job" if isinstance(work, Job) else "shipment"
        ours = getattr(self, f"{group}s")
        object.__setattr__(larger, f"{group}s", (*ours, work))
        known = getattr(self, f"{group}_by_id")
        object.__setattr__(larger, f"{group}_by_id", {**known, work.id: work})
        return larger

    def find_depot(self, place: int | None) -> Depot | None:
        """Return the depot at that place, if there is one."""
        return next((depot for depot in self.depots if depot.place == place), None)

    def loading_depot(self, vehicle: Vehicle) -> Depot | None:
        """Return where the vehicle is loaded before it leaves."""
        return None if vehicle.fixed else self.find_depot(vehicle.start_place)

    def matrix_of(self, vehicle: Vehicle) -> Matrix:
        """Return the matrix that the vehicle drives by."""
        return self.matrices[vehicle.profile]


def steps_of(work: Work) -> tuple[Step, ...]:
    """Return the visits that the work consists of, in the order in which they must happen."""
    if isinstance(work, Job):
        return (Step(id=work.id, leg="job"),)
    return (Step(id=work.id, leg="pickup"), Step(id=work.id, leg="delivery"))


def _check_work(work: Work) -> None:
    check_sizes(work.id, work.size)
    check_not_negative(work.id, prize=work.prize)
    if not 0 <= work.priority <= HIGHEST_PRIORITY:
        raise NumberOutOfRange(f"The priority of {work.id} is {work.priority}, not 0 to 100.")


def _check_halt(owner: str, service_s: int, windows: tuple[TimeWindow, ...]) -> None:
    check_not_negative(owner, service_s=service_s)
    check_windows(owner, windows)
