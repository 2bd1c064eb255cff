"""Billing over HTTP: charges and tariffs, cash, settlements, invoices."""

from typing import Any

from server.billing.cash_routes import CASH_ROUTES
from server.billing.charge_routes import CHARGE_ROUTES
from server.billing.estimate_routes import ESTIMATE_ROUTES
from server.billing.invoice_routes import INVOICE_ROUTES
from server.billing.payment_routes import PAYMENT_ROUTES
from server.billing.settlement_routes import SETTLEMENT_ROUTES

ROUTES: list[Any] = [
    *CHARGE_ROUTES,
    *ESTIMATE_ROUTES,
    *CASH_ROUTES,
    *SETTLEMENT_ROUTES,
    *INVOICE_ROUTES,
    *PAYMENT_ROUTES,
]
