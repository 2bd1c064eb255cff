"""Where a driver was on a day, to be drawn and replayed."""

from datetime import datetime, timedelta
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Role, allow
from server.kit.errors import Invalid
from server.kit.inputs import check_zone
from server.tracking import service as tracking
from server.tracking.service import TrailPoint

PERIOD_MAX = timedelta(hours=30)
"""A day and what a night shift adds to it."""


class PeriodTooLong(Invalid):
    """Ask for at most 30 hours of a trail at once, with `until` after `since`."""

    code = "live.period_too_long"


@get("/api/drivers/{driver_id:uuid}/trail", guards=[allow(Role.ADMIN, Role.DISPATCHER)])
async def get_trail(
    driver_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
) -> list[TrailPoint]:
    """The stored fixes of a driver from `since` to before `until`, in the order of time."""
    check_zone(since, until)
    if not timedelta() < until - since <= PERIOD_MAX:
        raise PeriodTooLong
    return await tracking.breadcrumb(session, driver_id, since=since, until=until)
