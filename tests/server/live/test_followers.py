"""Customers who keep their tracking page open: by socket, or by server-sent events."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.consignments import service as consignments
from server.kit import clock
from server.live import followers
from server.live.followers import OF_ONE_LINK_MAX
from server.live.guess_limit import GUESSES, GuessLimit
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import PATIENCE_S, Web

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def link_to(town: Town, number: int) -> tuple[UUID, str]:
    """A parcel of the town, and what follows it."""
    consignment = await town.book(corner(number, 2))
    async with town.db.transaction() as session:
        token = await consignments.open_tracking_link(
            session, consignment.id, expires_at=clock.now() + timedelta(days=2)
        )
    return consignment.id, token


async def end_links(town: Town, consignment_id: UUID) -> None:
    async with town.db.transaction() as session:
        await consignments.revoke_tracking_links(session, consignment_id)


async def asked(web: Web, token: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=web.url, trust_env=False) as client:
        answer = await client.get(f"/t/{token}/status?lang=de")
    told: dict[str, Any] = answer.json()
    return told


def same(*told: dict[str, Any]) -> bool:
    """But for the minute in which each was told."""
    first, *others = [each | {"updated": ""} for each in told]
    return all(each == first for each in others)


async def test_socket_and_events_tell_what_asking_tells_until_the_link_ends(
    any_web: Web, any_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "WHILE_WAITING_S", 0.02)
    consignment_id, token = await link_to(any_town, 1)
    by_asking = await asked(any_web, token)
    async with (
        asyncio.timeout(PATIENCE_S),
        connect(f"{any_web.socket_url}/ws/t/{token}?lang=de", proxy=None) as socket,
        httpx.AsyncClient(base_url=any_web.url, trust_env=False, timeout=PATIENCE_S) as client,
        client.stream("GET", f"/t/{token}/events?lang=de") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        lines = (line async for line in stream.aiter_lines() if line.startswith("data:"))
        by_event = json.loads((await anext(lines)).removeprefix("data:"))
        by_socket = json.loads(await socket.recv())
        assert same(by_asking, by_event, by_socket)
        await end_links(any_town, consignment_id)
        endings = [json.loads(line.removeprefix("data:")) async for line in lines][-1:]
        with pytest.raises(ConnectionClosed):
            while True:
                endings[1:] = [json.loads(await socket.recv())]
    assert [each["revision"] for each in endings] == ["", ""]


async def test_whoever_guesses_gets_no_socket_and_honest_customers_beside_get_theirs(
    any_web: Web, any_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = GuessLimit(lambda: 1000.0)
    monkeypatch.setattr(any_web.gateway._entrance, "_guess_limit", limit)
    _, token = await link_to(any_town, 2)
    async with connect(f"{any_web.socket_url}/ws/t/{token}", proxy=None) as socket:
        await socket.recv()
    statuses = []
    for number in range(GUESSES + 1):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{any_web.socket_url}/ws/t/guess-{number}", proxy=None)
        statuses.append(refused.value.response.status_code)
    assert statuses == [404] * GUESSES + [429]
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            f"{any_web.socket_url}/ws/t/guess",
            proxy=None,
            additional_headers={"X-Forwarded-For": "203.0.113.9"},  # told by a proxy of ours
        )
    assert refused.value.response.status_code == 404
    async with connect(f"{any_web.socket_url}/ws/t/{token}", proxy=None) as socket:
        await socket.recv()


async def test_a_link_is_not_followed_by_more_than_a_family(any_web: Web, any_town: Town) -> None:
    _, token = await link_to(any_town, 3)
    _, other = await link_to(any_town, 4)
    open_now = []
    for _ in range(OF_ONE_LINK_MAX):
        socket = await connect(f"{any_web.socket_url}/ws/t/{token}", proxy=None)
        await socket.recv()
        open_now.append(socket)
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{any_web.socket_url}/ws/t/{token}", proxy=None)
    assert refused.value.response.status_code == 429
    async with connect(f"{any_web.socket_url}/ws/t/{other}", proxy=None) as socket:
        await socket.recv()
    await asyncio.gather(*(socket.close() for socket in open_now))


async def test_a_customer_who_talks_is_shown_out(any_web: Web, any_town: Town) -> None:
    _, token = await link_to(any_town, 5)
    async with connect(f"{any_web.socket_url}/ws/t/{token}", proxy=None) as socket:
        await socket.recv()
        await socket.send("x" * 1000)
        with pytest.raises(ConnectionClosed) as ended:
            await socket.recv()
    assert ended.value.rcvd is not None and ended.value.rcvd.code == 4400
