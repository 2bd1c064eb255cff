"""A phone on a desk, for demos, training and tests: its GPS follows the run, its camera paints."""

import locale
import os
import random
import shutil
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from math import atan2, cos, degrees, radians
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from driver_app.core.driver import Clock, Driver, read_clock
from driver_app.core.sampling import Sampling, distance_m
from driver_app.core.seal import NoSeal
from driver_app.core.store import Store
from driver_app.device.picture import encode_png
from driver_app.device.ports import STORAGE_NEEDED_BYTES, Device, Permission, Reading, Shot
from server.protocol.from_driver import Heartbeat

SPEED_MPS = 10.0
THERE_M = 1.0
ROOT = Path(__file__).parents[2]


def real_speed() -> float:
    return 1.0


def make_device(
    folder: Path, *, clock: Clock = read_clock, speed: Callable[[], float] = real_speed
) -> Device:
    """clock, speed: of a day that is played faster than real."""
    return Device(
        model="desktop",
        language=locale.getlocale()[0] or "en",
        location=FollowedRun(folder, clock, speed),
        camera=PaintedCamera(folder),
        scanner=NextParcel(folder),
        handover=Browser(),
        checks=NothingToAllow(folder),
        seal=NoSeal(),
        start_background=start_background,
        hide_from_switcher=lambda: None,
    )


def start_background(folder: Path, module: str = "driver_app.background") -> None:
    """The same background process as on the phone; it ends with its parent."""
    subprocess.Popen(
        [sys.executable, "-m", module, str(folder), str(os.getpid())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


class FollowedRun:
    """Drives in a straight line from stop to stop, as the phone's own run says: once the driver has
    set off, and until the driver is there."""

    def __init__(self, folder: Path, clock: Clock, speed: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._speed = speed
        self._stopping = threading.Event()
        self._last: Reading | None = None

    def start(self, sampling: Sampling, heard: Callable[[Reading], None]) -> None:
        self.stop()
        self._stopping = threading.Event()
        threading.Thread(
            target=self._drive, args=(sampling, heard, self._stopping), daemon=True
        ).start()

    def stop(self) -> None:
        self._stopping.set()

    def _drive(
        self, sampling: Sampling, heard: Callable[[Reading], None], stopping: threading.Event
    ) -> None:
        store = Store(self._folder)
        try:
            while not stopping.is_set():
                reading = self.step(Driver(store))
                if reading is not None:
                    heard(reading)
                stopping.wait(sampling.interval_s / self._speed())
        finally:
            store.close()

    def step(self, driver: Driver) -> Reading | None:
        """Where the van is now; None before it has a run."""
        now, run = self._clock(), driver.view()
        next_stop, last = run.next_stop, self._last
        depot = run.manifest.depot if run.manifest else None
        here = last or depot or (next_stop.stop if next_stop else None)
        if here is None:
            return None
        lon, lat, heading = here.lon, here.lat, None
        if last is not None and next_stop is not None and next_stop.state == "en_route":
            aim = next_stop.stop
            away_m = distance_m(lon, lat, aim.lon, aim.lat)
            if away_m > THERE_M:
                passed_s = (now - last.taken_at).total_seconds()
                share = min(1.0, SPEED_MPS * max(passed_s, 0.0) / away_m)
                east, north = (aim.lon - lon) * cos(radians(lat)), aim.lat - lat
                heading = degrees(atan2(east, north)) % 360
                lon, lat = lon + (aim.lon - lon) * share, lat + (aim.lat - lat) * share
        self._last = Reading(
            lon=lon,
            lat=lat,
            accuracy_m=8.0,
            taken_at=now,
            speed_mps=SPEED_MPS if heading is not None else 0.0,
            heading_deg=heading,
        )
        return self._last


class PaintedCamera:
    """Each photo is another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, taken: Callable[[Shot | None], None]) -> None:
        shade = random.randrange(40, 200)
        rows = [bytes((shade + x * y // 300) % 256 for x in range(320)) for y in range(240)]
        path = self._folder / f"photo-{uuid4().hex}.png"
        path.write_bytes(encode_png(rows))
        small = path.with_stem(f"{path.stem}-small")
        small.write_bytes(encode_png([row[::2] for row in rows[::2]]))
        taken(Shot(path, small))


class NextParcel:
    """Reads the next barcode that the run still wants: of the stop, or for the van."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()

    def scan(self, scanned: Callable[[str | None], None]) -> None:
        store = Store(self._folder)
        run = Driver(store).view()
        store.close()
        stops = [run.next_stop] if run.next_stop and run.next_stop.state == "arrived" else run.stops
        wanted = [parcel.barcode for s in stops for t in s.tasks for parcel in t.task.parcels]
        found = next((each for each in wanted if each not in self._seen), None)
        self._seen.add(found or "")
        scanned(found)


class Browser:
    """What a phone gives to its apps, a desktop shows in its browser."""

    def navigate(self, lon: float, lat: float, name: str) -> None:
        webbrowser.open(f"geo:{lat:.6f},{lon:.6f}?q={lat:.6f},{lon:.6f}({quote(name)})")

    def call(self, number: str) -> None:
        webbrowser.open(f"tel:{quote(number)}")

    def write(self, number: str) -> None:
        webbrowser.open(f"sms:{quote(number)}")

    def share(self, file: Path) -> None:
        webbrowser.open(file.as_uri())


@dataclass
class NothingToAllow:
    """A desktop allows everything but has a disk that may be full."""

    folder: Path
    asked: list[Permission] = field(default_factory=list)

    def is_allowed(self, permission: Permission) -> bool:
        return permission != "storage" or self.free_storage_bytes() >= STORAGE_NEEDED_BYTES

    def fix(self, permission: Permission) -> None:
        self.asked.append(permission)

    def read_health(self) -> Heartbeat:
        return Heartbeat(battery_percent=100, charging=True, network="unknown", gps="on")

    def free_storage_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free
