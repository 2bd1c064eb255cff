"""Sales for other programs: the CSV files that Xero and QuickBooks Online document.

One row per line of an invoice; the program adds the tax itself, by the rate that the row names.
Credit notes have a file of their own: Xero takes negative amounts for them, QuickBooks positive
ones in its own import of credit notes.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.csv_text import Number, csv_text
from server.billing.invoice_errors import BadPeriod
from server.billing.invoice_models import Invoice
from server.billing.invoice_views import InvoiceKind, InvoiceView, LineView, view_invoice
from server.billing.invoice_xml import amount_text, parties_of, rate_text
from server.billing.vat import VatTreatment
from server.billing.vat_rates import VatRateView, list_vat_rates

Program = Literal["xero", "quickbooks"]

DAYS_MAX = 31

_XERO = """
*ContactName,EmailAddress,POAddressLine1,POAddressLine2,POAddressLine3,POAddressLine4,POCity,
PORegion,POPostalCode,POCountry,*InvoiceNumber,Reference,*InvoiceDate,*DueDate,Total,
InventoryItemCode,*Description,*Quantity,*UnitAmount,Discount,*AccountCode,*TaxType,TaxAmount,
TrackingName1,TrackingOption1,TrackingName2,TrackingOption2,Currency,BrandingTheme
"""
XERO = _XERO.replace("\n", "").split(",")

_QUICKBOOKS = """
*InvoiceNo,*Customer,*InvoiceDate,*DueDate,Terms,Location,Memo,Item(Product/Service),
ItemDescription,ItemQuantity,ItemRate,*ItemAmount,*ItemTaxCode,ItemTaxAmount,Currency,Service Date
"""
QUICKBOOKS = _QUICKBOOKS.replace("\n", "").split(",")

UNTAXED = {"Z": "Zero Rated", "E": "Exempt", "AE": "Reverse Charge", "G": "Export", "O": "No VAT"}


async def sales_csv(
    session: AsyncSession,
    program: Program,
    *,
    company: str,
    kind: InvoiceKind,
    since: date,
    until: date,
    revenue_account: str,
) -> str:
    """What one of our companies issued from `since` to `until`, both included.

    revenue_account: the code of the sales account in the other program.

    Raises
    ------
    BadPeriod
    """
    if not 0 <= (until - since).days < DAYS_MAX:
        raise BadPeriod(days_max=DAYS_MAX)
    issued = await session.scalars(
        select(Invoice)
        .where(
            Invoice.company_code == company,
            Invoice.kind == kind,
            Invoice.issued_on.between(since, until),
        )
        .order_by(Invoice.number)
    )
    rates = await list_vat_rates(session)
    rows: list[Sequence[str]] = []
    for row in issued:
        invoice = await view_invoice(session, row)
        for line in invoice.lines:
            tax = _tax_name(invoice, line.treatment, rates)
            if program == "xero":
                rows.append(_xero_row(invoice, line, tax, revenue_account))
            else:
                rows.append(_quickbooks_row(invoice, line, tax))
    return csv_text(XERO if program == "xero" else QUICKBOOKS, rows)


def _tax_name(invoice: InvoiceView, treatment: VatTreatment, rates: Sequence[VatRateView]) -> str:
    """How the other program calls the rate: the label of the rate table, or its percentage."""
    seller, _ = parties_of(invoice)
    named = (
        rate.label
        for rate in rates
        if rate.country == seller.address.country and rate.treatment == treatment and rate.label
    )
    return next(named, UNTAXED.get(treatment.category, f"{rate_text(treatment.rate_bp)}%"))


def _xero_row(invoice: InvoiceView, line: LineView, tax: str, account: str) -> Sequence[str]:
    _, buyer = parties_of(invoice)
    sign = 1 if invoice.kind == "invoice" else -1
    address = buyer.address
    filled = {
        "*ContactName": buyer.name,
        "EmailAddress": buyer.email,
        "POAddressLine1": address.street,
        "POAddressLine2": address.extra,
        "POCity": address.city,
        "POPostalCode": address.postcode,
        "POCountry": address.country,
        "*InvoiceNumber": str(invoice.number),
        "Reference": invoice.buyer_reference,
        "*InvoiceDate": f"{invoice.issued_on:%d/%m/%Y}",
        "*DueDate": f"{invoice.due_on:%d/%m/%Y}",
        "*Description": line.description,
        "*Quantity": Number("1"),
        "*UnitAmount": Number(amount_text(sign * line.net_minor, invoice.currency)),
        "*AccountCode": account,
        "*TaxType": tax,
        "TrackingName1": "Cost centre" if line.cost_centre else "",
        "TrackingOption1": line.cost_centre,
        "Currency": invoice.currency,
    }
    return [filled.get(column, "") for column in XERO]


def _quickbooks_row(invoice: InvoiceView, line: LineView, tax: str) -> Sequence[str]:
    _, buyer = parties_of(invoice)
    amount = Number(amount_text(line.net_minor, invoice.currency))
    filled = {
        "*InvoiceNo": str(invoice.number),
        "*Customer": buyer.name,
        "*InvoiceDate": f"{invoice.issued_on:%d/%m/%Y}",
        "*DueDate": f"{invoice.due_on:%d/%m/%Y}",
        "Terms": f"Net {buyer.payment_days}",
        "Location": line.cost_centre,
        "Memo": invoice.buyer_reference,
        "Item(Product/Service)": "Courier services",
        "ItemDescription": line.description,
        "ItemQuantity": Number("1"),
        "ItemRate": amount,
        "*ItemAmount": amount,
        "*ItemTaxCode": tax,
        "Currency": invoice.currency,
        "Service Date": f"{line.occurred_on:%d/%m/%Y}",
    }
    return [filled.get(column, "") for column in QUICKBOOKS]
