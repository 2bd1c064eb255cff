"""The tree of places that hold stock."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.inventory.errors import BadParent, LocationTaken, NotAShelf, UnknownLocation
from server.inventory.lifecycle import PARENTS
from server.inventory.models import Location
from server.inventory.stock import LocationKind, LocationView
from server.kit.geo import Position
from server.kit.ids import new_id


async def create_location(
    session: AsyncSession,
    *,
    kind: LocationKind,
    code: str,
    name: str = "",
    parent_id: UUID | None = None,
    priority: int = 0,
    position: Position | None = None,
    by: str,
) -> LocationView:
    """A new warehouse or van, or something inside of one.

    Raises
    ------
    UnknownLocation, BadParent, LocationTaken
    """
    parent = await load_location(session, parent_id) if parent_id else None
    if (parent.kind if parent else None) not in PARENTS[kind]:
        allowed = ", ".join(each or "none" for each in PARENTS[kind])
        raise BadParent(kind=kind, allowed=allowed)
    location_id = new_id()
    path = f"{parent.path}/{code}" if parent else code
    created = await session.scalar(
        insert(Location)
        .values(
            id=location_id,
            parent_id=parent_id,
            warehouse_id=location_id
            if kind == "warehouse"
            else (parent.warehouse_id if parent else None),
            kind=kind,
            path=path,
            name=name or code,
            priority=priority,
            position=position,
        )
        .on_conflict_do_nothing(index_elements=["path"])
        .returning(Location)
    )
    if created is None:
        raise LocationTaken(path=path)
    subject = f"location:{created.id}"
    await record_audit(session, by=by, action="location.created", subject=subject)
    return _view(created)


async def list_locations(
    session: AsyncSession,
    *,
    parent_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[LocationView]:
    """Oldest first, the virtual ones before all."""
    query = select(Location).order_by(Location.id).limit(limit)
    if parent_id:
        query = query.where(Location.parent_id == parent_id)
    if after:
        query = query.where(Location.id > after)
    return [_view(row) for row in await session.scalars(query)]


async def get_location(session: AsyncSession, location_id: UUID) -> LocationView:
    return _view(await load_location(session, location_id))


async def get_locations(
    session: AsyncSession, location_ids: Collection[UUID]
) -> dict[UUID, LocationView]:
    """Those that exist, by id."""
    rows = await session.scalars(select(Location).where(Location.id.in_(location_ids)))
    return {row.id: _view(row) for row in rows}


async def locations_of(session: AsyncSession, warehouse_id: UUID) -> list[LocationView]:
    """All that is in the warehouse, by their paths."""
    rows = await session.scalars(
        select(Location).where(Location.warehouse_id == warehouse_id).order_by(Location.path)
    )
    return [_view(row) for row in rows]


async def load_location(session: AsyncSession, location_id: UUID) -> Location:
    """The row itself, within this room."""
    location = await session.get(Location, location_id)
    if location is None:
        raise UnknownLocation(location_id=location_id)
    return location


async def load_shelf(session: AsyncSession, location_id: UUID) -> Location:
    """A location where people put goods and take them: none of the virtual ones."""
    location = await load_location(session, location_id)
    if location.kind == "virtual":
        raise NotAShelf(path=location.path)
    return location


def _view(location: Location) -> LocationView:
    return msgspec.convert(location, LocationView, from_attributes=True)
