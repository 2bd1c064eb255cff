"""What other rooms may ask of billing."""

from server.billing.charges import (
    AlreadyReversed,
    ChargeView,
    NewCharge,
    UnknownCharge,
    VatCode,
    get_charges,
    list_charges,
    record_charges,
    reverse_charge,
)

__all__ = [
    "AlreadyReversed",
    "ChargeView",
    "NewCharge",
    "UnknownCharge",
    "VatCode",
    "get_charges",
    "list_charges",
    "record_charges",
    "reverse_charge",
]
