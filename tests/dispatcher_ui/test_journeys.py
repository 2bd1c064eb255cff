"""Two whole stories in a real browser against the real server: a dispatcher's day, and what a
customer lives through with one parcel. The drivers are simulated: they send what phones send."""

import io
import re
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import pytest_asyncio
from PIL import Image
from playwright.async_api import Error, Page, ViewportSize, expect

from routing.roads import HaversineRoads
from server.channels.import_work import work_on_imports
from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.kit.relay import relay_pending
from tests.dispatcher_ui.conftest import DOORS

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
HEADER = "order number;name;street;city;lon;lat;sku;quantity;weight kg;day;window start;window end"
CONSIGNEES = ("Grace Hopper", "Alan Turing", "Mary Jackson")


def file_of_orders(company: Any) -> bytes:
    """Three that are right, and one that says no quantity."""
    rows = [
        (f"J-{number}", name, *DOORS[number][:1], "Maravik", *company.door(number), "BOOK", 1)
        for number, name in enumerate(CONSIGNEES, 1)
    ]
    rows.append(("J-9", "Nobody", DOORS[4][0], "Maravik", *company.door(4), "BOOK", "none"))
    when = (1, "2026-03-02", "10:00", "16:00")
    lines = [HEADER, *(";".join(map(str, (*row, *when))) for row in rows)]
    return "\n".join(lines).encode()


@pytest_asyncio.fixture
async def shop(company: Any) -> str:
    """The code of an account; the vans have room for more than their first plan."""
    company.seq += 1
    code = f"J{company.seq}"
    async with company.desk() as desk:
        await desk.post("/api/accounts", {"name": "Lantern Books", "code": code})
    async with company.db.transaction() as session:
        for vehicle in await dispatch.list_vehicles(session):
            await dispatch.change_vehicle(session, vehicle.id, {"capacity_parcels": 60}, by="test")
    return code


async def take_in(company: Any) -> None:
    """What the worker does with files, and after them."""
    blobs = Blobs(company.settings.blobs_dir)
    await work_on_imports(company.db, blobs, zone=ZoneInfo("UTC"))
    await relay_pending(company.db)


async def toast(page: Page, words: str | re.Pattern[str]) -> None:
    await expect(page.locator("#toast")).to_contain_text(words)


async def test_dispatcher_s_day(visit: Any, company: Any, shop: str) -> None:
    page: Page = await visit("/dispatch/orders/imports", role=Role.ADMIN, viewport=WIDE)
    await import_orders(page, company, shop)
    await plan_and_publish(page, company)
    delivered = await follow_a_driver(page, company)
    await insert_an_urgent_order(page, company)
    await give_the_rest_of_a_broken_van_to_others(page, company)
    await settle_what_went_wrong(page, company)
    await page.get_by_role("link", name="Reports").click()
    figure = page.locator(".figure").filter(has_text="Delivered").first
    await expect(figure.locator("strong")).to_have_text(str(delivered))
    await expect(page.locator(".figure").filter(has_text="Orders").first).to_contain_text("3")


async def import_orders(page: Page, company: Any, shop: str) -> None:
    """Tried first: the bad row is told before anything is taken."""
    await page.get_by_label("CSV or Excel file").set_input_files(
        {"name": "monday.csv", "mimeType": "text/csv", "buffer": file_of_orders(company)}
    )
    choice = page.get_by_label("Who pays")
    await choice.select_option(value=shop)
    for button, told in (("Try it first", "3 new orders"), ("Take the 3 orders", "3 new orders")):
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_text("Reading monday.csv")).to_be_visible()
        await take_in(company)
        await expect(page.get_by_text(re.compile(told)).first).to_be_visible()
    await expect(page.get_by_role("table", name="What is wrong")).to_contain_text("none")


async def plan_and_publish(page: Page, company: Any) -> None:
    await page.get_by_role("link", name="Plan", exact=True).click()
    await page.get_by_role("button", name="Make a plan").click()
    await page.get_by_label("Seconds to think").fill("1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("A plan is being made")).to_be_visible()
    while await plan_next(company.db, HaversineRoads()):
        pass
    await page.locator(".block").first.click()
    await page.keyboard.press("l")
    await toast(page, "Locked")
    await page.get_by_role("button", name="Publish").click()
    await toast(page, "Published")
    await relay_pending(company.db)


async def follow_a_driver(page: Page, company: Any) -> int:
    """To the end of a stop; how many parcels were delivered there. Who has two runs stands in the
    list twice, so the row is found by what happens in it."""
    name, driver_id = await busiest(company)
    tasks = await tasks_of_next_stop(company, driver_id)
    await company.drive_to(driver_id, company.door(0))
    await company.start(driver_id, tasks[0])
    await page.get_by_role("link", name="Live map").click()
    row = page.get_by_role("button").filter(has_text=name)
    await row.filter(has_text="Driving to:").click()
    await page.get_by_role("button", name="Follow").click()
    await company.drive_to(driver_id, company.door(1))
    for task in tasks:
        await company.deliver(driver_id, task)
    await expect(row.filter(has_text=re.compile(r"\b1 of \d"))).to_be_visible()
    return len(tasks)


async def tasks_of_next_stop(company: Any, driver_id: Any) -> list[Any]:
    async with company.db.transaction() as session:
        manifest = await dispatch.manifest_of(session, driver_id)
    first, *_ = await company.tasks(driver_id)
    (tasks,) = [stop.tasks for stop in manifest.stops if first in stop.tasks]
    return list(tasks)


async def busiest(company: Any) -> tuple[str, Any]:
    """The driver who has most to do."""
    tasks = {name: len(await company.tasks(each)) for name, each in company.drivers.items()}
    name = max(tasks, key=lambda each: tasks[each])
    return name, company.drivers[name]


async def insert_an_urgent_order(page: Page, company: Any) -> None:
    made = await company.book(6)
    await page.keyboard.press("Control+k")
    await page.get_by_role("dialog").get_by_role("combobox").fill(made.waybill)
    await page.get_by_role("option").filter(has_text=made.waybill).click()
    await expect(page.get_by_role("heading", level=2)).to_contain_text(made.waybill)
    await page.get_by_role("button", name="Drive urgently").click()
    await toast(page, "does it at")
    await relay_pending(company.db)


async def give_the_rest_of_a_broken_van_to_others(page: Page, company: Any) -> None:
    name, _ = await busiest(company)
    runs = [run for run in await company.runs() if run.driver_name == name]
    run = next(run for run in runs if run.state != "closed")
    await page.goto(f"/dispatch/plan/runs/{run.id}")
    await page.get_by_role("button", name="Breakdown").click()
    await page.get_by_role("button", name="Give the rest to others").click()
    await toast(page, re.compile(r"\d+ moved, \d+ back in the pool"))
    await relay_pending(company.db)


async def settle_what_went_wrong(page: Page, company: Any) -> None:
    await page.get_by_role("link", name="Exceptions").click()
    row = page.get_by_role("row").filter(has_text="Breakdown").first
    await row.click()
    await expect(page.get_by_role("dialog")).to_contain_text("runs that took over")
    await page.get_by_role("dialog").get_by_role("button", name="Settle").click()
    await page.get_by_label("What was done").fill("Towed away")
    await page.get_by_role("dialog").get_by_role("button", name="Settle").click()
    await toast(page, "Settled")


async def test_customer_s_parcel_from_the_link_to_the_return(
    visit: Any, company: Any, shop: str
) -> None:
    driver_id, token = await book_for_a_customer(company, shop)
    page: Page = await visit(f"/t/{token}", viewport=PHONE)
    await expect(page.locator("#when")).to_be_visible()

    await page.get_by_role("link", name="Change the delivery").click()
    await page.get_by_label("At a safe place").check()
    await page.get_by_label("Which place").fill("Behind the shed")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("The courier will know")
    await relay_pending(company.db)
    await page.get_by_role("link", name="Back to your parcel").click()

    tasks = await company.tasks(driver_id)
    (task,) = [each for each in tasks if "Behind the shed" in each.instructions]
    await company.start(driver_id, task)
    await company.drive_to(driver_id, company.door(0))
    await look(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are next")
    await expect(page.locator("#courier")).to_be_visible()

    await company.deliver(driver_id, task, await company.keep_photo(picture()))
    await look(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your parcel has been delivered"
    )
    await page.get_by_role("link", name="Proof of the delivery").click()
    await page.wait_for_function("() => document.querySelector('img.proof').naturalWidth === 32")
    await page.get_by_role("link", name="Back to your parcel").click()

    await page.get_by_role("link", name="Send something back").click()
    await page.get_by_label("How many of 2").fill("1")
    await page.get_by_label("Why").select_option(label="It does not fit")
    await page.get_by_role("button", name="Send back").click()
    await expect(page.locator(".card")).to_contain_text("1 ×")
    await relay_pending(company.db)
    console: Page = await visit("/dispatch/returns", role=Role.CLERK, viewport=WIDE)
    await console.get_by_role("row").filter(has_text="Lamplighter").press("Enter")
    await exchange_the_other_book(console)


async def exchange_the_other_book(console: Page) -> None:
    await console.get_by_role("link", name="Open the order").click()
    await console.get_by_role("button", name="Exchange …").click()
    await expect(console.get_by_label("Lamplighter, of 1")).to_have_value("1")
    await console.get_by_label("SKU, row 1").fill("ATLAS")
    await console.get_by_role("button", name="Exchange", exact=True).click()
    dialog = console.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("Nobody said what ATLAS costs")
    await console.get_by_label("Price of each, row 1").fill("25")
    await console.get_by_role("button", name="Exchange", exact=True).click()
    await toast(console, "€13.00 are to be paid before the new goods go out")
    await expect(console.get_by_role("heading", level=2)).to_contain_text("Booked")


async def book_for_a_customer(company: Any, shop: str) -> tuple[Any, str]:
    """An order of two books, in a run of today; the driver and the customer's link."""
    lon, lat = company.door(10)
    body = {
        "account": shop,
        "consignee": {
            "name": "Ada Lovelace",
            "address": {"line": "Kirchplatz 5, Maravik", "lon": lon, "lat": lat},
        },
        "lines": [
            {"sku": "BOOK", "quantity": 2, "unit_price_minor": 1200, "description": "Lamplighter"}
        ],
        "parcels": [{"weight_g": 500}],
        "window_start_at": company.now().isoformat(),
        "window_end_at": company.now().replace(hour=16).isoformat(),
    }
    async with company.desk() as desk:
        order = await desk.post("/api/orders", body, key=f"{shop} for Ada")
        await relay_pending(company.db)
        (made,) = (await desk.get("/api/consignments", order_id=order["id"]))["items"]
        put = await desk.post(f"/api/consignments/{made['id']}/urgent")
    await relay_pending(company.db)
    driver_id = next(each for each in company.drivers.values() if str(each) == put["driver_id"])
    return driver_id, await company.tracking_link(made["id"])


async def look(page: Page) -> None:
    """Let the page ask now, as it does whenever somebody comes back to it. One that has just heard
    that it must load itself again asks anyway."""
    with suppress(Error):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "green").save(file, "PNG")
    return file.getvalue()
