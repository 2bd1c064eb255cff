"""Every page of the console, found by its own links, in every look and on a phone."""

import asyncio
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Page, ViewportSize, expect

from server.identity.access import Role
from server.kit.relay import relay_pending

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
LOOKERS = 2
LINKS = """place => [...document.querySelectorAll(`${place} a[href^="/dispatch"]`)]
    .map(link => new URL(link.href).pathname)"""

NOTE_LISTENERS = """
window.pressed = new WeakSet();
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (type, ...more) {
    if (/^(click|dblclick|mousedown|pointerdown|dragstart)$/.test(type)) pressed.add(this);
    return listen.call(this, type, ...more);
};
"""
FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]"
ONLY_BY_MOUSE = """focusable => [...document.querySelectorAll("body *")]
    .filter(each => (pressed.has(each) || each.onclick) && !each.matches(focusable))
    .filter(each => !each.closest(".maplibregl-map"))
    .map(each => each.outerHTML.slice(0, 120))"""
"""What a map shows, a list or table beside it shows as well."""

TABBABLE = """() => {
    const found = [...document.querySelectorAll(
        "a[href], button:not(:disabled), input, select, textarea, summary, [tabindex='0']",
    )].filter(each => each.checkVisibility() && each.tabIndex >= 0);
    window.unseen = new Set(found);
    return found.length;
}"""
SEE = "unseen.delete(document.activeElement)"


async def settle(page: Page) -> None:
    """Wait until what the page asks for at first has come."""
    await page.wait_for_function(
        """() => document.querySelector('#rooms a[aria-current=page]')
        && document.querySelector('#room').ariaBusy !== 'true'
        && !document.body.hasAttribute('data-asking')"""
    )


async def go(page: Page, path: str) -> None:
    """To another page, as by a link: the document itself stays."""
    await page.evaluate(
        "url => { history.pushState(null, '', url); dispatchEvent(new PopStateEvent('popstate')) }",
        path,
    )
    await settle(page)


async def find_pages(page: Page) -> list[str]:
    """All to which the menu and the tabs of the rooms lead."""
    found: dict[str, None] = {}
    for room in await page.evaluate(LINKS, "#rooms"):
        await go(page, room)
        found |= dict.fromkeys([room, *await page.evaluate(LINKS, "nav.tabs")])
    return list(found)


async def faults_of(page: Page, path: str, find_faults: Any, picture: Any) -> list[Any]:
    """Of a page in each look, and of what its first row opens. What all have in common is looked
    at with the map."""
    await go(page, path)
    within = "html" if path == "/dispatch" else "#room"
    faults = await faults_now(page, path, within, find_faults)
    for theme in ("dark", "contrast"):
        await page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found = await find_faults(page, only_colours=True, within=within)
        faults += [(path, theme, each) for each in found]
    await page.evaluate("document.documentElement.dataset.theme = 'light'")
    await page.set_viewport_size(PHONE)
    await picture(page)
    width = await page.evaluate("document.documentElement.scrollWidth")
    faults += [(path, "wider than a phone", width)] if width > PHONE["width"] else []
    await page.set_viewport_size(WIDE)
    row = page.locator("#room tr.opens").first
    if await row.count():
        await row.press("Enter")
        await settle(page)
        dialog = await page.locator("dialog[open]").count()
        what = f"{path}: {await page.evaluate('location.pathname')}{' dialog' * dialog}"
        faults += await faults_now(page, what, "dialog[open]" if dialog else "#room", find_faults)
        for _ in range(dialog):
            await page.keyboard.press("Escape")
    return faults


async def faults_now(page: Page, what: str, within: str, find_faults: Any) -> list[Any]:
    await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    only_by_mouse = await page.evaluate(ONLY_BY_MOUSE, FOCUSABLE)
    faults: list[Any] = [(what, "only by mouse", each) for each in only_by_mouse]
    is_wild = await page.evaluate("'wild' in window || document.querySelector('[data-wild]')")
    faults += [(what, "words are taken for a part of the page")] if is_wild else []
    return faults + [(what, "light", each) for each in await find_faults(page, within=within)]


WILD = "<img src='/gone' data-wild onerror='window.wild = 1'>\"'>"
"""As a shop, a driver or a stranger might be called who wants the page to do something."""


async def fill_with_wild_words(company: Any) -> None:
    """One of each kind of thing, with such words wherever words are taken."""
    where = {"name": WILD, "address": {"line": f"{WILD} 1, Maravik"}}
    tariff = {"name": WILD, "currency": "EUR", "valid_from": "2026-01-01T00:00:00Z"}
    lon, lat = company.door(0)
    circle = {"name": WILD, "lon": lon, "lat": lat, "radius_m": 300, "rule": "stay_out"}
    async with company.desk() as desk:
        await desk.post("/api/accounts", {"name": WILD, "code": "WILD"})
        await desk.post("/api/tariffs", tariff | {"rules": {"flat": {"minor": 500}, "note": WILD}})
        await desk.post("/api/geofences", circle | {"depot_id": str(company.depot_id)})
        await desk.post("/api/places", {"street": WILD, "city": WILD, "access_note": WILD})
        person = {"name": WILD, "email": "wild@example.org", "role": "clerk"}
        await desk.post("/api/people", person)
        driver_id = company.drivers["Nora Frei"]
        await desk.post(f"/api/drivers/{driver_id}/messages", {"text": WILD})
        await desk.post(
            "/api/orders",
            {
                "account": "WILD",
                "kind": "courier",
                "consignor": where,
                "consignee": where,
                "parcels": [{"weight_g": 500, "description": WILD}],
                "window_start_at": "2026-03-02T10:00:00Z",
                "window_end_at": "2026-03-02T12:00:00Z",
                "instructions": WILD,
                "reference": WILD,
                "cost_centre": WILD,
            },
            key="wild",
        )
    await relay_pending(company.db)


async def test_every_page_is_accessible_in_every_look_and_fits_a_phone(
    visit: Any, company: Any, accessibility_faults: Any, picture: Any
) -> None:
    await fill_with_wild_words(company)
    pages = [await visit("about:blank", role=Role.ADMIN, viewport=WIDE) for _ in range(LOOKERS)]
    for page in pages:
        await page.add_init_script(NOTE_LISTENERS)
        await page.goto("/dispatch")
    await settle(pages[0])
    paths = await find_pages(pages[0])
    print(paths)
    assert len(paths) > 30, "the menu and the tabs lead to all pages"
    await settle(pages[1])

    async def look(page: Page, share: Sequence[str]) -> list[Any]:
        return [
            fault
            for path in share
            for fault in await faults_of(page, path, accessibility_faults, picture)
        ]

    shares = [paths[number::LOOKERS] for number in range(LOOKERS)]
    faults = await asyncio.gather(*map(look, pages, shares))
    assert [each for found in faults for each in found] == []


async def test_tab_leads_to_every_control(visit: Any, company: Any) -> None:
    page = await visit("/dispatch/people", role=Role.ADMIN, viewport=WIDE)
    await settle(page)
    await expect(page.get_by_role("cell", name="Wei Lin")).to_be_visible()
    controls = await page.evaluate(TABBABLE)
    assert controls > 20
    for _ in range(controls + 5):
        await page.keyboard.press("Tab")
        await page.evaluate(SEE)
    assert await page.evaluate("[...unseen].map(each => each.outerHTML)") == []
