"""What the console and the tracking page cost the machine of who looks at them: in a real Chromium,
against the real server, with a company that fills the screen (see crowd).

Processor time is that of the page's main thread. Times that a person waits are by the wall, so they
grow on a busy machine; the load stands in the conditions.
"""

import asyncio
import gzip
import math
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.app.bench.browser import MainThread, open_chromium
from server.app.bench.conditions import conditions_now
from server.app.bench.console_figures import ConsoleFigures, Figure
from server.app.bench.console_house import (
    ORDERS,
    RUNS,
    WIDE,
    House,
    open_house,
    open_page,
)
from server.app.bench.console_live import measure_live_map
from server.app.bench.crowd import STOPS_PER_RUN
from server.app.bench.lighthouse import judge_page
from server.app.bench.methods import built_methods
from server.app.bench.options import CONSOLE_PARTS
from server.app.pages import build_pages
from server.live.pages import BUILT

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

DEVICES = 2_000
PHONE: Any = {"width": 390, "height": 844}
DRAG_STEPS = 120
COMPARED_S = 10.0
SLOW: Any = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 400_000 / 8,
    "uploadThroughput": 400_000 / 8,
}
"""400 kbit/s."""
SLOWER_CPU = 4

IS_DRAWN = """new Promise((drawn) =>
    requestAnimationFrame(() => setTimeout(() => drawn(performance.now() / 1000))))"""
"""Seconds until what is there now has been drawn."""

Say = Callable[[str], None]


async def measure_console(*, only: Sequence[str], minutes: float, say: Say) -> ConsoleFigures:
    """only: of CONSOLE_PARTS; none means all. minutes: of watching the live map's memory."""
    build_pages(say)
    figures = [_shell()]
    wanted = only or CONSOLE_PARTS
    with tempfile.TemporaryDirectory(prefix="postrider-console-") as folder:
        async with open_chromium() as browser, open_house(Path(folder), browser, say) as house:
            if "live" in wanted:
                figures += await measure_live_map(house, minutes * 60, say)
            if "orders" in wanted:
                figures += await _orders(house, say)
            if "board" in wanted:
                figures += await _board(house, say)
            if "tracking" in wanted:
                figures += await _tracking(house, say)
            if "lighthouse" in wanted:
                figures += await _lighthouse(house, say)
            if "methods" in wanted:
                figures += await _methods(browser, Path(folder), say)
    return ConsoleFigures(conditions=conditions_now(), figures=figures)


def _shell() -> Figure:
    """What the first page loads by its own tags."""
    text = (BUILT / "index.html").read_text()
    names = re.findall(r'(?:src|href)="/dispatch/assets/([^"]+\.js)"', text)
    size = sum(len(gzip.compress((BUILT / "assets" / name).read_bytes())) for name in names)
    return Figure(what="shell: own JavaScript, gzipped", found=size / 1000, wanted=60, unit="kB")


async def _orders(house: House, say: Say) -> list[Figure]:
    """Sorting and filtering by what a person does: CPU from the click to the drawn rows."""
    say(f"{ORDERS:,} orders ...")
    page = await open_page(house)
    await page.goto("/dispatch/orders")
    await page.wait_for_selector(".grid tbody tr[data-index]")
    thread = await MainThread.of(page)
    rows = "Number(document.querySelector('.grid table').getAttribute('aria-rowcount'))"
    await page.get_by_role("button", name="Consignee", exact=True).click()
    await page.wait_for_function(f"() => {rows} > {ORDERS}")
    await _is_idle(page, thread)
    sorts = []
    for title in ("Number", "State", "Taken", "Consignee", "Number", "Reference"):
        button = page.get_by_role("columnheader").get_by_role("button", name=title, exact=True)
        x, y = await _middle_of(button)
        sorts.append(await _cpu_of(page, thread, partial(page.mouse.click, x, y)))
    filters = []
    box = page.get_by_role("searchbox").first
    for text in ("Ada", "Ada B", "O-0123", ""):
        await box.select_text()
        act = (
            partial(page.keyboard.insert_text, text)
            if text
            else partial(page.keyboard.press, "Delete")
        )
        filters.append(await _cpu_of(page, thread, act))
    say(f"sorts {_listed(sorts)} ms, filters {_listed(filters)} ms")
    await page.context.close()
    return [
        Figure(what=f"{ORDERS:,} orders: sort, slowest", found=max(sorts), wanted=50, unit="ms"),
        Figure(
            what=f"{ORDERS:,} orders: filter, slowest", found=max(filters), wanted=50, unit="ms"
        ),
    ]


async def _middle_of(locator: "Locator") -> tuple[float, float]:
    """Where to press: looking for a thing by its name costs the page more than the press."""
    box = await locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{each:.1f}" for each in values)


async def _is_quiet(page: "Page") -> None:
    """Nothing more is asked for, and what has come is drawn."""
    await page.wait_for_function("() => !document.body.hasAttribute('data-asking')")
    await page.evaluate(
        "new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 300)))"
    )


async def _is_idle(page: "Page", thread: MainThread) -> None:
    """The page has nothing more to prepare."""
    await _is_quiet(page)
    while True:
        before = thread.cpu_ms
        await asyncio.sleep(1.5)
        if thread.cpu_ms - before < 20:
            return


async def _cpu_of(page: "Page", thread: MainThread, act: Callable[[], Awaitable[None]]) -> float:
    """CPU ms of the main thread until it has nothing more to do; what looking costs is in it."""
    before = thread.cpu_ms
    await act()
    await _is_quiet(page)
    return thread.cpu_ms - before


async def _board(house: House, say: Say) -> list[Figure]:
    """A stop is dragged over the plan, step by step; the board is also scrolled."""
    say(f"plan board: {RUNS} runs, {RUNS * STOPS_PER_RUN:,} stops ...")
    page = await open_page(house)
    await page.goto(f"/dispatch/plan?day={house.crowd.tomorrow:%Y-%m-%d}")
    await page.wait_for_selector(".block")
    await _is_quiet(page)
    thread = await MainThread.of(page)
    box = await page.locator(".board").bounding_box()
    start = await page.locator(".block").nth(3).bounding_box()
    assert box is not None and start is not None
    await page.mouse.move(start["x"] + 6, start["y"] + 6)
    await page.mouse.down()
    await page.mouse.move(start["x"] + 30, start["y"] + 8, steps=4)
    steps = []
    for number in range(DRAG_STEPS):
        turn = number / DRAG_STEPS * 2 * math.pi
        x = box["x"] + box["width"] * (0.55 + 0.35 * math.sin(3 * turn))
        y = box["y"] + min(box["height"], 500) * (0.5 - 0.4 * math.cos(2 * turn))
        before = thread.cpu_ms
        await page.mouse.move(x, y)
        await page.evaluate("new Promise(requestAnimationFrame)")
        steps.append(thread.cpu_ms - before)
    is_aimed = await page.evaluate("() => document.querySelector('.lane .aim') !== null")
    await page.mouse.up()
    if not is_aimed:
        raise SystemExit("The board did not notice that a stop was dragged over it.")
    shown = await page.locator(".block").count()
    await page.context.close()
    steps.sort()
    return [
        Figure(
            what=f"plan board, {RUNS} runs, {RUNS * STOPS_PER_RUN:,} stops: drag, p95",
            found=steps[int(len(steps) * 0.95)],
            wanted=20,
            unit="ms",
        ),
        Figure(what="plan board: blocks in the document", found=shown, wanted=600, unit=""),
    ]


async def _tracking(house: House, say: Say) -> list[Figure]:
    """A customer with a cheap phone and little network."""
    say("tracking page ...")
    page = await open_page(house, viewport=PHONE)
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", SLOW)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_CPU})
    received = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", count)
    await page.goto(house.tracking_path, wait_until="load")
    await page.wait_for_selector("figure svg path")
    shown_s = await page.evaluate(IS_DRAWN)
    answered_s = await page.evaluate(
        "performance.getEntriesByType('navigation')[0].responseStart / 1000"
    )
    say(f"tracking page: the first byte came after {answered_s:.2f} s")
    await page.context.close()
    return [
        Figure(
            what="tracking page: all that is loaded", found=received / 1000, wanted=15, unit="kB"
        ),
        Figure(
            what="tracking page: map seen at 400 kbit/s, CPU 4x slower",
            found=shown_s,
            wanted=1.5,
            unit="s",
        ),
    ]


async def _lighthouse(house: House, say: Say) -> list[Figure]:
    say("tracking page by Lighthouse ...")
    judgement = await judge_page(house.base_url + house.tracking_path, say)
    for reason in judgement.lost:
        say(reason)
    return [
        Figure(what=f"Lighthouse: {name}", found=score, wanted=100, unit="", is_floor=True)
        for name, score in judgement.scores.items()
    ]


async def _methods(browser: "Browser", folder: Path, say: Say) -> list[Figure]:
    """The same devices shown by our method and by that of Traccar's web client, in one run."""
    say(f"{DEVICES:,} devices by two methods ...")
    used: dict[str, float] = {}
    with built_methods(folder / "methods", say) as url:
        for method in ("theirs", "ours"):
            page = await browser.new_page(viewport=WIDE)
            await page.goto(url)
            await page.wait_for_function("() => window.start")
            thread = await MainThread.of(page)
            await page.evaluate("([method, count]) => start(method, count)", [method, DEVICES])
            await asyncio.sleep(3)
            told, drawn = await page.evaluate("[updates(), pictures()]")
            before = thread.cpu_ms
            await asyncio.sleep(COMPARED_S)
            cpu_ms = thread.cpu_ms - before
            now_told, now_drawn = await page.evaluate("[updates(), pictures()]")
            if now_drawn - drawn < 0.8 * (now_told - told):
                raise SystemExit(f"{method}: not every update was drawn, so nothing can be said.")
            used[method] = cpu_ms / (now_told - told)
            await page.close()
    say(f"theirs {used['theirs']:.2f} ms, ours {used['ours']:.2f} ms for each update")
    return [
        Figure(
            what=f"{DEVICES:,} devices: Traccar's method, times our CPU",
            found=used["theirs"] / used["ours"],
            wanted=10,
            unit="x",
            is_floor=True,
        )
    ]
