"""The system as it runs on several machines, on this one: three gateways and two web processes
behind HAProxy, on one PostgreSQL and a Redis Cluster of three nodes."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.app.bench.outages import WATCHED_S
from server.app.migrate import migrate
from server.app.processes import Child
from server.app.system import START_TIMEOUT_S, DidNotStart, System, secret_of
from server.kit.db import Database
from server.kit.ports import free_port, free_ports
from server.kit.services import debian, start_services
from server.kit.services.binaries import find_binaries
from server.kit.services.redis_cluster import RedisCluster, running_cluster
from server.kit.settings import ROOT, read_settings

GATEWAYS, WEBS = 3, 2

CONFIGURATION = """
defaults
    mode http
    option forwardfor
    option redispatch
    retries 3
    retry-on conn-failure
    timeout connect 2s
    timeout client 90s
    timeout server 90s
    timeout tunnel 1h
frontend all
    bind 127.0.0.1:{port}
    use_backend gateways if {{ path_beg /ws/ }}
    default_backend webs
backend gateways
    balance leastconn
    option httpchk GET /health
    default-server check inter 500ms fall 2 rise 1
{gateways}
backend webs
    balance roundrobin
    option httpchk GET /api/health
    default-server check inter 500ms fall 2 rise 1
{webs}
"""
"""No stickiness: a phone may come to another gateway each time."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Spread:
    """system: its `web` is the first of the webs, and `settings` lead to the proxy's port."""

    system: System
    webs: tuple[Child, ...]
    redis: RedisCluster
    port: int

    async def kill_web(self) -> str:
        return await _watch(self.webs[0].kill)

    async def kill_gateway(self) -> str:
        return await _watch(self.system.gateways[0].kill)

    async def kill_redis_node(self) -> str:
        """It comes back after a while, with its slots and empty."""
        node = self.redis.nodes[0]
        await _watch(node.kill)
        node.start()
        return ""

    async def restart_all_gateways(self) -> str:
        """One after the other, as for a new version: each sends its phones away when all that they
        said is stored, and is back before the next one goes."""
        for gateway in self.system.gateways:
            starts = gateway.starts
            assert gateway.pid is not None
            os.kill(gateway.pid, signal.SIGTERM)
            while gateway.starts == starts:
                await asyncio.sleep(0.05)
            await asyncio.sleep(WATCHED_S)
        return ""


async def _watch(kill: Callable[[], None]) -> str:
    kill()
    await asyncio.sleep(WATCHED_S)
    return ""


@asynccontextmanager
async def running_spread(home: Path, *, say: Say) -> AsyncIterator[Spread]:
    port = free_port()
    web_ports, gateway_ports = free_ports(WEBS), free_ports(GATEWAYS)
    cache = ROOT / ".postrider/services"
    async with AsyncExitStack() as stack:
        services = await asyncio.to_thread(start_services, home / "services", durable=True, say=say)
        stack.callback(services.stop)
        services.keep_running(say)
        binaries = find_binaries(Path("/")) or debian.fetch_binaries(cache, say)
        redis = stack.enter_context(running_cluster(home / "redis", binaries))
        os.environ["POSTRIDER_SECRET"] = secret_of(home)  # this process makes codes too
        environ = {
            **os.environ,
            "DATABASE_URL": services.database_url,
            "REDIS_URL": redis.url,
            "POSTRIDER_DATA": str(home),
            "POSTRIDER_BASE_URL": f"http://127.0.0.1:{port}",
            "POSTRIDER_PORT": str(port),
        }
        settings = read_settings(environ)
        db = Database(settings.database_url)
        stack.push_async_callback(db.close)
        await migrate(db)
        worker = Child("worker", environ=environ)
        webs = tuple(Child("web", "--port", str(each), environ=environ) for each in web_ports)
        gateways = tuple(
            Child("gateway", "--port", str(each), environ=environ) for each in gateway_ports
        )
        for child in (worker, *gateways, *webs):
            await child.start()
            stack.push_async_callback(child.stop)
        stack.enter_context(_proxy(home, port, gateway_ports, web_ports, say))
        addresses = [f"http://127.0.0.1:{each}/health" for each in gateway_ports]
        addresses += [f"http://127.0.0.1:{each}/api/health" for each in (*web_ports, port)]
        await _answer(addresses)
        yield Spread(System(settings, db, webs[0], worker, gateways), webs, redis, port)


@contextmanager
def _proxy(
    home: Path, port: int, gateway_ports: list[int], web_ports: list[int], say: Say
) -> Iterator[None]:
    cache = ROOT / ".postrider/services"
    program = debian.fetch_program(cache, "haproxy", "usr/sbin/haproxy", say)
    configuration = home / "haproxy.cfg"
    configuration.write_text(
        CONFIGURATION.format(
            port=port, gateways=_servers("g", gateway_ports), webs=_servers("w", web_ports)
        )
    )
    process = subprocess.Popen(
        [program.path, "-q", "-db", "-f", configuration],
        env={**os.environ, **program.environ},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _servers(letter: str, ports: list[int]) -> str:
    return "\n".join(
        f"    server {letter}{number} 127.0.0.1:{port}" for number, port in enumerate(ports, 1)
    )


async def _answer(addresses: list[str]) -> None:
    async with httpx.AsyncClient() as client:
        for address in addresses:
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    while not await _is_well(client, address):
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise DidNotStart(f"Nothing answers at {address}.") from None


async def _is_well(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).is_success
    except httpx.TransportError:
        return False
