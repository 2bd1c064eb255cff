"""An order on its whole road through the house and back: from the shelf to the door, to its
invoice, and home again to the shelf and a credit note."""

import io
from typing import Any

import httpx
import pypdfium2
import zxingcpp

from server.app.demo.books import COMPANY, COUNTRY, STANDARD_VAT_BP
from server.identity.access import Role
from tests.journeys.company import MORNING, Company, booking_of, corner
from tests.journeys.couriers import Booking, Courier
from tests.journeys.test_exchange_at_the_door import OLD as LAMP
from tests.journeys.test_exchange_at_the_door import on_shelf, stocked_company

DELIVERY_MINOR, CASH_FEE_MINOR, WAY_BACK_MINOR = 790, 150, 500
CASH_MINOR = 8000


async def test_goods_go_from_the_shelf_to_the_door_and_back_and_every_cent_is_on_a_paper(
    company: Company,
) -> None:
    skus, shelf = await stocked_company(company)
    account_id = await open_books(company)
    courier = await company.hire("Nora")
    booking = await company.take_order(
        corner(2, 1),
        lines=[{"sku": LAMP, "quantity": 2, "unit_price_minor": 4000}],
        parcels=[],
        cash_minor=CASH_MINOR,
        currency="EUR",
    )

    booking = await pick_and_pack(company, booking)
    await read_label(company, booking)
    await bring(company, courier, booking)
    assert await on_shelf(company, skus[LAMP]) == {"A": 1}

    await hand_in_cash(company, courier, account_id)
    invoice = await invoice_all(company, account_id)
    assert [(line["net_minor"]) for line in invoice["lines"]] == [DELIVERY_MINOR, CASH_FEE_MINOR]
    assert (invoice["net_minor"], invoice["vat_minor"], invoice["gross_minor"]) == (940, 76, 1016)
    await read_invoice(company, invoice)
    await pay(company, account_id, invoice, amount_minor=1016)

    back = await send_back(company, courier, booking)
    (line,) = back["lines"]
    counted = {"counted": [{"line_id": line["id"], "quantity": 2}]}
    await company.desk.post(f"/api/returns/{back['id']}/receive", counted)
    finding = {"grade": "as_new", "disposition": "restock", "location_id": shelf}
    resolved = await company.desk.post(f"/api/return-lines/{line['id']}/inspect", finding)
    await company.settle()
    assert (resolved["state"], resolved["refund_minor"]) == ("resolved", 8000)
    assert await on_shelf(company, skus[LAMP]) == {"A": 3}, "sold, and on the shelf again"

    note = await company.desk.post(
        f"/api/invoices/{invoice['id']}/credit-notes",
        {"reason": "They came back", "lines": [{"line": 1}]},
    )
    assert (note["kind"], note["net_minor"], note["vat_minor"]) == ("credit_note", 790, 64)
    way_back = await invoice_all(company, account_id)
    assert way_back["net_minor"] == WAY_BACK_MINOR
    await check_books(company, account_id)
    await company.check_reactions()


async def open_books(company: Company) -> str:
    """Who we are, whom we bill, and what it costs; the account's id."""
    desk = company.desk
    (account,) = (await desk.get("/api/accounts"))["items"]
    address = {"street": "Depotweg 1", "postcode": "9490", "city": "Vaduz", "country": COUNTRY}
    us: dict[str, Any] = {"name": "Postrider Couriers", "address": address, "tax_number": "12345"}
    us["peppol_id"] = "9936:12345"
    await desk.put(f"/api/companies/{COMPANY}", us)
    rate = {"country": COUNTRY, "code": "standard", "valid_from": "2024-01-01"}
    await desk.put("/api/vat-rates", rate | {"rate_bp": STANDARD_VAT_BP})
    buyer: dict[str, Any] = {"company": COMPANY, "name": "Lantern Books", "address": address}
    buyer["peppol_id"] = "9936:54321"
    await desk.put(f"/api/accounts/{account['id']}/billing-profile", buyer)
    tariff = await desk.post(
        "/api/tariffs",
        {
            "name": "Parcels",
            "currency": account["currency"],
            "valid_from": MORNING.isoformat(),
            "rules": {
                "flat": {"minor": DELIVERY_MINOR},
                "cash_fee": {"minor": CASH_FEE_MINOR},
                "return_fee": {"minor": WAY_BACK_MINOR},
            },
        },
    )
    await desk.post(f"/api/tariffs/{tariff['id']}/activate", {})
    return str(account["id"])


async def pick_and_pack(company: Company, booking: Booking) -> Booking:
    """What the scanner says is taken from the shelf, and goes into one parcel."""
    desk = company.desk
    (work,) = (await desk.get("/api/fulfilments", order_id=booking.order_id))["items"]
    wave = await desk.post("/api/pick-waves", {"warehouse_id": work["warehouse_id"]})
    step = await desk.get(f"/api/pick-waves/{wave['id']}/next")
    assert (step["task"]["location"], step["units_here"]) == ("W1/A", 2)
    scan = {"location": "W1/A", "sku": LAMP, "quantity": 2}
    picked = await desk.post(f"/api/pick-waves/{wave['id']}/picks", scan)
    assert picked["next"]["left"] == 0
    packed = await desk.post(f"/api/fulfilments/{work['id']}/pack", {"weight_g": 3200})
    assert [(each["sku"], each["quantity"]) for each in packed["contents"]] == [(LAMP, 2)]
    await company.settle()
    work = await desk.get(f"/api/fulfilments/{work['id']}")
    assert work["fulfilment"]["state"] == "ready"
    found = await desk.get(f"/api/consignments/{booking.consignment_id}")
    return booking_of(found["consignment"])


async def read_label(company: Company, booking: Booking) -> None:
    """The scanner at the depot reads from paper what the driver's phone will expect."""
    (barcode,) = booking.barcodes
    answer = await _paper(company, f"/api/parcels/{barcode}/label.pdf")
    page = pypdfium2.PdfDocument(io.BytesIO(answer.content))[0]
    read = {each.text for each in zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil())}
    assert any(barcode in text for text in read), read
    assert "Ada-Strasse 7" in page.get_textpage().get_text_range()


async def bring(company: Company, courier: Courier, booking: Booking) -> None:
    await company.assign(booking)
    courier.phone.driver.scan(booking.barcodes, "load")
    courier.set_off(booking)
    await company.later(minutes=10)
    courier.deliver(booking, cash_minor=CASH_MINOR)
    await company.later(minutes=5)
    order = await company.desk.order(booking)
    assert order["state"] == "delivered"
    (work,) = (await company.desk.get("/api/fulfilments", order_id=booking.order_id))["items"]
    assert work["state"] == "delivered"


async def hand_in_cash(company: Company, courier: Courier, account_id: str) -> None:
    desk = company.desk
    (expected,) = await desk.get(f"/api/cash/drivers/{courier.driver_id}")
    assert expected["expected_minor"] == CASH_MINOR
    counted = {
        "driver_id": courier.driver_id,
        "currency": expected["currency"],
        "expected_minor": CASH_MINOR,
        "counted_minor": CASH_MINOR,
    }
    await desk.post("/api/cash/debriefs", counted, key="debrief")
    (due,) = await desk.get(f"/api/accounts/{account_id}/cash")
    remitted = {
        "account_id": account_id,
        "currency": due["currency"],
        "gross_minor": CASH_MINOR,
        "reference": "bank 1",
    }
    await desk.post("/api/remittances", remitted, key="remit")


async def invoice_all(company: Company, account_id: str) -> dict[str, Any]:
    """What waits for an invoice, on one that is issued."""
    body = {"account_id": account_id, "until": company.now.isoformat()}
    (draft,) = (await company.desk.post("/api/invoice-drafts", body))["items"]
    issued: dict[str, Any] = await company.desk.post(f"/api/invoices/{draft['id']}/issue")
    return issued


async def read_invoice(company: Company, invoice: dict[str, Any]) -> None:
    """The paper says what the books say, and the buyer's program can read it."""
    answer = await _paper(company, f"/api/invoices/{invoice['id']}/pdf")
    text = pypdfium2.PdfDocument(io.BytesIO(answer.content))[0].get_textpage().get_text_range()
    assert invoice["number"] in text
    assert "10.16" in text
    xml = (await _paper(company, f"/api/invoices/{invoice['id']}/ubl")).text
    assert f">{invoice['number']}<" in xml
    assert ">10.16<" in xml


async def pay(
    company: Company, account_id: str, invoice: dict[str, Any], *, amount_minor: int
) -> None:
    payment = await company.desk.post(
        "/api/payments",
        {
            "company": COMPANY,
            "bank_reference": "bank 2",
            "amount_minor": amount_minor,
            "currency": invoice["currency"],
            "received_on": company.now.date().isoformat(),
            "remittance": invoice["number"],
            "account_id": account_id,
        },
        key="payment",
    )
    assert payment["unmatched_minor"] == 0, "it named its invoice"
    paid = await company.desk.get(f"/api/invoices/{invoice['id']}")
    assert (paid["state"], paid["open_minor"]) == ("paid", 0)


async def send_back(company: Company, courier: Courier, booking: Booking) -> dict[str, Any]:
    """Asked for line by line, fetched at the door, unloaded at the depot."""
    return_id, coming = await company.book_return(booking, goods=[{"order_line": 1, "quantity": 2}])
    await company.assign(coming)
    courier.set_off(coming)
    await company.later(minutes=10)
    courier.collect(coming, "return_pickup")
    await company.later(minutes=30)
    courier.phone.driver.scan(coming.barcodes, "unload")
    await company.later(minutes=1)
    back: dict[str, Any] = await company.desk.get(f"/api/returns/{return_id}")
    assert back["state"] == "received"
    return back


async def check_books(company: Company, account_id: str) -> None:
    """1016 billed and paid, 854 credited, 541 for the way back: the account has 313 to its
    credit."""
    desk, day = company.desk, company.now.date().isoformat()
    statement = await desk.get(f"/api/accounts/{account_id}/statement", since=day, until=day)
    assert [line["amount_minor"] for line in statement["lines"]] == [1016, -1016, -854, 541]
    assert statement["closing_minor"] == -313
    until = company.now.replace(hour=23)
    span = {"since": MORNING.isoformat(), "until": until.isoformat()}
    balances = (await desk.get("/api/journal/balances", **span))["items"]
    left = {each["account_code"]: each["debit_minor"] - each["credit_minor"] for each in balances}
    assert sum(left.values()) == 0
    assert left["receivables"] == -313
    assert (left["cash_with_drivers"], left["cash_owed_to_accounts"]) == (0, 0)


async def _paper(company: Company, path: str) -> httpx.Response:
    clerk = await company.sign_in(Role.ADMIN)
    answer = await clerk.get(path)
    assert answer.status_code == 200, answer.text
    return answer
