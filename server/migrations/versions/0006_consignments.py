"""The tables of consignments."""

revision = "0006_consignments"
down_revision = "0005_tracking"


def upgrade() -> None:
    pass
