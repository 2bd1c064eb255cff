"""Several engines at one problem, side by side, each starting from the best of all so far.

Two lanes, one for each core. Where PyVRP can express the whole problem it works in both, from a
plan of VROOM in the second, and VROOM polishes at the end; otherwise OR-Tools takes over from the
best plan and has the last word. A large problem is cut in two again and again, each lane taking one
part. What an engine answers is repaired and filled up before it counts, so nothing here ever gets
worse and everything can be driven.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from time import monotonic

from routing.engine_process import EngineFailed, EngineProcess, Search, Searched
from routing.engines import EngineName
from routing.engines.pyvrp_scope import is_expressible_in_pyvrp
from routing.partition import cut
from routing.plan import Objective, Plan, Progress, measure_objective
from routing.problem import Problem, Shipment
from routing.repair import drop_unworthy, fill, repair

log = logging.getLogger(__name__)

ALL_ENGINES: tuple[EngineName, ...] = ("pyvrp", "vroom", "ortools")
SHARE_FOR_START = 0.12
"""What VROOM gets of the time, as the others go on from its plan."""

SHARE_BEFORE_LAST_WORD = 0.6
SHARE_FOR_PYVRP = 0.85
MOST_VISITS_FOR_ORTOOLS = 60
"""Of the budget, how long PyVRP searches where it does not know all rules; above so many visits it
gets further in the time than OR-Tools does, even so."""

SHARE_OF_RICH_SLICE = 0.1
SHORTEST_RICH_SLICE_S = 0.5
"""There PyVRP's answers are drivable only after repair, so the first ones are asked for early."""

SHARE_OF_SLICE = 0.65
LONGEST_SLICE_S = 10.0
"""How long PyVRP searches before it starts afresh from the best plan of all."""

SHORTEST_SEARCH_S = 0.15
FEWEST_VISITS_TO_CUT = 300
FEWEST_VISITS_TO_STAY_CUT = 600
SHARE_TO_CUT = 0.55
"""Of the budget of a problem that one search can still grasp as a whole."""

SECONDS_OF_ROUND_PER_VISIT = 0.003
TURN_RAD = 2.4
"""The golden angle: no two cuts fall together."""

ENDLESS = 2**40
SLOWEST_PYVRP = 40_000
SLOWEST_ORTOOLS = 1_000
"""Steps a second on a problem of one visit that any machine of today makes, busy or not."""

GREEDY = "greedy"
SHARE_FOR_GREEDY = 0.1
LONGEST_FILL_S = 0.5
SHARE_FOR_FILL = 0.1
"""Of the budget, for placing what an engine's answer left over."""

LEAST_GRACE_S = 0.05
SHARE_OF_GRACE = 0.02
"""How long after the time of all an engine may answer before it is ended."""


@dataclass(slots=True)
class _Lane:
    number: int
    process: EngineProcess
    search: Search | None = None
    kill_at_s: float = 0.0
    searches: int = 0


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a lane does next; `effort` as for `Search`."""

    engine: EngineName
    seconds_s: float
    effort: int | None = None


class Portfolio:
    """One run of the engines on one problem.

    Parameters
    ----------
    begun : the plan to start from; only fixed visits or more
    until_s : when to be done, as `monotonic` counts
    engines : which to use; a single one gets the whole time, alone
    progress, better : told of every improvement, as numbers and as a plan
    lanes : how many searches run at once; with one, steps bound them so that they can be repeated
    """

    def __init__(
        self,
        problem: Problem,
        begun: Plan,
        *,
        began_s: float,
        until_s: float,
        seed: int,
        engines: Collection[EngineName],
        progress: Callable[[Progress], None],
        better: Callable[[Plan], None],
        lanes: int,
    ) -> None:
        self.problem = problem
        self.begun = begun
        self.best = begun
        self.greedy: Plan | None = None
        self.began_s = began_s
        self.until_s = until_s
        self.seed = seed
        self.engines = set(engines)
        self.progress = progress
        self.better = better
        self.is_alone = len(self.engines) == 1
        self.lane_count = 1 if self.is_alone else lanes
        self.is_repeatable = lanes == 1 and not self.is_alone
        self.is_pure = is_expressible_in_pyvrp(problem)
        self.visits = sum(1 + isinstance(work, Shipment) for work in problem.work)
        budget_s = until_s - began_s
        self.patience_s = max(0.25 * budget_s, 2.0 + 0.05 * self.visits)
        self.polish_s = 0.0 if self.is_alone else min(0.1 * budget_s, 0.05 + 1e-6 * self.visits**2)
        self.grace_s = max(LEAST_GRACE_S, SHARE_OF_GRACE * budget_s)
        self.slice_s = max(3.0, 0.015 * self.visits)
        self.is_split = (
            self.is_pure
            and self.lane_count > 1
            and self.visits >= FEWEST_VISITS_TO_CUT
            and "pyvrp" in self.engines
        )
        self.round_s = max(2.5, SECONDS_OF_ROUND_PER_VISIT * self.visits)
        self.split_until_s = until_s
        if self.visits < FEWEST_VISITS_TO_STAY_CUT:
            self.split_until_s = began_s + SHARE_TO_CUT * budget_s
        self.rounds = 0
        self.told: Objective | None = None
        self.better_at_s = monotonic()
        self.trace: list[Progress] = []
        self.failures: list[str] = []
        self.lanes: list[_Lane] = []

    def run(self) -> Plan:
        """Search until the time is over or nothing gets better; the best plan, with its trace."""
        try:
            self.lanes = [_Lane(number, EngineProcess()) for number in range(self.lane_count)]
            for lane in self.lanes:
                lane.process.tell(self.problem)
            for lane in self.lanes:
                self._go_on(lane)
            if not (self.is_split or self.is_alone or self.is_repeatable):
                self._fill_greedily()
            while any(lane.search for lane in self.lanes):
                self._listen()
                if monotonic() - self.better_at_s > self.patience_s and self._all_have_answered():
                    break
        finally:
            for lane in self.lanes:
                lane.process.kill()
        if self.failures and not self.engines:
            raise EngineFailed("; ".join(self.failures))
        return replace(self.best, trace=tuple(self.trace))

    def _all_have_answered(self) -> bool:
        """Whether stopping early leaves out no engine that would have had its turn."""
        if self.is_alone or self.is_repeatable:
            return False
        if self.is_split:
            return self.rounds > 3
        return all(lane.searches > 1 or lane.number == 0 for lane in self.lanes)

    def _listen(self) -> None:
        busy = {lane.process.connection: lane for lane in self.lanes if lane.search}
        until_s = min(lane.kill_at_s for lane in busy.values())
        patience_over_s = self.better_at_s + self.patience_s
        now_s = monotonic()
        ready = wait(list(busy), max(0.0, min(until_s, max(patience_over_s, now_s + 0.1)) - now_s))
        for connection in ready:
            self._hear(busy[connection])  # type: ignore[index]
        for lane in busy.values():
            if lane.search and monotonic() > lane.kill_at_s:
                self._replace(lane)

    def _hear(self, lane: _Lane) -> None:
        assert lane.search
        try:
            message = lane.process.connection.recv()
        except (EOFError, OSError):
            self._drop_engine(lane, f"{lane.search.engine}: its process ended")
            self._replace(lane)
            return
        if isinstance(message, Progress):
            is_exact = message.engine == "ortools" or (message.engine == "pyvrp" and self.is_pure)
            if is_exact and lane.search.part is None:
                elapsed_s = monotonic() - self.began_s
                self._tell(replace(message, elapsed_s=elapsed_s))
            return
        assert isinstance(message, Searched)
        search, lane.search = lane.search, None
        if message.failure:
            self._drop_engine(lane, message.failure)
        if message.found is not None:
            self._weigh(message, search)
        self._go_on(lane)

    def _drop_engine(self, lane: _Lane, failure: str) -> None:
        log.warning("an engine of the planner failed: %s", failure)
        self.failures.append(failure)
        if lane.search:
            self.engines.discard(lane.search.engine)
        else:
            self.engines -= {name for name in ALL_ENGINES if failure.startswith(name)}

    def _replace(self, lane: _Lane) -> None:
        """End what does not answer; start anew only if time is left for it."""
        lane.process.kill()
        lane.search = None
        if self.until_s - monotonic() > 1.0:
            lane.process = EngineProcess()
            lane.process.tell(self.problem)
            self._go_on(lane)

    def _weigh(self, answer: Searched, search: Search) -> None:
        assert answer.found is not None
        sequences = dict(answer.found)
        if search.part:
            rest = {r.vehicle_id: r.steps for r in self.best.routes}
            sequences = {**rest, **{v.id: () for v in search.part.vehicles}, **sequences}
        plan = repair(self.problem, sequences)
        if plan.unassigned and not search.part:
            most_s = max(LONGEST_FILL_S, SHARE_FOR_FILL * (self.until_s - self.began_s))
            plan = fill(self.problem, plan, until=min(self.until_s, monotonic() + most_s))
        plan = drop_unworthy(self.problem, plan)
        self._consider(plan, search.engine)

    def _fill_greedily(self) -> None:
        """Have a plan while the processes start; engines do better without it as their start."""
        until_s = monotonic() + min(LONGEST_FILL_S, SHARE_FOR_GREEDY * (self.until_s - monotonic()))
        self.greedy = fill(self.problem, self.begun, until=until_s)
        self._consider(self.greedy, GREEDY)

    def _consider(self, plan: Plan, finder: str) -> None:
        if self._rank(plan) >= self._rank(self.best):
            return
        self.best = plan
        priority_missed, unassigned, cost = self._rank(plan)
        found = Progress(
            elapsed_s=monotonic() - self.began_s,
            priority_missed=priority_missed,
            unassigned=unassigned,
            cost=cost,
            engine=finder,
        )
        self.trace.append(found)
        self.better(plan)
        self._tell(found)

    def _tell(self, progress: Progress) -> None:
        objective = (progress.priority_missed, progress.unassigned, progress.cost)
        if self.told is None or objective < self.told:
            self.told = objective
            self.better_at_s = monotonic()
            self.progress(progress)

    def _rank(self, plan: Plan) -> Objective:
        return measure_objective(self.problem, plan)

    def _go_on(self, lane: _Lane) -> None:
        """Give the lane its next search, if there is time for one."""
        left_s = self.until_s - monotonic()
        if left_s < SHORTEST_SEARCH_S or not self.engines:
            return
        if self.is_split:
            if any(one.search for one in self.lanes):
                return  # a round ends for all lanes together
            rest_s = self.split_until_s - monotonic()
            if rest_s > SHORTEST_SEARCH_S:
                self._begin_round(rest_s)
                return
            self.is_split = False
            for one in self.lanes:
                self._go_on(one)
            return
        if self.is_alone:
            turn = _Turn(next(iter(self.engines)), left_s, ENDLESS) if not lane.searches else None
        elif self.is_repeatable:
            turn = self._choose_repeatable(lane, left_s)
        else:
            turn = self._choose(lane, left_s)
        if turn is None:
            return
        if self.is_alone and turn.engine == "vroom":
            turn = replace(turn, effort=None)
        self._begin(lane, turn)

    def _begin(self, lane: _Lane, turn: _Turn, part: Problem | None = None) -> None:
        mine = {vehicle.id for vehicle in (part or self.problem).vehicles}
        begin = self.begun if self.best is self.greedy else self.best
        lane.search = Search(
            engine=turn.engine,
            start={r.vehicle_id: r.steps for r in begin.routes if r.vehicle_id in mine},
            until_s=monotonic() + turn.seconds_s,
            seed=self.seed + lane.number + 100 * lane.searches,
            effort=turn.effort,
            part=part,
        )
        lane.searches += 1
        late_s = 0.3 + 0.3 * turn.seconds_s
        lane.kill_at_s = min(monotonic() + turn.seconds_s + late_s, self.until_s + self.grace_s)
        lane.process.tell(lane.search)

    def _begin_round(self, rest_s: float) -> None:
        """Cut the best plan anew and give each lane its part of it."""
        if self.rounds and self.best.unassigned:
            self.best = fill(self.problem, self.best, until=monotonic() + LONGEST_FILL_S)
        parts = cut(self.problem, self.best, self.lane_count, TURN_RAD * self.rounds)
        rounds_left = max(1, round(rest_s / self.round_s))
        self.rounds += 1
        for lane, part in zip(self.lanes, parts, strict=False):
            self._begin(lane, _Turn("pyvrp", rest_s / rounds_left), part)

    def _choose(self, lane: _Lane, left_s: float) -> _Turn | None:
        """Return what the lane does next; None: its work is done."""
        if not self.is_pure or "pyvrp" not in self.engines:
            return self._choose_rich(lane, left_s)
        is_first = lane.number == 0
        if not is_first and not lane.searches and "vroom" in self.engines:
            return _Turn("vroom", SHARE_FOR_START * left_s)
        search_s = left_s - self.polish_s
        if search_s >= SHORTEST_SEARCH_S:
            return _Turn("pyvrp", self._until_exchange(search_s))
        return None if is_first or "vroom" not in self.engines else _Turn("vroom", left_s)

    def _choose_rich(self, lane: _Lane, left_s: float) -> _Turn | None:
        """Choose where OR-Tools alone knows all rules: it ends what the others begin.

        On a small problem it also searches on its own from the beginning.
        """
        budget_s = self.until_s - self.began_s
        is_first = lane.number == 0
        is_small = self.visits <= MOST_VISITS_FOR_ORTOOLS
        if is_first and not lane.searches and "vroom" in self.engines:
            return _Turn("vroom", SHARE_FOR_START * left_s)
        share = SHARE_BEFORE_LAST_WORD
        if is_first and not is_small:
            share = SHARE_FOR_PYVRP
        rest_s = share * budget_s - (monotonic() - self.began_s)
        if rest_s > SHORTEST_SEARCH_S:
            if "pyvrp" in self.engines and (is_first or not is_small):
                slice_s = SHARE_OF_RICH_SLICE * budget_s * (1 + lane.searches)
                slice_s = min(LONGEST_SLICE_S, max(SHORTEST_RICH_SLICE_S, slice_s))
                return _Turn("pyvrp", rest_s if rest_s < 1.5 * slice_s else slice_s)
            if "ortools" in self.engines:
                return _Turn("ortools", rest_s)
        for engine in ("ortools", "pyvrp", "vroom"):
            if engine in self.engines:
                return _Turn(engine, left_s)
        return None

    def _until_exchange(self, rest_s: float) -> float:
        """Return how long to search before all lanes go on from the best of them."""
        slice_s = min(LONGEST_SLICE_S, SHARE_OF_SLICE * (self.until_s - self.began_s))
        passed_s = monotonic() - self.began_s
        to_exchange_s = slice_s - passed_s % slice_s
        if to_exchange_s < 0.1 * slice_s:
            to_exchange_s += slice_s
        return rest_s if rest_s - to_exchange_s < 0.2 * slice_s else to_exchange_s

    def _choose_repeatable(self, lane: _Lane, left_s: float) -> _Turn | None:
        """Return the next of a fixed row of turns that are bounded by steps, not by the clock."""
        budget_s = self.until_s - self.began_s
        iterations = int(SLOWEST_PYVRP * budget_s / self.visits)
        row = [_Turn("vroom", left_s, 1), _Turn("pyvrp", left_s, max(1, iterations))]
        if not self.is_pure:
            row.append(
                _Turn("ortools", left_s, max(1, int(SLOWEST_ORTOOLS * budget_s / self.visits)))
            )
        row = [turn for turn in row if turn.engine in self.engines]
        return row[lane.searches] if lane.searches < len(row) else None
