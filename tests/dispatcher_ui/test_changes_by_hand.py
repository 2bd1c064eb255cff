"""What people change by hand: a dispatcher drafts, runs and exceptions, a customer the delivery."""

import re
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from routing.roads import HaversineRoads
from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.identity.access import Role

WIDE = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)


async def open_page(visit: Any, path: str) -> Page:
    page: Page = await visit(f"/dispatch{path}", role=Role.DISPATCHER, viewport=WIDE)
    return page


async def make_draft(company: Any) -> None:
    async with company.db.transaction() as session:
        await dispatch.request_plan(
            session, depot_id=company.depot_id, day=company.now().date(), budget_s=1.0, by="test"
        )
    while await plan_next(company.db, HaversineRoads()):
        pass


@pytest_asyncio.fixture
async def runs(company: Any) -> list[dispatch.RunView]:
    """Those of the day, the fullest first; in the last one there is room."""
    return sorted(await company.runs(), key=lambda run: -len(run.stops))


async def test_effect_of_a_move_is_told_before_it_is_made_and_it_can_be_undone(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    await make_draft(company)
    page = await open_page(visit, "/plan")
    block = page.locator(".block").first
    await block.click()
    effect = page.locator(".effect")
    await page.keyboard.press("ArrowRight")
    await expect(effect).to_contain_text(re.compile("It would cost .+ more"))
    await expect(page.locator(".aim")).to_be_visible()
    assert await accessibility_faults(page) == []
    await page.keyboard.press("Escape")
    await expect(effect).to_have_text("")
    await expect(page.locator(".aim")).to_have_count(0)
    await page.keyboard.press("ArrowRight")
    await expect(effect).to_contain_text("It would cost")
    told = await effect.inner_text()
    await page.keyboard.press("Enter")
    await expect(effect).to_contain_text("Moved: cost")
    cost = re.search(r"[+−][\d.]+", told)
    assert cost and cost.group() in await effect.inner_text(), "the effect is what was told"
    await page.get_by_role("button", name="Undo the move").click()
    await expect(effect).to_contain_text("Moved: cost")


async def test_two_plans_are_compared(visit: Any, company: Any, accessibility_faults: Any) -> None:
    await make_draft(company)
    page = await open_page(visit, "/plan")
    await page.get_by_role("button", name="Compare two of them").click()
    table = page.get_by_role("table", name="Figures of both plans")
    await expect(table.get_by_role("row")).to_have_count(7)
    await expect(table).to_contain_text("Cost")
    assert await accessibility_faults(page) == []


async def test_stops_go_to_another_driver_with_the_effect_told_and_come_back(
    visit: Any, company: Any, runs: list[dispatch.RunView], accessibility_faults: Any
) -> None:
    giver, taker = runs[0], runs[-1]
    page = await open_page(visit, f"/plan/runs/{giver.id}")
    await expect(page.get_by_role("heading", level=2)).to_contain_text(giver.driver_name)
    await page.get_by_role("row").nth(1).get_by_role("checkbox").click()
    await page.get_by_role("button", name="Give the chosen stops to").click()
    dialog = page.get_by_role("dialog")
    label = await dialog.get_by_role("option").filter(has_text=taker.driver_name).inner_text()
    await dialog.get_by_label("Driver").select_option(label=label)
    await expect(dialog.get_by_role("status")).to_contain_text(re.compile("It would cost|late"))
    assert await accessibility_faults(page) == []
    await dialog.get_by_role("button", name="Do it").click()
    await expect(page.locator("#toast")).to_contain_text("Done: cost")
    now = {run.id: len(run.stops) for run in await company.runs()}
    assert (now[giver.id], now[taker.id]) == (len(giver.stops) - 1, len(taker.stops) + 1)
    await page.locator("#toast").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("row")).to_have_count(len(giver.stops) + 1)
    now = {run.id: len(run.stops) for run in await company.runs()}
    assert (now[giver.id], now[taker.id]) == (len(giver.stops), len(taker.stops))


async def test_stops_are_chosen_by_drawing_around_them(
    visit: Any, company: Any, runs: list[dispatch.RunView]
) -> None:
    page = await open_page(visit, f"/plan/runs/{runs[0].id}")
    give = page.get_by_role("button", name="Give the chosen stops to")
    await expect(give).to_be_disabled()
    await page.get_by_role("button", name="Draw around").click()
    box = await page.locator(".lasso-sheet").bounding_box()
    assert box is not None
    left, top = box["x"] + 5, box["y"] + 5
    right, bottom = box["x"] + box["width"] - 5, box["y"] + box["height"] - 5
    await page.mouse.move(left, top)
    await page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        await page.mouse.move(x, y)
    await page.mouse.up()
    await expect(give).to_be_enabled()
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(len(runs[0].stops))


async def test_dispatchers_see_who_else_is_on_a_run(
    visit: Any, company: Any, runs: list[dispatch.RunView]
) -> None:
    await open_page(visit, f"/plan/runs/{runs[0].id}")
    other = await open_page(visit, f"/plan/runs/{runs[0].id}")
    await expect(other.get_by_text("Also here: Dita Dispatcher")).to_be_visible()


async def test_exception_is_taken_and_put_off(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Wei Lin"]
    task = (await company.tasks(driver_id))[0]
    await company.deliver(driver_id, task)
    await company.deliver(driver_id, task)
    page = await open_page(visit, "/exceptions")
    row = page.get_by_role("row").filter(has_text="reported as done a second time")
    await row.get_by_role("checkbox").click()
    await page.get_by_role("button", name="Take it").click()
    await expect(row).to_contain_text("Dita Dispatcher")
    await page.get_by_label("Which").select_option("mine")
    await row.get_by_role("checkbox").click()
    await page.get_by_role("button", name="Put off", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("For how long").select_option("4")
    await dialog.get_by_role("button", name="Put off").click()
    await expect(row).to_have_count(0)
    await page.get_by_label("Which").select_option("snoozed")
    await expect(row).to_have_count(1)


async def test_customer_changes_the_delivery_without_javascript(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    task = (await company.tasks(company.drivers["Nora Frei"]))[0]
    consignment = await company.consignment_of(task)
    token = await company.tracking_link(consignment.id)
    page: Page = await visit(f"/t/{token}", viewport=PHONE, java_script_enabled=False)
    await page.get_by_role("link", name="Change the delivery").click()
    await page.get_by_label("At a safe place").check()
    await page.get_by_label("Which place").fill("Behind the shed")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("The courier will know")
    for scheme in ("light", "dark"):
        for path in ("", "/change", "/rating"):
            looked = await visit(f"/t/{token}{path}", viewport=PHONE, color_scheme=scheme)
            assert await accessibility_faults(looked) == [], (scheme, path)
            assert await looked.evaluate("document.documentElement.scrollWidth") <= 390
    console = await open_page(visit, f"/orders/consignments/{consignment.id}")
    await expect(console.get_by_text("Behind the shed").first).to_be_visible()
