"""A company that charges, invoices and is paid, for tests."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import (
    Buyer,
    Company,
    CreditedLine,
    InvoiceView,
    NewCharge,
    NewPayment,
    PaymentView,
    PostalAddress,
    VatRateView,
)
from server.kit.db import Database
from server.kit.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

HAMBURG = PostalAddress(street="Kehrwieder 8", postcode="20457", city="Hamburg", country="DE")
BERLIN = PostalAddress(street="Torstraße 1", postcode="10119", city="Berlin", country="DE")
VIENNA = PostalAddress(street="Graben 19", postcode="1010", city="Wien", country="AT")

COMPANY = Company(
    name="Elbe Kurier GmbH",
    address=HAMBURG,
    vat_id="DE136695976",
    tax_number="27/123/45678",
    registration="HRB 12345",
    contact_name="Ida Brandt",
    phone="+49 40 1234560",
    email="rechnung@elbe-kurier.example",
    website="elbe-kurier.example",
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    bank_name="Commerzbank",
    peppol_id="9930:DE136695976",
)

BUYER = Buyer(
    company="MAIN",
    name="Teehaus Nord GmbH",
    address=BERLIN,
    email="buchhaltung@teehaus.example",
    vat_id="DE129273398",
    peppol_id="9930:DE129273398",
    language="de",
)

RATES = (
    VatRateView(
        country="DE",
        code="standard",
        valid_from=date(2007, 1, 1),
        rate_bp=1900,
        label="19% (VAT on Income)",
    ),
    VatRateView(country="DE", code="reduced", valid_from=date(2007, 1, 1), rate_bp=700),
    VatRateView(country="DE", code="zero", valid_from=date(2007, 1, 1), rate_bp=0),
    VatRateView(
        country="DE",
        code="exempt",
        valid_from=date(2007, 1, 1),
        rate_bp=0,
        exemption_code="VATEX-EU-132-1A",
        exemption_reason="Universal postal service",
    ),
)


class Office:
    """now: its time; tests move it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = NOON

    async def open(self, company: Company = COMPANY) -> None:
        async with self.db.transaction() as session:
            await billing.put_company(session, "MAIN", company, by="test")
            for rate in RATES:
                await billing.put_vat_rate(session, rate, by="test")

    async def account(self, code: str = "ACME", buyer: Buyer | None = BUYER) -> UUID:
        async with self.db.transaction() as session:
            made = await accounts.create_account(session, name=code.title(), code=code, by="test")
            if buyer:
                await billing.put_buyer(session, made.id, buyer, by="test")
        return made.id

    async def charge(self, account_id: UUID, *net_minor: int, **fields: Any) -> list[UUID]:
        usual: dict[str, Any] = {
            "kind": "flat",
            "description": "Delivery within the city",
            "currency": "EUR",
            "occurred_at": self.now - timedelta(hours=1),
        }
        new = [
            NewCharge(
                account_id=account_id, net_minor=minor, source=f"test:{new_id()}", **usual | fields
            )
            for minor in net_minor
        ]
        async with self.db.transaction() as session:
            return [each.id for each in await billing.record_charges(session, new)]

    async def draft(self, account_id: UUID) -> list[UUID]:
        async with self.db.transaction() as session:
            made = await billing.draft_invoices(session, account_id, until=self.now, by="test")
        return [draft.id for draft in made.items]

    async def issue(self, invoice_id: UUID) -> InvoiceView:
        async with self.db.transaction() as session:
            return await billing.issue_invoice(session, invoice_id, by="test")

    async def invoice(self, account_id: UUID, *net_minor: int, **fields: Any) -> InvoiceView:
        """Charged, drafted and issued in one go."""
        await self.charge(account_id, *net_minor, **fields)
        (draft,) = await self.draft(account_id)
        return await self.issue(draft)

    async def credit(
        self, invoice_id: UUID, *lines: CreditedLine, reason: str = "Damaged"
    ) -> InvoiceView:
        async with self.db.transaction() as session:
            return await billing.credit_invoice(
                session, invoice_id, lines=lines, reason=reason, by="test"
            )

    async def pay(self, amount_minor: int, **fields: Any) -> PaymentView:
        usual: dict[str, Any] = {
            "company": "MAIN",
            "bank_reference": f"bank:{new_id()}",
            "currency": "EUR",
            "received_on": self.now.date(),
        }
        new = NewPayment(amount_minor=amount_minor, **usual | fields)
        async with self.db.transaction() as session:
            return await billing.record_payment(session, new, by="test")

    async def match(self, invoice_id: UUID, **fields: Any) -> billing.MatchView:
        async with self.db.transaction() as session:
            return await billing.match_invoice(session, invoice_id, by="test", **fields)

    async def undo(self, match_id: UUID) -> billing.MatchView:
        async with self.db.transaction() as session:
            return await billing.undo_match(session, match_id, by="test")

    async def get(self, invoice_id: UUID) -> InvoiceView:
        async with self.db.transaction() as session:
            return await billing.get_invoice(session, invoice_id)

    async def owed_minor(self, account_id: UUID) -> int:
        async with self.db.transaction() as session:
            return (await accounts.get_account(session, account_id)).owed_minor
