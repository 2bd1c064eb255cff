"""The dispatcher's live map in a real browser."""

import json
import re
from typing import Any

from playwright.async_api import Page, ViewportSize, expect

from server.identity.access import Role
from server.kit.geo import Position

WIDE = ViewportSize(width=1280, height=800)


async def open_map(visit: Any, **options: Any) -> Page:
    page: Page = await visit("/dispatch", role=Role.DISPATCHER, viewport=WIDE, **options)
    await expect(page.locator("#freshness")).to_have_text("Live")
    return page


def row_of(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=re.compile(name))


async def test_list_tells_of_every_driver_run_and_stop(visit: Any, company: Any) -> None:
    page = await open_map(visit)
    for name, driver_id in company.drivers.items():
        left = len(await company.tasks(driver_id))
        row = row_of(page, name)
        await expect(row).to_be_visible()
        await expect(row).to_contain_text(f"of {left}" if left else "stops")
        await row.click()
        await expect(row).to_have_attribute("aria-expanded", "true")
        await expect(page.locator("ol.stops:visible .stop")).not_to_have_count(0)
        await expect(page.locator("ol.stops:visible .stop").first).to_contain_text("Maravik")


async def test_moved_driver_moves_on_the_map_and_in_the_list(visit: Any, company: Any) -> None:
    name, driver_id = next(iter(company.drivers.items()))
    page = await open_map(visit)
    for number in (1, 2):
        there = company.door(number)
        await company.drive_to(driver_id, there, speed_mps=None)
        await page.wait_for_function(
            """([id, lon, lat]) => {
                const at = postrider.markerOf(id);
                return at && Math.abs(at[0] - lon) < 1e-6 && Math.abs(at[1] - lat) < 1e-6;
            }""",
            arg=[str(driver_id), there.lon, there.lat],
        )
    await expect(row_of(page, name)).to_contain_text(re.compile(r"Position \d+ s old"))


async def test_map_keeps_its_runs_when_the_computer_turns_dark(visit: Any, company: Any) -> None:
    page = await open_map(visit, color_scheme="light")
    for scheme in ("light", "dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        await page.wait_for_function(
            """([count, isDark]) => document.documentElement.hasAttribute("data-dark") === isDark
                && postrider.isDrawn() && postrider.countLines() === count""",
            arg=[len(await company.runs()), scheme == "dark"],
        )


async def test_runs_are_drawn_along_the_way_from_the_depot_and_back(
    visit: Any, company: Any
) -> None:
    page = await open_map(visit)
    depot = company.door(0)
    for run in await company.runs():
        await page.wait_for_function(
            """([id, lon, lat]) => {
                const line = postrider.lineOf(id);
                return line !== undefined && [line.at(0), line.at(-1)].every(
                    (end) => end && Math.abs(end[0] - lon) < 1e-6 && Math.abs(end[1] - lat) < 1e-6,
                );
            }""",
            arg=[str(run.id), depot.lon, depot.lat],
        )


async def test_marker_glides_to_where_the_driver_is(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Wei Lin"]
    start = company.door(0)
    await company.drive_to(driver_id, start)
    page = await open_map(visit)
    marker = "([id]) => postrider.markerOf(id)"
    await page.wait_for_function(marker, arg=[str(driver_id)])
    await page.evaluate(
        """([id, lon]) => {
            window.between = false;
            const look = () => {
                const at = postrider.markerOf(id)[0];
                window.between ||= at > lon + 1e-5 && at < lon + 0.0039;
                requestAnimationFrame(look);
            };
            look();
        }""",
        [str(driver_id), start.lon],
    )
    await company.drive_to(driver_id, Position(start.lon + 0.004, start.lat))
    await page.wait_for_function("() => window.between")


async def test_started_and_finished_stops_change_their_words(visit: Any, company: Any) -> None:
    name = "Tomás Vidal"
    driver_id = company.drivers[name]
    page = await open_map(visit)
    task = (await company.tasks(driver_id))[0]
    await company.start(driver_id, task)
    await expect(row_of(page, name)).to_contain_text("On the road · 0 of")
    await expect(row_of(page, name)).to_contain_text("Driving to:")
    await company.fail(driver_id, task)
    await expect(row_of(page, name)).to_contain_text("On the road · 1 of")
    await row_of(page, name).click()
    await expect(page.locator("ol.stops:visible .stop").first).to_contain_text("Failed")


async def test_exceptions_that_wait_for_a_person_are_counted_and_told(
    visit: Any, company: Any
) -> None:
    driver_id = company.drivers["Wei Lin"]
    task = (await company.tasks(driver_id))[0]
    page = await open_map(visit)
    await company.deliver(driver_id, task)
    await company.deliver(driver_id, task)
    count = page.locator("#exceptions-count")
    await expect(count).to_contain_text(re.compile(r"^\d+ exceptions? to settle$"))
    await count.click()
    told = page.locator("#exceptions-list li", has_text="reported as done a second time")
    await expect(told.first).to_contain_text("Wei Lin")


async def test_selection_is_the_same_on_the_list_and_on_the_map(visit: Any, company: Any) -> None:
    name, driver_id = "Wei Lin", company.drivers["Wei Lin"]
    await company.drive_to(driver_id, company.door(0))
    page = await open_map(visit)
    await page.wait_for_function("id => postrider.markerOf(id)", arg=str(driver_id))
    await page.wait_for_function("() => postrider.isDrawn()")
    where = await page.evaluate("id => postrider.pixelOf(id)", str(driver_id))
    await page.locator("#map canvas").click(position={"x": where[0], "y": where[1]})
    await expect(row_of(page, name)).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Tab")
    await row_of(page, name).focus()
    await page.keyboard.press("Enter")
    await expect(row_of(page, name)).to_have_attribute("aria-expanded", "false")


async def test_list_can_be_used_by_keyboard_alone(visit: Any, company: Any) -> None:
    page = await open_map(visit)
    rows = page.locator("button.run")
    await rows.first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(rows.nth(1)).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("ol.stops:visible .stop").first).to_be_focused()


async def test_badge_tells_the_truth_when_the_server_goes_and_comes(
    visit: Any, company: Any
) -> None:
    page = await open_map(visit)
    await company.close()
    try:
        await expect(page.locator("#freshness")).to_have_text("Offline")
        await expect(page.locator("#heard")).to_contain_text("last heard")
        await expect(page.locator("button.run").first).to_be_visible()
    finally:
        await company.open()
    await expect(page.locator("#freshness")).to_have_text("Live")


NOTE_BADGE = """() => {
    const badge = document.querySelector('#freshness');
    window.badges = [];
    new MutationObserver(() => badges.push(badge.textContent)).observe(badge, { childList: true });
}"""


async def test_silent_connection_is_not_called_live(visit: Any, company: Any) -> None:
    """The socket stays open, but nothing comes through it any more."""
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    is_silent = False

    async def route(socket: Any) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: None if is_silent else socket.send(message))

    await page.clock.install()
    await page.route_web_socket(re.compile("/ws/dispatch"), route)
    await page.goto("/dispatch")
    await expect(page.locator("#freshness")).to_have_text("Live")
    await page.evaluate(NOTE_BADGE)
    is_silent = True
    await page.clock.fast_forward(6_000)
    await page.clock.fast_forward(5_000)
    await expect(page.locator("#freshness")).to_have_text("Offline")
    assert (await page.evaluate("badges"))[-2:] == ["Delayed", "Offline"]


async def test_map_is_drawn_from_our_own_tiles_with_its_source_named(
    visit: Any, company: Any
) -> None:
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    async with page.expect_response(re.compile(r"/tiles/\d+/\d+/\d+")) as tile:
        await page.goto("/dispatch")
    answer = await tile.value
    assert answer.status == 200
    assert "max-age" in answer.headers["cache-control"]
    await page.wait_for_function("() => postrider.isDrawn()")
    picture = await page.locator("#map canvas").screenshot()
    assert len(picture) > 30_000, "streets, names and markers make more than an empty map"
    await expect(page.get_by_text("OpenStreetMap contributors")).to_be_visible()


async def test_without_webgl_the_list_says_it_all(visit: Any, company: Any) -> None:
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    await page.add_init_script(
        "HTMLCanvasElement.prototype.getContext = function () { return null; }"
    )
    await page.goto("/dispatch")
    await expect(page.get_by_role("alert")).to_contain_text("cannot draw the map")
    await expect(page.locator("#stage")).to_be_hidden()
    await expect(page.locator("button.run")).to_have_count(len(company.drivers))


async def test_live_map_is_accessible_in_light_and_dark(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    for scheme in ("light", "dark"):
        page = await open_map(visit, color_scheme=scheme)
        await page.locator("button.run").first.click()
        assert await accessibility_faults(page) == [], scheme


async def test_whoever_may_not_see_the_map_is_told_so(visit: Any, company: Any) -> None:
    page: Page = await visit("/dispatch", role=Role.WAREHOUSE)
    await expect(page.get_by_role("alert")).to_contain_text("for dispatchers")
    page = await visit("/dispatch")
    await page.wait_for_url("**/login")


async def test_ten_thousand_drivers_are_listed_and_only_rows_in_sight_are_in_the_document(
    visit: Any, company: Any
) -> None:
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    drivers = {
        f"d{number}": {
            "number": number,
            "driver_id": f"d{number}",
            "name": f"Driver {number:05}",
            "position": [9.5 + number % 100 / 1000, 47.1 + number / 1e5],
            "taken_at": "2026-03-02T09:00:00Z",
            "speed_mps": 8,
            "heading_deg": 0,
            "battery_percent": 80,
        }
        for number in range(10_000)
    }
    snapshot = {
        "type": "snapshot",
        "cursor": 1,
        "now": "2026-03-02T09:00:05Z",
        "speed": 1,
        "is_current": True,
        "drivers": drivers,
        "runs": {},
        "exceptions": {},
    }
    text = json.dumps(snapshot)
    await page.route_web_socket(re.compile("/ws/dispatch"), lambda socket: socket.send(text))
    await page.goto("/dispatch")
    rows = page.locator("button.run")
    await expect(rows.first).to_contain_text("Driver 00000")
    assert await rows.count() < 60
    await page.locator(".side").evaluate("side => side.scrollTo(0, side.scrollHeight)")
    await expect(rows.last).to_contain_text("Driver 09999")
    assert await rows.count() < 60
    await page.get_by_label("Show only some runs").fill("driver 04321")
    await expect(rows).to_have_count(1)
    await rows.first.click()
    await expect(rows.first).to_have_attribute("aria-expanded", "true")
    await page.get_by_label("Show only some runs").fill("")
    await page.wait_for_function("() => postrider.markerOf('d4321')")
