"""The gateway process: the sockets of phones and screens."""

import asyncio
import gc
import signal

from server.app.modules import load
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings, refuse_open_door
from server.live.gateway import open_gateway


async def run_gateway(settings: Settings, port: int | None) -> None:
    """Carry sockets until SIGTERM or SIGINT, then send their owners elsewhere.

    port: where a proxy finds it; None when only the web processes of this machine do.

    Raises
    ------
    SecretNotSet
        When it would be reachable from other machines without a secret of its own.
    """
    if port is not None:
        refuse_open_door(settings.host)
    load("models")  # foreign keys may lead into rooms that sockets do not touch
    feed = Feed(settings.redis_url)
    db = Database(settings.database_url, feed=feed)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with open_gateway(settings, db, feed, Blobs(settings.blobs_dir), port=port):
            spare_the_collector()
            await stop.wait()
    finally:
        await feed.close()
        await db.close()


def spare_the_collector() -> None:
    """All that is there stays: a hundred thousand objects of modules that it need not look through
    again and again while phones wait."""
    gc.collect()
    gc.freeze()
