"""Every page of the console, found by its own links, in every look and on a phone."""

import asyncio
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Page, ViewportSize, expect

from server.identity.access import Role

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
LOOKERS = 2
LINKS = """place => [...document.querySelectorAll(`${place} a[href^="/dispatch"]`)]
    .map(link => new URL(link.href).pathname)"""


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
    found: list[str] = []
    for room in await page.evaluate(LINKS, "#rooms"):
        await go(page, room)
        tabs = await page.evaluate(LINKS, "nav.tabs")
        found += [path for path in (room, *tabs) if path not in found]
    return found


async def faults_of(page: Page, path: str, find_faults: Any, picture: Any) -> list[Any]:
    """In each look, and on a phone. What all rooms have in common is looked at with the map."""
    await go(page, path)
    await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    within = "html" if path == "/dispatch" else "#room"
    faults = [(path, "light", each) for each in await find_faults(page, within=within)]
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
    return faults


async def test_every_page_is_accessible_in_every_look_and_fits_a_phone(
    visit: Any, company: Any, accessibility_faults: Any, picture: Any
) -> None:
    pages = [await visit("/dispatch", role=Role.ADMIN, viewport=WIDE) for _ in range(LOOKERS)]
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
