"""What is put on a label, asked for over HTTP and read back."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pypdfium2
import pytest
import zxingcpp

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import NewParcel, Party
from server.dispatch.labelling import window_line
from server.identity.access import Role
from server.kit.ids import new_id
from server.kit.settings import Settings
from server.places import service as places
from server.places.service import Address
from tests.conftest import SignIn

from .conftest import MORNING, Town, corner

VADUZ = ZoneInfo("Europe/Vaduz")


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With the GS1 prefix that a test is marked with."""
    return replace(settings, gs1_prefix=getattr(request, "param", ""))


with_gs1_prefix = pytest.mark.parametrize("settings", ["9501234"], indirect=True)


def pages(answer: httpx.Response) -> list[tuple[str, dict[str, str]]]:
    """Text and codes of each page of a PDF."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    read = []
    for page in pypdfium2.PdfDocument(io.BytesIO(answer.content)):
        codes = zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil())
        words = " ".join(page.get_textpage().get_text_range().split())
        read.append((words, {each.symbology_identifier: each.text for each in codes}))
    return read


def ids(found: Sequence[consignments.ConsignmentView]) -> dict[str, Any]:
    return {"params": [("ids", str(each.id)) for each in found]}


async def test_a_label_says_where_when_how_much_and_who_drives(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    await town.add_driver()
    async with town.db.transaction() as session:
        place = await places.create_place(
            session,
            Address(
                street="Städtle", house_number="43", postcode="9490", city="Vaduz", extra="3 OG"
            ),
            position=corner(1, 1),
            access_note="Code 1234",
        )
    goods = await town.book(
        corner(1, 1),
        consignee=Party(name="Ada Lovelace", phone="+423 777", place_id=place.id),
        instructions="Mind the dog",
        service_level="same_day",
        cash_minor=1250,
        currency="CHF",
        window_start_at=MORNING + timedelta(hours=1),
        window_end_at=MORNING + timedelta(hours=5),
        parcels=2,
    )
    await town.insert(goods)
    barcode = goods.parcels[1].barcode
    ((words, codes),) = pages(await client.get(f"/api/parcels/{barcode}/label.pdf"))
    assert codes == {"]C0": barcode, "]Q1": barcode}
    for expected in (
        "Ada Lovelace",
        "Städtle 43, 9490 Vaduz",
        "+423 777",
        "3 OG · Code 1234 · Mind the dog",
        "SAME DAY",
        "Mon 2 Mar 09:00–13:00",
        "12.50 CHF",
        "2/2",
        "1.0 kg",
        "Driver 1",
        "Depot",
        goods.waybill,
    ):
        assert expected in words, words
    zpl = await client.get(f"/api/parcels/{barcode}/label.zpl")
    assert zpl.headers["content-type"].startswith("application/zpl")
    assert zpl.text.startswith("^XA^CI28") and zpl.text.endswith("^XZ\n")
    assert "^FDAda Lovelace^FS" in zpl.text and f"^FDQA,{barcode}^FS" in zpl.text


@with_gs1_prefix
async def test_with_a_gs1_prefix_the_label_bears_one_sscc_for_ever(
    town: Town, sign_in: SignIn
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    goods = await town.book(corner(1, 1), parcels=3)
    url = "/api/consignments/labels.pdf"
    first, again = [pages(await client.get(url, **ids([goods]))) for _ in range(2)]
    assert first == again
    ssccs = [codes["]C1"] for _, codes in first]
    assert len(set(ssccs)) == 3
    assert all(each.startswith("(00)0950123400000") for each in ssccs)
    raw = "]C1" + ssccs[1].replace("(", "").replace(")", "")
    found = await client.get(f"/api/consignments/by-barcode/{raw}")
    assert found.json()["id"] == str(goods.id)
    ((_, codes),) = pages(await client.get(f"/api/parcels/{raw}/label.pdf"))
    assert codes == first[1][1]


async def test_a_return_label_leads_to_the_depot(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.CLERK)
    coming = await town.book(corner(1, 1), kind="return")
    ((words, codes),) = pages(
        await client.get(f"/api/parcels/{coming.parcels[0].barcode}/label.pdf")
    )
    assert "RETURN" in words
    assert codes["]Q1"] == coming.parcels[0].barcode


async def test_many_labels_come_in_the_order_asked_for(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    goods = [await town.book(corner(1, 1), parcels=2) for _ in range(5)]
    found = pages(await client.get("/api/consignments/labels.pdf", **ids(goods[::-1])))
    asked = [parcel.barcode for each in goods[::-1] for parcel in each.parcels]
    assert [codes["]Q1"] for _, codes in found] == asked


async def test_an_account_prints_only_its_own_labels(town: Town, sign_in: SignIn) -> None:
    async with town.db.transaction() as session:
        acme, beta = [
            await accounts.create_account(session, name=code, code=code, by="test")
            for code in ("ACME", "BETA")
        ]
    mine = await town.book(corner(1, 1), account_id=acme.id)
    theirs = await town.book(corner(1, 1), account_id=beta.id)
    client = await sign_in(Role.ACCOUNT_USER, acme.id)
    url = "/api/consignments/labels.pdf"
    assert len(pages(await client.get(url, **ids([mine])))) == 1
    assert (await client.get(url, **ids([mine, theirs]))).status_code == 404
    assert (await client.get(f"/api/parcels/{mine.parcels[0].barcode}/label.zpl")).is_success
    for kind in ("pdf", "zpl"):
        other = await client.get(f"/api/parcels/{theirs.parcels[0].barcode}/label.{kind}")
        assert (other.status_code, other.json()["code"]) == (404, "consignments.unknown_barcode")


async def test_too_many_labels_at_once_are_refused(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    url = "/api/consignments/labels.pdf"
    many = [("ids", str(new_id())) for _ in range(201)]
    assert (await client.get(url, params=many)).status_code == 422
    assert (await client.get(url)).status_code == 422
    big = await town.book(corner(1, 1), parcels=501)
    answer = await client.get(url, **ids([big]))
    assert (answer.status_code, answer.json()["code"]) == (422, "dispatch.too_many_labels")


async def test_a_barcode_of_any_letters_can_be_printed(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    names = ("x" * 200, "包裹", "a b", "#x\\", "^XZ~JA")
    for name in names:
        made = await book_with(town, name)
        (page,) = pages(await client.get("/api/consignments/labels.pdf", **ids([made])))
        assert name in page[1].values()


async def book_with(town: Town, barcode: str) -> consignments.ConsignmentView:
    async with town.db.transaction() as session:
        place = await places.create_place(session, "Some Street 1", position=corner(1, 1))
        return await consignments.create_consignment(
            session,
            consignments.NewConsignment(
                kind="delivery",
                account_id=None,
                consignor=Party(name="Shop"),
                consignee=Party(name="Ada", place_id=place.id),
                parcels=(NewParcel(barcode=barcode),),
            ),
            by="test",
        )


def test_a_window_is_told_in_the_depots_time() -> None:
    at = datetime(2026, 7, 6, 7, 30, tzinfo=UTC)
    later, next_day = at + timedelta(hours=2), at + timedelta(days=1)
    assert window_line(at, later, VADUZ) == "Mon 6 Jul 09:30–11:30"
    assert window_line(at, next_day, VADUZ) == "Mon 6 Jul 09:30 – Tue 7 Jul 09:30"
    assert window_line(None, later, VADUZ) == "until Mon 6 Jul 11:30"
    assert window_line(at, None, VADUZ) == "from Mon 6 Jul 09:30"
    assert window_line(None, None, VADUZ) == ""
