"""Keeps the connections and the map of this web process current while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from litestar import Litestar

from server.live.connections import Connections
from server.live.guess_limit import GuessLimit
from server.live.map_feed import MapFeed

log = logging.getLogger(__name__)

PAUSE_S = 1.0


@asynccontextmanager
async def live(app: Litestar) -> AsyncIterator[None]:
    app.state.connections = connections = Connections(app.state.db, app.state.feed)
    app.state.map_feed = map_feed = MapFeed(app.state.db, app.state.feed)
    app.state.guess_limit = GuessLimit()
    jobs = (
        connections.listen,
        connections.keep_current,
        map_feed.listen,
        map_feed.keep_current,
        map_feed.sweep,
    )
    running = [asyncio.create_task(_keep_running(job)) for job in jobs]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _keep_running(job: Callable[[], Awaitable[None]]) -> None:
    """A job ends only by a defect; sockets that nobody keeps current would be worse than that."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("%s failed; starting it again", job)
        await asyncio.sleep(PAUSE_S)


LIFESPANS = [live]
