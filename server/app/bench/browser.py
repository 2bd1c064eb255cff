"""A real Chromium, and the processor time of the thread that runs a page: what is counted here does
not grow because others use the machine as well."""

import asyncio
import math
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

FLAGS = (
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
BUSY_TIMES, BETWEEN_S = 4, 0.3
BUSY = "() => { const end = performance.now() + 80; while (performance.now() < end); }"


def find_chromium() -> str:
    """The program. Raises SystemExit when there is none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("These figures are taken in Chromium: apt-get install chromium.")
    return chromium


@asynccontextmanager
async def open_chromium() -> AsyncIterator["Browser"]:
    """Raises SystemExit with what is missing."""
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - only here it is needed
    except ImportError:
        raise SystemExit("These figures need playwright: it comes with `postrider test`.") from None
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=flags)
        try:
            yield browser
        finally:
            await browser.close()


class MainThread:
    """The thread of one page: what it has used of the processor."""

    def __init__(self, stat: Path, session: "CDPSession") -> None:
        self._stat = stat
        self._session = session

    @classmethod
    async def of(cls, page: "Page") -> "MainThread":
        """Found by making it busy, now and again: the process that always worked most meanwhile is
        the page's. Others work for a while, too, such as one that Chromium starts in advance."""
        assert page.context.browser is not None
        browser = await page.context.browser.new_browser_cdp_session()
        found: dict[str, Any] = await browser.send("SystemInfo.getProcessInfo")
        await browser.detach()
        renderers = [each["id"] for each in found["processInfo"] if each["type"] == "renderer"]
        # A process's first thread has its number; pages run on that of their renderer.
        stats = [Path(f"/proc/{each}/task/{each}/schedstat") for each in renderers]
        least_ms = dict.fromkeys(stats, math.inf)
        for _ in range(BUSY_TIMES):
            before_ms = {stat: _cpu_ms(stat) for stat in stats}
            await page.evaluate(BUSY)
            least_ms = {
                stat: min(ms, _cpu_ms(stat) - before_ms[stat]) for stat, ms in least_ms.items()
            }
            await asyncio.sleep(BETWEEN_S)
        stat = max(least_ms, key=least_ms.__getitem__)
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable")
        return cls(stat, session)

    @property
    def cpu_ms(self) -> float:
        """Since it began."""
        return _cpu_ms(self._stat)

    async def heap_bytes(self) -> float:
        """What its JavaScript holds on to."""
        await self._session.send("HeapProfiler.collectGarbage")
        return (await self._metrics())["JSHeapUsedSize"]

    async def things(self) -> str:
        """What else may grow, in words: the process with all that is drawn, and the document."""
        told = await self._metrics()
        nodes, listeners = told["Nodes"], told["JSEventListeners"]
        status = (self._stat.parents[2] / "status").read_text()
        resident_kb = int(status.partition("VmRSS:")[2].split()[0])
        return f"process {resident_kb / 1000:.0f} MB, {nodes:.0f} nodes, {listeners:.0f} listeners"

    async def _metrics(self) -> dict[str, float]:
        told: dict[str, Any] = await self._session.send("Performance.getMetrics")
        return {each["name"]: float(each["value"]) for each in told["metrics"]}


def _cpu_ms(stat: Path) -> float:
    return int(stat.read_text().split()[0]) / 1e6
