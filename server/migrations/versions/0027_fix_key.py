"""The key of fixes leads to a driver's trail, so that one index serves for two."""

from alembic import op

revision = "0027_fix_key"
down_revision = "0026_trackers"


def upgrade() -> None:
    op.drop_index("ix_fix_driver_id_taken_at", "fix")
    op.drop_constraint("pk_fix", "fix")
    op.create_primary_key("pk_fix", "fix", ["driver_id", "taken_at", "device_id", "seq"])
