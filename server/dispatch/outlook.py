"""From what is known of a run to what arrivals wants to know: how long things took, and what is
left. Pure, except that `measure_ways` asks the map."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from routing.problem import UNREACHABLE
from routing.road_errors import RoadsError
from routing.roads import Roads
from server.arrivals.service import Halt, Kind, Outstanding, Standing, Taken, area_of
from server.dispatch.street_times import RunTimes, StopTimes
from server.kit.geo import Position

log = logging.getLogger(__name__)

FRESH_FIX = timedelta(minutes=5)
REST_SHOWS = 0.9
"""A gap in the plan that holds so much of a break is that break."""

type Ways = Mapping[tuple[Position, Position], float]
"""Seconds by road from one position to another."""


def place_of(run: RunTimes, now: datetime) -> Position | None:
    """Where the driver is, when that is known."""
    if run.state != "started" or run.seen is None or now - run.seen.taken_at > FRESH_FIX:
        return None
    return run.seen.position


def ways_to_measure(run: RunTimes, now: datetime) -> set[tuple[Position, Position]]:
    """What the plan does not say: the way from where the driver is, and to stops that come after
    another one than was planned."""
    here, left = place_of(run, now), run.left
    wanted = set()
    if here and left and left[0].position and run.here is None:
        wanted.add((here, left[0].position))
    for before, after in pairwise([run.here, *left] if run.here else left):
        if after.sequence != before.sequence + 1 and before.position and after.position:
            wanted.add((before.position, after.position))
    return wanted


async def measure_ways(
    roads: Roads, wanted: set[tuple[Position, Position]], profile: str
) -> dict[tuple[Position, Position], float]:
    """Those of the ways that the map knows."""
    if not wanted:
        return {}
    positions = sorted({position for way in wanted for position in way})
    index = {position: number for number, position in enumerate(positions)}
    try:
        table = await asyncio.to_thread(roads.table, positions, profile)
    except RoadsError as error:
        log.warning("the map has no answer, so the plan's times are used: %s", error)
        return {}
    found = {(a, b): float(table.duration_s[index[a], index[b]]) for a, b in wanted}
    return {way: seconds for way, seconds in found.items() if seconds < UNREACHABLE}


def what_is_left(run: RunTimes, ways: Ways, now: datetime) -> Outstanding:
    here, place, left = run.here, place_of(run, now), run.left
    rests = _place_rests(run, now)
    halts = []
    before = here
    for number, stop in enumerate(left):
        drive_s: float = stop.leg_s
        if number == 0 and here is None and place and stop.position:
            drive_s = ways.get((place, stop.position), drive_s)
        elif before and before.position and stop.position:
            drive_s = ways.get((before.position, stop.position), drive_s)
        halts.append(
            Halt(
                stop_id=stop.id,
                area=area_of(stop.position or run.depot_position),
                drive_s=drive_s,
                serve_s=stop.serve_s,
                opens_at=stop.opens_at,
                rest_s=rests.get(stop.id, 0.0),
            )
        )
        before = stop
    leaves_at = since = None
    if run.state != "started" and left:
        leaves_at = left[0].planned_arrival_at - timedelta(seconds=left[0].leg_s)
    elif here is None and run.resting_since is None:
        # A fix from before the driver left the last stop does not say since when they drive.
        known = [run.last_left_at, run.seen.taken_at if place and run.seen else None]
        since = max((at for at in known if at is not None), default=None)
    return Outstanding(
        run_id=run.run_id,
        driver_id=run.driver_id,
        halts=halts,
        leaves_at=leaves_at,
        standing=_standing(run, here, now) if here else None,
        driving_since=since,
        resting_s=max((run.resting_until - now).total_seconds(), 0.0) if run.resting_until else 0.0,
    )


def _standing(run: RunTimes, here: StopTimes, now: datetime) -> Standing:
    return Standing(
        area=area_of(here.position or run.depot_position),
        serve_s=here.serve_s,
        since=here.turned_to_at or now,
    )


def _place_rests(run: RunTimes, now: datetime) -> dict[UUID, float]:
    """Stop -> the break that is planned before it. One whose time has passed was not reported or
    not taken; either way it is over."""
    rests: dict[UUID, float] = {}
    gaps = {
        after.id: (after.planned_arrival_at - before.planned_departure_at).total_seconds()
        - after.leg_s
        for before, after in pairwise(run.stops)
    }
    for rest in run.planned_rests:
        if rest.latest_start_at <= now:
            continue
        free = [stop for stop in run.left if stop.id not in rests]
        shown = [s for s in free if gaps.get(s.id, 0.0) >= REST_SHOWS * rest.duration_s]
        later = [s for s in free if s.planned_arrival_at > rest.latest_start_at]
        for stop in (shown or later)[:1]:
            rests[stop.id] = float(rest.duration_s)
    return rests


def times_taken(run: RunTimes) -> list[Taken]:
    """How long the parts of the run took that are behind the driver."""
    taken: list[Taken] = []
    for before, stop in zip([None, *run.stops], run.stops, strict=False):
        if before is None and stop.begun_at:
            planned_at = stop.planned_arrival_at - timedelta(seconds=stop.leg_s)
            late_s = (stop.begun_at - planned_at).total_seconds()
            taken.append(
                _taken(run, stop, Kind.SET_OFF, stop.begun_at, expected_s=0.0, taken_s=late_s)
            )
        left_at, came_at = before.left_at if before else stop.begun_at, stop.arrived_at
        if left_at and came_at and _is_straight(run, before, left_at, came_at):
            drive_s = (came_at - left_at).total_seconds() - run.rested_s(left_at, came_at)
            taken.append(
                _taken(run, stop, Kind.DRIVE, came_at, expected_s=stop.leg_s, taken_s=drive_s)
            )
        since, until = stop.turned_to_at, stop.left_at
        if stop.is_done and since and until and since <= until:
            serve_s = (until - since).total_seconds() - run.rested_s(since, until)
            taken.append(
                _taken(run, stop, Kind.SERVE, until, expected_s=stop.serve_s, taken_s=serve_s)
            )
    return taken


def _is_straight(
    run: RunTimes, before: StopTimes | None, left_at: datetime, came_at: datetime
) -> bool:
    """Whether the driver came straight from there, as was planned."""
    if (before is not None and not before.is_done) or came_at < left_at:
        return False
    return not any(stop.arrived_at and left_at < stop.arrived_at < came_at for stop in run.stops)


def _taken(
    run: RunTimes, stop: StopTimes, kind: Kind, at: datetime, *, expected_s: float, taken_s: float
) -> Taken:
    return Taken(
        subject_id=stop.id,
        kind=kind,
        depot_id=run.depot_id,
        driver_id=run.driver_id,
        area=area_of(stop.position or run.depot_position),
        expected_s=expected_s,
        taken_s=taken_s,
        ended_at=at,
        ended_local=at.astimezone(run.zone),
    )
