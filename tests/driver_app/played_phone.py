"""The two processes of a phone whose time a test plays, each of them to be killed at any moment.

`python -m tests.driver_app.played_phone person FOLDER CLOCK touches` is the driver at the screens:
for each line on standard input one stop, with its photos, as far as it gets; the answer is `done`,
or what the phone said. With `plain` the screens are left out: the same acts through the core.
`background FOLDER CLOCK` is the background process.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from driver_app.background import work
from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.errors import StorageFull
from driver_app.core.pace import Pace
from driver_app.core.sampling import Sampling
from driver_app.core.store import Store
from driver_app.device.ports import Reading, Shot
from tests.driver_app.screens.handsets import Handset

PHOTOS = 3
PHOTO_BYTES = (20_000, 40_000)
BRISK = Pace(
    poll_s=0.03,
    answer_s=10,
    lease_s=5,
    fix_wait_s=0.2,
    backoff_first_s=0.05,
    backoff_cap_s=0.5,
    post_every_s=0.5,
    socket_retry_s=2,
)


class PlayedClock:
    """The phone's clock, and the time since it was started, as the test last said."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(float(self._path.read_text().split()[0]), UTC)

    def since_boot(self) -> tuple[str, float]:
        return "one", float(self._path.read_text().split()[1])

    def put(self, shown: datetime, since_boot_s: float) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(f"{shown.timestamp()!r} {since_boot_s!r}")
        beside.replace(self._path)


class PlayedHandset(Handset):
    """Its camera needs room for a photo; its GPS has something to say whenever time has passed."""

    clock: PlayedClock

    def take(self, taken: Callable[[Shot | None], None]) -> None:
        path = self.folder / f"photo-{uuid4().hex}.jpg"
        small = path.with_stem(f"{path.stem}-small")
        try:
            photo = make_photo()
            path.write_bytes(photo)
            small.write_bytes(photo[: len(photo) // 4])
        except OSError:
            path.unlink(missing_ok=True)
            small.unlink(missing_ok=True)
            taken(None)
        else:
            taken(Shot(path, small))

    def start(self, sampling: Sampling, heard: Callable[[Reading], None]) -> None:
        self.stop()
        self._stopping = threading.Event()
        threading.Thread(target=self._follow, args=(heard, self._stopping), daemon=True).start()

    def stop(self) -> None:
        if hasattr(self, "_stopping"):
            self._stopping.set()

    def _follow(self, heard: Callable[[Reading], None], stopping: threading.Event) -> None:
        said_s = 0.0
        while not stopping.wait(0.02):
            _, since_s = self.clock.since_boot()
            if since_s != said_s:
                said_s = since_s
                lon = 9.52 + since_s % 3600 * 1e-5
                heard(Reading(lon=lon, lat=47.14, accuracy_m=5, taken_at=self.clock()))


def make_photo() -> bytes:
    spread = PHOTO_BYTES[1] - PHOTO_BYTES[0]
    return os.urandom(PHOTO_BYTES[0] + int.from_bytes(os.urandom(4)) % spread)


class ByTouches:
    """The driver at the real screens."""

    def __init__(self, folder: Path, clock: PlayedClock) -> None:
        from tests.driver_app.screens import window  # noqa: PLC0415 - needs Kivy

        self._window = window
        handset = PlayedHandset(folder)
        handset.clock = clock
        self._app = window.start(folder, handset.device(), clock, clock.since_boot)

    def do_a_stop(self) -> str:
        from driver_app.screens.dialog import Toast  # noqa: PLC0415

        window, app = self._window, self._app
        app.go_home()
        window.frames(1)
        if app.driver.view().next_stop is None:
            return "over"
        window.tap("Next stop")
        for step in ("Set off", "I am here", "Deliver"):
            if step in window.texts():
                window.tap(step)
            if toasts := list(window.widgets(Toast)):
                return self._read(toasts)
        for number in range(PHOTOS):
            window.tap("Take a photo" if number == 0 else f"Another photo ({number})")
            if toasts := list(window.widgets(Toast)):
                return self._read(toasts)
        window.tap("Finish")
        toasts = list(window.widgets(Toast))
        return self._read(toasts) if toasts else "done"

    def _read(self, toasts: list[object]) -> str:
        (text,) = [each.said for toast in toasts for each in toast.walk() if hasattr(each, "said")]  # type: ignore[attr-defined]
        self._app.go_home()
        return str(text)


class Plainly:
    """The same acts without the screens."""

    def __init__(self, folder: Path, clock: PlayedClock) -> None:
        self._driver = Driver(Store(folder), clock=clock, since_boot=clock.since_boot)

    def do_a_stop(self) -> str:
        stop = self._driver.view().next_stop
        if stop is None:
            return "over"
        tasks = [task.task.id for task in stop.tasks]
        try:
            self._driver.start(tasks)
            self._driver.arrive(tasks)
            for task in tasks:
                taken = [make_photo() for _ in range(PHOTOS)]
                photos = tuple(File(content=each, small=each[: len(each) // 4]) for each in taken)
                self._driver.complete(task, "delivered_to_consignee", Evidence(photos=photos))
        except StorageFull as error:
            return str(error)
        return "done"


def be_the_person(folder: Path, clock: PlayedClock, way: str) -> None:
    person = ByTouches(folder, clock) if way == "touches" else Plainly(folder, clock)
    print("ready", flush=True)
    while sys.stdin.readline():
        print(person.do_a_stop(), flush=True)


def be_the_background(folder: Path, clock: PlayedClock) -> None:
    handset = PlayedHandset(folder)
    handset.clock = clock
    asyncio.run(
        work(folder, handset.device(), os.getppid(), BRISK, clock, since_boot=clock.since_boot)
    )


if __name__ == "__main__":
    role, phone_folder, clock_path, *more = sys.argv[1:]
    if role == "person":
        be_the_person(Path(phone_folder), PlayedClock(Path(clock_path)), *more)
    else:
        be_the_background(Path(phone_folder), PlayedClock(Path(clock_path)))
