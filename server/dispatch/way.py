"""The roads that a run takes from stop to stop, to be drawn."""

import asyncio
from itertools import pairwise
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from routing.road_errors import NoRoad
from routing.roads import Roads
from server.dispatch.models import Depot, Vehicle
from server.dispatch.progress import get_run
from server.kit.geo import Position

type LonLat = tuple[float, float]


class RunWay(msgspec.Struct, frozen=True, kw_only=True):
    """GeoJSON: a line in WGS 84 from the depot through the stops that can be shown, and back."""

    type: Literal["LineString"] = "LineString"
    coordinates: tuple[Position, ...]


async def find_way(session: AsyncSession, run_id: UUID, *, roads: Roads) -> RunWay:
    """The way of a run as it is planned now, with what is driven already.

    Raises
    ------
    UnknownRun
    """
    run = await get_run(session, run_id)
    depot = await session.get_one(Depot, run.depot_id)
    vehicle = await session.get_one(Vehicle, run.vehicle_id)
    stops = [stop.position for stop in run.stops if stop.position is not None]
    halts = [(each.lon, each.lat) for each in (depot.position, *stops, depot.position)]
    line = await asyncio.to_thread(trace, roads, halts, vehicle.profile)
    return RunWay(coordinates=tuple(Position(lon, lat) for lon, lat in line))


def trace(roads: Roads, halts: list[LonLat], profile: str) -> tuple[LonLat, ...]:
    try:
        return tuple(roads.route(halts, profile).geometry)
    except NoRoad:
        # One stop lies off every road: only the legs to it and from it are drawn straight.
        line = [halts[0]]
        for leg in pairwise(halts):
            line += _trace_leg(roads, leg, profile)
        return tuple(line)


def _trace_leg(roads: Roads, leg: tuple[LonLat, LonLat], profile: str) -> tuple[LonLat, ...]:
    try:
        return tuple(roads.route(leg, profile).geometry[1:])
    except NoRoad:
        return leg[1:]
