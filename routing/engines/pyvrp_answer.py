"""PyVRP's solutions and our sequences, there and back."""

from collections import Counter
from typing import Any

from pyvrp import Activity, ActivityType, Solution
from pyvrp import Route as PyvrpRoute

from routing.engines import Sequences
from routing.engines.pyvrp_model import Translation
from routing.plan import Progress, Route
from routing.problem import Step
from routing.schedule import schedule_route


def make_initial(translation: Translation, start: Sequences) -> Solution | None:
    """Return the start as PyVRP's solution; None when it holds nothing but fixed visits."""
    routes = []
    remainder = translation.remainder
    for type_index, group in enumerate(translation.groups):
        for cab_index in group:
            vehicle = remainder.problem.vehicles[cab_index]
            timed = schedule_route(remainder.problem, vehicle, start.get(vehicle.id, ()))
            if not isinstance(timed, Route):
                continue
            activities = _tell_trips(translation, timed, len(vehicle.fixed), type_index)
            if activities:
                routes.append(PyvrpRoute(translation.data, activities, type_index))
    return Solution(translation.data, routes) if routes else None


def _tell_trips(
    translation: Translation, route: Route, fixed: int, type_index: int
) -> list[Activity]:
    """Return what a vehicle does in PyVRP's words.

    PyVRP knows no shipment that stays on board while the vehicle reloads: there it is delivered
    before the reload.
    """
    remainder, clock = translation.remainder, translation.clock
    begins_s = {
        Step(id=v.id, leg=v.leg): clock.read(v.start_s - remainder.origin_s)
        for v in route.visits
        if v.leg in ("job", "pickup", "delivery")
    }
    reloads = translation.data.vehicle_type(type_index).reload_depots
    gates = {translation.gates[k].depot_id: k for k in reloads}
    activities: list[Activity] = []
    on_board: dict[str, Activity] = {}
    for step in route.steps[fixed:]:
        if step.leg == "reload":
            if step.id in gates:
                activities += on_board.values()
                on_board.clear()
                activities.append(Activity(ActivityType.DEPOT, gates[step.id]))
        elif step.leg == "pickup" and step.id in translation.pair_of:
            pair = translation.pair_of[step.id]
            activities.append(Activity(ActivityType.PICKUP, pair))
            on_board[step.id] = Activity(ActivityType.DELIVERY, pair)
        elif step.id in on_board:
            activities.append(on_board.pop(step.id))
        elif step.id in translation.clients_of:
            indices = translation.clients_of[step.id]
            chosen = _find_window(translation, indices, begins_s[step])
            activities.append(Activity(ActivityType.CLIENT, chosen))
    return activities


def _find_window(translation: Translation, indices: list[int], begin_s: int) -> int:
    for index in indices:
        window = translation.clients[index][1].window
        if window.start_s <= begin_s <= window.end_s:
            return index
    return indices[0]


def read(translation: Translation, solution: Solution) -> Sequences:
    """Return the order of visits on each vehicle; equal vehicles are dealt out in turn."""
    free: list[list[int]] = [list(reversed(group)) for group in translation.groups]
    found: dict[str, tuple[Step, ...]] = {}
    for route in solution.routes():
        cab = translation.remainder.cabs[free[route.vehicle_type()].pop()]
        found[cab.vehicle_id] = tuple(_name(translation, one) for one in list(route)[1:-1])
    return found


def _name(translation: Translation, activity: Any) -> Step:
    index: int = activity.idx
    if activity.is_depot():
        return Step(id=translation.gates[index].depot_id, leg="reload")
    if activity.is_client():
        return translation.clients[index][1].halt.step
    pickup, delivery = translation.pairs[index].halts
    return pickup.step if activity.is_pickup() else delivery.step


def measure(translation: Translation, solution: Solution, elapsed_s: float) -> Progress:
    missed = Counter(a.idx for a in solution.unplanned() if a.is_pickup())
    left = [translation.pairs[index].work for index in missed]
    served = {_name(translation, a).id for r in solution.routes() for a in r if not a.is_depot()}
    left += [
        errand.work
        for errand in translation.remainder.errands
        if len(errand.halts) == 1 and errand.work.id not in served
    ]
    parts = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
    prizes = sum(work.prize or 0 for work in left)
    left = [work for work in left if work.prize is None]
    return Progress(
        elapsed_s=elapsed_s,
        priority_missed=sum(work.priority for work in left),
        unassigned=len(left),
        cost=round(parts / translation.cost_unit / 18_000) + prizes,
    )
