"""The server's share of a bad day: processes killed, Redis emptied. The phones' share is in
server.app.simulation.fleet."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from server.app.system import System
from server.kit import clock


@dataclass(kw_only=True)
class Breakage:
    """What was broken, counted as it happened."""

    web_kills: int = 0
    worker_kills: int = 0
    gateway_kills: int = 0
    redis_flushes: int = 0


async def break_things(system: System, morning: datetime, breakage: Breakage) -> None:
    """Kill -9 web, worker and a gateway once each and flush Redis once, while drivers are out."""
    await _wait_until(morning + timedelta(minutes=50))
    system.web.kill()
    breakage.web_kills += 1
    await _wait_until(morning + timedelta(minutes=80))
    system.worker.kill()
    breakage.worker_kills += 1
    await _wait_until(morning + timedelta(minutes=95))
    system.gateways[0].kill()
    breakage.gateway_kills += 1
    await _wait_until(morning + timedelta(minutes=110))
    redis = Redis.from_url(system.settings.redis_url)
    await redis.flushall()
    await redis.aclose()
    breakage.redis_flushes += 1


async def _wait_until(moment: datetime) -> None:
    await asyncio.sleep(max(0, (moment - clock.now()).total_seconds() / clock.speed()))
