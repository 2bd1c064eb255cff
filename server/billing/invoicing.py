"""Invoices, credit notes, payments and the journal, as other rooms may use them.

`service` offers all of these names; they stand here because they are many.
"""

from server.billing.credit_notes import CreditedLine, credit_invoice
from server.billing.invoice_drafts import (
    Drafts,
    LeftOut,
    Uninvoiced,
    discard_draft,
    draft_invoices,
    list_uninvoiced,
)
from server.billing.invoice_parties import Buyer, BuyerView, Company, CompanyView, PostalAddress
from server.billing.invoice_views import (
    InvoiceKind,
    InvoiceState,
    InvoiceSummary,
    InvoiceView,
    LineView,
    get_invoice,
    list_invoices,
)
from server.billing.invoices import issue_invoice
from server.billing.payment_matches import MatchView, list_matches, match_invoice, undo_match
from server.billing.payments import (
    NewPayment,
    PaymentView,
    assign_payment,
    get_payment,
    list_payments,
    record_payment,
)
from server.billing.profiles import (
    get_buyer,
    get_company,
    list_companies,
    put_buyer,
    put_company,
)
from server.billing.vat import VatGroup, VatTreatment
from server.billing.vat_rates import VatRateView, list_vat_rates, put_vat_rate

__all__ = [
    "Buyer",
    "BuyerView",
    "Company",
    "CompanyView",
    "CreditedLine",
    "Drafts",
    "InvoiceKind",
    "InvoiceState",
    "InvoiceSummary",
    "InvoiceView",
    "LeftOut",
    "LineView",
    "MatchView",
    "NewPayment",
    "PaymentView",
    "PostalAddress",
    "Uninvoiced",
    "VatGroup",
    "VatRateView",
    "VatTreatment",
    "assign_payment",
    "credit_invoice",
    "discard_draft",
    "draft_invoices",
    "get_buyer",
    "get_company",
    "get_invoice",
    "get_payment",
    "issue_invoice",
    "list_companies",
    "list_invoices",
    "list_matches",
    "list_payments",
    "list_uninvoiced",
    "list_vat_rates",
    "match_invoice",
    "put_buyer",
    "put_company",
    "put_vat_rate",
    "record_payment",
    "undo_match",
]
