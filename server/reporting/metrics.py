"""What Prometheus may ask of the whole company, whichever web process it comes to: what waits, what
is stuck, and how it goes on the road. What a single gateway does is told at its own port."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.service import score_forecasts
from server.kit import clock
from server.kit.metrics import Metric

HEARD_WITHIN = timedelta(minutes=5)
SCORED_OVER = timedelta(days=1)

# Events are stamped by the clock of the company, as all else here.
OUTBOX = text(
    """
    select count(*), coalesce(extract(epoch from :now - min(emitted_at)), 0),
        (select count(*) from outbox_reaction where parked_at is not null)
    from outbox_event where published_at is null
    """
)
EXCEPTIONS = text(
    "select kind, count(*) from exception where settled_at is null group by kind order by kind"
)
RUNS = text(
    "select state, count(*) from run where state in ('published', 'started')"
    " group by state order by state"
)
DRIVERS = text("select count(*) from live_position where received_at > :since")
REJECTED = text("select reason, sum(count) from fix_rejection group by reason order by reason")


async def read_metrics(session: AsyncSession) -> list[Metric]:
    now = clock.now()
    waiting, oldest_s, parked = (await session.execute(OUTBOX, {"now": now})).one()
    heard = await session.scalar(DRIVERS, {"since": now - HEARD_WITHIN})
    scores = await score_forecasts(session, since=now - SCORED_OVER, until=now)
    return [
        Metric("events_waiting", "gauge", "Events that are not delivered yet.", waiting),
        Metric("events_oldest_seconds", "gauge", "Age of the oldest of them.", max(oldest_s, 0)),
        Metric("reactions_parked", "gauge", "Reactions that were given up.", parked),
        *[
            Metric("exceptions_open", "gauge", "What a person must settle.", count, ("kind", kind))
            for kind, count in await session.execute(EXCEPTIONS)
        ],
        *[
            Metric("runs", "gauge", "Runs that are not over.", count, ("state", state))
            for state, count in await session.execute(RUNS)
        ],
        Metric("drivers_heard", "gauge", "Drivers seen in the last five minutes.", heard or 0),
        *[
            Metric("fixes_held_back_total", "counter", "Fixes not kept.", count, ("reason", reason))
            for reason, count in await session.execute(REJECTED)
        ],
        *[
            Metric(
                "arrival_windows_held_share",
                "gauge",
                "Windows of a day that held; they promise 0.8.",
                score.held_share,
                ("lead_seconds", str(score.lead_s)),
            )
            for score in scores
        ],
    ]
