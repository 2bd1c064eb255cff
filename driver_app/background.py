"""The background process: follows the driver while on duty, and carries the talk with the server.

It shares nothing with the screens but the SQLite file, and may be killed at any instruction. Run as
`python -m driver_app.background FOLDER PARENT`, it ends when the process PARENT does.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from driver_app import VERSION
from driver_app.core.driver import Clock, Driver, read_clock
from driver_app.core.errors import StorageFull
from driver_app.core.pace import EVERYDAY, Pace
from driver_app.core.sampling import (
    Sampling,
    Situation,
    choose_sampling,
    distance_m,
    is_worth_keeping,
)
from driver_app.core.steps import SinceBoot
from driver_app.core.store import Store
from driver_app.core.sync import Sync
from driver_app.device.ports import Device, Reading
from server.protocol.from_driver import Fix, Heartbeat

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""Between two looks at whether the driver is on duty and how far the next stop is."""
STILL_WITHIN_M = 30
BATTERY_UNKNOWN_PERCENT = 100


class Tracker:
    """Asks the location service for as much as the situation needs, and keeps what tells something.

    Readings may come on any thread of the device.
    """

    def __init__(
        self,
        store: Store,
        device: Device,
        clock: Clock = read_clock,
        since_boot: SinceBoot | None = None,
    ) -> None:
        self._store = store
        self.driver = Driver(store, clock=clock, since_boot=since_boot)
        self._device = device
        self._sampling: Sampling | None = None
        self._moved_at: Reading | None = None
        self._newest: Reading | None = None
        self._clock = clock
        self._aim: str | None = None
        self._set_off_at = clock()

    async def run(self) -> None:
        try:
            while True:
                self.adapt(self._device.checks.read_health())
                await asyncio.sleep(LOOK_S)
        finally:
            self._device.location.stop()

    def adapt(self, health: Heartbeat) -> None:
        """Ask for what the situation needs now."""
        wanted = choose_sampling(self._read_situation(health))
        if wanted == self._sampling:
            return
        self._sampling = wanted
        if wanted is None:
            self._device.location.stop()
        else:
            self._device.location.start(wanted, self.hear)

    def hear(self, reading: Reading) -> None:
        self._newest = reading
        moved = self._moved_at
        if moved is None or _apart_m(moved, reading) > STILL_WITHIN_M:
            self._moved_at = reading
        last = self._store.get_last_fix()
        probe = Fix(
            seq=0,
            taken_at=reading.taken_at,
            lon=reading.lon,
            lat=reading.lat,
            accuracy_m=reading.accuracy_m,
            speed_mps=reading.speed_mps,
            heading_deg=reading.heading_deg,
        )
        if self._sampling is None or not is_worth_keeping(last, probe, self._sampling):
            return
        try:
            self.driver.record_fix(
                reading.lon,
                reading.lat,
                reading.accuracy_m,
                speed_mps=reading.speed_mps,
                heading_deg=reading.heading_deg,
                taken_at=reading.taken_at,
            )
        except StorageFull:
            # The next one may find room; work at the door needs it more.
            log.warning("no room for a position")

    def _read_situation(self, health: Heartbeat) -> Situation:
        run = self.driver.view()
        here, stop = self._newest, run.next_stop
        still_s = 0.0
        if here is not None and self._moved_at is not None:
            still_s = (here.taken_at - self._moved_at.taken_at).total_seconds()
        aim = stop.stop.id if stop is not None and stop.state == "en_route" else None
        if aim != self._aim:
            self._aim, self._set_off_at = aim, self._clock()
        if aim is not None:
            # The tap tells sooner than the next position that the van will not stand any longer.
            still_s = min(still_s, (self._clock() - self._set_off_at).total_seconds())
        next_stop_m = None
        if stop is not None:
            # Not knowing where we are, we ask as often as on the way to a far stop.
            next_stop_m = (
                distance_m(here.lon, here.lat, stop.stop.lon, stop.stop.lat) if here else 1e6
            )
        return Situation(
            on_duty=run.shift == "on",
            still_s=still_s,
            next_stop_m=next_stop_m,
            battery_percent=health.battery_percent or BATTERY_UNKNOWN_PERCENT,
            charging=bool(health.charging),
            battery_saver=bool(health.battery_saver),
        )


async def work(
    folder: Path,
    device: Device,
    parent: int | None,
    pace: Pace = EVERYDAY,
    clock: Clock = read_clock,
    *,
    since_boot: SinceBoot | None = None,
) -> None:
    """Track and sync until cancelled, or until the parent is gone."""
    store = Store(folder, seal=device.seal)
    sync = Sync(
        store,
        clock=clock,
        pace=pace,
        read_health=device.checks.read_health,
        app_version=VERSION,
        device_model=device.model,
        since_boot=since_boot,
    )
    tracker = Tracker(store, device, clock, since_boot)
    tasks = [asyncio.create_task(sync.run()), asyncio.create_task(tracker.run())]
    if parent is not None:
        tasks.append(asyncio.create_task(_wait_for_end_of(parent)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()


async def _wait_for_end_of(parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(LOOK_S)


def _apart_m(one: Reading, other: Reading) -> float:
    return distance_m(one.lon, one.lat, other.lon, other.lat)


def main() -> None:
    from driver_app.device.desktop import make_device  # noqa: PLC0415 - not there on a phone

    logging.basicConfig(level=logging.INFO)
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    asyncio.run(work(folder, make_device(folder), parent))


if __name__ == "__main__":
    main()
