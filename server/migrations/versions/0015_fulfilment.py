"""Picking, packing, labels, nested licence plates."""

revision = "0015_fulfilment"
down_revision = "0014_order_desk"


def upgrade() -> None:
    """Filled in by the room that it belongs to."""
