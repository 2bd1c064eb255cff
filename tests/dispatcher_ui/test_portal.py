"""The console as the people of an account see it: their own things, from price to return."""

import re
from typing import Any
from uuid import UUID

import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from server.accounts import service as accounts
from server.identity.access import Role

WIDE = ViewportSize(width=1280, height=800)


@pytest_asyncio.fixture
async def shop(company: Any) -> UUID:
    """An account."""
    async with company.db.transaction() as session:
        company.seq += 1
        account = await accounts.create_account(
            session, code=f"LAMP{company.seq}", name="Lamps and More", currency="EUR", by="test"
        )
    return account.id


async def enter(visit: Any, account_id: UUID, path: str = "") -> Page:
    page: Page = await visit(
        f"/dispatch{path}", role=Role.ACCOUNT_USER, account_id=account_id, viewport=WIDE
    )
    return page


async def test_customer_lands_among_own_orders_and_sees_no_room_of_the_company(
    visit: Any, company: Any, shop: UUID
) -> None:
    page = await enter(visit, shop)
    await page.wait_for_url("**/dispatch/orders")
    rooms = page.locator("#rooms a")
    await expect(rooms).to_have_text(["Orders", "Returns", "Billing"])
    await expect(page.get_by_text("No order is like this.")).to_be_visible()
    await expect(page.get_by_role("link", name="Places to pin")).to_have_count(0)


async def test_customer_asks_for_the_price_books_and_finds_the_order(
    visit: Any, company: Any, shop: UUID
) -> None:
    page = await enter(visit, shop, "/orders/new")
    await expect(page.get_by_label("Who pays")).to_have_count(0)
    await page.get_by_label("Consignee *").fill("Grace Hopper")
    await page.get_by_label("Address *", exact=True).fill("Lindenweg 3, Maravik")
    await page.get_by_label("Collect from *").fill("Lamps and More")
    await page.get_by_label("Address to collect at *").fill("Marktgasse 11, Maravik")
    await page.get_by_role("button", name="What would it cost?").click()
    await expect(page.get_by_text(re.compile("No tariff in EUR was in force"))).to_be_visible()
    await page.get_by_label("Deliver from").fill("2026-03-02T10:00")
    await page.get_by_label("until").fill("2026-03-02T16:00")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text(re.compile(r"Order .+ is taken"))).to_be_visible()
    await page.get_by_role("list", name="Just taken").get_by_role("link").first.click()
    await expect(page.get_by_role("heading", level=2)).to_contain_text("Order")
    await expect(page.get_by_role("button", name="Hold")).to_have_count(0)
    await expect(page.get_by_role("button", name="Cancel the order")).to_be_visible()


async def test_customer_gives_the_tracking_page_a_name_and_colour(
    visit: Any, company: Any, shop: UUID, accessibility_faults: Any
) -> None:
    page = await enter(visit, shop, "/billing/look")
    await page.get_by_label("Name", exact=True).fill("Lumen")
    await page.get_by_label("Colour", exact=True).fill("#117744")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("Saved")
    assert await accessibility_faults(page) == []
    async with company.db.transaction() as session:
        brand = await accounts.get_brand(session, shop)
    assert brand == accounts.Brand(name="Lumen", colour="#117744")


async def test_every_page_of_a_customer_opens_without_a_refusal(
    visit: Any, company: Any, shop: UUID
) -> None:
    page = await enter(visit, shop)
    refused: list[str] = []
    page.on("response", lambda each: refused.append(each.url) if each.status == 403 else None)
    paths = ("/orders/consignments", "/orders/imports", "/returns", "/billing", "/billing/charges")
    paths += ("/billing/statement", "/billing/contacts", "/orders/standing")
    for path in paths:
        await page.goto(f"/dispatch{path}")
        await page.wait_for_function(
            """() => document.querySelector('#room').ariaBusy === 'false'
            && !document.body.hasAttribute('data-asking')"""
        )
        await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    assert refused == []
