"""Whether numbers make sense, and whether the parts of a problem refer to each other rightly."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from routing.problem_errors import (
    BadFixedWork,
    BadMatrix,
    BadSize,
    BadWindows,
    DuplicateId,
    NumberOutOfRange,
    UnknownReference,
)

if TYPE_CHECKING:
    from routing.problem import Problem, TimeWindow, Work

LARGEST_NUMBER = 1_000_000_000
"""As large as `routing.problem.UNREACHABLE`: sums of a whole day still fit into an engine's
numbers."""


def check_not_negative(owner: str, **numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and not 0 <= number <= LARGEST_NUMBER:
            raise NumberOutOfRange(f"{name} of {owner} is {number}, not 0 to {LARGEST_NUMBER}.")


def check_sizes(owner: str, sizes: Iterable[int]) -> None:
    for size in sizes:
        if not 0 <= size <= LARGEST_NUMBER:
            raise NumberOutOfRange(f"A size of {owner} is {size}, not 0 to {LARGEST_NUMBER}.")


def check_windows(owner: str, windows: "tuple[TimeWindow, ...]") -> None:
    for earlier, later in pairwise(windows):
        if later.start_s <= earlier.end_s:
            raise BadWindows(f"Those of {owner} are not in order or overlap.")


def check_unique(owner: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise DuplicateId(f"In {owner}, {one} occurs twice.")
        seen.add(one)


def check_consistency(problem: "Problem") -> None:
    """Raise the first contradiction between the parts of the problem."""
    for work in problem.work:
        check_one_work(problem, work)
    _check_places(problem)
    _check_matrices(problem)
    _check_vehicles(problem)
    _check_fixed(problem)


def check_one_work(problem: "Problem", work: "Work") -> None:
    """Raise what of the work contradicts the rest of the problem."""
    for place in work.places:
        _check_place(problem, work.id, place)
    count = problem.dimensions
    if problem.vehicles and len(work.size) not in (0, count):
        raise BadSize(f"{work.id} has {len(work.size)} sizes for {count} capacities.")
    named = (work.vehicles or frozenset()) | work.barred
    for vehicle_id in named.union(*(wish.vehicles for wish in work.preferences)):
        if vehicle_id not in problem.vehicle_by_id:
            raise UnknownReference(f"{work.id} names the vehicle {vehicle_id}.")


def _check_place(problem: "Problem", owner: str, place: int) -> None:
    if not 0 <= place < len(problem.places):
        raise UnknownReference(
            f"{owner} is at place {place}; there are {len(problem.places)} places."
        )


def _check_places(problem: "Problem") -> None:
    check_unique("the places of depots", (f"place {depot.place}" for depot in problem.depots))
    for depot in problem.depots:
        _check_place(problem, depot.id, depot.place)
    for vehicle in problem.vehicles:
        for place in (vehicle.start_place, vehicle.end_place):
            if place is not None:
                _check_place(problem, vehicle.id, place)


def _check_matrices(problem: "Problem") -> None:
    for vehicle in problem.vehicles:
        if vehicle.profile not in problem.matrices:
            raise UnknownReference(
                f"Vehicle {vehicle.id} drives by the matrix {vehicle.profile!r}, which is missing."
            )
    for profile, matrix in problem.matrices.items():
        if len(matrix.duration_s) != len(problem.places):
            raise BadMatrix(
                f"{profile!r} has {len(matrix.duration_s)} rows for {len(problem.places)} places."
            )


def _check_vehicles(problem: "Problem") -> None:
    count = problem.dimensions
    for vehicle in problem.vehicles:
        if len(vehicle.capacity) != count or len(vehicle.on_board) not in (0, count):
            raise BadSize(f"Vehicle {vehicle.id} does not have {count} capacities and loads.")
        for depot_id in vehicle.reload_at:
            if depot_id not in problem.depot_by_id:
                raise UnknownReference(f"Vehicle {vehicle.id} reloads at {depot_id}.")


def _check_fixed(problem: "Problem") -> None:
    held_by: dict[tuple[str, str], str] = {}
    for vehicle in problem.vehicles:
        for step in vehicle.fixed:
            if step.leg == "reload" and step.id in problem.depot_by_id:
                continue
            key = (step.id, step.leg)
            known = problem.job_by_id if step.leg == "job" else problem.shipment_by_id
            if step.id not in known:
                raise BadFixedWork(f"Vehicle {vehicle.id} holds {step.leg} {step.id}.")
            if key in held_by:
                raise BadFixedWork(f"{step.id} is held by {held_by[key]} and {vehicle.id}.")
            if step.leg == "delivery" and held_by.get((step.id, "pickup")) != vehicle.id:
                raise BadFixedWork(f"Vehicle {vehicle.id} delivers {step.id} before fetching it.")
            held_by[key] = vehicle.id
