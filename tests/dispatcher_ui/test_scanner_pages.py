"""The warehouse's pages for a scanner and a cheap tablet: whatever the scanner types arrives, a
wrong code is told at once, and what is large can be touched."""

import asyncio
import re
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, Page, ViewportSize, expect

from server.identity.access import Role
from server.kit.relay import relay_pending
from tests.dispatcher_ui.conftest import DAY

SCANNER_GAP_S, FALTERED_S, PERSON_GAP_S = 0.005, 0.3, 0.12
NAMED_KEYS: dict[str, dict[str, Any]] = {
    "Enter": {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Tab": {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
}
TABLET = ViewportSize(width=600, height=960)
TOUCHABLE_PX = 44


class Shop:
    """An account with two shelves of goods, and an order for them."""

    def __init__(self, company: Any) -> None:
        self.company = company
        company.seq += 1
        self.code = f"S{company.seq}"
        self.shelves: dict[str, str] = {}

    async def build(self) -> None:
        async with self.company.desk() as desk:
            account = await desk.post("/api/accounts", {"name": "Tea shop", "code": self.code})
            self.account_id = account["id"]
            house = await self._location(desk, "warehouse", self.code, None)
            for number in ("1", "2"):
                self.shelves[number] = await self._location(desk, "bin", number, house)
            for sku, at in (("TEA", "1"), ("MUG", "2"), ("CUP", "2")):
                await self.add_sku(desk, sku)
                await self._receive(desk, sku, 2 if sku == "TEA" else 5, self.shelves[at])

    def shelf(self, number: str) -> str:
        return f"{self.code}/{number}"

    def sku(self, name: str) -> str:
        return f"{name}-{self.code}"

    async def order(self, **quantities: int) -> str:
        """Its number; its goods are set aside."""
        body = {
            "account": self.code,
            "consignee": {"name": "Ada", "address": {"line": "Lindenweg 3, Maravik"}},
            "lines": [{"sku": self.sku(name), "quantity": n} for name, n in quantities.items()],
        }
        async with self.company.desk() as desk:
            order = await desk.post("/api/orders", body, key=f"{self.code} {quantities}")
        await relay_pending(self.company.db)
        return str(order["number"])

    async def on_shelf(self, name: str) -> int:
        async with self.company.desk() as desk:
            levels = (await desk.get("/api/stock/levels", account=self.account_id))["items"]
        return sum(
            each["on_hand"]
            for each in levels
            if each["sku"] == self.sku(name) and each["location_id"] in self.shelves.values()
        )

    async def add_sku(self, desk: Any, name: str, *, has_lots: bool = False) -> None:
        body = {
            "account_id": self.account_id,
            "code": self.sku(name),
            "name": name.title(),
            "weight_g": 200,
            "has_lots": has_lots,
        }
        await desk.post("/api/skus", body)

    async def _location(self, desk: Any, kind: str, code: str, parent: str | None) -> str:
        body = {"kind": kind, "code": code, "name": code, "parent_id": parent}
        return str((await desk.post("/api/locations", body))["id"])

    async def _receive(self, desk: Any, name: str, quantity: int, shelf: str) -> None:
        body = {
            "account_id": self.account_id,
            "location_id": shelf,
            "goods": [{"sku": self.sku(name), "quantity": quantity}],
        }
        await desk.post("/api/stock/receipts", body, key=f"first {self.sku(name)}")


@pytest_asyncio.fixture
async def shop(company: Any) -> Shop:
    shop = Shop(company)
    await shop.build()
    return shop


async def open_station(visit: Any, path: str, role: Role = Role.WAREHOUSE) -> Page:
    page: Page = await visit(
        f"/dispatch/warehouse{path}", role=role, viewport=TABLET, has_touch=True
    )
    await expect(page.locator(".station")).to_be_visible()
    return page


async def scan(page: Page, code: str, end: str = "Enter") -> None:
    """As a scanner does that types like a keyboard."""
    await press(page, [*code, end], [SCANNER_GAP_S] * len(code))


async def press(page: Page, keys: Sequence[str], gaps_s: Sequence[float]) -> None:
    """Key after key, with so much time between them by the browser's own account of the keys: how
    fast this test, the driver and the page are does not change it."""
    ends_s = time.time()
    stamps_s = [ends_s - sum(gaps_s[number:]) for number in range(len(keys))]
    session = await page.context.new_cdp_session(page)
    strokes = [
        {**NAMED_KEYS.get(key, {"key": key, "text": key}), "timestamp": stamp_s, "type": kind}
        for key, stamp_s in zip(keys, stamps_s, strict=True)
        for kind in ("keyDown", "keyUp")
    ]
    await asyncio.gather(*(session.send("Input.dispatchKeyEvent", each) for each in strokes))
    await session.detach()


async def answered(page: Page, words: str | re.Pattern[str], kind: str = "good") -> None:
    await expect(page.locator(".answer")).to_contain_text(words)
    await expect(page.locator(".answer")).to_have_attribute("data-kind", kind)


async def begin_round(page: Page, shop: Shop) -> None:
    """In this shop's warehouse, where other tests have theirs."""
    await page.get_by_role("button", name="Begin a new round").tap()
    choice = page.get_by_role("dialog").get_by_label("Warehouse")
    if await choice.count() or await page.get_by_role("dialog").count():
        await choice.select_option(label=shop.code)
        await page.get_by_role("dialog").get_by_role("button", name="Begin a new round").tap()
    await expect(page.get_by_text("Go to the shelf")).to_be_visible()


async def test_order_is_picked_and_packed_by_scans_alone(visit: Any, shop: Shop) -> None:
    number = await shop.order(TEA=2, MUG=1)
    page = await open_station(visit, "/pick")
    await begin_round(page, shop)
    await scan(page, shop.shelf("2"))
    await answered(page, f"Wrong shelf: go to {shop.shelf('1')}", "bad")
    await scan(page, shop.shelf("1"))
    await answered(page, "This is the shelf")
    await scan(page, shop.sku("MUG"))
    await answered(page, "Wrong goods: take Tea", "bad")
    await scan(page, shop.sku("TEA"))
    await answered(page, "2 × Tea taken")
    await scan(page, shop.sku("MUG"))
    await expect(page.locator(".now")).to_contain_text("Everything is picked.")

    await page.get_by_role("link", name="Pack").tap()
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await scan(page, "no-such-order")
    await answered(page, "No picked order has the number no-such-order", "bad")
    await scan(page, number)
    await expect(page.get_by_role("heading", level=2)).to_contain_text(number)
    for sku, words in (("TEA", "Tea: 1 of 2"), ("TEA", "Tea: 2 of 2"), ("MUG", "Mug: 1 of 1")):
        await scan(page, shop.sku(sku))
        await answered(page, words)
    await scan(page, shop.sku("MUG"))
    await answered(page, "All Mug are in it already", "bad")
    await expect(page.get_by_label("Weight, kg")).to_have_value("0.60")
    async with page.expect_popup():
        await page.get_by_role("button", name="Close the parcel and print its label").tap()
    await answered(page, re.compile(r"Parcel \S+; 0 still to pack"))
    await expect(page.get_by_role("button", name="Print the label again")).to_be_visible()


async def test_order_that_was_given_up_asks_for_no_packing(visit: Any, shop: Shop) -> None:
    number = await shop.order(TEA=1)
    async with shop.company.desk() as desk:
        listed = (await desk.get("/api/fulfilments", limit=200))["items"]
        [given_up] = [each for each in listed if each["order_number"] == number]
        await desk.post(f"/api/orders/{given_up['order_id']}/cancel", {"reason": "not needed"})
    await relay_pending(shop.company.db)
    page = await open_station(visit, f"/pack/{given_up['id']}")
    await expect(page.locator(".now")).to_contain_text("Nothing is left to pack.")
    await expect(page.get_by_role("button", name="Close the parcel")).to_have_count(0)


async def test_what_is_not_on_the_shelf_is_replaced_at_once_by_who_may_decide(
    visit: Any, shop: Shop
) -> None:
    await shop.order(TEA=2)
    page = await open_station(visit, "/pick", Role.CLERK)
    await begin_round(page, shop)
    await page.get_by_role("button", name="One less: Units").tap()
    await page.get_by_role("button", name="No more here").tap()
    await answered(page, "Noted: 1 are nowhere")
    assert await shop.on_shelf("TEA") == 1, "the one that was picked, until it is sent"
    await scan(page, shop.sku("CUP"))
    await answered(page, f"{shop.sku('CUP')} goes instead")


async def test_supplier_s_goods_are_put_on_the_shelf_that_was_scanned(
    visit: Any, shop: Shop
) -> None:
    async with shop.company.desk() as desk:
        await desk.post(
            "/api/purchase-notes",
            {
                "account_id": shop.account_id,
                "number": f"PN-{shop.code}",
                "supplier": "Tea house",
                "expected_on": str(DAY + timedelta(days=1)),
                "lines": [{"sku": shop.sku("TEA"), "quantity": 3}],
            },
        )
    page = await open_station(visit, "/receive")
    await scan(page, f"PN-{shop.code}")
    await expect(page.get_by_role("heading", level=2)).to_contain_text(f"PN-{shop.code}")
    await scan(page, shop.sku("TEA"))
    await answered(page, "Scan the shelf first.", "bad")
    await scan(page, shop.shelf("1"))
    for units in (1, 2):
        await scan(page, shop.sku("TEA"))
        await answered(page, f"{units} × Tea")
    await page.get_by_role("button", name="Put away").tap()
    await answered(page, f"2 units lie on {shop.shelf('1')}")
    await expect(page.locator(".upcoming")).to_contain_text("2 of 3 have come")
    assert await shop.on_shelf("TEA") == 4


async def test_count_shows_no_book_value_corrects_it_and_can_be_taken_back(
    visit: Any, shop: Shop
) -> None:
    page = await open_station(visit, "/count")
    await scan(page, shop.shelf("2"))
    await answered(page, f"Count what lies on {shop.shelf('2')}")
    await expect(page.locator(".tally output")).to_have_text(["0", "0"])
    await scan(page, shop.sku("MUG"))
    await page.get_by_role("button", name="Note what I counted").tap()
    await answered(page, f"{shop.shelf('2')} is counted")
    assert await shop.on_shelf("MUG") == 1
    await page.get_by_role("button", name="Undo").tap()
    await answered(page, "The count is taken back")
    assert await shop.on_shelf("MUG") == 5


async def test_scan_lands_in_no_field_and_on_no_button_that_has_the_focus(
    visit: Any, shop: Shop
) -> None:
    number = await shop.order(MUG=2)
    page = await open_station(visit, "/pick")
    await begin_round(page, shop)
    # A button has the focus, and the code begins like a key of the console.
    await page.get_by_role("button", name="One less: Units").focus()
    await scan(page, "new goods")
    await answered(page, "Wrong goods", "bad")
    await scan(page, shop.sku("MUG"))
    await expect(page.locator(".now")).to_contain_text("Everything is picked.")
    await page.goto("/dispatch/warehouse/pack")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await scan(page, number)
    weight = page.get_by_label("Weight, kg")
    await weight.fill("1.5")
    await scan(page, shop.sku("MUG"), "Tab")
    await answered(page, "Mug: 1 of 2")
    await expect(weight).to_have_value("1.5")


async def open_at_lot(visit: Any, shop: Shop) -> tuple[Page, Locator, str]:
    """Where goods come, one of them is scanned: the page, the field for its lot, its code."""
    async with shop.company.desk() as desk:
        await shop.add_sku(desk, "OIL", has_lots=True)
    page = await open_station(visit, f"/receive/{shop.account_id}?account")
    await scan(page, shop.shelf("1"))
    await scan(page, shop.sku("OIL"))
    await answered(page, "1 × Oil")
    return page, page.get_by_label("Lot"), shop.sku("OIL")


async def test_what_a_person_types_is_no_scan_however_late_the_page_hears_of_it(
    visit: Any, shop: Shop
) -> None:
    page, lot, _ = await open_at_lot(visit, shop)
    await lot.focus()
    await press(page, [*"A-12", "Tab"], [PERSON_GAP_S] * 4)
    await expect(lot).not_to_be_focused()
    await expect(lot).to_have_value("A-12")
    await lot.fill("")
    for _ in range(5):
        await page.keyboard.down("1")  # not released: the keyboard repeats it faster than a scanner
    await page.keyboard.press("Tab")
    await expect(lot).not_to_be_focused()
    await expect(lot).to_have_value("11111")
    await expect(page.locator(".answer")).to_contain_text("1 × Oil")


async def test_scan_that_falters_on_its_way_arrives_whole(visit: Any, shop: Shop) -> None:
    page, lot, code = await open_at_lot(visit, shop)
    for units, late_key in ((2, 4), (3, len(code))):
        await lot.fill("A-12")
        gaps_s = [SCANNER_GAP_S] * len(code)
        gaps_s[late_key - 1] = FALTERED_S
        await press(page, [*code, "Tab"], gaps_s)
        await answered(page, f"{units} × Oil")
        await expect(lot).to_have_value("A-12")


async def test_everything_on_a_scanner_page_is_large_enough_for_a_thumb(
    visit: Any, shop: Shop, accessibility_faults: Any
) -> None:
    page = await open_station(visit, "/pick")
    for path in ("scan", "pick", "pack", "receive", "count", "put-back"):
        await page.goto(f"/dispatch/warehouse/{path}")
        await expect(page.locator(".station .now, .tiles").first).to_be_visible()
        small = await page.evaluate(
            """least => [...document.querySelectorAll('.station button, .station a, .tile')]
            .filter(each => each.offsetParent && each.getBoundingClientRect().height < least)
            .map(each => each.outerHTML)""",
            TOUCHABLE_PX,
        )
        assert small == [], path
        assert await accessibility_faults(page) == [], path
