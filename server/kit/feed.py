"""Live news between processes over Redis publish/subscribe. It may be lost at any time.

Nothing true lives here: whoever listens must also be able to look into PostGIS. When Redis goes
away, publishing becomes a no-op that is counted, and listeners are told `None` once it is back, so
that they take a new snapshot.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio.client import PubSub
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.db import after_commit
from server.kit.redis_servers import REDIS_AWAY, open_servers

log = logging.getLogger(__name__)

MEETING_KEPT_S = 3600
HEARD_MAX = 1000
"""Messages that were heard and not taken yet; then no more is read from Redis."""


def announce(session: AsyncSession, channel: str, message: bytes) -> None:
    """Publish once the session's transaction has been committed; a rollback publishes nothing."""
    feed: Feed | None = session.info.get("feed")
    if feed is not None:
        after_commit(session, lambda: feed.publish_soon(channel, message))


class Feed:
    """One connection pool to Redis, and what is published and heard over it."""

    def __init__(self, url: str) -> None:
        self._servers = open_servers(url)
        self.lost_messages = 0
        self._publishing: set[asyncio.Task[None]] = set()

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell whoever listens now. Lost when Redis is away: listeners re-read when it is back."""
        try:
            await self._servers.publish(channel, message)
        except REDIS_AWAY:
            self.lost_messages += 1
            log.warning("Redis is away; %d messages lost so far", self.lost_messages)

    def publish_soon(self, channel: str, message: bytes) -> None:
        """Publish without making the caller wait."""
        task = asyncio.create_task(self.publish(channel, message))
        self._publishing.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._publishing.discard)

    async def listen(self, *channels: str) -> AsyncGenerator[tuple[str, bytes] | None, None]:
        """(channel, message) as they come; None each time messages may have been missed, which
        includes the start. Ends only when cancelled."""
        pause_s = 0.1
        while True:
            try:
                async with self._servers.listening(channels) as ears:
                    pause_s = 0.1
                    yield None
                    async with _heard(ears) as messages:
                        while True:
                            message = await messages.get()
                            if isinstance(message, Exception):
                                raise message
                            yield message
            except REDIS_AWAY:
                log.warning("Redis is away; listening again in %.1f s", pause_s)
            await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
            pause_s = min(pause_s * 2, 5)

    async def meet(self, place: str, member: str, *, at_s: float, stay_s: float) -> list[str]:
        """Be somewhere until at_s + stay_s, or leave with 0; who else is there. Nobody when Redis
        is away."""
        key = f"meet:{place}"
        try:
            async with self._servers.client.pipeline(transaction=True) as pipe:
                if stay_s > 0:
                    pipe.zadd(key, {member: at_s + stay_s})
                else:
                    pipe.zrem(key, member)
                pipe.zremrangebyscore(key, "-inf", at_s)
                pipe.expire(key, MEETING_KEPT_S)
                pipe.zrange(key, 0, -1)
                found = (await pipe.execute())[-1]
        except REDIS_AWAY:
            return []
        return [each.decode() for each in found if each.decode() != member]

    async def is_up(self) -> bool:
        try:
            await self._servers.ping()
        except REDIS_AWAY:
            return False
        return True

    async def count_listeners(self, channel: str) -> int | None:
        """How many processes hear what is published there; None when Redis is away."""
        try:
            return await self._servers.count_listeners(channel)
        except REDIS_AWAY:
            return None

    async def close(self) -> None:
        await self._servers.client.aclose()


type Heard = tuple[str, bytes]


@asynccontextmanager
async def _heard(ears: Sequence[PubSub]) -> AsyncIterator[asyncio.Queue[Heard | Exception]]:
    """What any of them hears, and what ends one of them, which is the end of all."""
    heard: asyncio.Queue[Heard | Exception] = asyncio.Queue(HEARD_MAX)

    async def hear(ear: PubSub) -> None:
        try:
            async for message in ear.listen():
                if message["type"] in ("message", "smessage"):
                    await heard.put((message["channel"].decode(), message["data"]))
                elif message["type"] == "sunsubscribe":
                    break  # the channel has moved to another node
            await heard.put(ConnectionError("Redis sends nothing more"))
        except REDIS_AWAY as error:
            await heard.put(error)

    tasks = [asyncio.create_task(hear(ear)) for ear in ears]
    try:
        yield heard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
