"""The tables of stock, and the virtual locations that goods come from and go to."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision = "0013_inventory"
down_revision = "0012_basemap"

VIRTUAL = ("SUPPLIER", "CUSTOMER", "TRANSIT", "RETURN_QC", "SCRAP", "ADJUST")


def upgrade() -> None:
    location = op.create_table(
        "location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("warehouse_id", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.CheckConstraint(
            "kind in ('warehouse', 'zone', 'aisle', 'bin', 'quarantine', 'van', 'virtual')",
            name=op.f("ck_location_kind"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["location.id"], name=op.f("fk_location_parent_id")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["location.id"], name=op.f("fk_location_warehouse_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("path", name=op.f("uq_location_path")),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_hold_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(
        "ix_hold_open",
        "hold",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "purchase_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("expected_on", sa.Date()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_purchase_note_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_note")),
        sa.UniqueConstraint(
            "account_id", "number", name=op.f("uq_purchase_note_account_id_number")
        ),
    )
    op.create_table(
        "sku",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_unit", sa.Text(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("is_kit", sa.Boolean(), nullable=False),
        sa.Column("has_lots", sa.Boolean(), nullable=False),
        sa.Column("has_serials", sa.Boolean(), nullable=False),
        sa.Column("safety_stock", sa.Integer(), nullable=False),
        sa.Column("reorder_point", sa.Integer(), nullable=False),
        sa.Column("backorder_allowed", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length_mm >= 0 and width_mm >= 0 and height_mm >= 0", name=op.f("ck_sku_size")
        ),
        sa.CheckConstraint("not (is_kit and (has_lots or has_serials))", name=op.f("ck_sku_kit")),
        sa.CheckConstraint("reorder_point >= 0", name=op.f("ck_sku_reorder_point")),
        sa.CheckConstraint("safety_stock >= 0", name=op.f("ck_sku_safety_stock")),
        sa.CheckConstraint("weight_g >= 0", name=op.f("ck_sku_weight")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sku_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sku")),
        sa.UniqueConstraint("account_id", "code", name=op.f("uq_sku_account_id_code")),
    )
    op.create_index("ix_sku_account_id_id", "sku", ["account_id", "id"], unique=False)
    op.create_table(
        "backorder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("kit_id", sa.Uuid()),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_backorder_quantity")),
        sa.ForeignKeyConstraint(["kit_id"], ["sku.id"], name=op.f("fk_backorder_kit_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_backorder_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backorder")),
    )
    op.create_index(
        "ix_backorder_open",
        "backorder",
        ["sku_id", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index("ix_backorder_order_id", "backorder", ["order_id"], unique=False)
    op.create_table(
        "hold_line",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_hold_line_quantity")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_hold_line_hold_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_hold_line_sku_id")),
        sa.PrimaryKeyConstraint("hold_id", "sku_id", name=op.f("pk_hold_line")),
    )
    op.create_index("ix_hold_line_sku_id", "hold_line", ["sku_id"], unique=False)
    op.create_table(
        "kit_component",
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_kit_component_quantity")),
        sa.ForeignKeyConstraint(
            ["component_id"], ["sku.id"], name=op.f("fk_kit_component_component_id")
        ),
        sa.ForeignKeyConstraint(["kit_id"], ["sku.id"], name=op.f("fk_kit_component_kit_id")),
        sa.PrimaryKeyConstraint("kit_id", "component_id", name=op.f("pk_kit_component")),
    )
    op.create_table(
        "lot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Date()),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_lot_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("sku_id", "code", name=op.f("uq_lot_sku_id_code")),
    )
    op.create_table(
        "purchase_line",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("ordered", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.CheckConstraint("ordered > 0", name=op.f("ck_purchase_line_ordered")),
        sa.CheckConstraint(
            "received between 0 and ordered", name=op.f("ck_purchase_line_received")
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["purchase_note.id"], name=op.f("fk_purchase_line_note_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_purchase_line_sku_id")),
        sa.PrimaryKeyConstraint("note_id", "sku_id", name=op.f("pk_purchase_line")),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("kit_id", sa.Uuid()),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('allocated', 'picked', 'shipped', 'released')",
            name=op.f("ck_allocation_state"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_allocation_quantity")),
        sa.ForeignKeyConstraint(["kit_id"], ["sku.id"], name=op.f("fk_allocation_kit_id")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_allocation_location_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_allocation_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_allocation_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index(
        "ix_allocation_open",
        "allocation",
        ["sku_id", "location_id"],
        unique=False,
        postgresql_where=sa.text("state in ('allocated', 'picked')"),
    )
    op.create_index("ix_allocation_order_id_id", "allocation", ["order_id", "id"], unique=False)
    op.create_table(
        "returned_goods",
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state in ('in_inspection', 'restock', 'quarantine', 'scrap', 'vendor')",
            name=op.f("ck_returned_goods_state"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_returned_goods_quantity")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_returned_goods_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_returned_goods_sku_id")),
        sa.PrimaryKeyConstraint("return_line_id", name=op.f("pk_returned_goods")),
    )
    op.create_table(
        "stock_level",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "allocated between 0 and on_hand", name=op.f("ck_stock_level_allocated")
        ),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_level_on_hand")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_stock_level_location_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_level_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_level_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_level")),
        sa.UniqueConstraint(
            "sku_id",
            "location_id",
            "lot_id",
            name=op.f("uq_stock_level_sku_id_location_id_lot_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_stock_level_location_id_id", "stock_level", ["location_id", "id"], unique=False
    )
    op.create_index("ix_stock_level_sku_id_id", "stock_level", ["sku_id", "id"], unique=False)
    op.create_table(
        "stock_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("from_location_id", sa.Uuid(), nullable=False),
        sa.Column("to_location_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "from_location_id <> to_location_id", name=op.f("ck_stock_move_locations")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_move_quantity")),
        sa.ForeignKeyConstraint(
            ["from_location_id"], ["location.id"], name=op.f("fk_stock_move_from_location_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_move_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_move_sku_id")),
        sa.ForeignKeyConstraint(
            ["to_location_id"], ["location.id"], name=op.f("fk_stock_move_to_location_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_move")),
    )
    op.create_index("ix_stock_move_sku_id_id", "stock_move", ["sku_id", "id"], unique=False)
    op.create_index("ix_stock_move_subject", "stock_move", ["subject"], unique=False)
    op.create_table(
        "serial_unit",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("allocation_id", sa.Uuid()),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_serial_unit_allocation_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_serial_unit_location_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_serial_unit_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_serial_unit_sku_id")),
        sa.PrimaryKeyConstraint("sku_id", "serial", name=op.f("pk_serial_unit")),
    )

    for number, name in enumerate(VIRTUAL, 1):
        op.execute(
            location.insert().values(
                id=UUID(f"00000000-0000-7000-8000-{number:012}"),
                kind="virtual",
                path=name,
                name=name,
                priority=0,
            )
        )
    op.execute(
        "create trigger stock_move_is_append_only"
        " before update or delete or truncate on stock_move"
        " for each statement execute function refuse_to_rewrite_history()"
    )
