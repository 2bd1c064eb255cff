"""Facts of billing."""

from uuid import UUID

from server.kit.outbox import Event


class ChargesRecorded(Event, frozen=True):
    """A piece of work of a consignment was priced; its charges are there."""

    consignment_id: UUID
    order_id: UUID | None
    account_id: UUID
    source: str


class WorkNotPriced(Event, frozen=True):
    """A piece of work waits, because it could not be priced. reason: in words."""

    consignment_id: UUID
    order_id: UUID | None
    source: str
    reason: str


class CashWithheld(Event, frozen=True):
    """Fees were kept from a remittance, as agreed: a payment of the account to us."""

    remittance_id: UUID
    account_id: UUID
    amount_minor: int
    currency: str


class InvoiceIssued(Event, frozen=True):
    """kind: invoice or credit_note. gross_minor: positive for both."""

    invoice_id: UUID
    kind: str
    number: str
    account_id: UUID
    gross_minor: int
    currency: str


class InvoicePaid(Event, frozen=True):
    """Nothing of it is open any more."""

    invoice_id: UUID
    account_id: UUID


class PaymentRecorded(Event, frozen=True):
    """account_id: None while nobody knows whose it is."""

    payment_id: UUID
    account_id: UUID | None
