"""Circles that the office watches while runs are driven: where nobody should be, and what nobody
should leave. Who breaks the rule of one raises an alert (road_alerts)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.geofence_models import Geofence
from server.dispatch.inputs import lock_depot
from server.identity import service as identity
from server.kit import clock
from server.kit.errors import Conflict, NotFound
from server.kit.geo import Position

GEOFENCES_MAX = 200

Rule = Literal["stay_out", "stay_in"]


class UnknownGeofence(NotFound):
    """There is no geofence {geofence_id}."""

    code = "dispatch.unknown_geofence"


class TooManyGeofences(Conflict):
    """A depot has at most 200 geofences. Delete one that nobody needs any more."""

    code = "dispatch.too_many_geofences"


class GeofenceView(msgspec.Struct, frozen=True, kw_only=True):
    """rule: "stay_out", or "stay_in" for drivers who have been inside."""

    id: UUID
    depot_id: UUID
    name: str
    position: Position
    radius_m: int
    rule: Rule


async def create_geofence(
    session: AsyncSession,
    *,
    depot_id: UUID,
    name: str,
    position: Position,
    radius_m: int,
    rule: Rule,
    by: str,
) -> GeofenceView:
    """Watch a circle from now on, for the runs of this depot.

    Raises
    ------
    UnknownDepot, TooManyGeofences
    """
    await lock_depot(session, depot_id)
    if len((await geofences_of(session, [depot_id]))[depot_id]) >= GEOFENCES_MAX:
        raise TooManyGeofences
    row = Geofence(
        depot_id=depot_id,
        name=name,
        position=position,
        radius_m=radius_m,
        rule=rule,
        made_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    await identity.record_audit(
        session,
        by=by,
        action="geofence.created",
        subject=f"geofence:{row.id}",
        details={"name": name},
    )
    return _view(row)


async def change_geofence(
    session: AsyncSession,
    geofence_id: UUID,
    *,
    name: str,
    position: Position,
    radius_m: int,
    rule: Rule,
    by: str,
) -> GeofenceView:
    """Watch it as it is said here from now on. What it has raised settles by itself when that is
    no longer so.

    Raises
    ------
    UnknownGeofence
    """
    row = await _lock_geofence(session, geofence_id)
    row.name, row.position, row.radius_m, row.rule = name, position, radius_m, rule
    await session.flush()
    await identity.record_audit(
        session,
        by=by,
        action="geofence.changed",
        subject=f"geofence:{row.id}",
        details={"name": name, "radius_m": radius_m, "rule": rule},
    )
    return _view(row)


async def delete_geofence(session: AsyncSession, geofence_id: UUID, *, by: str) -> None:
    """Watch it no more. What it has raised settles by itself.

    Raises
    ------
    UnknownGeofence
    """
    row = await _lock_geofence(session, geofence_id)
    row.deleted_at = clock.now()
    await identity.record_audit(
        session,
        by=by,
        action="geofence.deleted",
        subject=f"geofence:{row.id}",
        details={"name": row.name},
    )


async def list_geofences(
    session: AsyncSession, *, depot_id: UUID | None, after: UUID | None, limit: int
) -> list[GeofenceView]:
    """Those that are watched, in the order in which they were made."""
    query = select(Geofence).where(Geofence.deleted_at.is_(None)).order_by(Geofence.id)
    if depot_id is not None:
        query = query.where(Geofence.depot_id == depot_id)
    if after is not None:
        query = query.where(Geofence.id > after)
    return [_view(row) for row in await session.scalars(query.limit(limit))]


async def geofences_of(
    session: AsyncSession, depot_ids: Collection[UUID]
) -> dict[UUID, Sequence[GeofenceView]]:
    """Those that are watched, by depot; none for a depot that has none."""
    rows = await session.scalars(
        select(Geofence)
        .where(Geofence.depot_id.in_(depot_ids), Geofence.deleted_at.is_(None))
        .order_by(Geofence.id)
    )
    found: defaultdict[UUID, list[GeofenceView]] = defaultdict(list)
    for row in rows:
        found[row.depot_id].append(_view(row))
    return {depot_id: found[depot_id] for depot_id in depot_ids}


async def _lock_geofence(session: AsyncSession, geofence_id: UUID) -> Geofence:
    row = await session.get(Geofence, geofence_id, with_for_update=True, populate_existing=True)
    if row is None or row.deleted_at is not None:
        raise UnknownGeofence(geofence_id=geofence_id)
    return row


def _view(row: Geofence) -> GeofenceView:
    return msgspec.convert(
        {name: getattr(row, name) for name in GeofenceView.__struct_fields__}, GeofenceView
    )
