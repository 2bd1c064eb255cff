"""How quick the screens are: `python -m tests.driver_app.screens.figures`, a table.

Software rendering on this machine, the smallest window. Times by the clock on the wall, and beside
them the processor's own: on a machine that others use too, only those say what the app costs.
Exits 1 when a bound is missed by the wall.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.driver_app.screens import window  # isort: skip - first of all that knows Kivy

from kivy.tests.common import UnitTestTouch

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from driver_app.screens.today import RunPage
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import make_stop, make_task, pairing_with
from tests.driver_app.screens.gallery import PAGES, show
from tests.driver_app.screens.handsets import Handset, a_full_run

STOPS = 300
DAY_TURNS = 10
"""Rounds over all pages, for what a day leaves behind in memory."""
EMPTY_WINDOW = f"""
from kivy.config import Config
Config.set("graphics", "width", "{window.SMALL[0]}")
Config.set("graphics", "height", "{window.SMALL[1]}")
Config.set("graphics", "multisamples", "0")
from kivy.base import EventLoop, runTouchApp
from kivy.core.window import Window
from kivy.graphics.opengl import glFinish
from kivy.uix.widget import Widget
Window.add_widget(Widget())
runTouchApp(embedded=True)
for _ in range(20):
    EventLoop.idle()
    glFinish()
(line,) = (each for each in open("/proc/self/status") if each.startswith("VmRSS"))
print(int(line.split()[1]) // 1024)
"""
"""Kivy alone: nothing of ours is imported. The environment is that of this process."""
COLD_START = """
import sys, time
began_s = time.monotonic()
from pathlib import Path
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import Handset
app = window.start(Path(sys.argv[1]), Handset(Path(sys.argv[1])).device())
assert any("300 stops" in text for text in window.texts())
print(time.monotonic() - began_s)
"""


def long_run() -> Manifest:
    """300 stops, the first of which asks for everything."""
    full = a_full_run()
    stops = tuple(make_stop(f"L{n}", make_task(f"L{n}")) for n in range(STOPS - len(full.stops)))
    return replace(full, stops=(*full.stops, *stops))


@dataclass(frozen=True)
class Taken:
    """From a deed to the frame that shows it."""

    wall_ms: float
    processor_ms: float


def measure(deed: Callable[[], Any]) -> Taken:
    began_s, worked_s = time.perf_counter(), time.process_time()
    deed()
    window.frames(1)
    return Taken((time.perf_counter() - began_s) * 1000, (time.process_time() - worked_s) * 1000)


def tap_times(app: PostriderApp) -> dict[str, Taken]:
    """Of everything that can be touched on every page, once each."""
    taken: dict[str, Taken] = {}
    for page, given in PAGES:
        show(app, page, given)
        window.frames(3)
        names = [each.said for each in window.widgets(window.Touched) if getattr(each, "said", "")]
        for said in dict.fromkeys(names):
            show(app, page, given)
            window.frames(2)
            found = [
                each for each in window.widgets(window.Touched) if getattr(each, "said", "") == said
            ]
            if not found or said in ("End the shift", "Pair this phone"):
                continue
            window.show(found[0])
            rest(app)
            x, y = found[0].to_window(found[0].center_x, found[0].center_y)
            finger = UnitTestTouch(x, y)
            finger.touch_down()
            taken[f"{page.__name__}: {said}"] = measure(finger.touch_up)
    return taken


def rest(app: PostriderApp) -> None:
    """As long as the quickest thumb needs for its next tap; the app looks four times a second."""
    app.look()


def scroll_times(app: PostriderApp) -> list[Taken]:
    show(app, RunPage, {})
    window.frames(5)
    rest(app)
    finger = UnitTestTouch(180, 150)
    finger.touch_down()
    times = []
    for step in range(60):
        y = 150 + 7 * step

        def move(y: float = y) -> None:
            finger.touch_move(180, y)

        times.append(measure(move))
    finger.touch_up()
    return times


def memory_mb() -> int:
    """What the process holds now."""
    status = Path("/proc/self/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def memory_after_a_day_mb(app: PostriderApp) -> int:
    for _ in range(DAY_TURNS):
        for page, given in PAGES:
            show(app, page, given)
            window.frames(2)
            rest(app)
    return memory_mb()


def p95(values: Iterable[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def run_alone(code: str, *arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    return float(done.stdout.split()[-1])


class Table:
    """Lines of what was wanted and what is."""

    def __init__(self) -> None:
        self.all_met = True

    def line(self, name: str, wall: float, bound: float, processor: float | None = None) -> None:
        met = wall <= bound
        self.all_met = self.all_met and met
        beside = "" if processor is None else f"{processor:9.1f}"
        print(f"{name:40} {wall:9.1f} {beside:>9} {bound:9.1f}  {'met' if met else 'MISSED'}")

    def times(self, name: str, taken: list[Taken], bound_ms: float) -> None:
        walls = p95(each.wall_ms for each in taken)
        self.line(name, walls, bound_ms, p95(each.processor_ms for each in taken))


def main() -> int:
    load = [round(each, 1) for each in os.getloadavg()]
    table = Table()
    print(f"load {load}\n{'':40} {'is':>9} {'processor':>9} {'wanted':>9}")
    with tempfile.TemporaryDirectory() as home:
        phone = Path(home)
        store = Store(phone)
        store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
        store.save_manifest(long_run())
        store.put_setting("shift", "on")
        starts = sorted(run_alone(COLD_START, home) for _ in range(3))
        table.line("cold start to usable list, median s", starts[1], 2)
        empty_mb = run_alone(EMPTY_WINDOW)
        handset = Handset(phone, to_scan=["00340T11"] * 1000)
        app = window.start(phone, handset.device())
        app.driver.arrive(["T1"])
        opened = []
        for _ in range(20):
            rest(app)
            opened.append(measure(lambda: show(app, RunPage, {})))
        table.times("list of 300 opens, p95 ms", opened, 500)
        table.times("frame while it scrolls, p95 ms", scroll_times(app), 1000 / 30)
        times = tap_times(app)
        table.times(f"tap to frame, {len(times)} taps, p95 ms", list(times.values()), 100)
        grown_mb = memory_after_a_day_mb(app) - empty_mb
        table.line("memory above an empty window, MB", grown_mb, 150)
        print("slowest taps, ms (wall, processor):")
        slowest = sorted(times, key=lambda name: times[name].processor_ms, reverse=True)[:8]
        for name in slowest:
            print(f"  {name:60} {times[name].wall_ms:7.1f} {times[name].processor_ms:7.1f}")
        window.stop(app)
        store.close()
    print(f"load {[round(each, 1) for each in os.getloadavg()]}")
    return 0 if table.all_met else 1


if __name__ == "__main__":
    sys.exit(main())
