"""What a planner is asked: places, work, vehicles and travel times.

Everything is an integer in the unit that its name says: seconds since an origin that the caller
chooses, metres, grams, minor units of money. All classes check themselves when they are made, so
a `Problem` that exists makes sense. How it is solved does not belong here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from routing.problem_consistency import check_consistency
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "HIGHEST_PRIORITY",
    "UNREACHABLE",
    "BadFixedWork",
    "BadMatrix",
    "BadSize",
    "BadWindows",
    "Break",
    "DuplicateId",
    "Handover",
    "Job",
    "JobKind",
    "Leg",
    "Matrix",
    "NumberOutOfRange",
    "Position",
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
Leg = Literal["start", "job", "pickup", "delivery", "break", "end"]
Position = tuple[float, float]

UNREACHABLE = 1_000_000_000
"""Seconds or metres in a `Matrix` where no road leads; the sum of two still fits into int32."""

HIGHEST_PRIORITY = 100


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TimeWindow:
    """From `start_s` to `end_s`, both included."""

    start_s: int
    end_s: int

    def __post_init__(self) -> None:
        if self.end_s < self.start_s:
            raise BadWindows(f"This one runs from {self.start_s} to {self.end_s}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One visit to one place.

    A delivery is on board from the start of the route, a pickup until its end; a service carries
    nothing. The visit must begin inside one of the `windows`; none means at any time.
    `size` has one number for each capacity of the vehicles; empty means that nothing is carried.
    `vehicles` are the only ones that may do it (None: any), `barred` those that may not.
    """

    id: str
    place: int
    kind: JobKind = "delivery"
    size: tuple[int, ...] = ()
    service_s: int = 0
    windows: tuple[TimeWindow, ...] = ()
    skills: frozenset[str] = frozenset()
    priority: int = 0
    vehicles: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _check_work(self.id, self.size, self.priority)
        _check_halt(self.id, self.service_s, self.windows)
        if self.kind == "service" and any(self.size):
            raise BadSize(f"Job {self.id} is a service, which carries nothing.")


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
    max_ride_s: int | None = None
    vehicles: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _check_work(self.id, self.size, self.priority)
        for end in (self.pickup, self.delivery):
            _check_halt(self.id, end.service_s, end.windows)
        _check_not_negative(self.id, max_ride_s=self.max_ride_s)


Work = Job | Shipment


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A rest of `duration_s` that begins between `earliest_start_s` and `latest_start_s`.

    It never interrupts a visit but may interrupt a drive. A route that starts after it could be
    over, or ends before it must begin, needs none.
    """

    id: str
    earliest_start_s: int
    latest_start_s: int
    duration_s: int

    def __post_init__(self) -> None:
        if self.latest_start_s < self.earliest_start_s:
            raise BadWindows(f"Break {self.id} must start before it may.")
        _check_not_negative(self.id, duration_s=self.duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One visit of a route by name: leg "job" of a job, "pickup" or "delivery" of a shipment."""

    id: str
    leg: Literal["job", "pickup", "delivery"] = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle with its driver in one shift.

    `start_place` None: the route begins at its first visit; `end_place` None: it ends at its last.
    `profile` names the matrix that it drives by. Costs are in minor units of money.
    `max_stops` counts visits without start, end and breaks.
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
    max_stops: int | None = None
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    fixed: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        _check_sizes(self.id, self.capacity + self.on_board)
        _check_not_negative(
            self.id,
            fixed_cost=self.fixed_cost,
            cost_per_km=self.cost_per_km,
            cost_per_hour=self.cost_per_hour,
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
        _check_unique(f"vehicle {self.id}", (rest.id for rest in self.breaks))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """Travel from every place (row) to every place (column).

    Attributes
    ----------
    duration_s, distance_m : int32 arrays of shape (N, N), made read-only
        `UNREACHABLE` where no road leads.
    """

    duration_s: "NDArray[np.int32]"
    distance_m: "NDArray[np.int32]"

    def __post_init__(self) -> None:
        for name in ("duration_s", "distance_m"):
            given = getattr(self, name)
            if given.ndim != 2 or given.shape[0] != given.shape[1]:
                raise BadMatrix(f"{name} has the shape {given.shape}.")
            if given.size and given.dtype.kind not in "iu":
                raise BadMatrix(f"{name} holds {given.dtype}, not whole numbers.")
            if given.size and (given.min() < 0 or given.max() > UNREACHABLE):
                raise BadMatrix(f"{name} has a number below 0 or above {UNREACHABLE}.")
            held = given.astype("int32")
            held.flags.writeable = False
            object.__setattr__(self, name, held)
        if self.duration_s.shape != self.distance_m.shape:
            raise BadMatrix("duration_s and distance_m differ in size.")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Matrix)
            and self.duration_s.shape == other.duration_s.shape
            and bool((self.duration_s == other.duration_s).all())
            and bool((self.distance_m == other.distance_m).all())
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Everything that one plan depends on.

    Attributes
    ----------
    places : (longitude, latitude) of every place; jobs and vehicles refer to it by index
    matrices : one `Matrix` for each profile that a vehicle names
    job_by_id, shipment_by_id, vehicle_by_id : the same work and vehicles by id
    """

    places: tuple[Position, ...]
    jobs: tuple[Job, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    name: str = ""
    job_by_id: dict[str, Job] = field(init=False, repr=False, compare=False)
    shipment_by_id: dict[str, Shipment] = field(init=False, repr=False, compare=False)
    vehicle_by_id: dict[str, Vehicle] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "job_by_id", {job.id: job for job in self.jobs})
        object.__setattr__(self, "shipment_by_id", {s.id: s for s in self.shipments})
        object.__setattr__(self, "vehicle_by_id", {v.id: v for v in self.vehicles})
        _check_unique("the work", (work.id for work in self.work))
        _check_unique("the vehicles", (vehicle.id for vehicle in self.vehicles))
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

    def matrix_of(self, vehicle: Vehicle) -> Matrix:
        """Return the matrix that the vehicle drives by."""
        return self.matrices[vehicle.profile]


def steps_of(work: Work) -> tuple[Step, ...]:
    """Return the visits that the work consists of, in the order in which they must happen."""
    if isinstance(work, Job):
        return (Step(id=work.id, leg="job"),)
    return (Step(id=work.id, leg="pickup"), Step(id=work.id, leg="delivery"))


def _check_not_negative(owner: str, **numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise NumberOutOfRange(f"{name} of {owner} is {number}, below 0.")


def _check_sizes(owner: str, sizes: Iterable[int]) -> None:
    for size in sizes:
        if not 0 <= size <= UNREACHABLE:
            raise NumberOutOfRange(f"A size of {owner} is {size}, not 0 to {UNREACHABLE}.")


def _check_work(owner: str, size: tuple[int, ...], priority: int) -> None:
    _check_sizes(owner, size)
    if not 0 <= priority <= HIGHEST_PRIORITY:
        raise NumberOutOfRange(f"The priority of {owner} is {priority}, not 0 to 100.")


def _check_halt(owner: str, service_s: int, windows: tuple[TimeWindow, ...]) -> None:
    _check_not_negative(owner, service_s=service_s)
    for earlier, later in pairwise(windows):
        if later.start_s <= earlier.end_s:
            raise BadWindows(f"Those of {owner} are not in order or overlap.")


def _check_unique(owner: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise DuplicateId(f"In {owner}, {one} occurs twice.")
        seen.add(one)
