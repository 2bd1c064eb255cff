"""Live news between processes over Redis publish/subscribe. It may be lost at any time.

Nothing true lives here: whoever listens must also be able to look into PostGIS. When Redis goes
away, publishing becomes a no-op that is counted, and listeners are told `None` once it is back, so
that they take a new snapshot.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.db import after_commit

log = logging.getLogger(__name__)

MEETING_KEPT_S = 3600


def announce(session: AsyncSession, channel: str, message: bytes) -> None:
    """Publish once the session's transaction has been committed; a rollback publishes nothing."""
    feed: Feed | None = session.info.get("feed")
    if feed is not None:
        after_commit(session, lambda: feed.publish_soon(channel, message))


class Feed:
    """One connection pool to Redis, and what is published and heard over it."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=2, retry_on_timeout=False
        )
        self._url = url
        self.lost_messages = 0
        self._publishing: set[asyncio.Task[None]] = set()

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell whoever listens now. Lost when Redis is away: listeners re-read when it is back."""
        try:
            await self._redis.publish(channel, message)
        except (RedisError, OSError):
            self.lost_messages += 1
            log.warning("Redis is away; %d messages lost so far", self.lost_messages)

    def publish_soon(self, channel: str, message: bytes) -> None:
        """Publish without making the caller wait."""
        task = asyncio.create_task(self.publish(channel, message))
        self._publishing.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._publishing.discard)

    async def listen(self, *channels: str) -> AsyncIterator[tuple[str, bytes] | None]:
        """(channel, message) as they come; None each time messages may have been missed, which
        includes the start. Ends only when cancelled."""
        pause_s = 0.1
        while True:
            redis = Redis.from_url(self._url, socket_connect_timeout=2, health_check_interval=5)
            pubsub = redis.pubsub()
            try:
                await pubsub.subscribe(*channels)
                pause_s = 0.1
                yield None
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        yield message["channel"].decode(), message["data"]
            except (RedisError, OSError):
                log.warning("Redis is away; listening again in %.1f s", pause_s)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
                await redis.aclose()
            await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
            pause_s = min(pause_s * 2, 5)

    async def meet(self, place: str, member: str, *, at_s: float, stay_s: float) -> list[str]:
        """Be somewhere until at_s + stay_s, or leave with 0; who else is there. Nobody when Redis
        is away."""
        key = f"meet:{place}"
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                if stay_s > 0:
                    pipe.zadd(key, {member: at_s + stay_s})
                else:
                    pipe.zrem(key, member)
                pipe.zremrangebyscore(key, "-inf", at_s)
                pipe.expire(key, MEETING_KEPT_S)
                pipe.zrange(key, 0, -1)
                found = (await pipe.execute())[-1]
        except (RedisError, OSError):
            return []
        return [each.decode() for each in found if each.decode() != member]

    async def is_up(self) -> bool:
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError):
            return False

    async def close(self) -> None:
        await self._redis.aclose()
