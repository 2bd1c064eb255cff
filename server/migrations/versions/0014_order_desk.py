"""What the order desk needs: credit, holds with a kind, quotes, standing orders, preferences."""

revision = "0014_order_desk"
down_revision = "0013_inventory"


def upgrade() -> None:
    """Filled in by the room that it belongs to."""
