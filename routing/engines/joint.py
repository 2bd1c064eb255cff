"""PyVRP's moves in a search of our own: as patient as the time allows, and open to other plans.

PyVRP accepts what is better than what it had 300 steps ago. For 200 visits in ten seconds that is
right; for a thousand it wanders about till the end. Here the history is as long as the steps that
the time allows can fill. What another search has found meanwhile is crossed with our best now and
then, where it is better than that. PyVRP as it comes is `pyvrp.py`.
"""

from collections import deque
from random import Random

from pyvrp import CostEvaluator, PenaltyManager, ProblemData, RandomNumberGenerator, Solution
from pyvrp.PenaltyManager import PenaltyParams
from pyvrp.search import (
    OPERATORS,
    LocalSearch,
    NeighbourhoodParams,
    PerturbationManager,
    compute_neighbours,
)

from routing.engines import Improved, Offer, Offers, Sequences, Take
from routing.engines.crossing import cross
from routing.engines.pyvrp_answer import make_initial, measure, read
from routing.engines.pyvrp_model import Translation
from routing.engines.remainder import find_remainder
from routing.problem import Problem
from routing.stopwatch import now_s

ITERATIONS_PER_VISIT = 60
FEWEST_ITERATIONS = 4_000
"""So many steps without a better plan end the search."""

SHORTEST_HISTORY, LONGEST_HISTORY = 10, 300
PASSES = 5
"""Steps per visit and place in the history: fewer, and the history has not taken effect in time."""

STEPS_BETWEEN_LOOKS = 50
NEIGHBOURS_OF_WARM_SEARCH = 30
"""Fewer than PyVRP's 50: a step is a third quicker, and what lies far off has been tried."""

CROSSINGS = (0.75, 0.9)
"""When plans of others are looked at, as parts of the time: earlier, both would end up alike."""


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
    """Search from `start` until the time or `effort` (steps) is over, or nothing moves."""
    began_s = now_s()
    remainder = find_remainder(problem, start)
    if not remainder.errands or budget_s <= 0:
        return None
    translation = Translation(remainder, start)
    if not translation.can_leave:
        return None
    search = _Search(
        translation,
        make_initial(translation, start),
        began_s=began_s,
        until_s=began_s + budget_s,
        seed=seed,
        improved=improved,
        effort=effort,
        offers=Offers(offer, began_s + budget_s),
        take=take,
    )
    return read(translation, search.run())


class _Search:
    """Iterated local search with late acceptance (Burke and Bykov, 2017)."""

    def __init__(
        self,
        translation: Translation,
        initial: Solution | None,
        *,
        began_s: float,
        until_s: float,
        seed: int,
        improved: Improved,
        effort: int | None,
        offers: Offers,
        take: Take | None,
    ) -> None:
        self.translation = translation
        self.began_s = began_s
        self.until_s = until_s
        self.improved = improved
        self.effort = effort
        self.offers = offers
        self.take = take
        self.random = Random(seed)
        data = translation.data
        self.visits = data.num_clients + 2 * data.num_shipments
        self.patience = max(FEWEST_ITERATIONS, ITERATIONS_PER_VISIT * self.visits)
        self.penalties = PenaltyManager(PenaltyParams().midpoint_penalties(data))
        rng = RandomNumberGenerator(seed=seed)
        self.local_search = _make_local_search(data, rng, is_warm=initial is not None)
        self.current = initial or self._polish(Solution.make_random(data, rng))
        self.best = self.current
        self.begun = self.current
        """What is accepted until the history is full: whatever is better."""
        self.history: deque[Solution] = deque()
        self.length = LONGEST_HISTORY
        self.has_history = False
        """The history was full once; it may have grown with the pace since."""
        self.crossings = list(CROSSINGS)
        self.wants_crossing = False
        self.unoffered: Solution | None = None
        self.searching_since_s = now_s()

    def run(self) -> Solution:
        if self.best.is_feasible() and self.offers.are_wanted:  # on a busy machine it may be all
            self.offers.make(read(self.translation, self.best))
        steps = last_better = 0
        while now_s() < self.until_s and steps - last_better < self._most_steps(steps):
            if steps % STEPS_BETWEEN_LOOKS == 0:
                self._look_around(steps)
            last_better = steps if self._step() else last_better
            steps += 1
        return self.best

    def _most_steps(self, steps: int) -> int:
        """Return after how many steps without a better plan the search ends."""
        if self.effort is None:
            return self.patience
        return self.effort + 1 if steps < self.effort else 0

    def _step(self) -> bool:
        """Disturb the current plan a little and improve it there; whether it is the best of all."""
        costs = self.penalties.cost_evaluator()
        found = self.local_search(self.current, costs, exhaustive=False)
        self.penalties.register(found)
        is_best = costs.cost(found) < costs.cost(self.best)
        if is_best:
            self.best = found
            found = self.local_search(found, costs, exhaustive=True)
            if found.is_feasible():
                self.best = found
            self._tell()
        self._accept(found, costs)
        return is_best

    def _accept(self, found: Solution, costs: CostEvaluator) -> None:
        history = self.history
        late = history[0] if self.has_history else self.begun
        late_cost = costs.penalised_cost(late)
        cost, current_cost = costs.penalised_cost(found), costs.penalised_cost(self.current)
        if cost < late_cost or cost < current_cost:
            self.current, current_cost = found, cost
        while len(history) >= self.length:
            history.popleft()
        is_better = current_cost < late_cost
        history.append(self.current if is_better or not self.has_history else late)
        self.has_history = self.has_history or len(history) >= self.length

    def _tell(self) -> None:
        if self.best.is_feasible():
            self.unoffered = self.best
            self.improved(measure(self.translation, self.best, now_s() - self.began_s))

    def _look_around(self, steps: int) -> None:
        """Offer what was found, look at what others have, and see how fast we are."""
        if self.unoffered is not None and self.offers.is_due():
            self.offers.make(read(self.translation, self.unoffered))
            self.unoffered = None
        at_s = now_s()
        expected = self.effort
        if expected is None and steps:
            spent_s = max(1e-3, at_s - self.searching_since_s)
            expected = int(steps * (self.until_s - self.began_s) / spent_s)
        if expected is not None:
            fitting = PASSES * expected // self.visits
            self.length = min(LONGEST_HISTORY, max(SHORTEST_HISTORY, fitting))
        share = (at_s - self.began_s) / (self.until_s - self.began_s)
        if self.effort is not None:
            share = steps / self.effort
        if self.crossings and share >= self.crossings[0]:
            self.crossings.pop(0)
            self.wants_crossing = self.take is not None
        theirs = self.take() if self.take and self.wants_crossing else None
        if theirs is not None:
            self.wants_crossing = False
            self._cross(theirs)

    def _cross(self, theirs: Sequences) -> None:
        """Go on from a plan between ours and that of another search, if that is ahead."""
        other = make_initial(self.translation, theirs)
        if other is None:
            return
        costs = self.penalties.max_cost_evaluator()
        if costs.penalised_cost(other) >= costs.penalised_cost(self.best):
            return
        child = cross(self.translation, other, self.best, self.random)
        self.current = self.begun = self._polish(child)
        self.history.clear()
        self.has_history = False
        for one in (other, self.current):
            if costs.cost(one) < costs.cost(self.best):
                self.best = one
                self._tell()

    def _polish(self, solution: Solution) -> Solution:
        costs = self.penalties.max_cost_evaluator()
        return self.local_search(solution, costs, exhaustive=True)


def _make_local_search(
    data: ProblemData, rng: RandomNumberGenerator, *, is_warm: bool
) -> LocalSearch:
    near = NeighbourhoodParams()
    if is_warm:
        near = NeighbourhoodParams(num_neighbours=NEIGHBOURS_OF_WARM_SEARCH)
    search = LocalSearch(data, rng, compute_neighbours(data, near), PerturbationManager())
    for operator in OPERATORS:
        if operator.supports(data):
            search.add_operator(operator(data))
    return search
