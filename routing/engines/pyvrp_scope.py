"""What PyVRP can be trusted with alone; nothing here loads it."""

from routing.problem import Problem

MOST_WORK_TOLD_BY_START = 400


def is_expressible_in_pyvrp(problem: Problem) -> bool:
    """Whether PyVRP's answer keeps all rules: see `routing.engines.pyvrp_model`."""
    if any(v.breaks or v.fixed or v.overtime_s for v in problem.vehicles):
        return False
    if any(v.cost_per_squared_hour for v in problem.vehicles):
        return False
    if any(len(depot.windows) > 1 for depot in problem.depots):
        return False
    if any(work.preferences for work in problem.work):
        return False
    if problem.shipments and any(v.max_stops is not None for v in problem.vehicles):
        return False
    return not any(
        shipment.max_ride_s is not None
        or len(shipment.pickup.windows) > 1
        or len(shipment.delivery.windows) > 1
        for shipment in problem.shipments
    )


def is_told_by_start(problem: Problem) -> bool:
    """Whether a search takes rules that PyVRP lacks from the plan it starts from: `pyvrp_start`.

    Large problems do better without in the time that people wait: their answers are repaired.
    """
    if len(problem.work) > MOST_WORK_TOLD_BY_START:
        return False
    return any(shipment.max_ride_s is not None for shipment in problem.shipments) or any(
        vehicle.overtime_s for vehicle in problem.vehicles
    )
