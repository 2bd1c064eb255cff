"""When things happen, in OR-Tools' model: shifts, overtime, opening hours and breaks."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ortools.constraint_solver import pywrapcp

from routing.problem import Depot

if TYPE_CHECKING:
    from routing.engines.ortools_model import Model


def add_time(model: "Model") -> Any:
    """Add the dimension of seconds since the origin and return it."""
    model.routing.AddDimensionWithVehicleTransits(
        [model.time_transit(vehicle) for vehicle in model.vehicles],
        model.horizon_s,
        model.horizon_s,
        False,
        "time",
    )
    time = model.routing.GetDimensionOrDie("time")
    for row, node in enumerate(model.nodes):
        time.CumulVar(model.index_of(row)).SetRange(node.window.start_s, node.window.end_s)
    for index, vehicle in enumerate(model.vehicles):
        first_s = vehicle.shift.start_s - model.origin_s
        last_s = vehicle.shift.end_s - model.origin_s
        leave = time.CumulVar(model.routing.Start(index))
        end = time.CumulVar(model.routing.End(index))
        leave.SetRange(first_s, first_s if vehicle.fixed else last_s + vehicle.overtime_s)
        end.SetRange(first_s, last_s + vehicle.overtime_s)
        is_open = _open(model, leave, model.problem.loading_depot(vehicle))
        if not (_open(model, end, model.problem.find_depot(vehicle.end_place)) and is_open):
            model.routing.NextVar(model.routing.Start(index)).SetValue(model.routing.End(index))
        if vehicle.overtime_s:
            per_second = vehicle.overtime_cost_per_hour * model.cost_parts // 3600
            at_end = model.routing.End(index)
            time.SetCumulVarSoftUpperBound(at_end, last_s, per_second)
        if vehicle.cost_per_squared_hour:
            _level(model, time, index)
        if vehicle.cost_per_hour and model.prices_waiting:
            per_second = vehicle.cost_per_hour * model.cost_parts // 3600
            time.SetSlackCostCoefficientForVehicle(per_second, index)
        if vehicle.max_duration_s is not None:
            time.SetSpanUpperBoundForVehicle(vehicle.max_duration_s, index)
        if vehicle.cost_per_hour or vehicle.max_duration_s is not None:
            model.routing.AddVariableMaximizedByFinalizer(leave)
        model.routing.AddVariableMinimizedByFinalizer(end)
    return time


def _open(model: "Model", at: Any, depot: Depot | None) -> bool:
    """Keep a start or an end within opening hours; whether there are any."""
    if depot is None or not depot.windows:
        return True
    windows = [(w.start_s - model.origin_s, w.end_s - model.origin_s) for w in depot.windows]
    if not any(first <= at.Max() and last >= at.Min() for first, last in windows):
        return False
    at.SetRange(max(at.Min(), windows[0][0]), min(at.Max(), windows[-1][1]))
    for (_, closes_s), (opens_s, _) in pairwise(windows):
        at.RemoveInterval(closes_s + 1, opens_s - 1)
    return True


def _level(model: "Model", time: Any, index: int) -> None:
    """Price the square of the duration by its slope at what a route lasts on average."""
    vehicle = model.vehicles[index]
    slope = 2 * vehicle.cost_per_squared_hour * model.cost_parts * model.typical_s // 3600**2
    time.SetSoftSpanUpperBoundForVehicle(pywrapcp.BoundCost(model.typical_s, slope), index)


def add_breaks(model: "Model") -> None:
    """Let every vehicle rest between two visits, or before or after all of them."""
    if not any(vehicle.breaks for vehicle in model.vehicles):
        return
    service_s = [0] * (model.routing.Size() + len(model.vehicles))
    for row, node in enumerate(model.nodes):
        service_s[model.index_of(row)] = node.service_s
    for index, vehicle in enumerate(model.vehicles):
        intervals = []
        for rest in vehicle.breaks:
            earliest_s = max(0, rest.earliest_start_s - model.origin_s)
            latest_s = rest.latest_start_s - model.origin_s
            if latest_s < 0 or earliest_s > model.horizon_s:
                continue
            intervals.append(
                model.solver.FixedDurationIntervalVar(
                    earliest_s, latest_s, rest.duration_s, False, f"{vehicle.id}.{rest.id}"
                )
            )
        if intervals:
            model.time.SetBreakIntervalsOfVehicle(intervals, index, service_s)
