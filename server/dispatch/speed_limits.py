"""How fast may be driven where a driver was: what the map says, for alerts of speed."""

import asyncio
import logging
from datetime import datetime, timedelta

from routing.road_errors import RoadsError
from routing.roads import Roads
from server.dispatch.street_times import RunTimes
from server.dispatch.trips import fixes_of

log = logging.getLogger(__name__)

LOOKED_BACK = timedelta(minutes=3)
ASKED_EVERY = timedelta(seconds=4)
SLOWEST_OF_INTEREST_MPS = 30 / 3.6
"""Who drives no faster breaks no limit that is worth a map's answer."""


async def find_limits(run: RunTimes, roads: Roads, now: datetime) -> list[float | None]:
    """In metres per second, for each point of the run's path; empty when there is nothing to ask.
    Between two points that were asked about it is as at the first of them."""
    is_fast = [(point.speed_mps or 0.0) > SLOWEST_OF_INTEREST_MPS for point in run.path]
    if roads.source == "haversine" or run.state != "started" or sum(is_fast) < 2:
        return []
    asked: list[int] = []
    for number, point in enumerate(run.path):
        if point.taken_at >= now - LOOKED_BACK and (
            not asked or point.taken_at - run.path[asked[-1]].taken_at >= ASKED_EVERY
        ):
            asked.append(number)
    if len(asked) < 2:
        return []
    fixes = fixes_of([run.path[number] for number in asked])
    try:
        told = await asyncio.to_thread(roads.limits_kmh, fixes, run.profile)
    except RoadsError as error:
        log.info("the map does not say how fast may be driven: %s", error)
        return []
    kmh_of = dict(zip(asked, told, strict=True))
    limits: list[float | None] = []
    kmh = None
    for number in range(len(run.path)):
        kmh = kmh_of.get(number, kmh)
        limits.append(None if kmh is None else kmh / 3.6)
    return limits
