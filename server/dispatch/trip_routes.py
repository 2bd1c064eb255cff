"""A driver's day as drives and halts, over HTTP."""

from datetime import datetime, timedelta
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.lifespan import ROADS, LazyRoads
from server.dispatch.trips import DayOfTrips, tell_trips
from server.identity.access import Role, allow
from server.kit.errors import Invalid
from server.kit.inputs import check_zone

PERIOD_MAX = timedelta(hours=30)
"""A day and what a night shift adds to it."""


class TripsTooLong(Invalid):
    """Ask for the trips of at most 30 hours at once, with `until` after `since`."""

    code = "dispatch.trips_too_long"


@get(
    "/api/drivers/{driver_id:uuid}/trips",
    guards=[allow(Role.ADMIN, Role.DISPATCHER)],
    dependencies=ROADS,
)
async def get_trips(
    driver_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    roads: NamedDependency[LazyRoads],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
) -> DayOfTrips:
    """The drives and halts of a driver from `since` to before `until`, in the order of time."""
    check_zone(since, until)
    if not timedelta() < until - since <= PERIOD_MAX:
        raise TripsTooLong
    return await tell_trips(session, driver_id, since=since, until=until, roads=await roads.get())
