"""Reports for the office."""

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.service import ForecastQuality, score_forecasts
from server.identity.access import OFFICE, allow
from server.kit.inputs import check_zone
from server.reporting.service import DayReport, TradeReport, report_day, report_trade


@get("/api/reports/day", guards=[allow(*OFFICE, scope="reports:read")])
async def get_day_report(
    session: NamedDependency[AsyncSession],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
) -> DayReport:
    """What happened from `since` to `until`."""
    check_zone(since, until)
    return await report_day(session, since=since, until=until)


@get("/api/reports/trade", guards=[allow(*OFFICE, scope="reports:read")])
async def get_trade_report(
    session: NamedDependency[AsyncSession],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
) -> TradeReport:
    """What was sold, sent back and invoiced from `since` to `until`."""
    check_zone(since, until)
    return await report_trade(session, since=since, until=until)


@get("/api/reports/arrivals", guards=[allow(*OFFICE, scope="reports:read")])
async def get_arrival_report(
    session: NamedDependency[AsyncSession],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
) -> list[ForecastQuality]:
    """How good the windows were that were told 15, 30 and 60 minutes before the arrivals of `since`
    to `until`."""
    check_zone(since, until)
    return list(await score_forecasts(session, since=since, until=until))


ROUTES = [get_day_report, get_trade_report, get_arrival_report]
