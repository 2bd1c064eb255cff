"""Depots, drivers and vehicles."""

from collections.abc import Collection, Sequence
from datetime import time
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.inputs import (
    find_depot,
    lock_depot,
    record_change,
)
from server.dispatch.models import Depot, Driver, Task, Vehicle
from server.identity import service as identity
from server.identity.access import Role
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.geo import Position
from server.kit.ids import new_id
from server.places import service as places

Profile = Literal["car", "bicycle"]
MAX_SPEED_KMH: dict[Profile, int] = {"car": 130, "bicycle": 50}
"""Of a new vehicle; the map that plans are made on does not tell the limits of its roads."""


class UnknownDriver(NotFound):
    """There is no driver {driver_id}."""

    code = "dispatch.unknown_driver"


class UnknownVehicle(NotFound):
    """There is no vehicle {vehicle_id}."""

    code = "dispatch.unknown_vehicle"


class DepotWithoutPosition(Invalid):
    """The place {place_id} has no position yet. Give it a pin, then make it a depot."""

    code = "dispatch.depot_without_position"


class UnknownTimezone(Invalid):
    """{timezone!r} is not a time zone. Write it like Europe/Vaduz."""

    code = "dispatch.unknown_timezone"


class BadOpening(Invalid):
    """A depot closes after it opens."""

    code = "dispatch.bad_opening"


class NameTaken(Conflict):
    """There is a {thing} called {name!r} already."""

    code = "dispatch.name_taken"


class DepotView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    place_id: UUID
    position: Position
    timezone: str
    opens_local: time
    closes_local: time
    input_version: int


class DriverView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    depot_id: UUID
    skills: list[str]
    active: bool


class VehicleView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    label: str
    depot_id: UUID
    profile: str
    capacity_weight_g: int
    capacity_volume_ml: int
    capacity_parcels: int
    skills: list[str]
    active: bool
    max_speed_kmh: int


async def create_depot(
    session: AsyncSession,
    *,
    name: str,
    place_id: UUID,
    timezone: str,
    opens_local: time = time(0, 0),
    closes_local: time = time(23, 59),
    by: str,
) -> DepotView:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimezone(timezone=timezone) from None
    if opens_local >= closes_local:
        raise BadOpening
    if await session.scalar(select(Depot.id).where(Depot.name == name)):
        raise NameTaken(thing="depot", name=name)
    place = (await places.get_places(session, [place_id])).get(place_id)
    if place is None or place.position is None:
        raise DepotWithoutPosition(place_id=place_id)
    depot = Depot(
        id=new_id(),
        name=name,
        place_id=place_id,
        position=place.position,
        timezone=timezone,
        opens_local=opens_local,
        closes_local=closes_local,
        input_version=0,
    )
    session.add(depot)
    await session.flush()
    if len((await session.scalars(select(Depot.id).limit(2))).all()) == 1:
        # Work that came before there was any depot waits for the first one.
        await session.execute(update(Task).where(Task.depot_id.is_(None)).values(depot_id=depot.id))
    await identity.record_audit(session, by=by, action="depot.created", subject=str(depot.id))
    return _convert(depot, DepotView)


async def list_depots(session: AsyncSession) -> list[DepotView]:
    found = await session.scalars(select(Depot).order_by(Depot.id))
    return [_convert(depot, DepotView) for depot in found]


async def get_depot(session: AsyncSession, depot_id: UUID) -> DepotView:
    return _convert(await find_depot(session, depot_id), DepotView)


async def nearest_depot(session: AsyncSession, position: Position | None) -> UUID | None:
    """The depot that serves a place; the only one when there is one, whatever the position."""
    return (await nearest_depots(session, [position]))[position]


async def nearest_depots(
    session: AsyncSession, positions: Collection[Position | None]
) -> dict[Position | None, UUID | None]:
    """Position -> the depot that serves it; see nearest_depot."""
    if not positions:
        return {}
    ids = (await session.scalars(select(Depot.id).limit(2))).all()
    if len(ids) < 2:
        return dict.fromkeys(positions, ids[0] if ids else None)
    found: dict[Position | None, UUID | None] = {None: None}
    for position in {*positions} - {None}:
        nearest = select(Depot.id).order_by(Depot.position.op("<->")(position)).limit(1)
        found[position] = await session.scalar(nearest)
    return found


async def create_driver(
    session: AsyncSession,
    *,
    depot_id: UUID,
    name: str,
    email: str,
    password: str | None = None,
    skills: Sequence[str] = (),
    by: str,
) -> DriverView:
    """Make the person and let them drive."""
    depot = await lock_depot(session, depot_id)
    person = await identity.create_person(
        session, name=name, email=email, role=Role.DRIVER, password=password, by=by
    )
    driver = Driver(
        person_id=person.id,
        depot_id=depot_id,
        skills=sorted(set(skills)),
        active=True,
        manifest_version=0,
    )
    session.add(driver)
    record_change(session, depot, f"Driver {name} was added.")
    await session.flush()
    return _driver_view(driver, name)


async def change_driver(
    session: AsyncSession, driver_id: UUID, *, skills: Sequence[str], active: bool, by: str
) -> DriverView:
    driver = await find_driver(session, driver_id)
    depot = await lock_depot(session, driver.depot_id)
    driver.skills = sorted(set(skills))
    driver.active = active
    (person,) = (await identity.get_people(session, [driver_id])).values()
    record_change(session, depot, f"Driver {person.name} was changed.")
    await identity.record_audit(session, by=by, action="driver.changed", subject=str(driver_id))
    return _driver_view(driver, person.name)


async def list_drivers(session: AsyncSession, *, depot_id: UUID | None = None) -> list[DriverView]:
    query = select(Driver).order_by(Driver.person_id)
    if depot_id is not None:
        query = query.where(Driver.depot_id == depot_id)
    drivers = (await session.scalars(query)).all()
    people = await identity.get_people(session, [driver.person_id for driver in drivers])
    return [_driver_view(driver, people[driver.person_id].name) for driver in drivers]


async def find_driver(session: AsyncSession, driver_id: UUID) -> Driver:
    driver = await session.get(Driver, driver_id)
    if driver is None:
        raise UnknownDriver(driver_id=driver_id)
    return driver


async def create_vehicle(
    session: AsyncSession,
    *,
    depot_id: UUID,
    label: str,
    profile: Profile = "car",
    capacity_weight_g: int,
    capacity_volume_ml: int,
    capacity_parcels: int,
    skills: Sequence[str] = (),
    by: str,
) -> VehicleView:
    depot = await lock_depot(session, depot_id)
    if await session.scalar(select(Vehicle.id).where(Vehicle.label == label)):
        raise NameTaken(thing="vehicle", name=label)
    vehicle = Vehicle(
        id=new_id(),
        label=label,
        depot_id=depot_id,
        profile=profile,
        capacity_weight_g=capacity_weight_g,
        capacity_volume_ml=capacity_volume_ml,
        capacity_parcels=capacity_parcels,
        skills=sorted(set(skills)),
        active=True,
        max_speed_kmh=MAX_SPEED_KMH[profile],
    )
    session.add(vehicle)
    record_change(session, depot, f"Vehicle {label} was added.")
    await identity.record_audit(session, by=by, action="vehicle.created", subject=str(vehicle.id))
    return _convert(vehicle, VehicleView)


async def change_vehicle(
    session: AsyncSession, vehicle_id: UUID, changes: dict[str, Any], *, by: str
) -> VehicleView:
    """Change what `changes` names: capacities, skills, whether it is in use."""
    vehicle = await find_vehicle(session, vehicle_id)
    depot = await lock_depot(session, vehicle.depot_id)
    for name, value in changes.items():
        setattr(vehicle, name, sorted(set(value)) if name == "skills" else value)
    record_change(session, depot, f"Vehicle {vehicle.label} was changed.")
    await identity.record_audit(session, by=by, action="vehicle.changed", subject=str(vehicle_id))
    return _convert(vehicle, VehicleView)


async def list_vehicles(
    session: AsyncSession, *, depot_id: UUID | None = None
) -> list[VehicleView]:
    query = select(Vehicle).order_by(Vehicle.id)
    if depot_id is not None:
        query = query.where(Vehicle.depot_id == depot_id)
    return [_convert(vehicle, VehicleView) for vehicle in await session.scalars(query)]


async def find_vehicle(session: AsyncSession, vehicle_id: UUID) -> Vehicle:
    vehicle = await session.get(Vehicle, vehicle_id)
    if vehicle is None:
        raise UnknownVehicle(vehicle_id=vehicle_id)
    return vehicle


def _driver_view(driver: Driver, name: str) -> DriverView:
    return DriverView(
        id=driver.person_id,
        name=name,
        depot_id=driver.depot_id,
        skills=driver.skills,
        active=driver.active,
    )


def _convert[View](row: Any, view: type[View]) -> View:
    return msgspec.convert(row, view, from_attributes=True)
