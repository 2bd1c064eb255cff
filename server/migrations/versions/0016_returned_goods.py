"""Returned goods line by line, inspection, exchanges."""

revision = "0016_returned_goods"
down_revision = "0015_fulfilment"


def upgrade() -> None:
    """Filled in by the room that it belongs to."""
