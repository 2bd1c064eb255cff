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
    total_issued,
)
from server.billing.invoice_xml import write_ubl
from server.billing.invoices import issue_invoice
from server.billing.journal import LedgerBalance, journal_csv, ledger_balances, read_journal
from server.billing.papers import write_pdf
from server.billing.payment_matches import MatchView, list_matches, match_invoice, undo_match
from server.billing.payments import (
    NewPayment,
    PaymentView,
    assign_payment,
    get_payment,
    list_payments,
    record_payment,
)
from server.billing.postings import Posting
from server.billing.profiles import (
    get_buyer,
    get_company,
    list_companies,
    put_buyer,
    put_company,
)
from server.billing.sales_csv import Program, sales_csv
from server.billing.statements import Ageing, Statement, StatementLine, get_statement, list_ageing
from server.billing.vat import VatGroup, VatTreatment
from server.billing.vat_rates import VatRateView, list_vat_rates, put_vat_rate

__all__ = [
    "Ageing",
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
    "LedgerBalance",
    "LeftOut",
    "LineView",
    "MatchView",
    "NewPayment",
    "PaymentView",
    "PostalAddress",
    "Posting",
    "Program",
    "Statement",
    "StatementLine",
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
    "get_statement",
    "issue_invoice",
    "journal_csv",
    "ledger_balances",
    "list_ageing",
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
    "read_journal",
    "record_payment",
    "sales_csv",
    "total_issued",
    "undo_match",
    "write_pdf",
    "write_ubl",
]
