"""What happens to invoices and payments; events.py offers these to other rooms."""

from uuid import UUID

from server.kit.outbox import Event


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
