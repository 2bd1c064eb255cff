"""What is told of arrivals, and what was told of them before."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.models import Forecast, ForecastTold
from server.arrivals.prediction import Window

WORTH_TELLING = timedelta(seconds=60)
"""A window that moved by less stays as it was told."""

LEADS_S = (900, 1800, 3600)
"""So long before an arrival, what was told of it is scored."""


class ForecastView(msgspec.Struct, frozen=True, kw_only=True):
    """The driver comes after `from_at` and before `until_at` with a probability of 80 %, as it
    looked at `made_at`."""

    from_at: datetime
    likely_at: datetime
    until_at: datetime
    made_at: datetime


async def forecasts_of(
    session: AsyncSession, stop_ids: Collection[UUID]
) -> dict[UUID, ForecastView]:
    """Stop -> what is told of it; none of those that nothing is known of or that are over."""
    rows = await session.scalars(select(Forecast).where(Forecast.stop_id.in_(stop_ids)))
    return {row.stop_id: msgspec.convert(row, ForecastView, from_attributes=True) for row in rows}


async def tell_forecasts(
    session: AsyncSession,
    *,
    run_id: UUID,
    depot_id: UUID,
    driver_id: UUID,
    windows: Sequence[Window],
    made_at: datetime,
) -> bool:
    """Tell these windows of a run, and nothing of its other stops; whether anything changed that
    is worth telling."""
    known = {
        row.stop_id: row
        for row in await session.scalars(select(Forecast).where(Forecast.run_id == run_id))
    }
    wanted = {window.stop_id for window in windows}
    gone = known.keys() - wanted
    if gone:
        await session.execute(delete(Forecast).where(Forecast.stop_id.in_(gone)))
    news = [each for each in windows if _is_news(known.get(each.stop_id), each, driver_id)]
    if not news:
        return bool(gone)
    rows = [
        {
            "stop_id": each.stop_id,
            "made_at": made_at,
            "from_at": each.from_at,
            "likely_at": each.likely_at,
            "until_at": each.until_at,
        }
        for each in news
    ]
    whose = {"run_id": run_id, "depot_id": depot_id, "driver_id": driver_id}
    new = insert(Forecast).values([row | whose for row in rows])
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[Forecast.stop_id],
            set_={name: new.excluded[name] for name in (*rows[0], *whose) if name != "stop_id"},
        )
    )
    await session.execute(insert(ForecastTold).values(rows).on_conflict_do_nothing())
    return True


def _is_news(known: Forecast | None, fresh: Window, driver_id: UUID) -> bool:
    if known is None or known.driver_id != driver_id:
        return True
    return any(
        abs(getattr(known, name) - getattr(fresh, name)) >= WORTH_TELLING
        for name in ("from_at", "likely_at", "until_at")
    )


SCORE = text(
    """
    insert into forecast_score
        (stop_id, lead_s, depot_id, driver_id, arrived_at, from_at, likely_at, until_at)
    select came.stop_id, lead_s, :depot_id, :driver_id, came.arrived_at,
        told.from_at, told.likely_at, told.until_at
    from unnest(cast(:stop_ids as uuid[]), cast(:arrived_at as timestamptz[]))
        as came (stop_id, arrived_at)
    cross join unnest(cast(:leads_s as integer[])) as lead (lead_s)
    cross join lateral (
        select from_at, likely_at, until_at
        from forecast_told
        where forecast_told.stop_id = came.stop_id
            and made_at <= came.arrived_at - make_interval(secs => lead_s)
        order by made_at desc
        limit 1
    ) as told
    on conflict do nothing
    """
)


async def score_arrivals(
    session: AsyncSession, *, depot_id: UUID, driver_id: UUID, arrivals: Mapping[UUID, datetime]
) -> None:
    """The driver has come to these stops: keep how good was what had been told, and forget the
    rest of it."""
    if not arrivals:
        return
    await session.execute(
        SCORE,
        {
            "depot_id": depot_id,
            "driver_id": driver_id,
            "stop_ids": list(arrivals),
            "arrived_at": list(arrivals.values()),
            "leads_s": list(LEADS_S),
        },
    )
    await session.execute(delete(ForecastTold).where(ForecastTold.stop_id.in_(arrivals)))
    await session.execute(delete(Forecast).where(Forecast.stop_id.in_(arrivals)))


async def forget_told(session: AsyncSession, *, before: datetime) -> None:
    """Forget what was told of stops that no driver ever came to."""
    await session.execute(delete(ForecastTold).where(ForecastTold.made_at < before))
    await session.execute(delete(Forecast).where(Forecast.made_at < before))
