"""One Redis, or a cluster of them, as live news needs it.

`redis://` and `rediss://` name one server. `redis+cluster://:password@one:6379,two:6379` (or
`rediss+cluster://`) names some nodes of a Redis Cluster, from 7.0 on: there each channel lives on
the node that holds its slot (sharded publish/subscribe), so that channels share the work, where
plain publishing in a cluster would tell every node of every message.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

PORT = 6379
ANSWER_WITHIN_S = 5.0
CONNECT_WITHIN_S = 2.0
CHECK_EVERY_S = 5
"""A listener that hears nothing asks whether its server still lives."""

CLUSTER = "+cluster"

REDIS_AWAY = (RedisError, RedisClusterException, OSError)
"""What is heard of a Redis, or a part of a cluster, that cannot be reached."""


def never_again() -> Retry:
    """A lost connection is told of, and not mended in silence: what was said meanwhile is lost."""
    return Retry(NoBackoff(), 0)


type Ears = AbstractAsyncContextManager[list[PubSub]]
"""Each of them listens to some of the channels."""


class RedisServers(Protocol):
    """client: for keys. What fails raises one of REDIS_AWAY."""

    client: Any

    async def publish(self, channel: str, message: bytes) -> None: ...

    def listening(self, channels: Sequence[str]) -> Ears: ...

    async def count_listeners(self, channel: str) -> int: ...

    async def ping(self) -> None:
        """Fails when any part does not answer."""


def open_servers(url: str) -> RedisServers:
    return ClusterServers(url) if CLUSTER in url.partition("://")[0] else OneServer(url)


class OneServer:
    def __init__(self, url: str) -> None:
        self._url = url
        self.client: Any = Redis.from_url(
            url,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=CONNECT_WITHIN_S,
            retry_on_timeout=False,
        )

    async def publish(self, channel: str, message: bytes) -> None:
        await self.client.publish(channel, message)

    @asynccontextmanager
    async def listening(self, channels: Sequence[str]) -> AsyncIterator[list[PubSub]]:
        async with _listener(Redis.from_url(self._url, **_listening_options())) as pubsub:
            await pubsub.subscribe(*channels)
            yield [pubsub]

    async def count_listeners(self, channel: str) -> int:
        return int((await self.client.pubsub_numsub(channel))[0][1])

    async def ping(self) -> None:
        await self.client.ping()


class ClusterServers:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        self._nodes = [_host_and_port(each) for each in hosts]
        self._options: dict[str, Any] = {
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "ssl": parts.scheme.startswith("rediss"),
        }
        self.client: Any = self._open()

    def _open(self) -> RedisCluster:
        return RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self._nodes],
            require_full_coverage=False,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=CONNECT_WITHIN_S,
            retry=never_again(),
            **self._options,
        )

    async def publish(self, channel: str, message: bytes) -> None:
        await self.client.spublish(channel, message)

    @asynccontextmanager
    async def listening(self, channels: Sequence[str]) -> AsyncIterator[list[PubSub]]:
        async with self._open() as cluster, AsyncExitStack() as stack:
            by_node: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
            for channel in channels:
                node = cluster.get_node_from_key(channel)
                assert node is not None  # only a replica may be missing
                by_node[node.host, int(node.port)].append(channel)
            ears = []
            for (host, port), mine in by_node.items():
                options = {**self._options, **_listening_options()}
                ear = await stack.enter_async_context(
                    _listener(Redis(host=host, port=port, **options))
                )
                for channel in mine:  # each by itself: they lie in different slots
                    await ear.ssubscribe(channel)
                ears.append(ear)
            yield ears

    async def count_listeners(self, channel: str) -> int:
        await self.client.initialize()  # once; only then it knows the slots
        node = self.client.get_node_from_key(channel)
        found = await self.client.execute_command("PUBSUB SHARDNUMSUB", channel, target_nodes=node)
        return int(found[0][1])

    async def ping(self) -> None:
        await self.client.ping(target_nodes=RedisCluster.PRIMARIES)


@asynccontextmanager
async def _listener(client: Redis) -> AsyncIterator[PubSub]:
    async with client, client.pubsub() as pubsub:
        yield pubsub


def _listening_options() -> dict[str, Any]:
    return {
        "socket_connect_timeout": CONNECT_WITHIN_S,
        "health_check_interval": CHECK_EVERY_S,
        "retry": never_again(),
    }


def _host_and_port(text: str) -> tuple[str, int]:
    """Of "host", "host:port" and "[::1]:port"."""
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or PORT
