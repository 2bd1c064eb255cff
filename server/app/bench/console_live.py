"""The live map while ten thousand drivers move: how soon it is there, what an update costs the
page, and whether its memory grows."""

import asyncio
import time
from collections.abc import Callable
from statistics import linear_regression
from typing import TYPE_CHECKING

from server.app.bench.browser import MainThread
from server.app.bench.console_figures import Figure
from server.app.bench.console_house import DRIVERS, House, open_page
from server.live.news import POSITIONS_CHANNEL

if TYPE_CHECKING:
    from playwright.async_api import Page, Request

EVERY_S = 0.5
WARM_S, UPDATES_S = 5.0, 12.0
HEAPS_MIN = 6
"""Fewer make no line."""

COUNT_FRAMES = """
window.frames_of_moves = 0;
window.WebSocket = class extends WebSocket {
    constructor(...all) {
        super(...all);
        this.addEventListener("message", () => performance.mark("first frame"), { once: true });
        this.addEventListener("message", ({ data }) => {
            frames_of_moves += typeof data !== "string";
        });
    }
};
"""
IS_USEFUL = "() => document.querySelector('button.run') && window.postrider?.isUseful()"

CAME = """() => ["resource", "mark"].flatMap((kind) => performance.getEntriesByType(kind))
    .map((each) => `${each.name.replace(/.*[/]/, "")} ${(each.responseEnd ?? each.startTime) | 0}`)
    .join(", ")"""
"""When what the page asked for had come, in ms."""

Say = Callable[[str], None]


async def measure_live_map(house: House, seconds: float, say: Say) -> list[Figure]:
    """Everybody moves twice a second, seen from afar and from near. One browser looks at a time, as
    on a dispatcher's machine."""
    say("first view ...")
    page = await open_page(house)
    cold_s = await _first_view(page, say)
    await page.context.close()
    page = await open_page(house)
    first_s = await _first_view(page, say)
    thread = await MainThread.of(page)
    await _drive(house, WARM_S)
    say(f"{DRIVERS:,} drivers ...")
    far_ms, far_seen = await _cpu_of_updates(house, page, thread)
    growth = await _growth(house, thread, seconds, say)
    await page.locator("button.run").first.click()
    await asyncio.sleep(2)
    near_ms, near_seen = await _cpu_of_updates(house, page, thread)
    await page.context.close()
    name = f"live, {DRIVERS:,} drivers at 2 Hz"
    seen = min(far_seen, near_seen)
    return [
        Figure(what="live: first useful view", found=first_s, wanted=2, unit="s"),
        Figure(what="live: the same where nobody looked before", found=cold_s, wanted=2, unit="s"),
        Figure(what=f"{name}: CPU of an update", found=far_ms, wanted=30, unit="ms"),
        Figure(what=f"{name}: zoomed in, gliding", found=near_ms, wanted=30, unit="ms"),
        Figure(what=f"{name}: updates seen", found=seen * 100, wanted=80, unit="%", is_floor=True),
        Figure(
            what=f"{name}: memory, growth in {seconds / 60:.1f} min",
            found=growth * 100,
            wanted=5,
            unit="%",
        ),
    ]


async def _first_view(page: "Page", say: Say) -> float:
    """Seconds until the list has rows and the map streets and drivers."""
    await page.add_init_script(COUNT_FRAMES)
    tiles_s: list[float] = []

    def note(request: "Request") -> None:
        if "/tiles/" in request.url:
            tiles_s.append(time.monotonic())

    page.on("requestfinished", note)
    began_s = time.monotonic()
    await page.goto("/dispatch")
    await page.wait_for_function(IS_USEFUL, polling=20)
    shown_s = float(await page.evaluate("performance.now()")) / 1000
    tiles = " ".join(f"{(each - began_s) * 1000:.0f}" for each in tiles_s)
    say(f"shown after {shown_s:.2f} s; {await page.evaluate(CAME)}; tiles {tiles}")
    return shown_s


async def _drive(house: House, seconds: float) -> int:
    """Tell of everybody's move twice a second; how often."""
    told, end = 0, time.monotonic() + seconds
    while (due := time.monotonic()) < end:
        await house.feed.publish(POSITIONS_CHANNEL, house.crowd.drive_on(EVERY_S))
        told += 1
        await asyncio.sleep(max(0, due + EVERY_S - time.monotonic()))
    return told


async def _cpu_of_updates(house: House, page: "Page", thread: MainThread) -> tuple[float, float]:
    """(CPU ms of the main thread for each update that it saw, all that it did besides included;
    which part of them it saw: on a busy machine a page is told less often, of more at once)."""
    seen, before = await page.evaluate("frames_of_moves"), thread.cpu_ms
    told = await _drive(house, UPDATES_S)
    used = thread.cpu_ms - before
    seen = await page.evaluate("frames_of_moves") - seen
    if seen == 0:
        raise SystemExit(f"The page saw none of {told} updates: nothing can be said of it.")
    return used / seen, seen / told


async def _growth(house: House, thread: MainThread, seconds: float, say: Say) -> float:
    """By how much its memory grows in that time, of what it was: by the line through what it held
    every minute, after its garbage was collected."""
    say(f"memory, for {seconds / 60:.1f} min ...")
    spans = max(HEAPS_MIN, round(seconds / 60))
    heaps_bytes = [await thread.heap_bytes()]
    for number in range(1, spans + 1):
        await _drive(house, seconds / spans)
        heaps_bytes.append(await thread.heap_bytes())
        minutes = number * seconds / spans / 60
        say(f"{minutes:5.1f} min: heap {heaps_bytes[-1] / 1e6:.2f} MB, {await thread.things()}")
    slope, first = linear_regression(range(len(heaps_bytes)), heaps_bytes)
    return slope * spans / first
