"""The tables of returns."""

revision = "0008_returns"
down_revision = "0007_orders"


def upgrade() -> None:
    pass
