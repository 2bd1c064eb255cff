"""Reports for the office."""

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.service import ForecastQuality, score_forecasts
from server.identity.access import OFFICE, Role, allow
from server.kit.inputs import check_zone
from server.kit.metrics import exposition
from server.reporting.metrics import read_metrics
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


@get(
    "/api/metrics",
    guards=[allow(Role.ADMIN, scope="metrics:read")],
    media_type="text/plain; version=0.0.4; charset=utf-8",
)
async def get_metrics(session: NamedDependency[AsyncSession]) -> str:
    """The company's figures for Prometheus, with an API key that has the scope metrics:read."""
    return exposition(await read_metrics(session))


ROUTES = [get_day_report, get_trade_report, get_arrival_report, get_metrics]
