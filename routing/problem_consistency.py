"""Whether the parts of a problem refer to each other rightly; each part checks itself."""

from typing import TYPE_CHECKING

from routing.problem_errors import BadFixedWork, BadMatrix, BadSize, UnknownReference

if TYPE_CHECKING:
    from routing.problem import Problem


def check_consistency(problem: "Problem") -> None:
    """Raise the first contradiction between the parts of the problem."""
    _check_places(problem)
    _check_matrices(problem)
    _check_dimensions(problem)
    _check_vehicle_names(problem)
    _check_fixed(problem)


def _check_places(problem: "Problem") -> None:
    named = [(job.id, job.place) for job in problem.jobs]
    for shipment in problem.shipments:
        named += [(shipment.id, shipment.pickup.place), (shipment.id, shipment.delivery.place)]
    for vehicle in problem.vehicles:
        ends = (vehicle.start_place, vehicle.end_place)
        named += [(vehicle.id, place) for place in ends if place is not None]
    for owner, place in named:
        if not 0 <= place < len(problem.places):
            raise UnknownReference(
                f"{owner} is at place {place}; there are {len(problem.places)} places."
            )


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


def _check_dimensions(problem: "Problem") -> None:
    count = problem.dimensions
    for vehicle in problem.vehicles:
        if len(vehicle.capacity) != count or len(vehicle.on_board) not in (0, count):
            raise BadSize(f"Vehicle {vehicle.id} does not have {count} capacities and loads.")
    for work in problem.work:
        if problem.vehicles and len(work.size) not in (0, count):
            raise BadSize(f"{work.id} has {len(work.size)} sizes for {count} capacities.")


def _check_vehicle_names(problem: "Problem") -> None:
    for work in problem.work:
        for vehicle_id in (work.vehicles or frozenset()) | work.barred:
            if vehicle_id not in problem.vehicle_by_id:
                raise UnknownReference(f"{work.id} names the vehicle {vehicle_id}.")


def _check_fixed(problem: "Problem") -> None:
    held_by: dict[tuple[str, str], str] = {}
    for vehicle in problem.vehicles:
        for step in vehicle.fixed:
            key = (step.id, step.leg)
            known = problem.job_by_id if step.leg == "job" else problem.shipment_by_id
            if step.id not in known:
                raise BadFixedWork(f"Vehicle {vehicle.id} holds {step.leg} {step.id}.")
            if key in held_by:
                raise BadFixedWork(f"{step.id} is held by {held_by[key]} and {vehicle.id}.")
            if step.leg == "delivery" and held_by.get((step.id, "pickup")) != vehicle.id:
                raise BadFixedWork(f"Vehicle {vehicle.id} delivers {step.id} before fetching it.")
            held_by[key] = vehicle.id
