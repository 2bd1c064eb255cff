"""What PyVRP's model takes from the plan to start with: rules that PyVRP knows only as fixed times.

It has no longest rides and no price of late ends. As spans of time around those of the start they
are kept, and what lies outside the spans is for the next search, which starts from another plan.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from routing.engines import Sequences
from routing.engines.remainder import Cab, Errand, Remainder
from routing.plan import Route
from routing.problem import Shipment
from routing.schedule import schedule_route

Span = tuple[int, int]
"""From when to when, both included, seconds since the origin of the remainder."""


def time_routes(remainder: Remainder, start: Sequences) -> list[Route]:
    """Return the routes of the start with their times."""
    problem = remainder.problem
    timed = (schedule_route(problem, v, start.get(v.id, ())) for v in problem.vehicles)
    return [route for route in timed if isinstance(route, Route)]


def find_rides(remainder: Remainder, routes: Sequence[Route]) -> dict[str, Span]:
    """Return when each shipment is picked up and when it is delivered."""
    begins_s: dict[str, list[int]] = defaultdict(list)
    for route in routes:
        for visit in route.visits:
            if visit.leg in ("pickup", "delivery"):
                begins_s[visit.id].append(visit.start_s - remainder.origin_s)
    return {name: (both[0], both[-1]) for name, both in begins_s.items()}


def limit_overtime(remainder: Remainder, routes: Sequence[Route]) -> tuple[Cab, ...]:
    """Return the cabs without the overtime that the start does not need."""
    ends_s = {route.vehicle_id: route.visits[-1].departure_s for route in routes}
    return tuple(
        replace(cab, overtime_s=max(0, ends_s.get(cab.vehicle_id, cab.due_s) - cab.due_s))
        for cab in remainder.cabs
    )


def keep_ride_short(
    errand: Errand, pickup_s: Span, delivery_s: Span, known_s: Span | None, spread: float
) -> tuple[Span, Span]:
    """Return both spans so close together that no ride between them is too long.

    `known_s` is when the start picks it up and delivers it. A shipment that is not in the start is
    kept to one time or another of its window: `spread`, from 0 to 1, says which.
    """
    assert isinstance(errand.work, Shipment)
    if errand.work.max_ride_s is None:
        return pickup_s, delivery_s
    first_s, last_s = pickup_s[0], min(pickup_s[1], delivery_s[1])
    away_s = errand.halts[0].service_s + errand.work.max_ride_s
    if known_s is None:
        first_s += round(spread * max(0, last_s - first_s - away_s // 2))
    else:
        spare_s = away_s - (known_s[1] - known_s[0])
        first_s = max(first_s, known_s[0] - spare_s // 2)
    by_s = first_s + away_s
    earliest_s = min(delivery_s[0], by_s)
    return (first_s, min(last_s, by_s)), (earliest_s, max(earliest_s, min(delivery_s[1], by_s)))
