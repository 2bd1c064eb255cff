"""Breaks for an engine that knows none: the time in which everybody rests is cut out of the day.

A break may interrupt a drive, so a route on the squeezed clock is one with the break taken at the
cut, give or take the service that it must not interrupt. Where vehicles rest at different times the
cut lies in the middle of them, and what they rest more than the others shortens their shift.
"""

from bisect import bisect_right
from collections import defaultdict
from statistics import median

from routing.engines.remainder import Cab, Remainder
from routing.problem import Break, TimeWindow


class Clock:
    """Seconds since the origin of a remainder, with and without the common breaks."""

    def __init__(self, remainder: Remainder) -> None:
        ranks: dict[int, list[Break]] = defaultdict(list)
        for cab in remainder.cabs:
            for rank, rest in enumerate(cab.breaks):
                ranks[rank].append(rest)
        self.cuts: list[tuple[int, int]] = []
        """When each begins and how long it is, on the clock of the wall."""
        over_s = 0
        for rank in sorted(ranks):
            rests = ranks[rank]
            if 2 * len(rests) <= len(remainder.cabs):
                break
            middle_s = median((r.earliest_start_s + r.latest_start_s) / 2 for r in rests)
            begin_s = max(over_s, round(middle_s) - remainder.origin_s)
            duration_s = round(median(r.duration_s for r in rests))
            self.cuts.append((begin_s, duration_s))
            over_s = begin_s + duration_s
        self.begins_s = [begin_s for begin_s, _ in self.cuts]
        self.horizon_s = remainder.horizon_s

    def read(self, at_s: int) -> int:
        """Return the squeezed time; all of a cut is one moment."""
        count = bisect_right(self.begins_s, at_s)
        cut_s = sum(duration_s for _, duration_s in self.cuts[: max(0, count - 1)])
        if count:
            begin_s, duration_s = self.cuts[count - 1]
            cut_s += min(duration_s, at_s - begin_s)
        return at_s - cut_s

    def squeeze(self, window: TimeWindow) -> TimeWindow:
        return TimeWindow(start_s=self.read(window.start_s), end_s=self.read(window.end_s))

    def owed_s(self, cab: Cab) -> int:
        """Return how much longer the cab rests than what is cut out."""
        resting_s = sum(rest.duration_s for rest in cab.breaks if rest.latest_start_s <= cab.due_s)
        return max(0, resting_s - sum(duration_s for _, duration_s in self.cuts))
