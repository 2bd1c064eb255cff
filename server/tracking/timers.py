"""What the worker does for tracking again and again."""

from datetime import timedelta

from server.kit import clock
from server.kit.db import Database
from server.kit.timer import Timer
from server.tracking.partitions import (
    KEEP_DAYS,
    day_of,
    drop_partitions_before,
    ensure_partitions,
)


async def turn_over_partitions(db: Database) -> None:
    """Have the next days' partitions ready, and forget fixes older than KEEP_DAYS."""
    today = day_of(clock.now())
    async with db.transaction() as session:
        await ensure_partitions(session, [today + timedelta(days=ahead) for ahead in range(3)])
    # Apart, because dropping waits for everybody who writes, and they may wait for the former.
    async with db.transaction() as session:
        await drop_partitions_before(session, today - timedelta(days=KEEP_DAYS))


TIMERS = [Timer("turn over the partitions of fixes", 3600, turn_over_partitions)]
