"""Shifts: which driver drives which vehicle when."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.fleet import find_driver, find_vehicle
from server.dispatch.inputs import (
    check_day,
    day_bounds,
    find_depot,
    local_day,
    lock_depot,
    record_change,
)
from server.dispatch.models import Run, Shift
from server.identity import service as identity
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id

LONGEST_SHIFT = timedelta(hours=24)


class UnknownShift(NotFound):
    """There is no shift {shift_id}."""

    code = "dispatch.unknown_shift"


class BadShift(Invalid):
    """A shift ends after it starts, lasts at most 24 hours and has its breaks inside, in order."""

    code = "dispatch.bad_shift"


class ShiftOverlaps(Conflict):
    """The {thing} has another shift from {starts_at} to {ends_at}."""

    code = "dispatch.shift_overlaps"


class NoDepotOfDay(Invalid):
    """Say of which depot the day is meant: each has its own midnight."""

    code = "dispatch.no_depot_of_day"


class WrongDepot(Invalid):
    """The driver and the vehicle of a shift belong to the same depot."""

    code = "dispatch.wrong_depot"


class ShiftHasRun(Conflict):
    """This shift has a published run. Report a breakdown to give its work to others."""

    code = "dispatch.shift_has_run"


class ShiftBreak(msgspec.Struct, frozen=True, kw_only=True):
    """A rest that begins between the two times."""

    earliest_start_at: datetime
    latest_start_at: datetime
    duration_s: int


class ShiftView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    driver_id: UUID
    vehicle_id: UUID
    depot_id: UUID
    starts_at: datetime
    ends_at: datetime
    breaks: tuple[ShiftBreak, ...]
    started_at: datetime | None = None
    on_break_at: datetime | None = None
    ended_at: datetime | None = None
    broken_down_at: datetime | None = None


async def create_shift(
    session: AsyncSession,
    *,
    driver_id: UUID,
    vehicle_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    breaks: Sequence[ShiftBreak] = (),
    by: str,
) -> ShiftView:
    check_day(starts_at.date())
    driver = await find_driver(session, driver_id)
    vehicle = await find_vehicle(session, vehicle_id)
    if driver.depot_id != vehicle.depot_id:
        raise WrongDepot
    depot = await lock_depot(session, driver.depot_id)
    if not starts_at < ends_at <= starts_at + LONGEST_SHIFT or not _fit(breaks, starts_at, ends_at):
        raise BadShift
    for thing, mine in (
        ("driver", Shift.driver_id == driver_id),
        ("vehicle", Shift.vehicle_id == vehicle_id),
    ):
        other = await session.scalar(
            select(Shift).where(mine, Shift.starts_at < ends_at, Shift.ends_at > starts_at)
        )
        if other is not None:
            raise ShiftOverlaps(thing=thing, starts_at=other.starts_at, ends_at=other.ends_at)
    shift = Shift(
        id=new_id(),
        driver_id=driver_id,
        vehicle_id=vehicle_id,
        depot_id=depot.id,
        starts_at=starts_at,
        ends_at=ends_at,
        breaks=msgspec.to_builtins(breaks),
        breaks_taken=0,
    )
    session.add(shift)
    day = local_day(depot, starts_at)
    record_change(session, depot, "A shift was added.", first_day=day, last_day=day)
    await identity.record_audit(session, by=by, action="shift.created", subject=str(shift.id))
    await session.flush()
    return shift_view(shift)


async def remove_shift(session: AsyncSession, shift_id: UUID, *, by: str) -> None:
    """Take back a shift that has no run yet."""
    shift = await session.get(Shift, shift_id)
    if shift is None:
        raise UnknownShift(shift_id=shift_id)
    depot = await lock_depot(session, shift.depot_id)
    if shift.started_at or await session.scalar(select(Run.id).where(Run.shift_id == shift_id)):
        raise ShiftHasRun
    day = local_day(depot, shift.starts_at)
    record_change(session, depot, "A shift was removed.", first_day=day, last_day=day)
    await identity.record_audit(session, by=by, action="shift.removed", subject=str(shift_id))
    await session.delete(shift)


async def list_shifts(
    session: AsyncSession,
    *,
    depot_id: UUID | None = None,
    day: date | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
) -> list[ShiftView]:
    """Shifts that lie in the time, or on the depot's day, by start.

    Raises
    ------
    UnknownDepot
    NoDepotOfDay
    """
    if day is not None:
        if depot_id is None:
            raise NoDepotOfDay
        since, until = day_bounds(await find_depot(session, depot_id), day)
    query = select(Shift).order_by(Shift.starts_at, Shift.id).limit(limit)
    if depot_id is not None:
        query = query.where(Shift.depot_id == depot_id)
    if since is not None:
        query = query.where(Shift.ends_at > since)
    if until is not None:
        query = query.where(Shift.starts_at < until)
    return [shift_view(shift) for shift in await session.scalars(query)]


def shift_view(shift: Shift) -> ShiftView:
    return msgspec.convert(shift, ShiftView, from_attributes=True)


def _fit(breaks: Sequence[ShiftBreak], starts_at: datetime, ends_at: datetime) -> bool:
    clear_at = starts_at
    for rest in breaks:
        latest_end_at = rest.latest_start_at + timedelta(seconds=rest.duration_s)
        if not (
            rest.duration_s > 0
            and clear_at <= rest.earliest_start_at <= rest.latest_start_at
            and latest_end_at <= ends_at
        ):
            return False
        clear_at = rest.earliest_start_at + timedelta(seconds=rest.duration_s)
    return True
