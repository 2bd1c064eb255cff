"""A driver's day on the real screens: touches on a window without a screen, the background beside
it, the server at the other end of a cable that is pulled out for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("kivy") is None:
    pytest.skip("the screens need Kivy", allow_module_level=True)

# First of all that knows Kivy, which reads the environment as soon as it is imported.
from tests.driver_app.screens import window  # isort: skip

from kivy.core.window import Window

from driver_app.background import work
from driver_app.screens.app import PostriderApp
from driver_app.screens.design.components import SignaturePad
from tests.driver_app.screens.handsets import Handset
from tests.journeys.company import Company, corner, moment
from tests.journeys.couriers import Booking
from tests.server.live.web_process import HASTY, PATIENCE_S, Cable

BACK = 27


@asynccontextmanager
async def opened_phone(
    company: Company, folder: Path
) -> AsyncIterator[tuple[PostriderApp, Handset, Cable]]:
    """A new phone, not yet anybody's, with its background at work."""
    handset = Handset(folder)
    async with Cable("127.0.0.1", company.web.port).laid() as cable:
        app = window.start(folder, handset.device(), lambda: company.now)
        background = asyncio.create_task(
            work(folder, handset.device(), None, HASTY, lambda: company.now)
        )
        try:
            yield app, handset, cable
        finally:
            background.cancel()
            with suppress(asyncio.CancelledError):
                await background
            window.stop(app)


async def seen(condition: Callable[[], bool]) -> None:
    """Draw frames, and let the server work, until it is so."""
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            while not condition():
                window.frames(1)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError("on the screen: " + " | ".join(window.texts())) from None


async def read(text: str) -> None:
    await seen(lambda: any(text in each for each in window.texts()))


def go_back() -> None:
    Window.dispatch("on_keyboard", BACK, 0, None, [])
    window.frames(2)


async def test_day_of_touches_reaches_the_office_as_it_happened(
    company: Company, tmp_path: Path
) -> None:
    desk = company.desk
    driver_id, _ = await company.employ("Nora")
    code = (await desk.post(f"/api/drivers/{driver_id}/pairing-codes"))["code"]
    async with opened_phone(company, tmp_path / "phone") as (app, handset, cable):
        window.type_into("Address of the server", f"http://127.0.0.1:{cable.port}")
        window.type_into("Pairing code", code)
        window.tap("Pair this phone")
        await read("All is well")
        window.tap("Continue")
        window.tap("Start your shift")
        window.tap("I have checked the vehicle")
        for digit in "4021":
            window.tap(digit)
        window.tap("Start the shift")
        await read("All sent")

        bookings = {
            "Ada": await company.take_order(
                corner(1, 0),
                name="Ada",
                parcels=[{"weight_g": 500}] * 2,
                cash_minor=4250,
                currency="EUR",
                proof={"photo": "required", "signature": "required", "name": "required"},
            ),
            "Ben": await company.take_order(corner(2, 0), name="Ben"),
            "Cia": await company.take_order(corner(3, 0), name="Cia"),
        }
        await company.assign(*bookings.values())
        await seen(lambda: len(app.driver.view().stops) == 3)
        load_the_van(handset, [code for each in bookings.values() for code in each.barcodes])

        done_at = {}
        for number in range(3):
            await company.later(minutes=10)
            stop = app.driver.view().next_stop
            assert stop is not None
            name = stop.tasks[0].task.contact_name
            if number == 1:
                cable.pull()
                await read("No network")
            window.tap("Next stop")
            window.tap("Set off")
            await company.later(minutes=5)
            window.tap("I am here")
            await company.later(minutes=2)
            done_at[name] = company.now
            {"Ada": deliver_to_ada, "Ben": deliver_to_ben, "Cia": fail_at_cias}[name]()
        window.tap("Somebody hands me a return")
        window.type_into("What is it?", "a lamp")
        window.tap("Add without barcode")
        window.tap("Take 1 parcel along")
        await read("waiting")
        assert await desk.proofs(bookings["Cia"]) == []

        back_at = await company.later(hours=1)
        cable.plug()
        await read("All sent")
        await read("All stops are done")
        window.tap("Finish the day")
        assert "Hand in 42.50 EUR" in window.texts()
        handset.to_scan = [*bookings["Cia"].barcodes]
        window.tap("Scan with the camera")
        window.tap("End the shift")
        await read("Start your shift")
        await read("All sent")
        await company.settle()
        assert app.driver.view().needs_attention == ()

    assert await states(company, bookings) == {
        "Ada": "delivered",
        "Ben": "delivered",
        "Cia": "shipped",
    }
    for name, booking in bookings.items():
        (proof,) = await desk.proofs(booking)
        assert moment(proof["occurred_at"]) == done_at[name]
        assert moment(proof["received_at"]) in (done_at[name], back_at)
    (proof,) = await desk.proofs(bookings["Ada"])
    assert sorted(file["kind"] for file in proof["files"]) == ["photo", "signature"]
    assert proof["recipient_name"] == "Dee"
    assert [each["announced"] for each in (await desk.get("/api/returns"))["items"]] == [False]
    raised = await desk.raised()
    assert "cash_differs" not in raised and "proof_missing" not in raised


async def states(company: Company, bookings: dict[str, Booking]) -> dict[str, str]:
    return {name: (await company.desk.order(each))["state"] for name, each in bookings.items()}


def load_the_van(handset: Handset, barcodes: list[str]) -> None:
    window.frames(2)
    window.until(lambda: "Load parcels" in window.texts())
    window.tap("Load parcels")
    handset.to_scan = list(barcodes)
    for _ in barcodes:
        window.tap("Scan with the camera")
    assert "Everything is on board." in window.texts()
    go_back()


def deliver_to_ada() -> None:
    """With all that it asks for; at first it does not go, as the photo is missing."""
    window.tap("Deliver")
    window.tap("Got 42.50 EUR")
    window.type_into("Name (required)", "Dee")
    window.draw_on(next(window.widgets(SignaturePad)), [(0.1, 0.5), (0.5, 0.2), (0.8, 0.7)])
    window.tap("Finish")
    assert "Needed: Photo" in window.texts()
    window.tap("Take a photo")
    window.tap("Finish")


def deliver_to_ben() -> None:
    window.tap("Deliver")
    window.tap("A neighbour")
    window.tap("Finish")


def fail_at_cias() -> None:
    window.tap("It did not work")
    window.tap("Nobody is there")
    window.tap("Take a photo")
    window.tap("Report it")
