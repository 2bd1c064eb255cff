"""Keeps the connections and the map of this web process current while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from server.live.connections import Connections
from server.live.guess_limit import GuessLimit
from server.live.map_feed import MapFeed


@asynccontextmanager
async def live(app: Litestar) -> AsyncIterator[None]:
    app.state.connections = connections = Connections(app.state.db, app.state.feed)
    app.state.map_feed = map_feed = MapFeed(app.state.db, app.state.feed)
    app.state.guess_limit = GuessLimit()
    jobs = (
        connections.listen(),
        connections.keep_current(),
        map_feed.listen(),
        map_feed.keep_current(),
        map_feed.sweep(),
    )
    running = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


LIFESPANS = [live]
