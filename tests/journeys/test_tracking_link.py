"""The page that anyone with the link may see, and what it never tells."""

import httpx

from driver_app.core.driver import Evidence
from server.kit.geo import Position
from tests.journeys.company import Company, corner
from tests.journeys.couriers import Booking, Courier, photo

NEIGHBOUR = "Grace Hopper"
SECRETS = (
    "Ada",
    "Lovelace",
    "Grace",
    "Hopper",
    "Strasse",
    "555 0000",
    "5550000",
    "Nora",
    "Frei",
    "Lantern",
    "mind the dog",
    "2468",
    "books",
)


async def read(browser: httpx.AsyncClient, path: str) -> tuple[str, dict[str, str]]:
    """Page and status; neither tells whom it is about."""
    page, status = await browser.get(path), await browser.get(f"{path}/status")
    assert (page.status_code, status.status_code) == (200, 200)
    for answer in (page, status):
        told = answer.text + str(answer.headers)
        assert [secret for secret in SECRETS if secret in told] == []
    return page.text, status.json()


async def start_with_neighbours(company: Company) -> tuple[Courier, Booking, Booking]:
    """Two consignments in the order in which they are delivered."""
    courier = await company.hire("Nora Frei")
    details = {
        "instructions": "mind the dog",
        "proof": {"pin": "optional"},
        "pin": "2468",
    }
    ada = await company.take_order(corner(2, 0), name="Ada Lovelace", **details)
    grace = await company.take_order(corner(6, 0), name=NEIGHBOUR, **details)
    await company.assign(ada, grace)
    assert len(courier.to_do) == 2
    first, second = (ada, grace) if courier.to_do[0] == ada.waybill else (grace, ada)
    return courier, first, second


def be_at(company: Company, courier: Courier, where: Position) -> None:
    courier.be_at(where, company.now)


async def test_courier_is_shown_only_while_this_door_is_next_and_nobody_is_ever_named(
    company: Company,
) -> None:
    courier, first, second = await start_with_neighbours(company)
    browser = await company.open_browser()
    first_path, second_path = [await company.open_link(each) for each in (first, second)]
    be_at(company, courier, corner(0.5, 0))
    await company.settle()
    for path, stops in ((first_path, "Yours is the next stop"), (second_path, "1 stop before")):
        page, status = await read(browser, path)
        assert status["courier"] is None, "nobody has set off"
        assert stops in status["stops"] and "Expected" in page

    courier.set_off(first)
    be_at(company, courier, corner(1, 0))
    await company.settle()
    page, status = await read(browser, first_path)
    assert "You are next" in page and 'id="courier"' in page and status["courier"]
    page, status = await read(browser, second_path)
    assert "on its way to you" in page and 'id="courier"' not in page
    assert status["courier"] is None and "1 stop before" in status["stops"]

    await company.later(minutes=5)
    courier.deliver(first, Evidence(recipient_name="Ada Lovelace", photos=(photo("door"),)))
    courier.set_off(second)
    be_at(company, courier, corner(5, 0))
    await company.settle()
    page, status = await read(browser, first_path)
    assert "has been delivered" in page and 'id="courier"' not in page
    assert status["courier"] is None
    assert (await read(browser, second_path))[1]["courier"]

    await company.later(minutes=6)
    assert (await read(browser, second_path))[1]["courier"] is None, "that was some time ago"
    courier.deliver(second)
    be_at(company, courier, corner(6, 0))
    await company.settle()
    for path in (first_path, second_path):
        page, status = await read(browser, path)
        assert (status["courier"], status["stops"]) == (None, "")


async def test_expired_revoked_and_invented_links_are_answered_all_the_same(
    company: Company,
) -> None:
    _, booking, other = await start_with_neighbours(company)
    browser = await company.open_browser()
    expiring = await company.open_link(booking, days=1)
    revoked = await company.open_link(other, days=30)
    living = await company.open_link(booking, days=30)
    invented = f"{living[:-3]}abc"
    for path in (expiring, revoked, living):
        assert (await browser.get(path)).status_code == 200
    await company.desk.delete(f"/api/consignments/{other.consignment_id}/tracking-links")
    await company.later(days=1)

    for ending in ("", "/status"):
        answers = [await browser.get(path + ending) for path in (expiring, revoked, invented)]
        assert [answer.status_code for answer in answers] == [404] * 3
        (body,) = {
            answer.text.replace(path, "")
            for path, answer in zip((expiring, revoked, invented), answers, strict=True)
        }
        assert "valid" in body
        assert len({same_headers(answer) for answer in answers}) == 1
    assert (await browser.get(living)).status_code == 200


def same_headers(answer: httpx.Response) -> tuple[tuple[str, str], ...]:
    """Without those that differ between any two answers."""
    changing = ("date", "content-length", "x-trace-id")
    return tuple(sorted(each for each in answer.headers.items() if each[0] not in changing))
