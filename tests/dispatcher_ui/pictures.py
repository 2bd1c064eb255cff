"""Pictures of every page with a day's work in it, to be looked at: in light, in dark and as wide as
a phone, and sheets with many of them side by side.

    python -m tests.dispatcher_ui.pictures FOLDER

plays the demo's day and takes them while the drivers are out and when the day is over. With `--url`
(and `--email`, `--password`) it looks at a company that is running already.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import BrowserContext, Error, Page, ViewportSize, async_playwright

from server.app.demo.command import EMAIL, PASSWORD
from server.kit.ports import free_port
from tests.dispatcher_ui.conftest import CHROMIUM_FLAGS

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
LOOKS = (("light", WIDE), ("dark", WIDE), ("light", PHONE))
SPEED = 90
HALF_A_DAY_S = 30
STILL_MS = 200
"""For what moves into its place."""
SHEET_COLUMNS, SHEET_ROWS = 3, 3
THUMB_WIDTH = 640

ON_THE_ROAD = ("", "exceptions", "plan", "day")
ROOMS = (
    *ON_THE_ROAD,
    "orders",
    "orders/consignments",
    "orders/new",
    "orders/standing",
    "orders/imports",
    "orders/places",
    "returns",
    "returns/differences",
    "returns/exchanges",
    "warehouse",
    "warehouse/scan",
    "warehouse/pick",
    "warehouse/pack",
    "warehouse/receive",
    "warehouse/count",
    "warehouse/put-back",
    "warehouse/gate",
    "warehouse/waves",
    "warehouse/packing",
    "warehouse/low",
    "warehouse/shortages",
    "warehouse/purchases",
    "warehouse/containers",
    "warehouse/handovers",
    "warehouse/moves",
    "warehouse/skus",
    "warehouse/locations",
    "billing",
    "billing/invoices",
    "billing/payments",
    "billing/charges",
    "billing/tariffs",
    "billing/ageing",
    "billing/accounts",
    "billing/unpriced",
    "billing/cash",
    "billing/paid-out",
    "billing/pay",
    "billing/exports",
    "people",
    "people/vehicles",
    "people/shifts",
    "people/phones",
    "people/depots",
    "people/geofences",
    "people/staff",
    "reports",
    "company",
    "company/vat",
    "company/services",
    "company/rules",
    "company/blocked",
    "company/reasons",
    "company/cartons",
    "company/points",
    "company/columns",
    "keys",
    "keys/audit",
)
"""Every page of an administrator that shows no single thing."""

DETAILS = (
    ("orders/{}", "/api/orders?limit=1"),
    ("orders/consignments/{}", "/api/consignments?limit=1"),
    ("plan/runs/{}", "/api/runs?limit=1"),
    ("warehouse/load/{}", "/api/runs?limit=1"),
    ("warehouse/skus/{}", "/api/skus?limit=1"),
    ("warehouse/pick/{}", "/api/pick-waves?limit=1"),
    ("warehouse/pack/{}", "/api/fulfilments?limit=1"),
    ("returns/{}", "/api/returns?limit=1"),
    ("billing/invoices/{}", "/api/invoices?limit=1"),
    ("billing/accounts/{}", "/api/accounts?limit=1"),
    ("people/drivers/{}", "/api/drivers"),
)
"""Pages of one thing, and where the first one is found."""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="a company that is running")
    parser.add_argument("--email", default=EMAIL)
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--only", nargs="*", help="paths of pages, as orders/new")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.url:
        async with signed_in(options.url, options.email, options.password) as page:
            await take_all(page, options.folder, options.only)
            if options.only is None:
                await take_tracking(page, options.folder)
    else:
        async with demo_day() as (url, lines):
            await wait_for(lines, "the drivers set out")
            await asyncio.sleep(HALF_A_DAY_S)
            async with signed_in(url, EMAIL, PASSWORD) as page:
                await take_all(page, options.folder / "on-the-road", ON_THE_ROAD)
                await take_tracking(page, options.folder / "on-the-road")
            await wait_for(lines, "the day is over")
            async with signed_in(url, EMAIL, PASSWORD) as page:
                await take_all(page, options.folder, options.only)
                await take_tracking(page, options.folder)
    for sheet in make_sheets(options.folder):
        print(sheet)


@asynccontextmanager
async def demo_day() -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """The demo's day, fast; where it is shown, and what it says."""
    port = free_port()
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "demo", "--speed", str(SPEED), "--port", str(port),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert demo.stdout is not None
    try:
        yield f"http://127.0.0.1:{port}", demo.stdout
    finally:
        if demo.returncode is None:
            demo.terminate()
            await demo.wait()


async def wait_for(lines: asyncio.StreamReader, words: str) -> None:
    while line := (await lines.readline()).decode():
        print(line, end="", flush=True)
        if words in line:
            return
    raise SystemExit(f"the demo ended before it said: {words}")


@asynccontextmanager
async def signed_in(url: str, email: str, password: str) -> AsyncIterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        context: BrowserContext = await browser.new_context(base_url=url, viewport=WIDE)
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("Email").fill(email)
        await page.get_by_label("Password", exact=True).fill(password)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/dispatch")
        yield page
        await browser.close()


async def take_all(page: Page, folder: Path, only: Any = None) -> None:
    paths = list(only if only is not None else ROOMS)
    if only is None:
        for pattern, source in DETAILS:
            found = await page.evaluate("path => fetch(path).then(r => r.json())", source)
            items = found["items"] if isinstance(found, dict) else found
            paths += [pattern.format(each["id"]) for each in items[:1]]
    for path in paths:
        name = re.sub(r"[0-9a-f-]{36}", "one", path) or "live"
        try:
            await page.goto(f"/dispatch/{path}".rstrip("/"), wait_until="networkidle")
            await page.wait_for_function("() => !document.body.hasAttribute('data-asking')")
            await take(page, folder, name)
        except Error as fault:
            print(f"NOT TAKEN: {name}: {fault}")


async def take_tracking(page: Page, folder: Path) -> None:
    """The customer's pages of a consignment that is on its way, or of the newest one."""
    link = await page.evaluate(
        """async () => {
          const me = await (await fetch('/api/me')).json();
          const read = async (path) => (await (await fetch(path)).json()).items;
          const [one] = [
            ...await read('/api/consignments?limit=1&state=out_for_delivery'),
            ...await read('/api/consignments?limit=1&state=delivered'),
            ...await read('/api/consignments?limit=1'),
          ];
          const made = await fetch(`/api/consignments/${one.id}/tracking-links`, {
            method: 'POST', body: '{}',
            headers: {'X-CSRF-Token': me.csrf_token, 'Content-Type': 'application/json'},
          });
          return (await made.json()).token;
        }"""
    )
    for path, name in (
        ("", ""),
        ("/change", "-change"),
        ("/rating", "-rating"),
        ("/return", "-return"),
    ):
        await page.goto(f"/t/{link}{path}")
        await take(page, folder, f"tracking{name}")


async def take(page: Page, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for scheme, size in LOOKS:
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.set_viewport_size(size)
        await page.wait_for_timeout(STILL_MS)
        if name == "live":
            await page.wait_for_function("() => postrider.isDrawn()")
        look = "phone" if size is PHONE else scheme
        await page.screenshot(path=folder / f"{name.replace('/', '-')}.{look}.png")
    await page.set_viewport_size(WIDE)


def make_sheets(folder: Path) -> list[Path]:
    """Many pictures of one look side by side."""
    made = []
    for look in ("light", "dark", "phone"):
        pictures = sorted(folder.rglob(f"*.{look}.png"))
        columns = SHEET_COLUMNS * (2 if look == "phone" else 1)
        width = THUMB_WIDTH // (2 if look == "phone" else 1)
        per_sheet = columns * SHEET_ROWS
        for number in range(0, len(pictures), per_sheet):
            thumbs = []
            for path in pictures[number : number + per_sheet]:
                image = Image.open(path).convert("RGB")
                thumbs.append(image.resize((width, image.height * width // image.width)))
            height = max(each.height for each in thumbs)
            sheet = Image.new("RGB", (columns * width, SHEET_ROWS * height), "grey")
            for index, each in enumerate(thumbs):
                sheet.paste(each, (index % columns * width, index // columns * height))
            path = folder / f"sheet-{look}-{number // per_sheet + 1:02d}.png"
            sheet.save(path)
            made.append(path)
    return made


if __name__ == "__main__":
    asyncio.run(main())
