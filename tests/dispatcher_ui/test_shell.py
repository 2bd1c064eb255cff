"""What all rooms of the console have in common: ways to them, search, languages, looks."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, ViewportSize, expect

from server.identity import service as identity
from server.identity.access import Role

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


async def open_room(visit: Any, room: str, role: Role = Role.ADMIN, **options: Any) -> Page:
    page: Page = await visit(f"/dispatch{room}", role=role, **{"viewport": WIDE, **options})
    return page


async def test_rooms_are_reached_by_keyboard_and_by_url(visit: Any, company: Any) -> None:
    page = await open_room(visit, "/keys")
    await expect(page.locator("#title")).to_have_text("Keys and audit")
    # Without waiting between them: the browser may be slow, who presses them is not.
    await asyncio.gather(page.keyboard.press("g"), page.keyboard.press("l"))
    await page.wait_for_url("**/dispatch")
    await expect(page.locator("#live")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_text("There is no API key yet.")).to_be_visible()


async def test_search_finds_pages_drivers_and_streets(visit: Any, company: Any) -> None:
    page = await open_room(visit, "/keys", Role.ADMIN)
    await expect(page.locator("#freshness")).to_have_text("Live")
    for text, found in (("audit", "Keys and audit"), ("wei", "Wei Lin"), ("lindenw", "Lindenweg")):
        await page.keyboard.press("Control+k")
        await page.keyboard.type(text)
        await expect(page.get_by_role("option").first).to_contain_text(found)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("wei")
    await expect(page.get_by_role("option").first).to_contain_text("Wei Lin")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dispatch")
    row = page.locator("button.run[aria-expanded=true]")
    await expect(row).to_contain_text("Wei Lin")


async def test_ended_session_keeps_what_was_typed(visit: Any, company: Any) -> None:
    page = await open_room(visit, "/keys")
    await page.get_by_role("button", name="New API key").click()
    await page.get_by_label("Name *").fill("The shop's program")
    person = await company.add_person(Role.ADMIN)
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Make the key").click()
    await page.get_by_label("Email").fill(person.email)
    await page.get_by_label("Password").fill("correct horse battery staple")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("The key", exact=True)).not_to_have_value("")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("cell", name="The shop's program", exact=True)).to_be_visible()


async def test_tab_goes_on_with_a_session_of_another_tab_but_in_nobody_elses_name(
    visit: Any, company: Any
) -> None:
    page = await open_room(visit, "/keys")
    me = (await (await page.request.get("/api/me")).json())["person"]
    other = await company.add_person(Role.ADMIN)
    await page.get_by_role("button", name="New API key").click()
    await page.get_by_label("Name *").fill("The shop's program")
    for person_id, answer in (
        (other.id, page.get_by_role("alert").filter(has_text="in another tab")),
        (UUID(me["id"]), page.get_by_role("dialog", name="The key, shown this once")),
    ):
        async with company.db.transaction() as session:
            opened = await identity.open_session(session, person_id)
        cookie: Any = {"name": "postrider_session", "value": opened.token, "url": company.base_url}
        await page.context.add_cookies([cookie])
        await page.get_by_role("button", name="Make the key").click()
        await expect(answer).to_be_visible()


@pytest.mark.parametrize("language", ["de-CH", "es-ES"])
async def test_console_speaks_the_language_of_the_browser(
    visit: Any, company: Any, language: str
) -> None:
    page = await open_room(visit, "", locale=language)
    words = {"de-CH": "Suchen", "es-ES": "Buscar"}
    await expect(page.locator("#search")).to_contain_text(words[language])
    assert await page.evaluate("document.documentElement.lang") == language[:2]


async def test_nobody_sees_rooms_that_are_not_theirs(visit: Any, company: Any) -> None:
    page = await open_room(visit, "/keys", Role.WAREHOUSE)
    await expect(page.get_by_text("There is no such page here")).to_be_visible()
    await expect(page.get_by_role("link", name="Keys and audit")).to_have_count(0)
