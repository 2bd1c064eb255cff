"""What the worker does for arrivals again and again."""

from datetime import timedelta

from server.arrivals.forecasts import forget_told
from server.arrivals.history import KEPT, forget_old_times
from server.kit import clock
from server.kit.db import Database
from server.kit.timer import Timer

TOLD_KEPT = timedelta(days=14)
"""What was told of a stop that no driver came to is of no use after that."""


async def forget_the_old(db: Database) -> None:
    async with db.transaction() as session:
        await forget_old_times(session, before=clock.now() - KEPT)
        await forget_told(session, before=clock.now() - TOLD_KEPT)


TIMERS = [Timer("arrivals: forget the old", 3600.0, forget_the_old)]
