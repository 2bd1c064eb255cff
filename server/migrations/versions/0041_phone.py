"""What phones that were signed out hand in."""

import sqlalchemy as sa
from alembic import op

revision = "0041_phone"
down_revision = "0038_geofences"


def upgrade() -> None:
    op.create_table(
        "last_words",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commands", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name="fk_last_words_device_id_device"
        ),
        sa.PrimaryKeyConstraint("device_id", name="pk_last_words"),
    )
    op.create_table(
        "last_file",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["last_words.device_id"], name="fk_last_file_device_id_last_words"
        ),
        sa.PrimaryKeyConstraint("device_id", "sha256", name="pk_last_file"),
    )
    op.create_table(
        "held_command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "verdict in ('taken', 'refused', 'dropped')", name="ck_held_command_verdict"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name="fk_held_command_device_id_device"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_held_command"),
        sa.UniqueConstraint("driver_id", "command_id", name="uq_held_command_driver_id_command_id"),
    )
    op.create_index("ix_held_command_device_id_id", "held_command", ["device_id", "id"])
