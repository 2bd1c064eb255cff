"""The rooms beside the live map, each used as a dispatcher would."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
import zxingcpp
from PIL import Image
from playwright.async_api import Page, ViewportSize, expect

from server.arrivals.models import ForecastScore
from server.identity.access import Role
from server.kit.ids import new_id

WIDE = ViewportSize(width=1280, height=800)


async def open_page(visit: Any, path: str, role: Role = Role.ADMIN, **options: Any) -> Page:
    page: Page = await visit(f"/dispatch{path}", role=role, **{"viewport": WIDE, **options})
    return page


@pytest_asyncio.fixture
async def shop(visit: Any, company: Any) -> Page:
    """A page of an administrator who has just made an account for a shop."""
    page = await open_page(visit, "/billing/accounts")
    code = f"shop{company.seq}"
    company.seq += 1
    await page.get_by_role("button", name="New account").click()
    await page.get_by_label("Name *").fill(f"Shop {code}")
    await page.get_by_label("Code *").fill(code)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("cell", name=code.upper(), exact=True)).to_be_visible()
    return page


async def take_order(page: Page, name: str) -> None:
    await page.keyboard.press("n")
    await page.wait_for_url("**/orders/new")
    await page.get_by_label("Consignee *").fill(name)
    await page.get_by_label("Address *", exact=True).fill("Lindenweg 3, Maravik")
    await page.get_by_label("Collect from *").fill("The shop")
    await page.get_by_label("Address to collect at *").fill("Marktgasse 11, Maravik")
    await page.get_by_label("Deliver from").fill("2026-03-02T10:00")
    await page.get_by_label("until").fill("2026-03-02T16:00")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text(re.compile(r"Order .+ is taken"))).to_be_visible()


async def test_order_is_taken_at_the_counter_by_keyboard_and_found_by_its_name(
    shop: Page, company: Any
) -> None:
    await take_order(shop, "Grace Hopper")
    await shop.goto("/dispatch/orders?text=Grace")
    row = shop.get_by_role("row").filter(has_text="Grace Hopper").first
    await row.focus()
    await shop.keyboard.press("Enter")
    await expect(shop.get_by_role("heading", level=2)).to_contain_text("Order")
    await expect(shop.locator(".story").first).to_contain_text("Captured")


async def test_what_was_typed_outlives_a_reload_until_it_is_taken(shop: Page, company: Any) -> None:
    await shop.keyboard.press("n")
    await shop.wait_for_url("**/orders/new")
    await shop.get_by_label("Consignee *").fill("Half typed")
    await shop.reload()
    await expect(shop.get_by_label("Consignee *")).to_have_value("Half typed")
    await take_order(shop, "Whole")
    await expect(shop.get_by_label("Consignee *")).to_have_value("")
    await shop.reload()
    await expect(shop.get_by_label("Consignee *")).to_have_value("")


async def test_order_is_split_by_the_goods_that_were_chosen(visit: Any, company: Any) -> None:
    async with company.desk() as desk:
        await desk.post("/api/accounts", {"name": "Two of a kind", "code": "TWO"})
        body = {
            "account": "TWO",
            "consignee": {"name": "Ada", "address": {"line": "Lindenweg 3, Maravik"}},
            "lines": [{"sku": "CUP", "quantity": 3}, {"sku": "POT", "quantity": 2}],
            "window_start_at": "2026-03-02T10:00:00Z",
            "window_end_at": "2026-03-02T12:00:00Z",
        }
        order = await desk.post("/api/orders", body, key="two")
        page = await open_page(visit, f"/orders/{order['id']}")
        await page.get_by_role("button", name="Split", exact=True).click()
        await page.get_by_label("POT: of 2 go").fill("1")
        await page.get_by_role("dialog").get_by_role("button", name="Split").click()
        await expect(page.locator("#toast")).to_contain_text("was made of it")
        made = await desk.get(f"/api/orders/{page.url.rpartition('/')[2]}")
        left = await desk.get(f"/api/orders/{order['id']}")
    assert [(line["sku"], line["quantity"]) for line in made["lines"]] == [("POT", 1)]
    assert [(line["sku"], line["quantity"]) for line in left["lines"]] == [("CUP", 3), ("POT", 1)]


async def test_what_was_saved_can_be_taken_back(shop: Page, company: Any) -> None:
    await shop.goto("/dispatch/people/vehicles")
    await shop.get_by_role("cell", name="Van 0", exact=True).click()
    await shop.get_by_label("Drives at most").fill("90")
    await shop.get_by_role("button", name="Save").click()
    await expect(shop.get_by_role("cell", name="90 km/h")).to_be_visible()
    await shop.locator("#toast").get_by_role("button", name="Undo").click()
    await expect(shop.get_by_role("cell", name="90 km/h")).to_have_count(0)


async def test_change_by_somebody_else_is_offered_for_merging_and_nothing_is_lost(
    shop: Page, company: Any
) -> None:
    await take_order(shop, "Ada Merge")
    await shop.get_by_role("list", name="Just taken").get_by_role("link").first.click()
    other = await shop.context.new_page()
    await other.goto(shop.url)
    for page, label, text in ((other, "Reference", "theirs"), (shop, "Instructions", "mine")):
        await page.get_by_role("button", name="Change").click()
        await page.get_by_label(label).fill(text)
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_role("button", name="Save")).to_have_count(0)
    await shop.get_by_role("button", name="Save").click()
    await expect(shop.get_by_role("alert")).to_contain_text("Somebody else changed it meanwhile")
    await expect(shop.get_by_label("Reference")).to_have_value("theirs")
    await expect(shop.get_by_label("Instructions")).to_have_value("mine")
    await shop.get_by_role("button", name="Save").click()
    facts = shop.locator(".facts").first
    await expect(facts).to_contain_text("theirs")
    await expect(facts).to_contain_text("mine")


async def test_saved_view_brings_its_filters_back_after_a_reload(visit: Any, company: Any) -> None:
    page = await open_page(visit, "/orders/consignments?state=announced", Role.DISPATCHER)
    views = page.get_by_label("Saved views")
    await views.select_option("+")
    await page.get_by_role("dialog").get_by_label("Name").fill("Not yet here")
    await page.keyboard.press("Enter")
    await expect(views).to_have_value("=Not yet here")
    await page.goto("/dispatch/orders/consignments")
    await expect(page.get_by_label("State")).to_have_value("")
    await views.select_option("Not yet here")
    await expect(page.get_by_label("State")).to_have_value("announced")
    await page.wait_for_url("**/consignments?state=announced")


async def test_address_is_pinned_by_a_click_on_the_map(visit: Any, company: Any) -> None:
    async with company.desk() as desk:
        place = await desk.post("/api/places", {"street": "Nowhere Lane", "city": "Far Away"})
        assert place["needs_pin"]
        page = await open_page(visit, "/orders/places", Role.DISPATCHER)
        row = page.get_by_role("row").filter(has_text="Nowhere Lane")
        await row.press("Enter")
        dialog = page.get_by_role("dialog")
        canvas = dialog.locator(".point-map canvas.maplibregl-canvas")
        await canvas.click(position={"x": 100, "y": 100})
        lon = dialog.get_by_label("Longitude")
        await expect(lon).not_to_have_value("")
        told = float(await lon.input_value())
        await dialog.get_by_role("button", name="Pin it here").click()
        await expect(page.locator("#toast")).to_have_text("Pinned")
        await expect(row).to_have_count(0)
        kept = await desk.get(f"/api/places/{place['id']}")
    assert not kept["needs_pin"] and abs(kept["position"][0] - told) < 1e-5


async def test_whole_story_of_a_consignment_is_told(visit: Any, company: Any) -> None:
    made = await company.book(2)
    page = await open_page(visit, f"/orders/consignments/{made.id}", Role.DISPATCHER)
    await expect(page.get_by_role("heading", level=2)).to_contain_text(made.waybill)
    await expect(page.locator(".story")).to_contain_text("Announced")
    await expect(page.get_by_role("cell", name=made.parcels[0].barcode)).to_be_visible()
    await expect(page.locator(".point-map canvas")).to_be_visible()


async def test_pairing_code_can_be_read_by_a_camera(visit: Any, company: Any) -> None:
    page = await open_page(visit, "/people", Role.DISPATCHER)
    await page.get_by_role("cell", name="Wei Lin").click()
    await page.get_by_role("button", name="Pair a phone").click()
    code = await page.locator(".pin-code").inner_text()
    picture = Image.open(io.BytesIO(await page.locator(".qr").screenshot()))
    (read,) = zxingcpp.read_barcodes(picture)
    assert read.text.endswith(f"#{code}")


async def test_exception_is_settled_and_says_what_to_do(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Nora Frei"]
    task = (await company.tasks(driver_id))[0]
    await company.deliver(driver_id, task)
    await company.deliver(driver_id, task)
    page = await open_page(visit, "/exceptions", Role.DISPATCHER)
    row = page.get_by_role("row").filter(has_text="Done twice").first
    await expect(row).to_contain_text("Nora Frei")
    await row.click()
    dialog = page.get_by_role("dialog", name="It was reported as done a second time.")
    await expect(dialog).to_contain_text("Look whether both reports mean the same parcels.")
    await page.get_by_role("dialog").get_by_role("button", name="Settle").click()
    await page.get_by_label("What was done").fill("Looked at the photo")
    await page.get_by_role("dialog").get_by_role("button", name="Settle").click()
    await expect(page.locator("#toast")).to_have_text("Settled")


async def test_trail_of_a_driver_is_replayed(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Tomás Vidal"]
    for number in (0, 1, 2):
        await company.drive_to(driver_id, company.door(number), speed_mps=None)
    page = await open_page(visit, f"/day?driver={driver_id}&day=2026-03-02", Role.DISPATCHER)
    slider = page.get_by_label("Time of the day")
    await expect(
        page.get_by_role("status").filter(has_text=re.compile(r"\d+ of \d+ fixes"))
    ).to_be_visible()
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.get_by_role("status").filter(has_text="1 of")).to_be_visible()


async def test_reports_show_how_well_arrivals_were_foretold(visit: Any, company: Any) -> None:
    """Four of five came within their window, one before it."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with company.db.transaction() as session:
        for number in range(5):
            begins_at = noon + timedelta(minutes=10 if number == 0 else -10)
            session.add(
                ForecastScore(
                    stop_id=new_id(),
                    lead_s=30 * 60,
                    depot_id=company.depot_id,
                    driver_id=new_id(),
                    arrived_at=noon,
                    from_at=begins_at,
                    likely_at=begins_at + timedelta(minutes=5),
                    until_at=begins_at + timedelta(minutes=20),
                )
            )
    page = await open_page(visit, "/reports?from=2026-03-01&to=2026-03-01")
    table = page.get_by_role("table", name="Arrival windows")
    cells = table.get_by_role("row").nth(1).get_by_role("cell")
    await expect(cells).to_have_text(["30 min", "5", "80%", "20%", "0%", "20 min"])
