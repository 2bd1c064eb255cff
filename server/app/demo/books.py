"""The demo's money: a price list, and at the end of the day cash, invoices and one apology."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from server.app.simulation.office import Office
from server.kit import clock

COMPANY = "MAIN"
COUNTRY = "LI"
STANDARD_VAT_BP = 810
RULES = {
    "weight": {
        "bands": [
            {"up_to": 2_000, "minor": 690},
            {"up_to": 10_000, "minor": 890},
            {"up_to": None, "minor": 890, "more_minor": 45},
        ],
        "volumetric_divisor": 5_000,
        "assume_g": 2_000,
    },
    "per_parcel": {"minor": 120, "free": 1},
    "fuel": {"percent_bp": 650},
    "waiting": {"free_minutes": 10, "unit_minutes": 5, "minor": 250},
    "cash_fee": {"minor": 150, "percent_bp": 100},
    "return_fee": {"minor": 590},
    "reattempt": {"minor": 300},
    "minimum_minor": 650,
}
RATES = {"per_stop_minor": 180, "per_hour_minor": 1_900}


async def open_books(office: Office, account_id: str, *, currency: str, since: datetime) -> None:
    """Who we are, what we ask, what drivers get, and to whom the account's invoices go."""
    address = {"street": "Depot Street 1", "postcode": "9490", "city": "Vaduz", "country": COUNTRY}
    await office.put(
        f"/api/companies/{COMPANY}",
        {"name": "Postrider Demo Couriers", "address": address, "tax_number": "12345"},
    )
    await office.put(
        "/api/vat-rates",
        {
            "country": COUNTRY,
            "code": "standard",
            "valid_from": "2024-01-01",
            "rate_bp": STANDARD_VAT_BP,
        },
    )
    buyer = {"company": COMPANY, "name": "Lantern Books", "address": address | {"street": "Shop 2"}}
    await office.put(f"/api/accounts/{account_id}/billing-profile", buyer)
    tariff = await office.post(
        "/api/tariffs",
        {
            "name": "Parcels",
            "currency": currency,
            "valid_from": since.isoformat(),
            "rules": RULES,
        },
    )
    await office.post(f"/api/tariffs/{tariff['id']}/activate", {})
    await office.post(
        "/api/pay-rules",
        {"valid_from": since.isoformat(), "currency": currency, "rates": RATES},
    )


async def close_books(office: Office, account_id: str, driver_ids: Sequence[str]) -> None:
    """The evening at the desk: drivers hand in their cash, the account gets it and its invoices,
    and half of one line back, because somebody complained."""
    for driver_id in driver_ids:
        await _debrief(office, driver_id)
    await _remit(office, account_id)
    for invoice in await _invoice(office, account_id):
        await _apologise(office, invoice)


async def _debrief(office: Office, driver_id: str) -> None:
    for each in await office.get(f"/api/cash/drivers/{driver_id}"):
        expected = {"currency": each["currency"], "expected_minor": each["expected_minor"]}
        await office.post(
            "/api/cash/debriefs",
            {"driver_id": driver_id, **expected, "counted_minor": each["expected_minor"]},
            key=f"debrief {driver_id} {each['currency']}",
        )


async def _remit(office: Office, account_id: str) -> None:
    for due in await office.get(f"/api/accounts/{account_id}/cash"):
        if due["gross_minor"] == 0:
            continue
        await office.post(
            "/api/remittances",
            {
                "account_id": account_id,
                "currency": due["currency"],
                "gross_minor": due["gross_minor"],
                "reference": f"cash of {clock.now():%Y-%m-%d}",
            },
            key=f"remit {account_id} {due['currency']}",
        )


async def _invoice(office: Office, account_id: str) -> list[dict[str, Any]]:
    drafts = await office.post(
        "/api/invoice-drafts", {"account_id": account_id, "until": clock.now().isoformat()}
    )
    return [await office.post(f"/api/invoices/{each['id']}/issue") for each in drafts["items"]]


async def _apologise(office: Office, invoice: dict[str, Any]) -> None:
    line = max(invoice["lines"], key=lambda each: each["net_minor"])
    credit = {"line": line["number"], "net_minor": line["net_minor"] // 2}
    await office.post(
        f"/api/invoices/{invoice['id']}/credit-notes",
        {"reason": "Came late; half of it back.", "lines": [credit]},
        key=f"apology {invoice['id']}",
    )
