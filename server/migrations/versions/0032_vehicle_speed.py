"""Vehicles have a speed that nobody should exceed."""

import sqlalchemy as sa
from alembic import op

revision = "0032_vehicle_speed"
down_revision = "0031_sourcing"


def upgrade() -> None:
    op.add_column(
        "vehicle", sa.Column("max_speed_kmh", sa.Integer(), nullable=False, server_default="130")
    )
    op.create_check_constraint("ck_vehicle_max_speed_kmh", "vehicle", "max_speed_kmh > 0")
