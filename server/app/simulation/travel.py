"""Where a van is at a given second of its way, and which fixes its phone takes there."""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from routing.roads import RoadRoute
from server.kit.geo import Position, haversine_m

MIN_STEP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the GPS receiver says at one moment."""

    taken_at: datetime
    position: Position
    speed_mps: float
    heading_deg: float | None


class Journey:
    """One drive from stop to stop. `pace` over 1 is slower than the map's speeds."""

    def __init__(self, route: RoadRoute, *, departed_at: datetime, pace: float = 1.0) -> None:
        self._points = [Position(*point) for point in route.geometry]
        self._passed_s = [0.0]
        for leg in route.legs:
            start_s = self._passed_s[-1]
            self._passed_s += [start_s + passed_s * pace for passed_s in leg.passed_s[1:]]
        self._departed_at = departed_at

    @property
    def arrives_at(self) -> datetime:
        return self._departed_at + timedelta(seconds=self._passed_s[-1])

    @property
    def destination(self) -> Position:
        return self._points[-1]

    def position_at(self, moment: datetime) -> Position:
        elapsed_s = (moment - self._departed_at).total_seconds()
        after = bisect_right(self._passed_s, elapsed_s)
        if after == 0:
            return self._points[0]
        if after == len(self._points):
            return self._points[-1]
        start_s, end_s = self._passed_s[after - 1], self._passed_s[after]
        a, b = self._points[after - 1], self._points[after]
        share = (elapsed_s - start_s) / (end_s - start_s) if end_s > start_s else 1.0
        return Position(a.lon + (b.lon - a.lon) * share, a.lat + (b.lat - a.lat) * share)

    def readings(self, interval_s: float) -> Iterator[Reading]:
        """One reading each `interval_s` seconds and one at every bend, oldest first, so that the
        trail keeps to the road."""
        seconds = {step * interval_s for step in range(int(self._passed_s[-1] / interval_s) + 1)}
        wanted = sorted(seconds | set(self._bends()) | {self._passed_s[-1]})
        kept_s = -math.inf
        for second in wanted:
            if second - kept_s >= MIN_STEP_S or second == wanted[-1]:
                kept_s = second
                yield self._reading(second)

    def _bends(self) -> Iterator[float]:
        """When the van turns by more than the phone's sampling lets pass."""
        headings = [heading_deg(a, b) for a, b in pairwise(self._points)]
        for index, (before, after) in enumerate(pairwise(headings), start=1):
            if abs((after - before + 180) % 360 - 180) >= 30:
                yield self._passed_s[index]

    def _reading(self, second: float) -> Reading:
        here = self.position_at(self._departed_at + timedelta(seconds=second))
        soon = self.position_at(self._departed_at + timedelta(seconds=second + 1))
        ahead_m = haversine_m(here, soon)
        return Reading(
            taken_at=self._departed_at + timedelta(seconds=second),
            position=here,
            speed_mps=ahead_m,
            heading_deg=heading_deg(here, soon) if ahead_m > 0.5 else None,
        )


def heading_deg(a: Position, b: Position) -> float:
    """Degrees clockwise from north, for points close together."""
    east = (b.lon - a.lon) * math.cos(math.radians(a.lat))
    return math.degrees(math.atan2(east, b.lat - a.lat)) % 360
