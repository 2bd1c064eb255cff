"""Indexes for looking things up in a large stock."""

from alembic import op

revision = "0020_stock_lookup"
down_revision = "0019_licence_plates"


def upgrade() -> None:
    op.create_index("ix_sku_code_id", "sku", ["code", "id"])
    for side in ("from", "to"):
        columns = [f"{side}_location_id", "id"]
        op.create_index(f"ix_stock_move_{side}_location_id_id", "stock_move", columns)
    op.create_index("ix_serial_unit_serial", "serial_unit", ["serial"])
    op.create_index("ix_lot_expires_on", "lot", ["expires_on"])
