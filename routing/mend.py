"""Makes room for work that was left over: neighbours are taken out and everything put back anew.

Exact in every rule, since all goes through `routing.insert`; slow beside an engine, so it is for
the last few pieces that engines with fewer rules could not place. Searching for a cheaper plan does
not belong here.
"""

from random import Random

from routing.insert import Inserter, NoPlace
from routing.plan import Plan, Route, Unassigned, measure_objective
from routing.problem import Problem, Vehicle, Work
from routing.repair import NOT_YET
from routing.rules import may_serve, tidy_reloads
from routing.schedule import schedule_route
from routing.stopwatch import now_s

FEWEST_OUT, MOST_OUT = 4, 16


def mend(
    problem: Problem, plan: Plan, *, until: float, seed: int, most_rounds: int | None = None
) -> Plan:
    """Return a plan with more of the required work assigned, if one is found.

    Ends at `until` (`stopwatch`) or after so many rounds, whichever is first.
    """
    mender = _Mender(problem, Random(seed))
    rounds = 0
    while now_s() < until and rounds != most_rounds:
        waiting = find_waiting(problem, plan)
        if not waiting:
            break
        tried = mender.rebuild(plan, waiting[rounds % len(waiting)])
        if tried and measure_objective(problem, tried) <= measure_objective(problem, plan):
            plan = tried
        rounds += 1
    return plan


def find_waiting(problem: Problem, plan: Plan) -> list[Work]:
    """Return the required work that is unassigned though some vehicle may do it."""
    left = [problem.find_work(one.id) for one in plan.unassigned]
    return [work for work in left if work.prize is None and _find_able(problem, work)]


def _find_able(problem: Problem, work: Work) -> list[Vehicle]:
    return [vehicle for vehicle in problem.vehicles if may_serve(vehicle, work)]


class _Mender:
    def __init__(self, problem: Problem, random: Random) -> None:
        self.problem = problem
        self.random = random
        self.held = {step.id for vehicle in problem.vehicles for step in vehicle.fixed}

    def rebuild(self, plan: Plan, wanted: Work) -> Plan | None:
        """Take out neighbours of the wanted work, put it in, then them again."""
        problem = self.problem
        out = self._choose_neighbours(plan, wanted)
        inserter = self._thin(plan, out)
        if inserter is None:
            return None
        shuffled = map(problem.find_work, self.random.sample(sorted(out), len(out)))
        order = [wanted, *sorted(shuffled, key=lambda work: -work.priority)]
        order += [w for one in plan.unassigned if (w := problem.find_work(one.id)) is not wanted]
        left: list[Unassigned] = []
        for work in order:
            found = inserter.find(work, most=1)
            if isinstance(found, NoPlace) or (
                work.prize is not None and found[0].added_cost >= work.prize
            ):
                left.append(Unassigned(id=work.id, code=NOT_YET, sentence="No place was found."))
            else:
                inserter.put(found[0].route)
        known = inserter.routes
        routes = tuple(known[vehicle.id] for vehicle in problem.vehicles if vehicle.id in known)
        cost = sum(route.cost for route in routes)
        return Plan(routes=routes, unassigned=tuple(left), cost=cost, trace=plan.trace)

    def _thin(self, plan: Plan, out: set[str]) -> Inserter | None:
        """Leave the work out; None if a route cannot be driven without it."""
        routes: list[Route] = []
        for route in plan.routes:
            steps = tuple(step for step in route.steps if step.id not in out)
            if len(steps) == len(route.steps):
                routes.append(route)
                continue
            vehicle = self.problem.vehicle_by_id[route.vehicle_id]
            steps = tidy_reloads(steps, len(vehicle.fixed))
            timed = schedule_route(self.problem, vehicle, steps) if steps else None
            if isinstance(timed, tuple):
                return None
            if timed:
                routes.append(timed)
        return Inserter(self.problem, Plan(routes=tuple(routes)))

    def _choose_neighbours(self, plan: Plan, wanted: Work) -> set[str]:
        """Choose work that is near by the roads of a vehicle; not always the nearest."""
        problem, random = self.problem, self.random
        grid = problem.matrix_of(random.choice(_find_able(problem, wanted))).duration_s
        near: dict[str, int] = {}
        for step in (step for route in plan.routes for step in route.steps):
            if step.leg == "reload" or step.id in self.held:
                continue
            places = problem.find_work(step.id).places
            near[step.id] = min(int(grid[a, b]) for a in wanted.places for b in places)
        blurred = sorted(near, key=lambda name: near[name] * random.uniform(0.5, 2.0))
        return set(blurred[: random.randint(FEWEST_OUT, MOST_OUT)])
