"""What other rooms may ask of billing."""

from server.billing import invoicing
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
from server.billing.charging import Repriced, WorkView, charge_consignment, list_unpriced, reprice
from server.billing.dry_run import DryRun, try_tariff
from server.billing.invoicing import *  # noqa: F403 - it names what it offers
from server.billing.pay import DayBonus, Rates
from server.billing.pay_rules import add_pay_rule, adjust_pay, list_adjustments, list_pay_rules
from server.billing.postings import Posting, journal_postings
from server.billing.settlements import (
    SettlementView,
    close_settlement,
    get_settlement,
    list_settlements,
    preview_settlement,
)
from server.billing.tariff_rules import Rules
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

__all__ = [
    "AlreadyReversed",
    "CashChanged",
    "CashView",
    "ChargeView",
    "DayBonus",
    "DebriefView",
    "DifferenceUnexplained",
    "DryRun",
    "DueCash",
    "ExpectedCash",
    "NewCharge",
    "Posting",
    "Rates",
    "RemittanceView",
    "Repriced",
    "Rules",
    "SettlementView",
    "TariffDraft",
    "TariffView",
    "TariffsOverlap",
    "UnknownCharge",
    "VatCode",
    "WorkView",
    "activate_tariff",
    "add_pay_rule",
    "adjust_pay",
    "agree_on_fees",
    "cash_of_debrief",
    "change_tariff",
    "charge_consignment",
    "close_settlement",
    "create_tariff",
    "debrief_driver",
    "due_cash",
    "end_tariff",
    "expected_cash",
    "find_tariff",
    "get_charge",
    "get_charges",
    "get_settlement",
    "get_tariff",
    "journal_postings",
    "list_adjustments",
    "list_charges",
    "list_debriefs",
    "list_pay_rules",
    "list_remittances",
    "list_settlements",
    "list_tariffs",
    "list_unpriced",
    "preview_settlement",
    "record_charges",
    "remit_cash",
    "reprice",
    "reverse_charge",
    "try_tariff",
]
__all__ += invoicing.__all__
