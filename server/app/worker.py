"""The worker process: carries events to their reactions, plans, and does what is due by the clock.

Any number may run: the relay works in one of them at a time, each timer and each plan too.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from routing.roads import open_roads
from server.app.modules import load
from server.dispatch.forecaster import run_forecaster
from server.dispatch.planner import run_planner
from server.kit.db import AWAY, Database, is_away
from server.kit.feed import Feed
from server.kit.outbox import WAKE_CHANNEL
from server.kit.relay import run_relay
from server.kit.settings import Settings
from server.kit.timer import Timer
from server.live.tracker_broker import hear_trackers

log = logging.getLogger(__name__)


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what is half done is taken up by the next worker."""
    load("models")  # foreign keys may lead into rooms that react to nothing
    load("events")  # nobody may react to some of them, and they are passed on all the same
    load("reactions")
    feed = Feed(settings.redis_url)
    db = Database(settings.database_url, feed=feed)
    roads = open_roads(settings.roads_dir if settings.roads_dir.exists() else None)
    stop, wake = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    jobs: list[Coroutine[Any, Any, None]] = [
        run_relay(db, wake, stop),
        _wake_on_news(feed, wake),
        run_planner(db, roads, stop),
        run_forecaster(db, roads, stop),
        *(_run_timer(db, timer) for room in load("timers") for timer in room.TIMERS),
    ]
    if settings.mqtt_url:
        jobs.append(hear_trackers(db, settings.mqtt_url))
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(job) for job in jobs]
            await stop.wait()
            for task in running:
                task.cancel()
    finally:
        roads.close()
        await feed.close()
        await db.close()


async def _wake_on_news(feed: Feed, wake: asyncio.Event) -> None:
    """Other processes publish when they have emitted; a lost message costs one sweep."""
    async for _ in feed.listen(WAKE_CHANNEL):
        wake.set()


async def _run_timer(db: Database, timer: Timer) -> None:
    while True:
        await asyncio.sleep(timer.every_s)
        try:
            async with db.exclusive(f"timer {timer.name}") as mine:
                if mine:
                    await timer.act(db)
        except AWAY as error:
            log.warning(
                "timer %s lost the database; trying again: %s",
                timer.name,
                error,
                exc_info=not is_away(error),
            )
