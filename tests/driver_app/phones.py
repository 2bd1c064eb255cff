"""What the tests of the phone's core share: manifests, a clock, and a running sync."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from driver_app.core.pace import Pace
from driver_app.core.store import Pairing, Store
from driver_app.core.sync import Sync
from server.protocol.to_driver import Manifest, ManifestParcel, ManifestStop, ManifestTask

START_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

PATIENCE_S = 60
"""What another task or process brings about takes milliseconds; a busy machine may have pauses."""

FAST = Pace(
    poll_s=0.002,
    answer_s=30,
    lease_s=30,
    fix_wait_s=0,
    backoff_first_s=0.004,
    backoff_cap_s=0.02,
    post_every_s=0.05,
    socket_retry_s=0.1,
)
AFTER_A_KILL = replace(FAST, lease_s=0.3)
"""What a killed process was sending goes again soon; what is merely slow may go twice."""


class FrozenClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START_AT

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def make_task(task_id: str, **fields: Any) -> ManifestTask:
    known = {
        "kind": "delivery",
        "state": "assigned",
        "waybill": f"W{task_id}",
        "parcels": (ManifestParcel(barcode=f"{task_id}-P1"),),
    }
    return ManifestTask(id=task_id, **{**known, **fields})


def make_stop(stop_id: str, *tasks: ManifestTask) -> ManifestStop:
    return ManifestStop(
        id=stop_id,
        address=f"{stop_id} High Street",
        lon=9.5,
        lat=47.1,
        planned_arrival_at=START_AT,
        planned_departure_at=START_AT,
        tasks=tasks,
    )


def make_manifest(version: int, stops: int) -> Manifest:
    """Stops S1, S2, ... with one task each: T1, T2, ..."""
    return Manifest(
        version=version,
        run_id="R1",
        driver_name="Ada",
        stops=tuple(make_stop(f"S{n}", make_task(f"T{n}")) for n in range(1, stops + 1)),
    )


def with_stops(manifest: Manifest, *stops: ManifestStop) -> Manifest:
    """The next version, with these stops instead."""
    return replace(manifest, version=manifest.version + 1, stops=stops)


def pairing_with(server_url: str, token: str) -> Pairing:
    return Pairing(
        server_url=server_url,
        device_id=f"device-{token}",
        driver_id=f"driver-{token}",
        token=token,
    )


@asynccontextmanager
async def syncing(store: Store, **given: Any) -> AsyncIterator[Sync]:
    """The background process at work, until the end of the block."""
    sync = Sync(store, **{"pace": FAST, **given})
    task = asyncio.ensure_future(sync.run())
    try:
        yield sync
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def send_all(store: Store, **given: Any) -> None:
    async with syncing(store, **given) as sync, asyncio.timeout(PATIENCE_S):
        await sync.wait_until_sent()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)
