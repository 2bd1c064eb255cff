"""How breaks fit between two visits: at the stop before, on the road, or at the stop after."""

from collections.abc import Sequence

from routing.problem import Break


def cross_gap(departure_s: int, travel_s: int, rests: Sequence[Break]) -> int | None:
    """Return when the next visit can begin if these breaks are taken on the way; None: too late."""
    if not rests:
        return departure_s + travel_s
    at_s = departure_s
    resting_s = 0
    for rest in rests:
        at_s = max(at_s, rest.earliest_start_s)
        if at_s > rest.latest_start_s:
            return None
        at_s += rest.duration_s
        resting_s += rest.duration_s
    return max(at_s, departure_s + travel_s + resting_s)


def can_rest_after(end_s: int, rests: Sequence[Break]) -> bool:
    return cross_gap(end_s, 0, rests) is not None


def place_breaks(
    departure_s: int, travel_s: int, begin_s: int, rests: Sequence[Break]
) -> list[int]:
    """Return when breaks begin: after arriving if the wait there is long enough, else at once."""
    for from_s in (departure_s + travel_s, departure_s):
        at_s, starts_s = from_s, []
        for rest in rests:
            at_s = max(at_s, rest.earliest_start_s)
            if at_s > rest.latest_start_s:
                break
            starts_s.append(at_s)
            at_s += rest.duration_s
        if len(starts_s) == len(rests) and at_s <= begin_s:
            break
    return starts_s
