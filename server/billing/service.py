"""What other rooms may ask of billing."""

from server.billing import invoicing
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
from server.billing.invoicing import *  # noqa: F403 - it names what it offers

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
__all__ += invoicing.__all__
