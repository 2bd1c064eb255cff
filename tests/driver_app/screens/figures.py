"""How quick the screens are: `python -m tests.driver_app.screens.figures`, one object as JSON.

Software rendering on this machine, the smallest window. Each figure with the load beside it.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
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
TAPS = 40
EMPTY_WINDOW = """
from tests.driver_app.screens import window
from kivy.uix.widget import Widget
from kivy.core.window import Window
import resource
Window.add_widget(Widget())
window.runTouchApp(embedded=True)
window.frames(20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
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


def measure(deed: Callable[[], Any]) -> float:
    """From the deed to the frame that shows it, in milliseconds."""
    began_s = time.perf_counter()
    deed()
    window.frames(1)
    return (time.perf_counter() - began_s) * 1000


def tap_times(app: PostriderApp) -> dict[str, float]:
    """Of everything that can be touched on every page, once each."""
    taken: dict[str, float] = {}
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
            x, y = found[0].to_window(found[0].center_x, found[0].center_y)
            finger = UnitTestTouch(x, y)
            finger.touch_down()
            taken[f"{page.__name__}: {said}"] = measure(finger.touch_up)
    return taken


def scroll_times(app: PostriderApp) -> list[float]:
    show(app, RunPage, {})
    window.frames(5)
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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def p95(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=20)[-1], 1)


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


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        phone = Path(home)
        store = Store(phone)
        store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
        store.save_manifest(long_run())
        store.put_setting("shift", "on")
        figures: dict[str, Any] = {
            "cold_start_s": [round(run_alone(COLD_START, home), 2) for _ in range(3)],
            "empty_window_mb": run_alone(EMPTY_WINDOW),
        }
        handset = Handset(phone, to_scan=["00340T11"] * 1000)
        app = window.start(phone, handset.device())
        app.driver.arrive(["T1"])
        opened = [measure(lambda: show(app, RunPage, {})) for _ in range(5)]
        figures["list_of_300_opens_ms"] = [round(each) for each in opened]
        scrolled = scroll_times(app)
        figures["scrolling_frame_p95_ms"] = p95(scrolled)
        times = tap_times(app)
        taps = list(times.values())
        figures["taps"] = len(taps)
        figures["tap_to_frame_ms"] = {
            "median": round(statistics.median(taps), 1),
            "p95": p95(taps),
            "max": round(max(taps), 1),
        }
        slowest = sorted(times, key=times.__getitem__, reverse=True)[:8]
        figures["slowest_taps_ms"] = {name: round(times[name], 1) for name in slowest}
        figures["memory_mb"] = memory_mb()
        figures["load"] = [round(each, 1) for each in os.getloadavg()]
        print(json.dumps(figures, indent=2))
        window.stop(app)
        store.close()


if __name__ == "__main__":
    main()
