"""The answers that drivers' commands got."""

import sqlalchemy as sa
from alembic import op

revision = "0011_live"
down_revision = "0010_channels"


def upgrade() -> None:
    op.create_table(
        "driver_command",
        sa.Column("driver_id", sa.Uuid(), primary_key=True),
        sa.Column("command_id", sa.Text(), primary_key=True),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("reject_code", sa.Text()),
        sa.Column("reject_message", sa.Text()),
    )
