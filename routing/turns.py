"""Which engine searches next in which lane, and for how long.

Two lanes, one for each core. The first keeps the engine that gets furthest alone at one search for
the whole budget, so that what it finds alone is found here too; where a plan to start from tells it
more of the rules, it begins anew from the best one. The second begins with VROOM if that is quick
enough, goes on from the best plan of all again and again, and ends with OR-Tools where that alone
knows all rules and the problem is small enough for it. Nothing here starts or judges a search.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass

from routing.engines import EngineName
from routing.engines.pyvrp_scope import is_expressible_in_pyvrp, is_told_by_start
from routing.problem import Problem, Shipment
from routing.stopwatch import now_s

SHARE_FOR_VROOM, SHARE_FOR_VROOM_IF_RICH = 0.12, 0.25
"""What VROOM gets of the time before others go on from its plan."""

SECONDS_OF_VROOM_PER_VISIT = 0.01
SECONDS_OF_THOROUGH_VROOM_PER_VISIT = 0.02
"""What VROOM needs for a rich day, quick and thorough: it does not stop when the time is over."""

SHARE_OF_FIRST_SEARCH = 0.35
"""Of the budget, for the first lane's search from nothing where a plan tells more of the rules."""

SHARE_OF_SLICE = 0.25
"""Of the budget of a rich day: after that the second lane starts afresh from the best plan that can
be driven, which asks for everything that this plan serves."""

SHARE_BEFORE_LAST_WORD = 0.6
MOST_VISITS_FOR_LAST_WORD = 300
MOST_VISITS_FOR_ORTOOLS = 60
"""Above so many visits PyVRP gets further in the time than OR-Tools, even where it does not know
all rules; above the other, OR-Tools hardly gets to searching."""

SHORTEST_SEARCH_S = 0.15
FEWEST_VISITS_TO_CUT = 300
LONGEST_TO_CUT_S_PER_VISIT = 0.03
"""With more time PyVRP gets further with the whole than with parts that cannot trade work."""

SHARE_BEFORE_CUT = 0.5
"""Of the budget; who does what is settled by then, and each part is searched twice as fast."""

SHARE_FOR_POLISH = 0.1
SHARE_TO_FINISH = 0.03
"""Where answers are drivable only after repair: of the budget, kept for that, at most."""

ENDLESS = 2**40
SLOWEST_PYVRP = 40_000
SLOWEST_ORTOOLS = 1_000
"""Steps a second on a problem of one visit that any machine of today makes, busy or not."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a lane does next; `effort` as for `Search`."""

    engine: EngineName
    seconds_s: float
    effort: int | None = None


class Turns:
    """The turns of one run.

    Attributes
    ----------
    engines : those that still work; the caller takes out what fails
    is_pure : PyVRP's answers keep all rules
    cut_from_s : when a large problem is to be cut in rounds, each lane taking one part
    """

    def __init__(
        self,
        problem: Problem,
        *,
        engines: Collection[EngineName],
        began_s: float,
        until_s: float,
        lanes: int,
    ) -> None:
        self.engines = set(engines)
        self.began_s = began_s
        self.until_s = until_s
        self.budget_s = until_s - began_s
        self.is_alone = len(self.engines) == 1
        self.lanes = 1 if self.is_alone else lanes
        self.is_repeatable = lanes == 1 and not self.is_alone
        self.is_narrow = count_cores() < 2
        self.is_pure = is_expressible_in_pyvrp(problem)
        self.is_told_by_start = is_told_by_start(problem)
        self.visits = sum(1 + isinstance(work, Shipment) for work in problem.work)
        self.polish_s = min(SHARE_FOR_POLISH * self.budget_s, 0.05 + 1e-6 * self.visits**2)
        self.finish_s = 0.0
        if not (self.is_pure or self.is_alone):
            self.finish_s = min(SHARE_TO_FINISH * self.budget_s, 0.1 + 0.001 * self.visits)
        self.cut_from_s = until_s
        is_large = self.visits >= FEWEST_VISITS_TO_CUT
        is_short = self.budget_s <= LONGEST_TO_CUT_S_PER_VISIT * self.visits
        if self.lanes > 1 and self._trusts_pyvrp() and is_large and is_short:
            self.cut_from_s = began_s + SHARE_BEFORE_CUT * self.budget_s
            self.polish_s = 0.0

    def drop(self, engine: EngineName) -> None:
        """Do without an engine; the joint search is PyVRP's too."""
        self.engines.discard("pyvrp" if engine == "joint" else engine)
        if "pyvrp" not in self.engines:
            self.cut_from_s = self.until_s

    def find_cutting_s(self) -> float:
        """Return for how long the problem is to be cut from now on; 0 if it is not."""
        at_s = now_s()
        if self.cut_from_s - at_s > SHORTEST_SEARCH_S:
            return 0.0
        return max(0.0, self.until_s - at_s)

    def choose(self, lane: int, searches: int) -> Turn | None:
        """Return what the lane does after so many searches; None: its work is done."""
        left_s = min(self.until_s - self.finish_s, self.cut_from_s) - now_s()
        if left_s < SHORTEST_SEARCH_S or not self.engines:
            return None
        if self.is_alone:
            return self._choose_alone(left_s) if not searches else None
        if self.is_repeatable:
            return self._choose_repeatable(searches, left_s)
        if lane == 0:
            return self._choose_steady(searches, left_s)
        if not searches and "vroom" in self.engines:
            if self.is_pure:
                return Turn("vroom", SHARE_FOR_VROOM * left_s)
            vroom_s = SHARE_FOR_VROOM_IF_RICH * left_s
            if vroom_s >= SECONDS_OF_VROOM_PER_VISIT * self.visits:
                is_thorough = vroom_s >= SECONDS_OF_THOROUGH_VROOM_PER_VISIT * self.visits
                return Turn("vroom", vroom_s, None if is_thorough else 0)
        if self.is_narrow:
            return None
        return self._choose_pure(left_s) if self._trusts_pyvrp() else self._choose_rich(left_s)

    def _choose_alone(self, left_s: float) -> Turn:
        [engine] = self.engines
        return Turn(engine, left_s, None if engine == "vroom" else ENDLESS)

    def _trusts_pyvrp(self) -> bool:
        return self.is_pure and "pyvrp" in self.engines

    def _choose_steady(self, searches: int, left_s: float) -> Turn | None:
        """One search over all the time; where a plan tells more rules, one from nothing before."""
        if "pyvrp" in self.engines:
            is_first = self.is_told_by_start and not searches
            return Turn("joint", SHARE_OF_FIRST_SEARCH * left_s if is_first else left_s)
        if "ortools" in self.engines:
            return Turn("ortools", left_s, ENDLESS)
        return None if searches else Turn("vroom", left_s)

    def _choose_pure(self, left_s: float) -> Turn | None:
        search_s = left_s - self.polish_s
        if search_s >= SHORTEST_SEARCH_S:
            return Turn("joint", search_s)
        return Turn("vroom", left_s) if self.polish_s and "vroom" in self.engines else None

    def _choose_rich(self, left_s: float) -> Turn | None:
        """OR-Tools alone knows all rules, so it ends what the others begin."""
        is_known_to_ortools = "ortools" in self.engines and self.visits <= MOST_VISITS_FOR_LAST_WORD
        last_s = (1 - SHARE_BEFORE_LAST_WORD) * self.budget_s if is_known_to_ortools else 0.0
        if is_known_to_ortools and self.visits <= MOST_VISITS_FOR_ORTOOLS:
            last_s = self.budget_s
        rest_s = left_s - last_s
        if rest_s > SHORTEST_SEARCH_S and "pyvrp" in self.engines:
            slice_s = SHARE_OF_SLICE * self.budget_s
            return Turn("joint", rest_s if rest_s < 1.5 * slice_s else slice_s)
        for engine in ("ortools", "pyvrp", "vroom"):
            if engine in self.engines:
                return Turn(engine, left_s)
        return None

    def _choose_repeatable(self, searches: int, left_s: float) -> Turn | None:
        """Return the next of a fixed row of turns that are bounded by steps, not by the clock."""
        iterations = int(SLOWEST_PYVRP * self.budget_s / self.visits)
        row = [Turn("vroom", left_s, 1), Turn("pyvrp", left_s, max(1, iterations))]
        if not self.is_pure:
            optima = int(SLOWEST_ORTOOLS * self.budget_s / self.visits)
            row.append(Turn("ortools", left_s, max(1, optima)))
        row = [turn for turn in row if turn.engine in self.engines]
        return row[searches] if searches < len(row) else None


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
