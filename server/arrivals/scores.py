"""How good the windows were that were told."""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Float, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from server.arrivals.models import ForecastScore
from server.arrivals.prediction import EARLY, LATE, LIKELY


class ForecastQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Of the windows told `lead_s` before a driver came.

    held_share: how many of them the driver came within; 0.8 is what they promise.
    early_share, late_share: how many drivers came before and after theirs; 0.1 each would be right.
    bias_s: how much later than likely they came, on average.
    width_s: how wide the windows were, on average.
    pinball_s: the mean pinball loss of the three quantiles, in seconds; less is better, and only
        the true quantiles make it least.
    """

    lead_s: int
    arrivals: int
    held_share: float
    early_share: float
    late_share: float
    bias_s: float
    width_s: float
    pinball_s: float


async def score_forecasts(
    session: AsyncSession, *, since: datetime, until: datetime
) -> list[ForecastQuality]:
    """For each lead, how good was what was told of arrivals in since <= arrived_at < until."""
    score, came = ForecastScore, ForecastScore.arrived_at
    loss_s = (
        _loss_s(_seconds(came, score.from_at), EARLY)
        + _loss_s(_seconds(came, score.likely_at), LIKELY)
        + _loss_s(_seconds(came, score.until_at), LATE)
    )
    rows = await session.execute(
        select(
            score.lead_s,
            func.count(),
            func.count().filter(came < score.from_at),
            func.count().filter(came > score.until_at),
            func.avg(_seconds(came, score.likely_at)),
            func.avg(_seconds(score.until_at, score.from_at)),
            func.avg(loss_s / 3),
        )
        .where(came >= since, came < until)
        .group_by(score.lead_s)
        .order_by(score.lead_s)
    )
    return [
        ForecastQuality(
            lead_s=lead_s,
            arrivals=count,
            held_share=round((count - early - late) / count, 4),
            early_share=round(early / count, 4),
            late_share=round(late / count, 4),
            bias_s=round(bias_s, 1),
            width_s=round(width_s, 1),
            pinball_s=round(pinball_s, 1),
        )
        for lead_s, count, early, late, bias_s, width_s, pinball_s in rows
    ]


def _seconds(
    later: InstrumentedAttribute[datetime], sooner: InstrumentedAttribute[datetime]
) -> ColumnElement[float]:
    return cast(func.extract("epoch", later) - func.extract("epoch", sooner), Float)


def _loss_s(late_s: ColumnElement[float], share: float) -> ColumnElement[float]:
    """The pinball loss: who comes later than told costs `share` a second, earlier the rest."""
    return func.greatest(share * late_s, (share - 1) * late_s)
