"""The solvers behind `routing.solve`: the only files that import them.

Each engine is a module with one function of one signature::

    def improve(problem, start, *, budget_s, seed, improved, effort=None) -> Sequences | None

`start` holds sequences that can be driven and contain all fixed visits; the answer should be
better, and None means that the engine found nothing. Times, repair and checks are not the business
of an engine: where it cannot express a rule, its answer may break it. `effort` bounds the search
by steps in a measure of the engine's own, and keeps it from giving up before.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from routing.plan import Progress
from routing.problem import Step

Sequences = Mapping[str, tuple[Step, ...]]
"""The steps of each vehicle by its id, without start, end and breaks."""

Improved = Callable[[Progress], None]

EngineName = Literal["pyvrp", "vroom", "ortools"]
