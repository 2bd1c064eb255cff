"""The tables of tracking. The partitions of `fix` are made as days come."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005_tracking"
down_revision = "0004_accounts"


def upgrade() -> None:
    create_fix()
    op.create_table(
        "tracked_device",
        sa.Column("device_id", sa.Uuid(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("handled_seqs", JSONB(), nullable=False),
        sa.Column("last_position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("last_taken_at", sa.DateTime(timezone=True)),
        sa.Column("last_accuracy_m", sa.Float()),
        sa.Column("doubted_position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("doubted_taken_at", sa.DateTime(timezone=True)),
        sa.Column("doubted_accuracy_m", sa.Float()),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("battery_percent", sa.Integer()),
        sa.Column("charging", sa.Boolean()),
        sa.Column("network", sa.Text()),
        sa.Column("gps", sa.Text()),
        sa.Column("battery_saver", sa.Boolean()),
        sa.Column("unsent_commands", sa.BigInteger(), nullable=False),
        sa.Column("unsent_fixes", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "live_position",
        sa.Column("driver_id", sa.Uuid(), primary_key=True),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("speed_mps", sa.REAL()),
        sa.Column("heading_deg", sa.REAL()),
    )
    op.create_index(
        "ix_live_position_position", "live_position", ["position"], postgresql_using="gist"
    )
    op.create_table(
        "fence",
        sa.Column("driver_id", sa.Uuid(), primary_key=True),
        sa.Column("subject_id", sa.Uuid(), primary_key=True),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("radius_m", sa.Float(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inside_since", sa.DateTime(timezone=True)),
        sa.Column("entered_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("radius_m > 0", name="radius_m"),
    )


def create_fix() -> None:
    op.create_table(
        "fix",
        sa.Column("device_id", sa.Uuid(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("accuracy_m", sa.REAL(), nullable=False),
        sa.Column("speed_mps", sa.REAL()),
        sa.Column("heading_deg", sa.REAL()),
        postgresql_partition_by="RANGE (taken_at)",
    )
    op.create_index("ix_fix_taken_at", "fix", ["taken_at"], postgresql_using="brin")
    op.create_index("ix_fix_driver_id_taken_at", "fix", ["driver_id", "taken_at"])
    op.create_table(
        "fix_rejection",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), primary_key=True),
        sa.Column("reason", sa.Text(), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count > 0", name="count"),
    )
