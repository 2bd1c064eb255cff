"""The public tracking page in a real browser, with and without JavaScript."""

from contextlib import suppress
from typing import Any

from playwright.async_api import Error, Page, ViewportSize, expect

from server.kit.geo import Position

PHONE = ViewportSize(width=390, height=844)
NAME = "Nora Frei"


async def next_link(company: Any) -> tuple[Any, str]:
    """The next parcel of a driver, and a link to it."""
    task = (await company.tasks(company.drivers[NAME]))[0]
    consignment = await company.consignment_of(task)
    return task, await company.tracking_link(consignment.id)


async def look(page: Page) -> None:
    """Let the page ask now, as it does whenever somebody comes back to it. One that has just heard
    that it must load itself again asks anyway."""
    with suppress(Error):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def test_page_follows_the_parcel_to_the_door(visit: Any, company: Any) -> None:
    driver_id = company.drivers[NAME]
    task, token = await next_link(company)
    page: Page = await visit(f"/t/{token}", viewport=PHONE)
    await expect(page.locator("#when")).to_be_visible()
    await expect(page.locator("svg")).to_be_visible()
    await expect(page.locator("#courier")).to_have_count(0)

    await company.start(driver_id, task)
    await company.drive_to(driver_id, company.door(0))
    await look(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are next")
    await expect(page.locator("#courier")).to_be_visible()
    before = await page.locator("#courier").get_attribute("transform")
    home = company.door(0)
    await company.drive_to(driver_id, Position(home.lon + 0.003, home.lat + 0.002))
    await look(page)
    await expect(page.locator("#courier")).not_to_have_attribute("transform", before or "")

    await company.deliver(driver_id, task)
    await look(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your parcel has been delivered"
    )
    await expect(page.locator("svg")).to_have_count(0)


async def test_page_works_without_javascript(visit: Any, company: Any) -> None:
    _, token = await next_link(company)
    page: Page = await visit(f"/t/{token}", viewport=PHONE, java_script_enabled=False)
    await expect(page.locator("#when")).to_be_visible()
    assert await page.locator("meta[http-equiv=refresh]").count() == 1


async def test_page_says_when_it_is_out_of_date(visit: Any, company: Any) -> None:
    _, token = await next_link(company)
    page: Page = await visit(f"/t/{token}", viewport=PHONE)
    await page.context.set_offline(True)
    await look(page)
    await expect(page.get_by_role("alert")).to_contain_text("out of date")
    await page.context.set_offline(False)
    await look(page)
    await expect(page.get_by_role("alert")).to_be_hidden()


async def test_page_is_accessible_in_light_and_dark(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    _, token = await next_link(company)
    for scheme in ("light", "dark"):
        for path in (f"/t/{token}", "/t/never-was"):
            page = await visit(path, viewport=PHONE, color_scheme=scheme)
            assert await accessibility_faults(page) == [], (scheme, path)


async def test_link_that_ends_while_somebody_looks_shows_the_page_of_ended_links(
    visit: Any, company: Any
) -> None:
    task, token = await next_link(company)
    page: Page = await visit(f"/t/{token}", viewport=PHONE)
    consignment = await company.consignment_of(task)
    await company.end_links(consignment.id)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "This link is not valid (any more)",
    )


async def test_page_keeps_current_by_each_way_that_the_network_lets_through(
    visit: Any, company: Any
) -> None:
    """By socket; without sockets by server-sent events; without these by asking."""
    _, token = await next_link(company)
    blocked = ("delete window.WebSocket;", "delete window.EventSource;")
    for number, wanted in enumerate(("/ws/t/", "/events", "/status")):
        page: Page = await visit("/login", viewport=PHONE)
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("websocket", lambda socket, asked=asked: asked.append(socket.url))
        for script in blocked[:number]:
            await page.add_init_script(script)
        await page.goto(f"/t/{token}")
        await expect(page.locator("#updated")).to_be_visible()
        await page.evaluate("document.getElementById('updated').textContent = 'long ago'")
        await look(page)
        await expect(page.locator("#updated")).not_to_have_text("long ago")
        ways = [url for url in asked if any(way in url for way in ("/ws/t/", "/events", "/status"))]
        assert ways and all(wanted in url for url in ways), ways
        await expect(page.get_by_role("alert")).to_be_hidden()
