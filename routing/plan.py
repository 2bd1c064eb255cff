"""What a planner answers: routes with their times, and what stays unassigned and why.

How routes are found or timed does not belong here.
"""

from dataclasses import dataclass, field

from routing.problem import Leg, Problem, Step, Vehicle, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One thing that happens on a route.

    Attributes
    ----------
    id : of the job or shipment, of the break, or of the vehicle at its start and end
    place : index into `Problem.places`; None at an open start or end, and for a break on the road
    arrival_s : when the vehicle gets there
    start_s : when the visit begins, after waiting for its window
    departure_s : when the vehicle is free to go on
    load : on board afterwards, one number for each capacity
    """

    id: str
    leg: Leg
    place: int | None
    arrival_s: int
    start_s: int
    departure_s: int
    load: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What one vehicle does: a start, visits and breaks in order of time, and an end.

    `duration_s` runs from start to end, loading, waiting and breaks included; `cost` is in minor
    units.
    """

    vehicle_id: str
    visits: tuple[Visit, ...]
    distance_m: int
    duration_s: int
    cost: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """The work and the reloads of the route in order, without start, end and breaks."""
        return tuple(
            Step(id=visit.id, leg=visit.leg)
            for visit in self.visits
            if visit.leg in ("job", "pickup", "delivery", "reload")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """Work that no route does: a code for programs and a sentence for people."""

    id: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A route for every vehicle that is used, in the order of the problem's vehicles.

    `trace` says which engine found what and when; it does not matter when plans are compared.
    """

    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...] = ()
    cost: int = 0
    trace: tuple["Progress", ...] = field(default=(), compare=False)

    def route_of(self, vehicle_id: str) -> Route | None:
        """Return the route of that vehicle; None when it stays at home."""
        return next((route for route in self.routes if route.vehicle_id == vehicle_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The best plan so far while one is being made: see `measure_objective`.

    `engine` is what found it; `cost` is its own estimate, which may leave out waiting.
    """

    elapsed_s: float
    priority_missed: int
    unassigned: int
    cost: int
    engine: str = ""


Objective = tuple[int, int, int]


def measure_objective(problem: Problem, plan: Plan) -> Objective:
    """Return what solving makes small, in this order of importance.

    The sum of the priorities left unserved, how much work is unassigned, and the cost with the
    prizes that were let go. Optional work counts for the last only.
    """
    left = [problem.find_work(one.id) for one in plan.unassigned]
    missed = [work.priority for work in left if work.prize is None]
    return sum(missed), len(missed), plan.cost + sum(work.prize or 0 for work in left)


def price_route(
    vehicle: Vehicle, distance_m: int, duration_s: int, *, unpaid_s: int = 0, overtime_s: int = 0
) -> int:
    """Return the cost of a route without preferences in minor units, half a unit rounded up.

    `unpaid_s` of the duration are breaks without pay. All rates are whole numbers of 1/3600^2.
    """
    running = vehicle.cost_per_km * distance_m * 12_960
    running += vehicle.cost_per_hour * (duration_s - unpaid_s) * 3_600
    running += vehicle.overtime_cost_per_hour * overtime_s * 3_600
    running += vehicle.cost_per_squared_hour * duration_s**2
    return vehicle.fixed_cost + (running + 6_480_000) // 12_960_000


def price_wishes(vehicle: Vehicle, work: Work) -> int:
    """Return what the preferences cost when this vehicle does the work."""
    return sum(wish.cost for wish in work.preferences if vehicle.id not in wish.vehicles)
