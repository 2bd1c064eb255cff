"""Pickup points: shops and lockers where a parcel waits for its consignee, who chose that instead
of the door."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from geoalchemy2 import Geography
from sqlalchemy import Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Invalid, NotFound
from server.kit.geo import Position
from server.kit.ids import new_id
from server.places.models import PickupPoint, Place
from server.places.views import PlaceView, load_place, view_of

REACH_M = 15_000
"""Nobody drives further for a parcel."""


class UnknownPickupPoint(NotFound):
    """There is no pickup point {point_id}."""

    code = "places.unknown_pickup_point"


class PointWithoutPosition(Invalid):
    """A pickup point has to be on the map: put its address on the map first."""

    code = "places.point_without_position"


class PickupPointView(msgspec.Struct, frozen=True, kw_only=True):
    """hours: when it is open, in words for customers. line: its address."""

    id: UUID
    name: str
    hours: str
    place_id: UUID
    line: str
    position: Position
    active: bool


async def create_pickup_point(
    session: AsyncSession, *, name: str, hours: str, place_id: UUID, by: str
) -> PickupPointView:
    """
    Raises
    ------
    UnknownPlace, PointWithoutPosition
    """
    place = await load_place(session, place_id)
    if place.position is None:
        raise PointWithoutPosition
    point = PickupPoint(
        id=new_id(),
        name=name,
        hours=hours,
        place_id=place_id,
        active=True,
        created_at=clock.now(),
    )
    session.add(point)
    await _note(session, point, "pickup_point.created", by=by)
    return _view(point, view_of(place))


async def change_pickup_point(
    session: AsyncSession,
    point_id: UUID,
    *,
    name: str | None = None,
    hours: str | None = None,
    active: bool | None = None,
    by: str,
) -> PickupPointView:
    """What is None stays. One that is closed is not offered any more; who chose it before keeps it.

    Raises
    ------
    UnknownPickupPoint
    """
    point = await session.get(PickupPoint, point_id, with_for_update=True)
    if point is None:
        raise UnknownPickupPoint(point_id=point_id)
    point.name = point.name if name is None else name
    point.hours = point.hours if hours is None else hours
    point.active = point.active if active is None else active
    await _note(session, point, "pickup_point.changed", by=by)
    return _view(point, view_of(await load_place(session, point.place_id)))


async def get_pickup_point(session: AsyncSession, point_id: UUID) -> PickupPointView:
    """
    Raises
    ------
    UnknownPickupPoint
    """
    rows = await session.execute(_joined().where(PickupPoint.id == point_id))
    for point, place in rows:
        return _view(point, view_of(place))
    raise UnknownPickupPoint(point_id=point_id)


async def list_pickup_points(
    session: AsyncSession, *, after: UUID | None = None, limit: int = 50
) -> list[PickupPointView]:
    """Oldest first, those that are closed too."""
    query = _joined().order_by(PickupPoint.id).limit(limit)
    if after is not None:
        query = query.where(PickupPoint.id > after)
    rows = await session.execute(query)
    return [_view(point, view_of(place)) for point, place in rows]


async def pickup_points_near(
    session: AsyncSession, position: Position, *, most: int = 5
) -> Sequence[PickupPointView]:
    """Those that are open for choosing within a short drive, the nearest first."""
    here = cast(func.ST_MakePoint(position.lon, position.lat), Geography)
    away_m = func.ST_Distance(Place.position, here)
    query = _joined().where(PickupPoint.active, func.ST_DWithin(Place.position, here, REACH_M))
    rows = await session.execute(query.order_by(away_m, PickupPoint.id).limit(most))
    return [_view(point, view_of(place)) for point, place in rows]


def _joined() -> Select[PickupPoint, Place]:
    return select(PickupPoint, Place).join(Place, Place.id == PickupPoint.place_id)


async def _note(session: AsyncSession, point: PickupPoint, action: str, *, by: str) -> None:
    await session.flush()
    details = {"name": point.name, "hours": point.hours, "active": point.active}
    subject = f"pickup_point:{point.id}"
    await record_audit(session, by=by, action=action, subject=subject, details=details)


def _view(point: PickupPoint, place: PlaceView) -> PickupPointView:
    if place.position is None:
        raise PointWithoutPosition
    return PickupPointView(
        id=point.id,
        name=point.name,
        hours=point.hours,
        place_id=point.place_id,
        line=place.line,
        position=place.position,
        active=point.active,
    )
