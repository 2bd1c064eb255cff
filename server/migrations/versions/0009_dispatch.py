"""The tables of dispatch."""

revision = "0009_dispatch"
down_revision = "0008_returns"


def upgrade() -> None:
    pass
