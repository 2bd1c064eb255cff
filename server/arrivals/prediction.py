"""When a driver will come to each stop that is left, as windows. Pure, and the same for the same
question: nothing is drawn by chance.

The rest of the day is played through 256 times at once. Ways and doors take what the pace says;
how the day as a whole goes is shared by all stops of one time through, so that errors add up as
they do on the road instead of cancelling out. Each quantity is spread evenly over its distribution
(a Latin hypercube), which needs far fewer plays than drawing by chance.

A driver who is already driving or standing longer than would be likely is not expected at once:
what is left is judged among those cases that last at least as long.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from statistics import NormalDist
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.arrivals.pace import SURE_S, Kind, Outlook, Pace, Today

PLAYS = 256
EARLY, LIKELY, LATE = 0.1, 0.5, 0.9
"""A window reaches from the time before which one driver of ten comes to that after which one of
ten does."""

LEAST_LEFT_S = 20.0
"""Who is overdue beyond all experience still needs that."""

SHARED_LUCK = 0.8
"""Correlation of a driver's luck on the road and at the doors: who is slow, or has a bad day, is
slow at both. Taken for independent, they would cancel out over a run as they do not in the street.
"""

NORMAL = NormalDist()
EVEN = (np.arange(PLAYS) + 0.5) / PLAYS
EVEN_NORMAL = np.array([NORMAL.inv_cdf(share) for share in EVEN])
FAR_OUT = 2.5
"""Standard deviations from where on the rest of the normal distribution is nearly exponential."""

type Plays = NDArray[np.float64]


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that is left. drive_s: by the map from the one before it, or from where the driver is
    now. rest_s: a break that is planned before it. opens_at: nothing is done there earlier."""

    stop_id: UUID
    area: str
    drive_s: float
    serve_s: float
    opens_at: datetime | None = None
    rest_s: float = 0.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The driver is at a stop. since: when they could turn to it."""

    area: str
    serve_s: float
    since: datetime


class Outstanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a run.

    leaves_at: when the driver is to set off; None once they have.
    standing: the stop where the driver is; None on the way.
    driving_since: since when the driver has been on the way to the first halt, when nobody knows
        where; its drive_s is then the whole way.
    resting_s: what is left of a break that the driver takes now.
    """

    run_id: UUID
    driver_id: UUID
    halts: Sequence[Halt]
    leaves_at: datetime | None = None
    standing: Standing | None = None
    driving_since: datetime | None = None
    resting_s: float = 0.0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The driver comes after `from_at` and before `until_at` with a probability of 80 %."""

    stop_id: UUID
    from_at: datetime
    likely_at: datetime
    until_at: datetime


def predict_arrivals(
    left: Outstanding, pace: Pace, today: Today, *, now: datetime, zone: tzinfo
) -> list[Window]:
    """A window for each halt, none before `now`, in the order of the halts."""
    play = _Play(left, pace, today, now, zone)
    elapsed = play.begin()
    windows = []
    for number, halt in enumerate(left.halts):
        elapsed = play.drive(elapsed, halt, is_first=number == 0)
        windows.append(_window(halt.stop_id, now, elapsed))
        elapsed = play.serve(elapsed, halt)
    return windows


def _window(stop_id: UUID, now: datetime, elapsed: Plays) -> Window:
    early_s, likely_s, late_s = np.quantile(elapsed, (EARLY, LIKELY, LATE))
    return Window(
        stop_id=stop_id,
        from_at=now + timedelta(seconds=round(float(early_s))),
        likely_at=now + timedelta(seconds=round(float(likely_s))),
        until_at=now + timedelta(seconds=round(float(late_s))),
    )


def _beyond(least: float) -> Plays:
    """Standard normal values, evenly spread over those that are above `least`, in order."""
    if least > FAR_OUT:
        exponential: Plays = -np.log(1 - EVEN) / least
        return least + exponential
    passed = NORMAL.cdf(least)
    return np.array([NORMAL.inv_cdf(passed + (1 - passed) * share) for share in EVEN])


class _Play:
    """All times through of one run; every quantity is an array of PLAYS seconds."""

    def __init__(
        self, left: Outstanding, pace: Pace, today: Today, now: datetime, zone: tzinfo
    ) -> None:
        self._left = left
        self._pace = pace
        self._today = today
        self._now = now
        self._zone = zone
        self._shuffle = np.random.default_rng(left.run_id.int & 0xFFFF_FFFF_FFFF)
        self._luck_of_day = {kind: self._shuffle.permutation(EVEN_NORMAL) for kind in Kind}
        common = self._shuffle.permutation(EVEN_NORMAL)
        for kind in (Kind.DRIVE, Kind.SERVE):
            own = self._luck_of_day[kind]
            self._luck_of_day[kind] = SHARED_LUCK**0.5 * common + (1 - SHARED_LUCK) ** 0.5 * own

    def begin(self) -> Plays:
        """Seconds until the driver leaves for the first halt."""
        left = self._left
        elapsed = np.full(PLAYS, left.resting_s)
        if left.leaves_at is not None:
            ahead_s = (left.leaves_at - self._now).total_seconds()
            area = left.halts[0].area if left.halts else ""
            outlook = self._outlook(Kind.SET_OFF, area, elapsed)
            late_s = self._still(Kind.SET_OFF, outlook, 0.0, max(-ahead_s, 0.0))
            return elapsed + max(ahead_s, 0.0) + late_s
        if left.standing is not None:
            here = left.standing
            outlook = self._outlook(Kind.SERVE, here.area, elapsed)
            spent_s = (self._now - here.since).total_seconds()
            return (
                elapsed
                + max(-spent_s, 0.0)
                + self._still(Kind.SERVE, outlook, here.serve_s, max(spent_s, 0.0))
            )
        return elapsed

    def drive(self, elapsed: Plays, halt: Halt, *, is_first: bool) -> Plays:
        """Seconds until the driver is at the halt."""
        if halt.rest_s > 0:
            rests = self._shuffle.permutation(EVEN) < self._pace.rest_share
            elapsed = elapsed + rests * halt.rest_s
        outlook = self._outlook(Kind.DRIVE, halt.area, elapsed)
        since = self._left.driving_since
        if is_first and since is not None:
            spent_s = max((self._now - since).total_seconds(), 0.0)
            return elapsed + self._still(Kind.DRIVE, outlook, halt.drive_s, spent_s)
        return elapsed + self._whole(Kind.DRIVE, outlook, halt.drive_s)

    def serve(self, elapsed: Plays, halt: Halt) -> Plays:
        """Seconds until the driver leaves the halt."""
        if halt.opens_at is not None:
            elapsed = np.maximum(elapsed, (halt.opens_at - self._now).total_seconds())
        outlook = self._outlook(Kind.SERVE, halt.area, elapsed)
        return elapsed + self._whole(Kind.SERVE, outlook, halt.serve_s)

    def _outlook(self, kind: Kind, area: str, elapsed: Plays) -> Outlook:
        """At the time of day when this will be."""
        at = self._now + timedelta(seconds=float(np.median(elapsed)))
        hour = at.astimezone(self._zone).hour
        found = self._pace.kinds[kind].outlook(self._left.driver_id, area, hour)
        return self._today.sharpen(kind, found)

    def _whole(self, kind: Kind, outlook: Outlook, expected_s: float) -> Plays:
        """Seconds that something takes which has not begun."""
        luck = self._shuffle.permutation(EVEN_NORMAL)
        excess = (
            outlook.mean
            + self._luck_of_day[kind] * outlook.doubt**0.5
            + luck * outlook.variance**0.5
        )
        taken: Plays = (expected_s + SURE_S[kind]) * np.exp(excess) - SURE_S[kind]
        return np.maximum(taken, 0.0)

    def _still(self, kind: Kind, outlook: Outlook, expected_s: float, spent_s: float) -> Plays:
        """Seconds that something still takes which has taken `spent_s` so far."""
        if spent_s <= 0:
            return self._whole(kind, outlook, expected_s)
        spread = (outlook.doubt + outlook.variance) ** 0.5
        so_far = math.log((spent_s + SURE_S[kind]) / (expected_s + SURE_S[kind]))
        luck = self._shuffle.permutation(_beyond((so_far - outlook.mean) / spread))
        excess = outlook.mean + spread * luck
        whole: Plays = (expected_s + SURE_S[kind]) * np.exp(excess) - SURE_S[kind]
        return np.maximum(whole - spent_s, LEAST_LEFT_S)
