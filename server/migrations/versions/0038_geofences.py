"""Circles that the office watches."""

import sqlalchemy as sa
from alembic import op

from server.kit.geo import Point

revision = "0038_geofences"
down_revision = "0037_phone"


def upgrade() -> None:
    op.create_table(
        "geofence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", Point(), nullable=False),
        sa.Column("radius_m", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("radius_m > 0", name="ck_geofence_radius_m"),
        sa.CheckConstraint("rule in ('stay_out', 'stay_in')", name="ck_geofence_rule"),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_geofence_depot_id_depot"),
        sa.PrimaryKeyConstraint("id", name="pk_geofence"),
    )
    op.create_index("ix_geofence_depot_id", "geofence", ["depot_id"])
