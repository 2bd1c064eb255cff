"""A plan between two others: some routes of the one that lie together, the rest from the other."""

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

from pyvrp import Activity, Solution
from pyvrp import Route as PyvrpRoute

from routing.engines.pyvrp_model import Translation

FEWEST_KEPT, MOST_KEPT = 0.3, 0.7
"""How much of the routes comes from the first."""

Trip = tuple[int, list[Any]]
"""A type of vehicle and what it does, without its start and end."""


def cross(translation: Translation, first: Solution, second: Solution, random: Random) -> Solution:
    """Return routes of both; work for which no vehicle is left is missing."""
    ours, theirs = _read_trips(first), _read_trips(second)
    if not (ours and theirs):
        return first
    share = random.uniform(FEWEST_KEPT, MOST_KEPT)
    trips = _choose_together(translation, ours, theirs, share, random)
    done = {_work_of(translation, a) for _, trip in trips for a in trip if not a.is_depot()}
    trips += sorted(
        ((kind, _leave_out(translation, trip, done)) for kind, trip in theirs),
        key=lambda trip: -len(trip[1]),
    )
    data = translation.data
    free = Counter({k: data.vehicle_type(k).num_available for k in range(data.num_vehicle_types)})
    routes = []
    for kind, trip in trips:
        if trip and free[kind]:
            free[kind] -= 1
            routes.append(PyvrpRoute(data, trip, kind))
    return Solution(data, routes)


def _read_trips(solution: Solution) -> list[Trip]:
    return [
        (route.vehicle_type(), [Activity(a.type, a.idx) for a in list(route)[1:-1]])
        for route in solution.routes()
    ]


def _work_of(translation: Translation, activity: Any) -> str:
    """Return the id of the work: an alternative of a visit is the same work as the visit."""
    index: int = activity.idx
    errand = translation.clients[index][0] if activity.is_client() else translation.pairs[index]
    return errand.work.id


def _choose_together(
    translation: Translation, ours: list[Trip], theirs: list[Trip], share: float, random: Random
) -> list[Trip]:
    """Choose routes that share their work with as few routes of the others as possible."""
    route_of = {
        _work_of(translation, a): k
        for k, (_, trip) in enumerate(theirs)
        for a in trip
        if not a.is_depot()
    }
    met = [
        Counter(route_of.get(_work_of(translation, a), -1) for a in trip if not a.is_depot())
        for _, trip in ours
    ]
    left = list(range(len(ours)))
    chosen = [left.pop(random.randrange(len(left)))]
    touched = set(met[chosen[0]])
    while left and len(chosen) < share * len(ours):
        overlaps = [sum(met[k][o] for o in touched) / max(1, met[k].total()) for k in left]
        nearest = left.pop(overlaps.index(max(overlaps)))
        chosen.append(nearest)
        touched |= set(met[nearest])
    return [ours[k] for k in chosen]


def _leave_out(translation: Translation, trip: list[Any], done: set[str]) -> list[Any]:
    """Leave out work that is done, and reloads that nothing lies between."""
    kept = [a for a in trip if a.is_depot() or _work_of(translation, a) not in done]
    if not any(a.is_depot() for a in kept):
        return kept
    while kept and kept[0].is_depot():
        kept.pop(0)
    while kept and kept[-1].is_depot():
        kept.pop()
    thinned = [a for a, after in pairwise(kept) if not (a.is_depot() and after.is_depot())]
    return thinned + kept[-1:]
