"""The live map when the graphics card goes, the computer sleeps, or frames are lost or doubled."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from playwright.async_api import Page, ViewportSize, WebSocket, expect

from server.identity.access import Role
from server.kit.geo import Position
from server.live.screens import FRAMES_AHEAD

WIDE = ViewportSize(width=1280, height=800)
CARD = (
    "document.querySelector('#map canvas').getContext('webgl2').getExtension('WEBGL_lose_context')"
)
IS_MARKED_AT = """([id, lon, lat]) => {
    const at = postrider.markerOf(id);
    return at && Math.abs(at[0] - lon) < 1e-6 && Math.abs(at[1] - lat) < 1e-6;
}"""


async def is_live(page: Page) -> None:
    await expect(page.locator("#freshness")).to_have_text("Live")


async def marker_is_at(page: Page, driver_id: UUID, there: Position) -> None:
    await page.wait_for_function(IS_MARKED_AT, arg=[str(driver_id), there.lon, there.lat])


async def test_map_comes_back_with_the_graphics_card_and_meanwhile_the_list_says_it_all(
    visit: Any, company: Any
) -> None:
    driver_id = company.drivers["Wei Lin"]
    await company.drive_to(driver_id, company.door(0))
    page: Page = await visit("/dispatch", role=Role.DISPATCHER, viewport=WIDE)
    await page.wait_for_function("() => postrider.isUseful()")
    await page.evaluate(f"window.card = {CARD}; card.loseContext()")
    await expect(page.get_by_role("alert")).to_contain_text("cannot draw the map")
    await expect(page.locator("#stage")).to_be_hidden()
    await company.drive_to(driver_id, company.door(3), speed_mps=None)
    row = page.get_by_role("button", name=re.compile("Wei Lin"))
    await expect(row).not_to_contain_text("km/h")
    await row.click()
    await expect(row).to_have_attribute("aria-expanded", "true")
    await page.evaluate("card.restoreContext()")
    await expect(page.locator("#stage")).to_be_visible()
    await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    await page.wait_for_function("() => postrider.isUseful() && postrider.isDrawn()")
    await marker_is_at(page, driver_id, company.door(3))
    assert len(await page.locator("#map canvas").screenshot()) > 30_000, "streets and markers"


async def test_page_that_slept_hears_once_of_all_that_it_missed(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Wei Lin"]
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    frames: list[str | bytes] = []
    acks: list[str | bytes] = []

    def note(frame: str | bytes) -> None:
        frames.append(frame)

    def note_ack(frame: str | bytes) -> None:
        if "ack" in json.loads(frame):
            acks.append(frame)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", note)
        socket.on("framesent", note_ack)

    page.on("websocket", listen)
    await page.goto("/dispatch")
    await is_live(page)
    browser = await page.context.new_cdp_session(page)
    await browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    for number in (1, 2, 3, 4):
        await company.drive_to(driver_id, company.door(number))
    undrawn = len(frames) - len(acks)
    await browser.send("Page.setWebLifecycleState", {"state": "active"})
    await marker_is_at(page, driver_id, company.door(4))
    await is_live(page)
    assert undrawn <= FRAMES_AHEAD, "nothing is sent to who does not draw it"
    records = [json.loads(each) for each in frames if isinstance(each, str)]
    assert sum(each["type"] == "snapshot" for each in records) == 1, "it never asked for all anew"


class Wire:
    """What is between the page and the server. `spoil`: what becomes of each frame."""

    def __init__(self) -> None:
        self.opened = 0
        self.spoil: Callable[[Any], list[Any]] = lambda frame: [frame]

    async def lay(self, page: Page) -> None:
        async def connect(socket: Any) -> None:
            self.opened += 1
            server = socket.connect_to_server()
            server.on_message(
                lambda frame: [socket.send(each) for each in self.spoil(frame)] and None
            )

        await page.route_web_socket(re.compile("/ws/dispatch"), connect)


async def test_lost_frame_is_noticed_and_made_good(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Nora Frei"]
    await company.drive_to(driver_id, company.door(0))
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    wire = Wire()
    await wire.lay(page)
    await page.goto("/dispatch")
    await is_live(page)
    await marker_is_at(page, driver_id, company.door(0))
    lost: list[Any] = []

    def lose_the_move(frame: Any) -> list[Any]:
        if isinstance(frame, bytes) and not lost:
            lost.append(frame)
            return []
        return [frame]

    wire.spoil = lose_the_move
    await company.drive_to(driver_id, company.door(5))
    await company.start(driver_id, (await company.tasks(driver_id))[0])
    await marker_is_at(page, driver_id, company.door(5))
    assert lost and wire.opened == 2
    await is_live(page)


async def test_frames_that_come_twice_change_nothing(visit: Any, company: Any) -> None:
    driver_id = company.drivers["Nora Frei"]
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    wire = Wire()
    wire.spoil = lambda frame: [frame, frame]
    await wire.lay(page)
    await page.goto("/dispatch")
    await is_live(page)
    task = (await company.tasks(driver_id))[0]
    await company.start(driver_id, task)
    await company.drive_to(driver_id, company.door(6))
    await company.deliver(driver_id, task)
    await marker_is_at(page, driver_id, company.door(6))
    row = page.get_by_role("button", name=re.compile("Nora Frei"))
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("On the road · 1 of")
    assert wire.opened == 1


async def test_dead_connection_is_replaced_when_the_computer_wakes(
    visit: Any, company: Any
) -> None:
    """The socket looks open, but nothing comes through it any more."""
    page: Page = await visit("about:blank", role=Role.DISPATCHER, viewport=WIDE)
    wire = Wire()
    await page.clock.install()
    await wire.lay(page)
    await page.goto("/dispatch")
    await is_live(page)
    wire.spoil = lambda frame: []
    await page.clock.fast_forward(11_000)
    await expect(page.locator("#freshness")).to_have_text("Offline")
    wire.spoil = lambda frame: [frame]
    await page.clock.fast_forward(3_000)
    await page.clock.fast_forward(1_000)
    await is_live(page)
    assert wire.opened == 2


async def test_two_tabs_tell_the_same_and_one_sign_out_asks_the_other_to_sign_in(
    visit: Any, company: Any
) -> None:
    driver_id = company.drivers["Tomás Vidal"]
    first: Page = await visit("/dispatch", role=Role.ADMIN, viewport=WIDE)
    second = await first.context.new_page()
    await second.goto("/dispatch")
    for page in (first, second):
        await is_live(page)
    await company.drive_to(driver_id, company.door(7))
    for page in (first, second):
        await marker_is_at(page, driver_id, company.door(7))
    await second.goto("/dispatch/keys")
    await second.get_by_role("button", name="New API key").click()
    await second.get_by_label("Name *").fill("The shop's program")
    await first.get_by_role("button", name="Sign out").click()
    await first.wait_for_url("**/login")
    await second.get_by_role("button", name="Make the key").click()
    await expect(second.get_by_label("Password")).to_be_visible()
    await expect(second.get_by_label("Name *")).to_have_value("The shop's program")
