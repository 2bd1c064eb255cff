"""The simulated day: vans keep to the road; the bad network does on real sockets what it says."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException

from routing.roads import RoadLeg, RoadRoute
from server.app.simulation.network import Network, Weather
from server.app.simulation.person import picture
from server.app.simulation.travel import Journey
from server.kit.geo import Position, haversine_m
from server.protocol.codec import encode
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Heartbeat, ScanParcels

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def frame(body: object) -> str:
    return encode(Envelope(id="1", sent_at=NOON, body=body))


SCAN = frame(ScanParcels(barcodes=("A" * 300,), purpose="load", occurred_at=NOON))
HEARTBEAT = frame(Heartbeat())


class Server:
    """Remembers what it was sent and answers each message with one."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    async def talk(self, socket: ServerConnection) -> None:
        async for message in socket:
            self.heard.append(message)
            await socket.send("answer")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    made = Server()
    async with serve(made.talk, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        yield made, f"http://127.0.0.1:{port}"


async def open_socket(network: Network) -> ClientConnection:
    return await connect(f"ws{network.url.removeprefix('http')}/ws", compression=None)


async def test_good_network_passes_everything_on(server: tuple[Server, str]) -> None:
    made, url = server
    async with Network(url, Weather(), random.Random(1)).running() as network:
        socket = await open_socket(network)
        for message in (SCAN, HEARTBEAT, "x" * 100_000):
            await socket.send(message)
            assert await socket.recv() == "answer"
        await socket.close()
    assert made.heard == [SCAN, HEARTBEAT, "x" * 100_000]


async def test_commands_are_doubled_and_other_frames_are_not(server: tuple[Server, str]) -> None:
    made, url = server
    weather = Weather(doubled_commands=1.0)
    async with Network(url, weather, random.Random(1)).running() as network:
        socket = await open_socket(network)
        await socket.send(SCAN)
        await socket.send(HEARTBEAT)
        for _ in range(3):
            await socket.recv()
        await socket.close()
    assert made.heard == [SCAN, SCAN, HEARTBEAT]
    assert weather.commands_doubled == 1


async def test_lost_answer_cuts_the_connection_after_the_server_has_acted(
    server: tuple[Server, str],
) -> None:
    made, url = server
    weather = Weather(lost_answers=1.0)
    async with Network(url, weather, random.Random(1)).running() as network:
        socket = await open_socket(network)
        await socket.send(SCAN)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert made.heard == [SCAN]
    assert weather.answers_lost == 1


async def test_tunnel_cuts_what_is_open_and_lets_nothing_in_until_it_ends(
    server: tuple[Server, str],
) -> None:
    _, url = server
    async with Network(url, Weather(), random.Random(1)).running() as network:
        socket = await open_socket(network)
        network.cut()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        with pytest.raises((OSError, WebSocketException, EOFError)):
            await open_socket(network)
        network.mend()
        again = await open_socket(network)
        await again.send(HEARTBEAT)
        assert await again.recv() == "answer"
        await again.close()


def l_shaped_route() -> RoadRoute:
    corner = [(9.50, 47.10), (9.51, 47.10), (9.51, 47.11)]
    leg = RoadLeg(duration_s=200, distance_m=1870, geometry=tuple(corner), passed_s=(0, 80, 200))
    return RoadRoute(legs=(leg,))


def test_van_is_where_the_road_has_it_at_that_second() -> None:
    journey = Journey(l_shaped_route(), departed_at=NOON, pace=1.5)
    assert journey.arrives_at == NOON + timedelta(seconds=300)
    assert journey.position_at(NOON - timedelta(seconds=9)) == Position(9.50, 47.10)
    assert journey.position_at(NOON + timedelta(seconds=120)) == Position(9.51, 47.10)
    halfway = journey.position_at(NOON + timedelta(seconds=60))
    assert halfway == pytest.approx(Position(9.505, 47.10))
    assert journey.position_at(NOON + timedelta(hours=1)) == Position(9.51, 47.11)


def test_readings_are_as_long_as_the_road_and_take_the_corner() -> None:
    readings = list(Journey(l_shaped_route(), departed_at=NOON).readings(interval_s=7))
    times = [reading.taken_at for reading in readings]
    assert times == sorted(set(times))
    assert times[0] == NOON and times[-1] == NOON + timedelta(seconds=200)
    trail = [reading.position for reading in readings]
    assert min(haversine_m(Position(9.51, 47.10), each) for each in trail) < 1
    length_m = sum(haversine_m(a, b) for a, b in pairwise(trail))
    assert length_m == pytest.approx(1870, rel=0.01)


def test_pictures_are_real_and_no_two_are_alike() -> None:
    one, same, other = (picture(random.Random(seed)) for seed in (1, 1, 2))
    assert isinstance(one.content, bytes) and one.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert one == same != other
