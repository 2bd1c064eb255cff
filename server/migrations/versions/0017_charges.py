"""Tariffs, charges, cash and driver settlements."""

revision = "0017_charges"
down_revision = "0016_returned_goods"


def upgrade() -> None:
    """Filled in by the room that it belongs to."""
