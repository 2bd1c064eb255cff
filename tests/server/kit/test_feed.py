"""Live news between processes: over one Redis, and over a cluster of three nodes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from server.kit.feed import Feed
from server.kit.services import debian
from server.kit.services.binaries import find_binaries
from server.kit.services.redis_cluster import RedisCluster, running_cluster
from server.kit.settings import ROOT, read_settings

CHANNELS = ("drivers", "map", "positions", "wake")
"""They lie on different nodes."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    cache = ROOT / ".postrider/services"
    binaries = find_binaries(Path("/")) or debian.fetch_binaries(cache, print)
    with running_cluster(tmp_path_factory.mktemp("cluster"), binaries) as running:
        yield running


@pytest.fixture(params=["one server", "a cluster"])
def url(request: pytest.FixtureRequest, redis_url: str) -> str:
    if request.param == "one server":
        return redis_url
    found: RedisCluster = request.getfixturevalue("cluster")
    return found.url


@pytest_asyncio.fixture
async def two(url: str) -> AsyncIterator[tuple[Feed, Feed]]:
    """Of two processes."""
    speaker, listener = Feed(url), Feed(url)
    yield speaker, listener
    await speaker.close()
    await listener.close()


async def next_news(
    heard: AsyncGenerator[tuple[str, bytes] | None, None],
) -> tuple[str, bytes] | None:
    async with asyncio.timeout(10):
        return await anext(heard)


async def test_what_one_process_publishes_another_hears_on_every_channel(
    two: tuple[Feed, Feed],
) -> None:
    speaker, listener = two
    heard = listener.listen(*CHANNELS)
    assert await next_news(heard) is None, "something may have been missed before"
    for channel in CHANNELS:
        await speaker.publish(channel, channel.encode() + b"\0\xff")
    told = [await next_news(heard) for _ in CHANNELS]
    assert sorted(filter(None, told)) == [(each, each.encode() + b"\0\xff") for each in CHANNELS]
    assert speaker.lost_messages == 0
    assert await speaker.count_listeners("map") == 1
    assert await speaker.is_up()
    await heard.aclose()


async def test_who_was_cut_off_is_told_that_something_may_have_been_missed(
    two: tuple[Feed, Feed], redis_url: str
) -> None:
    speaker, listener = two
    assert await speaker.is_up()
    heard = listener.listen(*CHANNELS)
    assert await next_news(heard) is None
    for url in speaker_urls(speaker, redis_url):
        async with Redis.from_url(url) as server:
            await server.client_kill_filter(_type="pubsub")
    assert await next_news(heard) is None
    await speaker.publish("map", b"again")
    while (news := await next_news(heard)) is None:
        pass
    assert news == ("map", b"again")
    await heard.aclose()


def speaker_urls(speaker: Feed, redis_url: str) -> list[str]:
    """Of every server that it knows."""
    nodes = getattr(speaker._servers.client, "get_nodes", None)
    if nodes is None:
        return [redis_url]
    password = speaker._servers.client.connection_kwargs["password"]
    return [f"redis://:{password}@{node.host}:{node.port}" for node in nodes()]


async def test_those_who_meet_see_each_other(two: tuple[Feed, Feed]) -> None:
    one, other = two
    assert await one.meet("orders", "Ada", at_s=100, stay_s=10) == []
    assert await other.meet("orders", "Ben", at_s=105, stay_s=10) == ["Ada"]
    assert await other.meet("orders", "Ben", at_s=112, stay_s=10) == [], "she left meanwhile"


async def test_node_that_dies_costs_what_is_said_on_its_channels_until_it_is_back(
    cluster: RedisCluster,
) -> None:
    """What is told then is counted as lost, and nobody is made to wait for long."""
    feed, listener = Feed(cluster.url), Feed(cluster.url)
    heard = listener.listen(*CHANNELS)
    assert await next_news(heard) is None
    cluster.nodes[0].kill()
    async with asyncio.timeout(20):
        for channel in CHANNELS:
            await feed.publish(channel, b"x")
        assert feed.lost_messages
        assert not await feed.is_up(), "so that maps look into the database meanwhile"
        cluster.nodes[0].start()
        while not await feed.is_up():
            await asyncio.sleep(0.02)
        while await next_news(heard) is not None:
            pass
        lost = feed.lost_messages
        for channel in CHANNELS:
            await feed.publish(channel, b"y")
        assert feed.lost_messages == lost
    await heard.aclose()
    await feed.close()
    await listener.close()


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1", "redis+cluster://:secret@127.0.0.1:1,127.0.0.1:2"]
)
async def test_redis_that_is_away_is_no_error(url: str) -> None:
    feed = Feed(url)
    async with asyncio.timeout(10):
        assert not await feed.is_up()
        await feed.publish("map", b"x")
        assert feed.lost_messages == 1
        assert await feed.meet("orders", "Ada", at_s=1, stay_s=1) == []
        assert await feed.count_listeners("map") is None
    await feed.close()


@pytest.mark.parametrize(
    "url", ["redis+cluster://:secret@one:7000,two:7001", "rediss+cluster://u:p@one,two"]
)
def test_a_cluster_is_named_in_the_settings(url: str) -> None:
    settings = read_settings({"DATABASE_URL": "postgresql+asyncpg://x", "REDIS_URL": url})
    assert settings.redis_url == url
