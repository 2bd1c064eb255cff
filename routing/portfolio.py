"""Several engines at one problem, side by side, each starting from the best of all so far.

What an engine answers, and what it offers on the way, is repaired and filled up before it counts,
so nothing here ever gets worse and everything can be driven. While work is left over, room is made
for it between the answers (`mend`). A large problem is cut in two again and again, each lane taking
one part. Which engine searches when is the matter of `turns`.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from routing.engine_process import (
    Asked,
    EngineFailed,
    EngineProcess,
    Known,
    Offered,
    Search,
    Searched,
)
from routing.engines import EngineName, Sequences
from routing.mend import find_waiting, mend
from routing.partition import cut
from routing.plan import Objective, Plan, Progress, measure_objective
from routing.problem import Problem
from routing.repair import drop_unworthy, fill, repair
from routing.stopwatch import STOPWATCH, now_s
from routing.turns import SHORTEST_SEARCH_S, Turn, Turns

log = logging.getLogger(__name__)

ALL_ENGINES: tuple[EngineName, ...] = ("pyvrp", "vroom", "ortools")
SECONDS_OF_ROUND_PER_VISIT = 0.003
TURN_RAD = 2.4
"""The golden angle: no two cuts fall together."""

GREEDY = "greedy"
SHARE_BEFORE_GREEDY = 0.05
"""Of the budget: an engine that has answered by then was better left alone with the processors."""

LONGEST_FILL_S = 0.5
SHARE_FOR_FILL = 0.1
"""Of the budget, for placing what an engine's answer left over."""

MENDING = "insertion"
LONGEST_MENDING_S = 0.1
SHARE_FOR_MENDING = 0.3
"""How long room is made for leftover work before looking at answers again, and of the budget in
all: some days have no room for everything."""

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


class Portfolio:
    """One run of the engines on one problem.

    Parameters
    ----------
    begun : the plan to start from; only fixed visits or more
    until_s : when to be done, by the `stopwatch`
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
        self.greedy = begun
        """Made of nothing, in case that the engines are late; they do better without it."""
        self.is_greedy_done = False
        self.greedy_from_s = began_s + SHARE_BEFORE_GREEDY * (until_s - began_s)
        self.hopeful: Plan | None = None
        """Cheaper than the best, but it leaves more over; so far."""
        self.began_s = began_s
        self.until_s = until_s
        self.seed = seed
        self.turns = Turns(problem, engines=engines, began_s=began_s, until_s=until_s, lanes=lanes)
        self.progress = progress
        self.better = better
        budget_s, visits = self.turns.budget_s, self.turns.visits
        self.patience_s = max(0.25 * budget_s, 2.0 + 0.05 * visits)
        self.grace_s = max(LEAST_GRACE_S, SHARE_OF_GRACE * budget_s)
        self.round_s = max(2.5, SECONDS_OF_ROUND_PER_VISIT * visits)
        self.mending_left_s = 0.0 if self._is_plain() else SHARE_FOR_MENDING * budget_s
        self.rounds = 0
        self.mendings = 0
        self.told: Objective | None = None
        self.better_at_s = now_s()
        self.trace: list[Progress] = []
        self.failures: list[str] = []
        self.lanes: list[_Lane] = []

    def run(self) -> Plan:
        """Search until the time is over or nothing gets better; the best plan, with its trace."""
        try:
            self._open_lanes(1 if STOPWATCH.is_starved() else self.turns.lanes)
            while any(lane.search for lane in self.lanes):
                self._listen()
                if len(self.lanes) < self.turns.lanes and self._has_answer():
                    self._open_lanes(self.turns.lanes)
                if now_s() - self.better_at_s > self.patience_s and self._all_have_answered():
                    break
        finally:
            for lane in self.lanes:
                lane.process.kill()
        if self.failures and not self.turns.engines:
            raise EngineFailed("; ".join(self.failures))
        return replace(self.best, trace=tuple(self.trace))

    def _open_lanes(self, count: int) -> None:
        """Start what is missing; where processors are rare one search must have answered first."""
        added = [_Lane(number, EngineProcess()) for number in range(len(self.lanes), count)]
        self.lanes += added
        for lane in added:
            lane.process.tell(self.problem)
        for lane in added:
            self._go_on(lane)

    def _is_plain(self) -> bool:
        """Whether engines get nothing but their turns: one alone, or a run to be repeated."""
        return self.turns.is_alone or self.turns.is_repeatable

    def _has_answer(self) -> bool:
        """Whether the best plan is more than what was given and what insertion made of it."""
        return self.best is not self.begun and self.best is not self.greedy

    def _all_have_answered(self) -> bool:
        """Whether stopping early leaves out no engine that would have had its turn."""
        if self._is_plain():
            return False
        if self.rounds:
            return self.rounds > 3
        return all(
            lane.number == 0 or lane.searches > 1 or lane.search is None for lane in self.lanes
        )

    def _listen(self) -> None:
        busy = {lane.process.connection: lane for lane in self.lanes if lane.search}
        until_s = min(lane.kill_at_s for lane in busy.values())
        patience_over_s = self.better_at_s + self.patience_s
        at_s = now_s()
        wake_s = min(until_s, max(patience_over_s, at_s + 0.1))
        if self._fill_greedily() or self._mend_a_little():
            wake_s = at_s
        elif at_s < self.greedy_from_s:
            wake_s = min(wake_s, self.greedy_from_s)
        ready = STOPWATCH.wait(list(busy), wake_s)
        for connection in ready:
            self._hear(busy[connection])  # type: ignore[index]
        for lane in busy.values():
            if lane.search and now_s() > lane.kill_at_s:
                self._lose_patience(lane)

    def _hear(self, lane: _Lane) -> None:
        assert lane.search
        try:
            message = lane.process.connection.recv()
            if isinstance(message, Asked):
                lane.process.tell(Known({r.vehicle_id: r.steps for r in self.best.routes}))
                return
        except (EOFError, OSError):
            engine = lane.search.engine
            self._drop_engine(engine, f"{engine}: its process ended")
            self._replace(lane)
            return
        if isinstance(message, Progress):
            is_exact = message.engine == "ortools" or self.turns.is_pure
            if is_exact and lane.search.part is None:
                elapsed_s = now_s() - self.began_s
                self._tell(replace(message, elapsed_s=elapsed_s))
            return
        if isinstance(message, Offered):
            self._weigh(message.found, lane.search)
            return
        assert isinstance(message, Searched)
        search, lane.search = lane.search, None
        if message.failure:
            self._drop_engine(search.engine, message.failure)
        if message.found is not None:
            self._weigh(message.found, search)
        self._go_on(lane)

    def _drop_engine(self, engine: EngineName, failure: str) -> None:
        log.warning("an engine of the planner failed: %s", failure)
        self.failures.append(failure)
        self.turns.drop(engine)

    def _lose_patience(self, lane: _Lane) -> None:
        """End what is late; where nobody has answered, the machine is busy, and all may be late."""
        latest_s = self.until_s + self.grace_s
        if not self._has_answer() and lane.kill_at_s < latest_s:
            lane.kill_at_s = min(latest_s, lane.kill_at_s + LONGEST_FILL_S)
        else:
            self._replace(lane)

    def _replace(self, lane: _Lane) -> None:
        """End what does not answer; start anew only if time is left for it."""
        lane.process.kill()
        lane.search = None
        if self.until_s - now_s() > 1.0:
            lane.process = EngineProcess()
            lane.process.tell(self.problem)
            self._go_on(lane)

    def _weigh(self, found: Sequences, search: Search) -> None:
        if now_s() > self.until_s + self.grace_s and self._has_answer():
            return  # there is no time left to look at it
        sequences = dict(found)
        if search.part:
            rest = {r.vehicle_id: r.steps for r in self.best.routes}
            sequences = {**rest, **{v.id: () for v in search.part.vehicles}, **sequences}
        plan = repair(self.problem, sequences)
        if plan.unassigned and not search.part:
            until_s = now_s() + max(LONGEST_FILL_S, SHARE_FOR_FILL * self.turns.budget_s)
            plan = fill(self.problem, plan, until=min(self.until_s + self.grace_s, until_s))
        plan = drop_unworthy(self.problem, plan)
        self._consider(plan, search.engine)
        if plan is not self.best and plan.cost < self.best.cost:
            self.hopeful = plan

    def _mend_a_little(self) -> bool:
        """Make room for work that an answer leaves; whether there was any to do."""
        began_s = now_s()
        if self.mending_left_s <= 0 or began_s >= self.until_s or not self._has_answer():
            return False
        plan = self.best if find_waiting(self.problem, self.best) else self.hopeful
        if plan is None or (plan is self.hopeful and plan.cost >= self.best.cost):
            return False
        until_s = min(self.until_s, began_s + LONGEST_MENDING_S)
        self.mendings += 1
        mended = mend(self.problem, plan, until=until_s, seed=self.seed + self.mendings)
        self._consider(mended, MENDING)
        if plan is self.hopeful:
            is_done = mended is self.best or not find_waiting(self.problem, mended)
            self.hopeful = None if is_done else mended
        self.mending_left_s -= now_s() - began_s
        return True

    def _fill_greedily(self) -> bool:
        """Have a plan though no engine has answered yet; whether there was any to make."""
        began_s = now_s()
        is_idle = self._is_plain() or self.is_greedy_done or self._has_answer()
        if is_idle or not self.greedy_from_s <= began_s < self.until_s:
            return False
        until_s = min(self.until_s, began_s + LONGEST_FILL_S)
        greedy = fill(self.problem, self.greedy, until=until_s)
        is_more = len(greedy.unassigned) < len(self.greedy.unassigned)
        self.is_greedy_done = not is_more or now_s() < until_s
        if is_more:
            self.greedy = greedy
            self._consider(greedy, GREEDY)
        return True

    def _consider(self, plan: Plan, finder: str) -> None:
        if self._rank(plan) >= self._rank(self.best):
            return
        self.best = plan
        priority_missed, unassigned, cost = self._rank(plan)
        found = Progress(
            elapsed_s=now_s() - self.began_s,
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
            self.better_at_s = now_s()
            self.progress(progress)

    def _rank(self, plan: Plan) -> Objective:
        return measure_objective(self.problem, plan)

    def _go_on(self, lane: _Lane) -> None:
        """Give the lane its next search, if there is time for one."""
        turn = None if self.rounds else self.turns.choose(lane.number, lane.searches)
        if turn is not None:
            self._begin(lane, turn)
        elif not any(one.search for one in self.lanes):  # a round ends for all lanes together
            rest_s = self.turns.find_cutting_s()
            if rest_s > SHORTEST_SEARCH_S:
                self._begin_round(rest_s)

    def _begin(self, lane: _Lane, turn: Turn, part: Problem | None = None) -> None:
        mine = {vehicle.id for vehicle in (part or self.problem).vehicles}
        begin = self.begun if self.best is self.greedy else self.best
        lane.search = Search(
            engine=turn.engine,
            start={r.vehicle_id: r.steps for r in begin.routes if r.vehicle_id in mine},
            until_s=now_s() + turn.seconds_s,
            seed=self.seed + lane.number + 100 * lane.searches,
            effort=turn.effort,
            part=part,
            offers=part is None and not self._is_plain(),
            takes=part is None and not self._is_plain() and lane.number > 0,
        )
        lane.searches += 1
        late_s = 0.3 + 0.3 * turn.seconds_s
        lane.kill_at_s = min(now_s() + turn.seconds_s + late_s, self.until_s + self.grace_s)
        lane.process.tell(lane.search)

    def _begin_round(self, rest_s: float) -> None:
        """Cut the best plan anew and give each lane its part of it."""
        if self.rounds and self.best.unassigned:
            self.best = fill(self.problem, self.best, until=now_s() + LONGEST_FILL_S)
        parts = cut(self.problem, self.best, self.turns.lanes, TURN_RAD * self.rounds)
        rounds_left = max(1, round(rest_s / self.round_s))
        self.rounds += 1
        for lane, part in zip(self.lanes, parts, strict=False):
            self._begin(lane, Turn("joint", rest_s / rounds_left), part)
