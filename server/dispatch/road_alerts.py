"""What a driver's way tells while a run is driven: off its roads, too fast, away from a stop that
is not done, at the depot or away from it at the wrong time. Pure.

Everything here is judged over some time and with two distances, a far one to begin and a near one
to end, so that one bad fix or a position at the edge raises nothing and settles nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from server.dispatch.geofences import GeofenceView
from server.dispatch.street_times import RunTimes
from server.kit.geo import EARTH_RADIUS_M, Position, haversine_m
from server.tracking.service import TrailPoint

AWAY_M, NEAR_M = 300.0, 150.0
AWAY_FOR = timedelta(minutes=2)
AT_DEPOT_FOR = timedelta(minutes=3)
SPEEDING_FOR = timedelta(seconds=10)
SPEEDING_SHOWN_FOR = timedelta(minutes=2)
INSIDE_FOR = timedelta(seconds=20)
"""So long inside of a geofence is no error of a receiver, and no mere corner of it."""

MAX_PAUSE = timedelta(seconds=60)
"""Between two fixes that are still one and the same drive."""

FRESH = timedelta(minutes=2)
KMH_PER_MPS = 3.6
OVER_LIMIT_MPS = 10 / KMH_PER_MPS
"""So much above a road's limit nobody is told of: maps and receivers are not exact."""

type Subject = tuple[str, str]
"""The kind of an alert and the stop or the geofence that it is about, or ""."""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert of a driver's way says; variant, values: see exception_words. since: when
    this time of it began."""

    kind: str
    since: datetime
    variant: str | None = None
    values: Mapping[str, Any] = {}
    stop_id: UUID | None = None
    geofence_id: UUID | None = None


def movements_of(
    run: RunTimes, line: Sequence[Position] | None, is_open: Collection[Subject], now: datetime
) -> list[Movement]:
    """What is so now. line: the roads of the run; None where no map says them. is_open: what is
    raised already, and ends only when its end is sure."""
    found = [_left_depot(run, is_open, now)]
    if run.state == "started":
        found = [
            _left_route(run, line, is_open, now),
            _speeding(run, now),
            _left_stop(run, is_open, now),
            _back_at_depot(run, is_open, now),
            *(_broken_rule(run, each, is_open, now) for each in run.geofences),
        ]
    return [each for each in found if each is not None]


def _left_route(
    run: RunTimes, line: Sequence[Position] | None, is_open: Collection[Subject], now: datetime
) -> Movement | None:
    if line is None or len(line) < 2 or run.here is not None or run.resting_since is not None:
        return None
    since = _away_since(
        run.path, now, lambda path: distances_m(path, line), ("left_route", ""), is_open
    )
    if since is None:
        return None
    return Movement(kind="left_route", since=since)


def _left_stop(run: RunTimes, is_open: Collection[Subject], now: datetime) -> Movement | None:
    here = run.here
    if here is None or here.position is None:
        return None
    door = here.position
    subject = ("left_stop_open", str(here.id))
    since = _away_since(
        run.path, now, lambda path: [haversine_m(each.position, door) for each in path],
        subject, is_open,
    )  # fmt: skip
    if since is None:
        return None
    return Movement(kind=subject[0], since=since, stop_id=here.id)


def _left_depot(run: RunTimes, is_open: Collection[Subject], now: datetime) -> Movement | None:
    if run.state != "published" or now < run.starts_at:
        return None
    depot = run.depot_position
    since = _away_since(
        run.path, now, lambda path: [haversine_m(each.position, depot) for each in path],
        ("left_depot_unstarted", ""), is_open,
    )  # fmt: skip
    if since is None:
        return None
    return Movement(kind="left_depot_unstarted", since=since)


def _back_at_depot(run: RunTimes, is_open: Collection[Subject], now: datetime) -> Movement | None:
    is_under_way = any(stop.is_done for stop in run.stops) and run.left
    if not is_under_way or run.resting_since is not None or not _is_heard(run.path, now):
        return None
    away_m = [haversine_m(each.position, run.depot_position) for each in run.path]
    limit_m = AWAY_M if ("back_at_depot", "") in is_open else NEAR_M
    since = _since(run.path, [metres <= limit_m for metres in away_m])
    if since is None or (limit_m == NEAR_M and run.path[-1].taken_at - since < AT_DEPOT_FOR):
        return None
    return Movement(kind="back_at_depot", since=since)


def _broken_rule(
    run: RunTimes, fence: GeofenceView, is_open: Collection[Subject], now: datetime
) -> Movement | None:
    kind = "entered_geofence" if fence.rule == "stay_out" else "left_geofence"
    subject = kind, str(fence.id)
    if fence.rule == "stay_out":
        since = _inside_since(run.path, fence, subject in is_open, now)
    else:
        since = _away_since(
            run.path, now,
            lambda path: [max(_outside_m(each, fence), 0.0) for each in path],
            subject, is_open,
        )  # fmt: skip
    if since is None:
        return None
    return Movement(kind=kind, since=since, geofence_id=fence.id, values={"geofence": fence.name})


def _inside_since(
    path: Sequence[TrailPoint], fence: GeofenceView, is_told: bool, now: datetime
) -> datetime | None:
    """Since when the driver is surely inside; who was told of is so until surely outside."""
    if is_told:
        is_out = bool(path) and _outside_m(path[-1], fence) > path[-1].accuracy_m
        return None if is_out else now
    if not _is_heard(path, now):
        return None
    since = _since(path, [_outside_m(each, fence) < -each.accuracy_m for each in path])
    return since if since is not None and path[-1].taken_at - since >= INSIDE_FOR else None


def _outside_m(point: TrailPoint, fence: GeofenceView) -> float:
    """Metres to its edge; less than 0 inside."""
    return haversine_m(point.position, fence.position) - fence.radius_m


def _speeding(run: RunTimes, now: datetime) -> Movement | None:
    """The last time that the vehicle was too fast for more than a moment: for the road where it
    was, or for what the office lets this vehicle drive anywhere."""
    bursts: list[list[_TooFast]] = [[]]
    for point, limit_mps in zip_longest(run.path, run.limits_mps):
        fast = _too_fast(point, limit_mps, run.max_speed_mps)
        if fast is None or (bursts[-1] and fast.at - bursts[-1][-1].at > MAX_PAUSE):
            bursts.append([])
        if fast is not None:
            bursts[-1].append(fast)
    for burst in reversed(bursts):
        if not burst or burst[-1].at - burst[0].at < SPEEDING_FOR:
            continue
        if now - burst[-1].at > SPEEDING_SHOWN_FOR:
            return None
        worst = max(burst, key=lambda fast: fast.speed_mps - fast.allowed_mps)
        values = {
            "speed_kmh": round(worst.speed_mps * KMH_PER_MPS),
            "limit_kmh": round(worst.allowed_mps * KMH_PER_MPS),
        }
        return Movement(
            kind="speeding",
            variant="road" if worst.is_of_road else None,
            since=burst[0].at,
            values=values,
        )
    return None


class _TooFast(NamedTuple):
    at: datetime
    speed_mps: float
    allowed_mps: float
    is_of_road: bool


def _too_fast(point: TrailPoint, limit_mps: float | None, bound_mps: float) -> _TooFast | None:
    speed_mps = point.speed_mps or 0.0
    if limit_mps is not None and speed_mps > limit_mps + OVER_LIMIT_MPS:
        return _TooFast(point.taken_at, speed_mps, min(limit_mps, bound_mps), is_of_road=True)
    if speed_mps > bound_mps:
        return _TooFast(point.taken_at, speed_mps, bound_mps, is_of_road=False)
    return None


def _away_since(
    path: Sequence[TrailPoint],
    now: datetime,
    measure: Callable[[Sequence[TrailPoint]], Sequence[float]],
    subject: Subject,
    is_open: Collection[Subject],
) -> datetime | None:
    """Since when the driver is away from something that they were near before; None when they are
    not, or nobody knows. Measured in metres, less what the fixes may be wrong by."""
    away_m = [metres - point.accuracy_m for metres, point in zip(measure(path), path, strict=True)]
    if subject in is_open:
        # Who is not heard of is not back either.
        return now if not path or away_m[-1] > NEAR_M else None
    if not _is_heard(path, now) or min(away_m) > NEAR_M:
        return None
    since = _since(path, [metres > AWAY_M for metres in away_m])
    return since if since is not None and path[-1].taken_at - since >= AWAY_FOR else None


def _is_heard(path: Sequence[TrailPoint], now: datetime) -> bool:
    return bool(path) and now - path[-1].taken_at <= FRESH


def _since(path: Sequence[TrailPoint], is_so: Sequence[bool]) -> datetime | None:
    """Since which fix it has been so up to the last one."""
    since = None
    for point, so in zip(reversed(path), reversed(is_so), strict=True):
        if not so:
            break
        since = point.taken_at
    return since


def distances_m(path: Sequence[TrailPoint], line: Sequence[Position]) -> list[float]:
    """How far each of these is from the nearest point of a line, on a plane that is good enough
    for some tens of kilometres."""
    if not path:
        return []
    lat0 = np.radians(path[-1].position.lat)
    scale = EARTH_RADIUS_M * np.array([np.cos(lat0), 1.0])
    points = np.radians(np.array([each.position for each in path])) * scale
    corners = np.radians(np.array(line)) * scale
    starts, steps = corners[:-1], np.diff(corners, axis=0)
    squares = np.maximum((steps**2).sum(axis=1), 1e-9)
    found = []
    for point in points:
        share = np.clip(((point - starts) * steps).sum(axis=1) / squares, 0.0, 1.0)
        nearest = starts + share[:, None] * steps
        found.append(float(np.sqrt(((point - nearest) ** 2).sum(axis=1).min())))
    return found
