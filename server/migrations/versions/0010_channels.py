"""The tables of channels."""

revision = "0010_channels"
down_revision = "0009_dispatch"


def upgrade() -> None:
    pass
