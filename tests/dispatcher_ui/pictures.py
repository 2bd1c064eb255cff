"""Pictures of every page with a day's work in it, to be looked at: in light, in dark and as wide as
a phone, and sheets with many of them side by side.

    python -m tests.dispatcher_ui.pictures FOLDER

plays the demo's day and takes them while the drivers are out and when the day is over. With `--url`
(and `--email`, `--password`) it looks at a company that is running already. `--language de` asks
for it in German, `--rtl` turns the pages as for a language that is written from right to left, and
`--looks` also knows contrast, forced (the colours of the system) and print.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Error, Page, ViewportSize, async_playwright

from server.app.demo.command import EMAIL, PASSWORD
from server.kit.ports import free_port
from tests.dispatcher_ui.conftest import CHROMIUM_FLAGS

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
LOOKS: dict[str, tuple[ViewportSize, dict[str, Any]]] = {
    "light": (WIDE, {}),
    "dark": (WIDE, {"color_scheme": "dark"}),
    "phone": (PHONE, {}),
    "contrast": (WIDE, {"contrast": "more"}),
    "forced": (WIDE, {"forced_colors": "active"}),
    "print": (WIDE, {"media": "print"}),
}
USUAL = ("light", "dark", "phone")
AS_USUAL = {
    "color_scheme": "light",
    "contrast": "no-preference",
    "forced_colors": "none",
    "media": "screen",
}
SPEED = 90
SOME_ARE_DELIVERED = """async () => {
    const delivered = await fetch('/api/consignments?limit=10&state=delivered');
    return (await delivered.json()).items.length === 10;
}"""
LOCALES = {"en": "en-GB", "de": "de-DE", "es": "es-ES"}
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

OUTSIDE = """async () => {
    const me = await (await fetch('/api/me')).json();
    const read = async (path) => (await (await fetch(path)).json()).items;
    const send = async (path, body) => (await fetch(path, {
      method: 'POST', body: JSON.stringify(body),
      headers: {'X-CSRF-Token': me.csrf_token, 'Content-Type': 'application/json'},
    })).json();
    const [one] = [
      ...await read('/api/consignments?limit=1&state=out_for_delivery'),
      ...await read('/api/consignments?limit=1&state=delivered'),
      ...await read('/api/consignments?limit=1'),
    ];
    const {token} = await send(`/api/consignments/${one.id}/tracking-links`, {});
    const [account] = await read('/api/accounts?limit=1');
    const email = `portal.${Date.now()}@postrider.example`;
    const made = await send('/api/people', {
      name: 'Petra Portal', email, role: 'account_user', account_id: account.id,
    });
    const {password} = await send(`/api/people/${made.id}/one-time-password`);
    return {token, account: account.code, email, password};
}"""
"""Makes a customer's link and somebody of an account."""

PORTAL = ("orders", "orders/consignments", "orders/new", "orders/imports", "returns", "billing")
"""Pages that somebody of an account has too."""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="a company that is running")
    parser.add_argument("--email", default=EMAIL)
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--only", nargs="*", help="paths of pages, as orders/new")
    parser.add_argument("--language", choices=("en", "de", "es"), default="en")
    parser.add_argument("--rtl", action="store_true", help="as if written from right to left")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, default=USUAL)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.url:
        async with opened(options.url, options) as album:
            await album.take_console(options.folder, options.only)
            if options.only is None:
                await album.take_outside(options.folder)
    else:
        async with demo_day() as (url, lines):
            await wait_for(lines, "the drivers set out")
            async with opened(url, options) as album:
                await album.page.wait_for_function(SOME_ARE_DELIVERED, timeout=0, polling=1000)
                await album.take_console(options.folder / "on-the-road", ON_THE_ROAD)
                await album.take_outside(options.folder / "on-the-road")
            await wait_for(lines, "the day is over")
            async with opened(url, options) as album:
                await album.take_console(options.folder, options.only)
                await album.take_outside(options.folder)
    for sheet in make_sheets(options.folder, options.looks):
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
async def opened(url: str, options: argparse.Namespace) -> AsyncIterator["Album"]:
    """A browser in which somebody of the office has signed in."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        album = Album(browser, url, options)
        album.page = await album.visit()
        await album.sign_in(album.page, options.email, options.password)
        yield album
        await browser.close()


class Album:
    """Takes pictures of what one browser shows."""

    page: Page

    def __init__(self, browser: Browser, url: str, options: argparse.Namespace) -> None:
        self._browser = browser
        self._url = url
        self._locale = LOCALES[options.language]
        self._is_rtl = options.rtl
        self._looks = options.looks

    async def visit(self, **more: Any) -> Page:
        """A page of a visitor who is not known."""
        context = await self._browser.new_context(
            base_url=self._url, viewport=WIDE, locale=self._locale, **more
        )
        return await context.new_page()

    async def sign_in(self, page: Page, email: str, password: str) -> None:
        await page.goto("/login")
        await page.locator("input[type=email]").fill(email)
        await page.locator("input[type=password]").first.fill(password)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#rooms li, #new-password:not([hidden])")
        if await page.locator("#new-password").is_visible():
            for name in ("new", "again"):
                await page.locator(f"input[name={name}]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_selector("#rooms li")

    async def take_console(self, folder: Path, only: Any = None) -> None:
        paths = list(only if only is not None else ROOMS)
        if only is None:
            for pattern, source in DETAILS:
                found = await self.page.evaluate("path => fetch(path).then(r => r.json())", source)
                items = found["items"] if isinstance(found, dict) else found
                paths += [pattern.format(each["id"]) for each in items[:1]]
        for path in paths:
            await self.take_room(self.page, folder, path)

    async def take_room(self, page: Page, folder: Path, path: str, prefix: str = "") -> None:
        name = re.sub(r"[0-9a-f-]{36}", "one", path) or "live"
        try:
            await page.goto(f"/dispatch/{path}".rstrip("/"), wait_until="networkidle")
            await page.wait_for_function("() => !document.body.hasAttribute('data-asking')")
            await self.take(page, folder, prefix + name)
        except Error as fault:
            print(f"NOT TAKEN: {name}: {fault}")

    async def take_outside(self, folder: Path) -> None:
        """What people see who are not of the office: the door, the customer of a consignment that
        is on its way (or the newest), a shop's visitor, and somebody of an account."""
        found = await self.page.evaluate(OUTSIDE)
        door = await self.visit()
        await door.goto("/login", wait_until="networkidle")
        await self.take(door, folder, "login")
        for kind, javascript in (("", True), ("-plain", False)):
            customer = await self.visit(java_script_enabled=javascript)
            for part in ("", "change", "rating", "return", "proof"):
                await customer.goto(f"/t/{found['token']}/{part}".rstrip("/"))
                await self.take(customer, folder, f"tracking{kind}-{part}".rstrip("-"))
            await customer.goto(f"/embed/{found['account']}")
            await self.take(customer, folder, f"lookup{kind}")
        portal = await self.visit()
        await self.sign_in(portal, found["email"], found["password"])
        for path in PORTAL:
            await self.take_room(portal, folder, path, prefix="portal-")

    async def take(self, page: Page, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for look in self._looks:
            size, wishes = LOOKS[look]
            await page.emulate_media(**AS_USUAL | wishes)
            await page.set_viewport_size(size)
            if self._is_rtl:
                await page.evaluate("document.documentElement.dir = 'rtl'")
            await page.wait_for_timeout(STILL_MS)
            if name == "live":
                await page.wait_for_function("() => postrider.isDrawn()")
            path = folder / f"{name.replace('/', '-')}.{look}.png"
            await page.screenshot(path=path, full_page=look == "print")
        await page.set_viewport_size(WIDE)


def make_sheets(folder: Path, looks: Sequence[str]) -> list[Path]:
    """Many pictures of one look side by side."""
    made = []
    for look in looks:
        pictures = sorted(folder.rglob(f"*.{look}.png"))
        columns = SHEET_COLUMNS * (2 if look == "phone" else 1)
        width = THUMB_WIDTH // (2 if look == "phone" else 1)
        per_sheet = columns * SHEET_ROWS
        for number in range(0, len(pictures), per_sheet):
            thumbs = []
            for path in pictures[number : number + per_sheet]:
                image = Image.open(path).convert("RGB")
                height = min(image.height, image.width * 3) * width // image.width
                thumbs.append(image.resize((width, image.height * width // image.width)))
                thumbs[-1] = thumbs[-1].crop((0, 0, width, height))
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
