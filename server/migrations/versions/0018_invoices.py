"""Invoices, credit notes, payments, the journal."""

revision = "0018_invoices"
down_revision = "0017_charges"


def upgrade() -> None:
    """Filled in by the room that it belongs to."""
