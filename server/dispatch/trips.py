"""A driver's day told as drives and halts: how far by road, how long, and at whose place."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from routing.road_errors import RoadsError
from routing.roads import Fix, Roads
from server.dispatch.models import Depot, Run, Stop, Vehicle
from server.kit.geo import Position, haversine_m
from server.places import service as places
from server.tracking import service as tracking
from server.tracking.service import Piece, TrailPoint

log = logging.getLogger(__name__)

THERE_M = 150.0
MATCHED_EVERY_S = 5
"""Closer fixes tell the map nothing more about the roads."""

MATCHED_MAX = 9_000


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """The depot or the stop where a driver halted."""

    kind: Literal["depot", "stop"]
    id: UUID
    name: str
    position: Position


class TripPiece(msgspec.Struct, frozen=True, kw_only=True):
    """driven_m: of a drive, along its roads if is_matched, else from fix to fix. position, at: of a
    halt. A silence has neither: nobody knows."""

    kind: Literal["halt", "drive", "silence"]
    from_at: datetime
    until_at: datetime
    driven_m: int | None = None
    is_matched: bool = False
    position: Position | None = None
    at: Whereabouts | None = None


class DayOfTrips(msgspec.Struct, frozen=True, kw_only=True):
    """pieces: in the order of time. driven_m, drove_s, halted_s, silent_s: of all of them."""

    pieces: list[TripPiece]
    driven_m: int
    drove_s: int
    halted_s: int
    silent_s: int


async def tell_trips(
    session: AsyncSession, driver_id: UUID, *, since: datetime, until: datetime, roads: Roads
) -> DayOfTrips:
    """From `since` on and before `until`."""
    trail = await tracking.breadcrumb(session, driver_id, since=since, until=until)
    known = await _known_places(session, driver_id, since, until)
    profile = await _profile(session, driver_id, since, until)
    pieces = [
        await _measure(piece, roads, profile)
        if piece.kind == "drive"
        else TripPiece(
            kind=piece.kind,
            from_at=piece.from_at,
            until_at=piece.until_at,
            position=piece.position,
            at=_nearest(piece.position, known),
        )
        for piece in tracking.split_trail(trail)
    ]

    def seconds(kind: str) -> int:
        mine = [piece for piece in pieces if piece.kind == kind]
        return round(sum((each.until_at - each.from_at).total_seconds() for each in mine))

    return DayOfTrips(
        pieces=pieces,
        driven_m=sum(piece.driven_m or 0 for piece in pieces),
        drove_s=seconds("drive"),
        halted_s=seconds("halt"),
        silent_s=seconds("silence"),
    )


async def _measure(piece: Piece, roads: Roads, profile: str) -> TripPiece:
    path = _thin(piece.path)
    matched_m = None
    if roads.source != "haversine" and len(path) >= 2:
        try:
            matched = await asyncio.to_thread(roads.match, fixes_of(path), profile)
            matched_m = sum(stretch.distance_m for stretch in matched.stretches)
        except RoadsError as error:
            log.info("a drive is measured from fix to fix: %s", error)
    return TripPiece(
        kind=piece.kind,
        from_at=piece.from_at,
        until_at=piece.until_at,
        driven_m=round(piece.driven_m()) if matched_m is None else matched_m,
        is_matched=matched_m is not None,
    )


def fixes_of(path: Sequence[TrailPoint]) -> list[Fix]:
    """A trail as roads are asked about it."""
    return [
        Fix(
            position=(point.position.lon, point.position.lat),
            at_s=round((point.taken_at - path[0].taken_at).total_seconds()),
            accuracy_m=max(point.accuracy_m, 1.0),
        )
        for point in path
    ]


def _thin(path: Sequence[TrailPoint]) -> list[TrailPoint]:
    """The first and the last of them, and between them one in MATCHED_EVERY_S."""
    kept: list[TrailPoint] = []
    for point in path[:-1]:
        since_s = (point.taken_at - kept[-1].taken_at).total_seconds() if kept else None
        if since_s is None or since_s >= MATCHED_EVERY_S:
            kept.append(point)
    return [*kept[: MATCHED_MAX - 1], path[-1]]


async def _known_places(
    session: AsyncSession, driver_id: UUID, since: datetime, until: datetime
) -> list[Whereabouts]:
    """All depots, and the stops of the driver's runs of that time."""
    depots = [
        Whereabouts(kind="depot", id=row.id, name=row.name, position=row.position)
        for row in await session.scalars(select(Depot).order_by(Depot.id))
    ]
    rows = await session.execute(
        select(Stop.id, Stop.place_id)
        .join(Run, Run.id == Stop.run_id)
        .where(Run.driver_id == driver_id, Run.starts_at < until, Run.ends_at > since)
        .order_by(Stop.sequence)
    )
    stops = {row.id: row.place_id for row in rows}
    found = await places.get_places(session, set(stops.values()))
    return [
        *(
            Whereabouts(kind="stop", id=stop_id, name=place.line, position=place.position)
            for stop_id, place_id in stops.items()
            if (place := found[place_id]).position is not None
        ),
        *depots,
    ]


async def _profile(session: AsyncSession, driver_id: UUID, since: datetime, until: datetime) -> str:
    """How the driver of that day travels."""
    found: str | None = await session.scalar(
        select(Vehicle.profile)
        .join(Run, Run.vehicle_id == Vehicle.id)
        .where(Run.driver_id == driver_id, Run.starts_at < until, Run.ends_at > since)
        .order_by(Run.starts_at)
        .limit(1)
    )
    return found or "car"


def _nearest(position: Position | None, known: Sequence[Whereabouts]) -> Whereabouts | None:
    if position is None:
        return None
    near = [(haversine_m(position, each.position), index) for index, each in enumerate(known)]
    away_m, index = min(near, default=(THERE_M + 1, 0))
    return known[index] if away_m <= THERE_M else None
