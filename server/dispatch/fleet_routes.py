"""Depots, drivers, vehicles and shifts over HTTP."""

from datetime import datetime, time
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import fleet, shifts
from server.dispatch.fleet import DepotView, DriverView, Profile, VehicleView
from server.dispatch.shifts import ShiftBreak, ShiftView
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.inputs import NO_NUL, Limit, Moment, check_zone

MAY_READ = allow(*OFFICE, scope="dispatch:read")
MAY_CHANGE = allow(Role.ADMIN, Role.DISPATCHER, scope="dispatch:write")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NO_NUL)]
Skill = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=NO_NUL)]
Skills = Annotated[list[Skill], msgspec.Meta(max_length=50)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class NewDepot(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    place_id: UUID
    timezone: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=NO_NUL)]
    opens_local: Annotated[time, msgspec.Meta(tz=False)] = time(0, 0)
    closes_local: Annotated[time, msgspec.Meta(tz=False)] = time(23, 59)


class NewDriver(msgspec.Struct, forbid_unknown_fields=True):
    depot_id: UUID
    name: Name
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=NO_NUL)]
    skills: Skills = []


class DriverChanges(msgspec.Struct, forbid_unknown_fields=True):
    skills: Skills
    active: bool


class NewVehicle(msgspec.Struct, forbid_unknown_fields=True):
    depot_id: UUID
    label: Name
    capacity_weight_g: Amount
    capacity_volume_ml: Amount
    capacity_parcels: Amount
    profile: Profile = "car"
    skills: Skills = []


class VehicleChanges(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    capacity_weight_g: Amount | None = None
    capacity_volume_ml: Amount | None = None
    capacity_parcels: Amount | None = None
    skills: Skills | None = None
    active: bool | None = None
    max_speed_kmh: Annotated[int, msgspec.Meta(ge=5, le=250)] | None = None


class NewBreak(msgspec.Struct, forbid_unknown_fields=True):
    earliest_start_at: Moment
    latest_start_at: Moment
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class NewShift(msgspec.Struct, forbid_unknown_fields=True):
    driver_id: UUID
    vehicle_id: UUID
    starts_at: Moment
    ends_at: Moment
    breaks: Annotated[list[NewBreak], msgspec.Meta(max_length=10)] = []


@get("/api/depots", guards=[MAY_READ])
async def list_depots(session: NamedDependency[AsyncSession]) -> list[DepotView]:
    return await fleet.list_depots(session)


@post("/api/depots", guards=[MAY_CHANGE])
async def create_depot(
    data: JSONBody[NewDepot],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> DepotView:
    return await fleet.create_depot(session, **msgspec.structs.asdict(data), by=principal.label)


@get("/api/drivers", guards=[MAY_READ])
async def list_drivers(
    session: NamedDependency[AsyncSession], *, depot_id: FromQuery[UUID | None] = None
) -> list[DriverView]:
    return await fleet.list_drivers(session, depot_id=depot_id)


@post("/api/drivers", guards=[MAY_CHANGE])
async def create_driver(
    data: JSONBody[NewDriver],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> DriverView:
    """Make the person as well. A phone is paired by POST /api/drivers/{id}/pairing-codes."""
    return await fleet.create_driver(session, **msgspec.structs.asdict(data), by=principal.label)


@patch("/api/drivers/{driver_id:uuid}", guards=[MAY_CHANGE])
async def change_driver(
    driver_id: FromPath[UUID],
    data: JSONBody[DriverChanges],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> DriverView:
    return await fleet.change_driver(
        session, driver_id, skills=data.skills, active=data.active, by=principal.label
    )


@get("/api/vehicles", guards=[MAY_READ])
async def list_vehicles(
    session: NamedDependency[AsyncSession], *, depot_id: FromQuery[UUID | None] = None
) -> list[VehicleView]:
    return await fleet.list_vehicles(session, depot_id=depot_id)


@post("/api/vehicles", guards=[MAY_CHANGE])
async def create_vehicle(
    data: JSONBody[NewVehicle],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> VehicleView:
    return await fleet.create_vehicle(session, **msgspec.structs.asdict(data), by=principal.label)


@patch("/api/vehicles/{vehicle_id:uuid}", guards=[MAY_CHANGE])
async def change_vehicle(
    vehicle_id: FromPath[UUID],
    data: JSONBody[VehicleChanges],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> VehicleView:
    """Change what is given."""
    changes = msgspec.to_builtins(data)
    return await fleet.change_vehicle(session, vehicle_id, changes, by=principal.label)


@get("/api/shifts", guards=[MAY_READ])
async def list_shifts(
    session: NamedDependency[AsyncSession],
    *,
    depot_id: FromQuery[UUID | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    limit: Limit = 200,
) -> list[ShiftView]:
    check_zone(since, until)
    return await shifts.list_shifts(
        session, depot_id=depot_id, since=since, until=until, limit=limit
    )


@post("/api/shifts", guards=[MAY_CHANGE])
async def create_shift(
    data: JSONBody[NewShift],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ShiftView:
    return await shifts.create_shift(
        session,
        driver_id=data.driver_id,
        vehicle_id=data.vehicle_id,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        breaks=[ShiftBreak(**msgspec.structs.asdict(rest)) for rest in data.breaks],
        by=principal.label,
    )


@delete("/api/shifts/{shift_id:uuid}", guards=[MAY_CHANGE])
async def remove_shift(
    shift_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    await shifts.remove_shift(session, shift_id, by=principal.label)


FLEET_ROUTES = [
    list_depots,
    create_depot,
    list_drivers,
    create_driver,
    change_driver,
    list_vehicles,
    create_vehicle,
    change_vehicle,
    list_shifts,
    create_shift,
    remove_shift,
]
