"""The tables of tracking."""

revision = "0005_tracking"
down_revision = "0004_accounts"


def upgrade() -> None:
    pass
