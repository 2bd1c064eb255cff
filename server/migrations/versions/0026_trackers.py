"""A paired device may be a tracker, which only says where its driver is; vehicles have a speed that
nobody should exceed."""

import sqlalchemy as sa
from alembic import op

revision = "0026_trackers"
down_revision = "0025_order_search"


def upgrade() -> None:
    op.add_column(
        "device", sa.Column("is_tracker", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "vehicle", sa.Column("max_speed_kmh", sa.Integer(), nullable=False, server_default="130")
    )
    op.create_check_constraint("ck_vehicle_max_speed_kmh", "vehicle", "max_speed_kmh > 0")
