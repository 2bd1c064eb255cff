"""The solvers behind `routing.solve`: the only files that import them.

Each engine is a module with one function of one signature::

    def improve(
        problem, start, *, budget_s, seed, improved, effort=None, offer=None, take=None
    ) -> Sequences | None

`start` holds sequences that can be driven and contain all fixed visits; the answer should be
better, and None means that the engine found nothing. Times, repair and checks are not the business
of an engine: where it cannot express a rule, its answer may break it. `effort` bounds the search
by steps in a measure of the engine's own, and keeps it from giving up before. `improved` is told of
numbers; `offer` is given better sequences now and then while the search goes on, where it can,
and `take` returns what others have found meanwhile.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from routing.plan import Progress
from routing.problem import Step
from routing.stopwatch import now_s

Sequences = Mapping[str, tuple[Step, ...]]
"""The steps of each vehicle by its id, without start, end and breaks."""

Improved = Callable[[Progress], None]

Offer = Callable[[Sequences], None]

Take = Callable[[], Sequences | None]
"""Asks for the best plan of all searches; returns it as soon as it has come, None until then."""

SHORTEST_BETWEEN_OFFERS_S = 0.3
SHARE_BETWEEN_OFFERS = 0.03

EngineName = Literal["pyvrp", "vroom", "ortools", "joint"]


class Offers:
    """Passes on what a search has found so far, not so often that it would hold anybody up."""

    def __init__(self, offer: Offer | None, until_s: float) -> None:
        self._offer = offer
        self._every_s = SHORTEST_BETWEEN_OFFERS_S
        self._every_s = max(self._every_s, SHARE_BETWEEN_OFFERS * (until_s - now_s()))
        self._next_s = now_s()  # the first is waited for

    @property
    def are_wanted(self) -> bool:
        return self._offer is not None

    def is_due(self) -> bool:
        """Whether somebody waits for the next one."""
        return self.are_wanted and now_s() >= self._next_s

    def make(self, found: Sequences) -> None:
        """Pass it on."""
        if self._offer is not None:
            self._offer(found)
        self._next_s = now_s() + self._every_s
