"""Circles that the office watches, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import geofences
from server.dispatch.fleet_routes import MAY_CHANGE, MAY_READ
from server.dispatch.geofences import GeofenceView, Rule
from server.identity.access import Principal
from server.kit.geo import Position
from server.kit.inputs import FilledLine, Lat, Limit, Lon
from server.kit.paging import cut_page


class Circle(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """rule: "stay_out", or "stay_in" for drivers who have been inside."""

    name: FilledLine
    lon: Lon
    lat: Lat
    radius_m: Annotated[int, msgspec.Meta(ge=50, le=200_000)]
    rule: Rule

    @property
    def position(self) -> Position:
        return Position(self.lon, self.lat)


class NewGeofence(Circle, kw_only=True):
    """A circle for the drivers of one depot."""

    depot_id: UUID


class GeofencePage(msgspec.Struct):
    items: list[GeofenceView]
    next: UUID | None


@post("/api/geofences", guards=[MAY_CHANGE], status_code=201)
async def create_geofence(
    data: JSONBody[NewGeofence],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> GeofenceView:
    """Tell dispatchers of drivers of a depot who are where they should not be, or leave what they
    should not."""
    return await geofences.create_geofence(
        session,
        depot_id=data.depot_id,
        name=data.name,
        position=data.position,
        radius_m=data.radius_m,
        rule=data.rule,
        by=principal.label,
    )


@get("/api/geofences", guards=[MAY_READ])
async def list_geofences(
    session: NamedDependency[AsyncSession],
    *,
    depot_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> GeofencePage:
    items = await geofences.list_geofences(session, depot_id=depot_id, after=after, limit=limit + 1)
    return GeofencePage(*cut_page(items, limit))


@put("/api/geofences/{geofence_id:uuid}", guards=[MAY_CHANGE])
async def change_geofence(
    geofence_id: FromPath[UUID],
    data: JSONBody[Circle],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> GeofenceView:
    """Move it, make it larger or smaller, call it something else, or turn its rule."""
    return await geofences.change_geofence(
        session,
        geofence_id,
        name=data.name,
        position=data.position,
        radius_m=data.radius_m,
        rule=data.rule,
        by=principal.label,
    )


@delete("/api/geofences/{geofence_id:uuid}", guards=[MAY_CHANGE])
async def delete_geofence(
    geofence_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    """Watch it no more."""
    await geofences.delete_geofence(session, geofence_id, by=principal.label)


GEOFENCE_ROUTES = [create_geofence, list_geofences, change_geofence, delete_geofence]
