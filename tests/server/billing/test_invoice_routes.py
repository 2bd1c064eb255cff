"""Invoices over HTTP, from the billing profile to the journal."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from tests.conftest import SignIn
from tests.server.billing.bookkeeping import BUYER, COMPANY, NOON, RATES, Office

BUILT = msgspec.to_builtins


async def test_a_clerk_invoices_credits_and_takes_payments(db: Database, sign_in: SignIn) -> None:
    office = Office(db)
    with clock.running(lambda: NOON):
        admin, clerk = await sign_in(Role.ADMIN), await sign_in(Role.CLERK)
        acme = await office.account(buyer=None)
        beta = await office.account("BETA", buyer=None)
        user, stranger = [await sign_in(Role.ACCOUNT_USER, owner) for owner in (acme, beta)]
        made = await admin.put("/api/companies/MAIN", json=BUILT(COMPANY))
        assert made.status_code == 200, made.text
        assert (await clerk.put("/api/companies/MAIN", json=BUILT(COMPANY))).status_code == 403
        for rate in RATES:
            assert (await admin.put("/api/vat-rates", json=BUILT(rate))).is_success
        profile = f"/api/accounts/{acme}/billing-profile"
        assert (await clerk.get(profile)).json()["code"] == "billing.no_profile"
        assert (await clerk.put(profile, json=BUILT(BUYER))).is_success
        assert (await user.get(profile)).json()["profile"]["name"] == BUYER.name
        assert (await stranger.get(profile)).status_code == 404

        await office.charge(acme, 1000, 2000)
        (waiting,) = (await clerk.get("/api/uninvoiced")).json()["items"]
        assert (waiting["charges"], waiting["net_minor"]) == (2, 3000)
        asked = {"account_id": str(acme), "until": NOON.isoformat()}
        (draft,) = (await clerk.post("/api/invoice-drafts", json=asked)).json()["items"]
        invoice_url = f"/api/invoices/{draft['id']}"
        assert (await user.get(invoice_url)).status_code == 404  # it is a draft
        assert (await user.get("/api/invoices")).json()["items"] == []
        assert (await clerk.get(f"{invoice_url}/pdf")).status_code == 409
        issued = (await clerk.post(f"{invoice_url}/issue")).json()
        assert issued["number"] == "INV-2026-000001"
        again = await clerk.delete(invoice_url)
        assert (again.status_code, again.json()["code"]) == (409, "billing.issued_already")

        pdf = await user.get(f"{invoice_url}/pdf")
        assert pdf.content.startswith(b"%PDF-")
        assert pdf.headers["content-disposition"].endswith('filename="INV-2026-000001.pdf"')
        ubl = await user.get(f"{invoice_url}/ubl")
        assert b"urn:fdc:peppol.eu:2017:poacc:billing:3.0" in ubl.content
        assert (await stranger.get(f"{invoice_url}/pdf")).status_code == 404

        credit: dict[str, Any] = {"reason": "Late", "lines": [{"line": 1, "net_minor": 100}]}
        key = {"Idempotency-Key": "k1"}
        notes = [
            (await clerk.post(f"{invoice_url}/credit-notes", json=credit, headers=key)).json()
            for _ in range(2)
        ]
        assert [note["gross_minor"] for note in notes] == [119, 119]
        assert notes[0]["id"] == notes[1]["id"]

        money = {
            "company": "MAIN",
            "bank_reference": "B1",
            "amount_minor": 3000,
            "currency": "EUR",
            "received_on": "2026-03-02",
            "remittance": "INV-2026-000001",
        }
        payment = (await clerk.post("/api/payments", json=money)).json()
        assert payment["unmatched_minor"] == 0
        matches = (await user.get(f"{invoice_url}/matches")).json()["items"]
        assert [match["amount_minor"] for match in matches] == [119, 3000]
        undone = await clerk.post(f"/api/matches/{matches[1]['id']}/undo")
        assert undone.json()["undone_on"] == "2026-03-02"
        unmatched = (await clerk.get("/api/payments?unmatched=true")).json()["items"]
        assert [each["unmatched_minor"] for each in unmatched] == [3000]

        days = {"since": "2026-03-01", "until": "2026-03-31"}
        letter = await user.get(f"/api/accounts/{acme}/statement.pdf", params=days)
        assert (letter.status_code, letter.content[:5]) == (200, b"%PDF-")
        statement = (await user.get(f"/api/accounts/{acme}/statement", params=days)).json()
        assert statement["closing_minor"] == 3570 - 119 - 3000
        (aged,) = (await user.get("/api/ageing?as_of=2026-03-31")).json()["items"]
        assert (aged["days_1_to_30_minor"], aged["credit_minor"]) == (3451, 3000)
        period = {"since": NOON.isoformat(), "until": (NOON + timedelta(days=1)).isoformat()}
        balances = (await clerk.get("/api/journal/balances", params=period)).json()["items"]
        assert sum(each["debit_minor"] - each["credit_minor"] for each in balances) == 0
        journal = await clerk.get("/api/journal.csv", params=period)
        assert journal.text.startswith("Entry,Booked at,Ledger account,Debit,Credit")
        sales = {"program": "xero", "company": "MAIN"} | days
        assert "INV-2026-000001" in (await clerk.get("/api/sales.csv", params=sales)).text
        assert (await user.get("/api/sales.csv", params=sales)).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/companies/main", {}),
        ("/api/companies/MAIN", BUILT(COMPANY) | {"iban": "DE89370400440532013001"}),
        ("/api/companies/MAIN", BUILT(COMPANY) | {"timezone": "Mars/Olympus"}),
        ("/api/companies/MAIN", BUILT(COMPANY) | {"name": "a\u0000b"}),
        ("/api/companies/MAIN", BUILT(COMPANY) | {"more": 1}),
        ("/api/vat-rates", BUILT(RATES[0]) | {"rate_bp": 10_001}),
        ("/api/vat-rates", BUILT(RATES[0]) | {"rate_bp": 0}),
        ("/api/vat-rates", BUILT(RATES[3]) | {"exemption_reason": ""}),
        ("/api/vat-rates", BUILT(RATES[0]) | {"country": "ZZ"}),
    ],
)
async def test_wrong_settings_are_refused_with_a_sentence(
    sign_in: SignIn, path: str, body: dict[str, Any]
) -> None:
    answer = await (await sign_in(Role.ADMIN)).put(path, json=body)
    assert answer.status_code == 422, answer.text
    assert len(answer.json()["detail"]) > 10
