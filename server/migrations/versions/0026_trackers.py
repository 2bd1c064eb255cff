"""A paired device may be a tracker, which only says where its driver is."""

import sqlalchemy as sa
from alembic import op

revision = "0026_trackers"
down_revision = "0025_order_search"


def upgrade() -> None:
    op.add_column(
        "device", sa.Column("is_tracker", sa.Boolean(), nullable=False, server_default=sa.false())
    )
