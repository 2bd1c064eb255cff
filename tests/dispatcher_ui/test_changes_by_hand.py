"""What people change by hand: a dispatcher drafts, runs and exceptions, a customer the delivery."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from routing.roads import HaversineRoads
from server.dispatch import service as dispatch
from server.dispatch.exceptions import raise_exception
from server.dispatch.planner import plan_next
from server.identity import service as identity
from server.identity.access import Role
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.orders import service as orders
from server.protocol import codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import SendMessage

WIDE = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


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


async def test_board_shows_the_crew_of_the_day_and_its_first_stop(visit: Any, company: Any) -> None:
    """A night's shift that ends today was planned yesterday; it would push the morning out of
    sight, and nobody could be given a stop there."""
    await make_draft(company)
    async with company.db.transaction() as session:
        (van, *_) = await dispatch.list_vehicles(session, depot_id=company.depot_id)
        await dispatch.create_shift(
            session,
            driver_id=company.drivers["Wei Lin"],
            vehicle_id=van.id,
            starts_at=MORNING - timedelta(hours=11),
            ends_at=MORNING - timedelta(hours=5),
            by="test",
        )
    page = await open_page(visit, "/plan")
    await expect(page.locator(".lane")).to_have_count(len(company.drivers))
    await expect(page.locator(".block").first).to_be_in_viewport()


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


async def test_run_is_drawn_along_its_roads(
    visit: Any, company: Any, runs: list[dispatch.RunView]
) -> None:
    page = await open_page(visit, "/plan")
    async with page.expect_response(f"**/api/runs/{runs[0].id}/way") as asked:
        await page.goto(f"/dispatch/plan/runs/{runs[0].id}")
    answer = await asked.value
    assert answer.status == 200
    assert len((await answer.json())["coordinates"]) >= len(runs[0].stops)


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


async def test_geofence_is_drawn_on_the_map_and_two_who_change_it_lose_nothing(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    page = await open_page(visit, "/people/geofences")
    await expect(page.get_by_text("No circle is watched yet.")).to_be_visible()
    await page.get_by_role("button", name="Draw a circle").click()
    box = await page.locator(".lasso-sheet").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(*middle)
    await page.mouse.down()
    await page.mouse.move(middle[0] + 60, middle[1])
    await page.mouse.up()
    drawn = int(await page.get_by_label("Reaches, m").input_value())
    assert 50 < drawn < 2_000, "sixty pixels of a map of a town"
    assert await accessibility_faults(page, within="dialog[open]") == []
    await page.get_by_label("Name").fill("The old town")
    await page.get_by_label("Reaches, m").fill("20")
    await page.get_by_role("button", name="Watch it").click()
    wrong = page.get_by_label("Reaches, m")
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await wrong.fill("300")
    await page.get_by_role("button", name="Watch it").click()
    row = page.get_by_role("row").filter(has_text="The old town")
    await expect(row).to_contain_text("300")

    async with company.desk() as desk:
        (fence,) = (await desk.get("/api/geofences"))["items"]
        assert fence["depot_id"] == str(company.depot_id)
        depot = company.door(0)
        assert abs(fence["position"][0] - depot.lon) < 0.05, "where it was drawn"
        await row.press("Enter")
        await page.get_by_label("Alert").select_option("stay_in")
        lon, lat = fence["position"]
        theirs = {"name": "The new town", "rule": "stay_out", "lon": lon, "lat": lat}
        await desk.put(f"/api/geofences/{fence['id']}", theirs | {"radius_m": 300})
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed it meanwhile")
    await expect(page.get_by_label("Name")).to_have_value("The new town")
    await page.get_by_role("button", name="Save").click()
    both = page.get_by_role("row").filter(has_text="The new town")
    await expect(both).to_contain_text("Tell when a driver leaves it")


async def test_tariff_is_written_in_a_form_with_its_price_beside_it_and_merged(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    page: Page = await visit("/dispatch/billing/tariffs/new", role=Role.CLERK, viewport=WIDE)
    trial = page.locator(".stack")
    await expect(trial).to_contain_text("It would cost €6.00 net")
    await page.get_by_label("Name *").fill("By weight")
    bands = page.get_by_role("group", name="By weight")
    for number, (up_to, amount) in enumerate((("5", "7.50"), ("", "x")), 1):
        await bands.get_by_role("button", name="Add a row").click()
        await page.keyboard.type(up_to)
        await bands.get_by_label(f"Amount, row {number}").fill(amount)
    await page.get_by_role("button", name="Make the draft").click()
    await expect(bands).to_contain_text("Row 2: “x” is no number of 0 or more.")
    assert await accessibility_faults(page, within="#room") == []
    await bands.get_by_label("Amount, row 2").fill("12")
    await expect(trial).to_contain_text("It would cost €13.50 net")
    await page.get_by_label("Weight of each, kg").fill("8")
    await expect(trial).to_contain_text("It would cost €18.00 net")
    await page.get_by_role("button", name="Make the draft").click()
    await page.wait_for_url(re.compile("/tariffs/[0-9a-f-]{36}$"))
    await expect(page.get_by_text("Draft", exact=True)).to_be_visible()

    path = f"/api/tariffs/{page.url.rpartition('/')[2]}"
    async with company.desk() as desk:
        kept = await desk.get(path)
        bands_now = kept["rules"]["weight"]["bands"]
        assert [(each["up_to"], each["minor"]) for each in bands_now] == [(5000, 750), (None, 1200)]
        draft = {
            name: kept[name] for name in ("name", "currency", "valid_from", "service_level")
        } | {"rules": kept["rules"] | {"fuel": {"percent_bp": 1000}}}
        draft["rules"]["weight"]["bands"][0]["minor"] = 800
        await page.get_by_label("Amount", exact=True).first.fill("2")
        await desk.put(path, draft)
    save = page.get_by_role("button", name="Save")
    await save.click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed it meanwhile")
    await expect(bands.get_by_label("Amount, row 1")).to_have_value("8.00")
    await save.click()
    await expect(page.locator("#toast")).to_contain_text("Saved")
    async with company.desk() as desk:
        rules = (await desk.get(path))["rules"]
    assert (rules["flat"]["minor"], rules["fuel"]["percent_bp"]) == (200, 1000)
    assert rules["weight"]["bands"][0]["minor"] == 800

    await page.get_by_role("button", name="Activate").click()
    await page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    await expect(page.get_by_text("Active", exact=True)).to_be_visible()
    await expect(page.get_by_label("Name *")).to_be_disabled()
    await page.get_by_role("button", name="Try it on past work").click()
    await expect(page.get_by_text("No work of this time is for it.")).to_be_visible()


async def test_counter_proposes_what_the_consignee_usually_wants(visit: Any, company: Any) -> None:
    phone = "+423 555 01 02"
    async with company.desk() as desk:
        shop = await desk.post("/api/accounts", {"name": "Globe Shop", "code": "GLOBE"})
        order = await desk.post(
            "/api/orders",
            {
                "account": "GLOBE",
                "kind": "courier",
                "consignor": {"name": "Globe", "address": {"line": "Marktgasse 11, Maravik"}},
                "consignee": {
                    "name": "Ada",
                    "phone": phone,
                    "address": {"line": "Lindenweg 3, Maravik"},
                },
                "parcels": [{"weight_g": 500}],
                "window_start_at": "2026-03-02T10:00:00Z",
                "window_end_at": "2026-03-02T12:00:00Z",
                "instructions": "Ring twice",
            },
            key="for Ada",
        )
        async with company.db.transaction() as session:
            await orders.learn_preferences(session, UUID(order["id"]))
        page = await open_page(visit, "/orders/new")
        await page.get_by_label("Who pays").select_option("GLOBE")
        await page.get_by_label("Phone").fill(phone)
        await page.keyboard.press("Tab")
        card = page.locator(".card").filter(has_text="What this consignee usually wants")
        await expect(card).to_contain_text("10:00 – 12:00")
        await card.get_by_role("button", name="Correct").click()
        await page.get_by_label("Safe place").fill("The shed")
        (known,) = (await desk.get("/api/preferences", account=shop["id"], phone=phone))["items"]
        theirs = {"window_start_local": "14:00:00", "window_end_local": "16:00:00"}
        await desk.put(f"/api/preferences/{known['id']}", theirs)
        save = page.get_by_role("dialog").get_by_role("button", name="Save")
        await save.click()
        await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed it")
        await save.click()
        await expect(card).to_contain_text("14:00 – 16:00")
        await card.get_by_role("button", name="Take it over").click()
        await expect(page.get_by_label("Deliver from")).to_have_value(re.compile("T14:00$"))
        wanted = "Safe place: The shed. Ring twice"
        await expect(page.get_by_label("Instructions")).to_have_value(wanted)
        await page.goto(f"/dispatch/orders/{order['id']}")
        await card.get_by_role("button", name="Forget").click()
        await page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
        await expect(page.locator("#toast")).to_have_text("Forgotten")
        await expect(card).to_have_count(0)
        left = await desk.get("/api/preferences", account=shop["id"], phone=phone)
        assert left["items"] == []


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
    row = page.get_by_role("row").filter(has_text="Done twice")
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


async def hand_in_after_signing_out(company: Any, driver: str, text: str) -> None:
    """A second phone of this driver is signed out, and says all the same that this was written."""
    async with company.db.transaction() as session:
        code = await identity.create_pairing_code(session, company.drivers[driver], by="test")
        phone = await identity.pair_device(session, code, "found phone", address="127.0.0.1")
    async with company.db.transaction() as session:
        await identity.revoke_device(session, phone.device_id, by="test")
    body = SendMessage(text=text, occurred_at=company.now())
    said = codec.encode_batch([Envelope(id=str(new_id()), sent_at=company.now(), body=body)])
    headers = {"Authorization": f"Bearer {phone.token}"}
    async with httpx.AsyncClient(base_url=company.base_url, headers=headers) as client:
        answer = await client.post("/api/driver/last-words", content=said.encode())
    assert answer.status_code == 200 and '"Reject"' not in answer.text, answer.text
    await relay_pending(company.db)


async def test_what_a_signed_out_phone_tells_counts_only_when_it_is_taken_in(
    visit: Any, company: Any
) -> None:
    """The inbox hears of it by itself, and of what became of it."""
    page = await open_page(visit, "/exceptions")
    await expect(page.locator("#freshness")).to_have_text("Live")
    await hand_in_after_signing_out(company, "Nora Frei", "It is with the neighbour")
    await hand_in_after_signing_out(company, "Wei Lin", "Hand the vase to my friend")
    for driver, choice, told in (
        ("Nora Frei", "Take it in", "It counts now"),
        ("Wei Lin", "Believe none of it", "It will not count"),
    ):
        row = page.get_by_role("row").filter(has_text="Work of old phone").filter(has_text=driver)
        await row.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Send message")
        await dialog.get_by_role("button", name=choice).click()
        question = page.get_by_role("dialog", name=choice)
        await expect(question).to_contain_text("This cannot be taken back.")
        await question.get_by_role("button", name=choice).click()
        await expect(page.locator("#toast")).to_have_text(told)
        await expect(row).to_have_count(0)
    wrote = page.get_by_role("row").filter(has_text="Driver wrote")
    await expect(wrote).to_have_count(1)
    await wrote.click()
    said = "The driver wrote: It is with the neighbour"
    await expect(page.get_by_role("dialog", name=said)).to_be_visible()


async def test_cash_that_differs_is_told_as_money(visit: Any, company: Any) -> None:
    async with company.db.transaction() as session:
        raise_exception(session, "cash_differs", due_minor=1250, taken_minor=1000, currency="CHF")
    page = await open_page(visit, "/exceptions")
    await page.get_by_role("row").filter(has_text="Cash differs").click()
    told = page.get_by_role("dialog").locator(".facts")
    await expect(told).to_contain_text(re.compile(r"Due amount\s*CHF\s12\.50"))
    await expect(told).to_contain_text(re.compile(r"Taken amount\s*CHF\s10\.00"))


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
