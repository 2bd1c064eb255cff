"""PyVRP: iterated local search; the best of the three on what it can express."""

from pyvrp import Solution
from pyvrp.IteratedLocalSearch import IteratedLocalSearchCallbacks, IteratedLocalSearchParams
from pyvrp.search import NeighbourhoodParams
from pyvrp.solve import SolveParams
from pyvrp.solve import solve as solve_with_pyvrp

from routing.engines import Improved, Offer, Offers, Sequences, Take
from routing.engines.pyvrp_answer import make_initial, measure, read
from routing.engines.pyvrp_model import Translation
from routing.engines.remainder import find_remainder
from routing.problem import Problem
from routing.stopwatch import now_s

ITERATIONS_PER_VISIT = 60
FEWEST_ITERATIONS = 4_000
"""So many iterations without a better plan end the search."""

NEIGHBOURS_OF_WARM_SEARCH = 30
"""Fewer than PyVRP's 50: an iteration is a third quicker, and what lies far off has been tried."""


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
    """Search from `start` until the time or `effort` (iterations) is over, or nothing moves."""
    until_s = now_s() + budget_s
    remainder = find_remainder(problem, start)
    if not remainder.errands or budget_s <= 0:
        return None
    translation = Translation(remainder, start)
    if not translation.can_leave:
        return None
    watch = _Watch(translation, until_s, improved, effort, Offers(offer, until_s))
    initial = make_initial(translation, start)
    near = NeighbourhoodParams()
    if initial is not None:
        near = NeighbourhoodParams(num_neighbours=NEIGHBOURS_OF_WARM_SEARCH)
    result = solve_with_pyvrp(
        translation.data,
        watch.should_stop,
        seed=seed,
        collect_stats=False,
        params=SolveParams(ils=IteratedLocalSearchParams(callbacks=watch), neighbourhood=near),
        initial_solution=initial,
    )
    return read(translation, result.best)


class _Watch(IteratedLocalSearchCallbacks):
    """Ends the search and reports what it finds."""

    def __init__(
        self,
        translation: Translation,
        until_s: float,
        improved: Improved,
        effort: int | None,
        offers: Offers,
    ) -> None:
        self.translation = translation
        self.began_s = now_s()
        self.until_s = until_s
        self.improved = improved
        self.effort = effort
        self.offers = offers
        self.unoffered: Solution | None = None
        self.iterations = 0
        self.last_better = 0
        count = translation.data.num_clients + 2 * translation.data.num_shipments
        self.patience = max(FEWEST_ITERATIONS, ITERATIONS_PER_VISIT * count)

    def should_stop(self, best_cost: int) -> bool:
        self.iterations += 1
        if self.unoffered is not None and self.offers.is_due():
            self.offers.make(read(self.translation, self.unoffered))
            self.unoffered = None
        if self.effort is not None:
            is_enough = self.iterations > self.effort
        else:
            is_enough = self.iterations - self.last_better > self.patience
        return is_enough or now_s() >= self.until_s

    def on_best(self, best: Solution) -> None:
        self.last_better = self.iterations
        if best.is_feasible():
            self.unoffered = best
            self.improved(measure(self.translation, best, now_s() - self.began_s))
