"""OR-Tools: guided local search on a model that holds every rule of a courier's day."""

from collections.abc import Callable
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from routing.engines import Improved, Offer, Offers, Sequences, Take
from routing.engines.ortools_model import Model
from routing.plan import Plan, Progress, measure_objective
from routing.problem import Problem, Step
from routing.repair import repair
from routing.stopwatch import STOPWATCH, now_s

SHARE_WITHOUT_WAITING = 0.4


def improve(
    problem: Problem,
    start: Sequences,
    *,
    budget_s: float,
    seed: int,
    improved: Improved,
    effort: int | None = None,
    offer: Offer | None = None,
    take: Take | None = None,
) -> Sequences | None:
    """Search from `start` until the time or `effort` (local optima) is over, or nothing moves."""
    began_s = now_s()
    offers = Offers(offer, began_s + budget_s)
    best: Plan | None = None
    for until_s, prices_waiting in _plan_phases(problem, budget_s):
        model = Model(problem, start, prices_waiting=prices_waiting)
        found = _search(
            model,
            start,
            began_s=began_s,
            until_s=until_s,
            seed=seed,
            improved=improved,
            effort=effort,
            offers=offers,
        )
        if found is not None:
            plan = repair(problem, found)
            best = min(best or plan, plan, key=lambda one: measure_objective(problem, one))
            start = {route.vehicle_id: route.steps for route in best.routes}
    return start if best else None


def _plan_phases(problem: Problem, budget_s: float) -> list[tuple[float, bool]]:
    """Return until when to search, and whether waiting has its price.

    Where hours cost money, its price keeps guided local search from compact routes: they are found
    without it first and then freed of waiting.
    """
    if any(vehicle.cost_per_hour for vehicle in problem.vehicles):
        return [(SHARE_WITHOUT_WAITING * budget_s, False), (budget_s, True)]
    return [(budget_s, True)]


def _search(
    model: Model,
    start: Sequences,
    *,
    began_s: float,
    until_s: float,
    seed: int,
    improved: Improved,
    effort: int | None,
    offers: Offers,
) -> Sequences | None:
    routing = model.routing
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    parameters.time_limit.FromMilliseconds(max(1, int(until_s * 1000)))
    if effort is not None:
        parameters.solution_limit = effort
    watch = _Watch(model, began_s, until_s, improved, offers, is_patient=effort is not None)
    routing.AddAtSolutionCallback(watch.on_solution)
    routing.CloseModelWithParameters(parameters)
    model.solver.ReSeed(seed)
    left_s = until_s - (now_s() - began_s)
    if left_s <= 0:
        return None
    parameters.time_limit.FromMilliseconds(max(1, int(STOPWATCH.stretch_s(left_s) * 1000)))
    assignment = None
    if any(len(start.get(v.id, ())) > len(v.fixed) for v in model.vehicles):
        assignment = routing.ReadAssignmentFromRoutes(model.routes_of(start), True)
    if assignment is not None:
        found = routing.SolveFromAssignmentWithParameters(assignment, parameters)
    else:
        found = routing.SolveWithParameters(parameters)
    if watch.failure:
        raise watch.failure
    return _read(model, found.Value) if found else None


class _Watch:
    """Reports improvements, and ends the search when there were none for long.

    OR-Tools loses what its callbacks raise, so a failure is kept for after the search.
    """

    def __init__(
        self,
        model: Model,
        began_s: float,
        budget_s: float,
        improved: Improved,
        offers: Offers,
        *,
        is_patient: bool,
    ) -> None:
        self.model = model
        self.began_s = began_s
        self.patience_s = max(0.15 * budget_s, 0.5 + 0.02 * len(model.nodes))
        if is_patient:
            self.patience_s = budget_s
        self.improved = improved
        self.offers = offers
        self.until_s = began_s + budget_s
        self.best: int | None = None
        self.best_at_s = now_s()
        self.failure: Exception | None = None

    def on_solution(self) -> None:
        at_s = now_s()
        value = self.model.routing.CostVar().Max()
        if self.best is None or value < self.best:
            self.best, self.best_at_s = value, at_s
            try:
                self.improved(self._read_progress(value, at_s))
                if self.offers.is_due():
                    self.offers.make(_read(self.model, lambda variable: int(variable.Value())))
            except Exception as error:
                self.failure = error
                self.model.routing.CancelSearch()
        elif at_s - self.best_at_s > self.patience_s or at_s > self.until_s:
            self.model.routing.CancelSearch()

    def _read_progress(self, value: int, at_s: float) -> Progress:
        model = self.model
        weights, cost = divmod(value, model.penalty_unit)
        priority, count = divmod(weights, len(model.problem.work) + 1)
        return Progress(
            elapsed_s=at_s - self.began_s,
            priority_missed=priority,
            unassigned=count + model.hopeless,
            cost=cost // model.cost_parts,
        )


def _read(model: Model, value_of: Callable[[Any], int]) -> Sequences:
    sequences: dict[str, tuple[Step, ...]] = {}
    for vehicle_index, vehicle in enumerate(model.vehicles):
        steps: list[Step] = []
        index = value_of(model.routing.NextVar(model.routing.Start(vehicle_index)))
        while not model.routing.IsEnd(index):
            steps.append(model.nodes[model.manager.IndexToNode(index)].step)
            index = value_of(model.routing.NextVar(index))
        sequences[vehicle.id] = tuple(steps)
    return sequences
