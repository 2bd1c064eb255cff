"""What other rooms may ask of billing."""

from server.billing.cash import (
    CashChanged,
    CashView,
    DebriefView,
    DifferenceUnexplained,
    ExpectedCash,
    cash_of_debrief,
    debrief_driver,
    expected_cash,
    list_debriefs,
)
from server.billing.cash_remittances import (
    DueCash,
    RemittanceView,
    agree_on_fees,
    due_cash,
    list_remittances,
    remit_cash,
)
from server.billing.charges import (
    AlreadyReversed,
    ChargeView,
    NewCharge,
    UnknownCharge,
    VatCode,
    get_charge,
    get_charges,
    list_charges,
    record_charges,
    reverse_charge,
)
from server.billing.charging import (
    Repriced,
    WorkView,
    charge_consignment,
    list_unpriced,
    reprice,
)
from server.billing.credit_notes import (
    CreditedLine,
    credit_invoice,
)
from server.billing.dry_run import (
    DryRun,
    try_tariff,
)
from server.billing.invoice_drafts import (
    Drafts,
    LeftOut,
    Uninvoiced,
    discard_draft,
    draft_invoices,
    list_uninvoiced,
)
from server.billing.invoice_parties import (
    Buyer,
    BuyerView,
    Company,
    CompanyView,
    PostalAddress,
)
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
from server.billing.invoice_xml import (
    write_ubl,
)
from server.billing.invoices import (
    issue_invoice,
)
from server.billing.journal import (
    LedgerBalance,
    journal_csv,
    ledger_balances,
    read_journal,
)
from server.billing.papers import (
    write_pdf,
)
from server.billing.pay import (
    DayBonus,
    Rates,
)
from server.billing.pay_rules import (
    add_pay_rule,
    adjust_pay,
    list_adjustments,
    list_pay_rules,
)
from server.billing.payment_matches import (
    MatchView,
    list_matches,
    match_invoice,
    undo_match,
)
from server.billing.payments import (
    NewPayment,
    PaymentView,
    assign_payment,
    get_payment,
    list_payments,
    record_payment,
)
from server.billing.postings import (
    Posting,
    journal_postings,
)
from server.billing.profiles import (
    get_buyer,
    get_company,
    list_companies,
    put_buyer,
    put_company,
)
from server.billing.sales_csv import (
    Program,
    sales_csv,
)
from server.billing.settlements import (
    SettlementView,
    close_settlement,
    get_settlement,
    list_settlements,
    preview_settlement,
)
from server.billing.statements import (
    Ageing,
    Statement,
    StatementLine,
    get_statement,
    list_ageing,
)
from server.billing.tariff_rules import (
    Rules,
)
from server.billing.tariffs import (
    TariffDraft,
    TariffsOverlap,
    TariffView,
    activate_tariff,
    change_tariff,
    create_tariff,
    end_tariff,
    find_tariff,
    get_tariff,
    list_tariffs,
)
from server.billing.vat import (
    VatGroup,
    VatTreatment,
)
from server.billing.vat_rates import (
    VatRateView,
    list_vat_rates,
    put_vat_rate,
)

__all__ = [
    "Ageing",
    "AlreadyReversed",
    "Buyer",
    "BuyerView",
    "CashChanged",
    "CashView",
    "ChargeView",
    "Company",
    "CompanyView",
    "CreditedLine",
    "DayBonus",
    "DebriefView",
    "DifferenceUnexplained",
    "Drafts",
    "DryRun",
    "DueCash",
    "ExpectedCash",
    "InvoiceKind",
    "InvoiceState",
    "InvoiceSummary",
    "InvoiceView",
    "LedgerBalance",
    "LeftOut",
    "LineView",
    "MatchView",
    "NewCharge",
    "NewPayment",
    "PaymentView",
    "PostalAddress",
    "Posting",
    "Program",
    "Rates",
    "RemittanceView",
    "Repriced",
    "Rules",
    "SettlementView",
    "Statement",
    "StatementLine",
    "TariffDraft",
    "TariffView",
    "TariffsOverlap",
    "Uninvoiced",
    "UnknownCharge",
    "VatCode",
    "VatGroup",
    "VatRateView",
    "VatTreatment",
    "WorkView",
    "activate_tariff",
    "add_pay_rule",
    "adjust_pay",
    "agree_on_fees",
    "assign_payment",
    "cash_of_debrief",
    "change_tariff",
    "charge_consignment",
    "close_settlement",
    "create_tariff",
    "credit_invoice",
    "debrief_driver",
    "discard_draft",
    "draft_invoices",
    "due_cash",
    "end_tariff",
    "expected_cash",
    "find_tariff",
    "get_buyer",
    "get_charge",
    "get_charges",
    "get_company",
    "get_invoice",
    "get_payment",
    "get_settlement",
    "get_statement",
    "get_tariff",
    "issue_invoice",
    "journal_csv",
    "journal_postings",
    "ledger_balances",
    "list_adjustments",
    "list_ageing",
    "list_charges",
    "list_companies",
    "list_debriefs",
    "list_invoices",
    "list_matches",
    "list_pay_rules",
    "list_payments",
    "list_remittances",
    "list_settlements",
    "list_tariffs",
    "list_uninvoiced",
    "list_unpriced",
    "list_vat_rates",
    "match_invoice",
    "preview_settlement",
    "put_buyer",
    "put_company",
    "put_vat_rate",
    "read_journal",
    "record_charges",
    "record_payment",
    "remit_cash",
    "reprice",
    "reverse_charge",
    "sales_csv",
    "total_issued",
    "try_tariff",
    "undo_match",
    "write_pdf",
    "write_ubl",
]
