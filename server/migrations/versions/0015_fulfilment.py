"""Picking and packing: fulfilments, waves and their tasks, shortages, cartons, packed parcels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_fulfilment"
down_revision = "0014_order_desk"


def upgrade() -> None:
    op.add_column("parcel", sa.Column("withdrawn_at", sa.DateTime(timezone=True)))
    op.create_table(
        "fulfilment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold_reason", sa.Text(), nullable=False),
        sa.Column("cancellation", sa.Text()),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cancellation in ('asked', 'accepted', 'refused')",
            name=op.f("ck_fulfilment_cancellation"),
        ),
        sa.CheckConstraint(
            "state in ('open', 'on_hold', 'picking', 'picked', 'packed', 'ready', 'handed_over', "
            "'delivery_failed', 'delivered', 'returned_to_sender', 'cancelled')",
            name=op.f("ck_fulfilment_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_fulfilment_account_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fulfilment_order_id")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["location.id"], name=op.f("fk_fulfilment_warehouse_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfilment")),
    )
    op.create_index("ix_fulfilment_account_id_id", "fulfilment", ["account_id", "id"], unique=False)
    op.create_index("ix_fulfilment_order_id", "fulfilment", ["order_id"], unique=False)
    op.create_index(
        "ix_fulfilment_warehouse_id_state_due_at",
        "fulfilment",
        ["warehouse_id", "state", "due_at"],
        unique=False,
    )
    op.create_index(
        "uq_fulfilment_order_id_warehouse_id",
        "fulfilment",
        ["order_id", "warehouse_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_table(
        "stock_wait",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_wait_quantity")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_stock_wait_account_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_stock_wait_order_id")),
        sa.PrimaryKeyConstraint("order_id", "sku", name=op.f("pk_stock_wait")),
    )
    op.create_index(
        "ix_stock_wait_account_id_sku_order_id",
        "stock_wait",
        ["account_id", "sku", "order_id"],
        unique=False,
    )
    op.create_table(
        "pick_wave",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid()),
        sa.Column("picker_id", sa.Uuid()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("walk_m", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state in ('open', 'done', 'cancelled')", name=op.f("ck_pick_wave_state")
        ),
        sa.CheckConstraint("walk_m >= 0", name=op.f("ck_pick_wave_walk")),
        sa.ForeignKeyConstraint(["picker_id"], ["person.id"], name=op.f("fk_pick_wave_picker_id")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["location.id"], name=op.f("fk_pick_wave_warehouse_id")
        ),
        sa.ForeignKeyConstraint(["zone_id"], ["location.id"], name=op.f("fk_pick_wave_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_wave")),
    )
    op.create_index(
        "ix_pick_wave_warehouse_id_id", "pick_wave", ["warehouse_id", "id"], unique=False
    )
    op.create_table(
        "pick_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wave_id", sa.Uuid()),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(kind = 'pick') = (wave_id is not null)", name=op.f("ck_pick_task_wave")
        ),
        sa.CheckConstraint("kind in ('pick', 'put_back')", name=op.f("ck_pick_task_kind")),
        sa.CheckConstraint(
            "state in ('open', 'done', 'cancelled')", name=op.f("ck_pick_task_state")
        ),
        sa.CheckConstraint("quantity >= 0 and missing >= 0", name=op.f("ck_pick_task_quantity")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_pick_task_allocation_id")
        ),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"], ["fulfilment.id"], name=op.f("fk_pick_task_fulfilment_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_pick_task_location_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_pick_task_lot_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_pick_task_sku_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["pick_wave.id"], name=op.f("fk_pick_task_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_task")),
    )
    op.create_index("ix_pick_task_fulfilment_id", "pick_task", ["fulfilment_id"], unique=False)
    op.create_index(
        "ix_pick_task_wave_id_sequence", "pick_task", ["wave_id", "sequence"], unique=False
    )
    op.create_index(
        "uq_pick_task_open",
        "pick_task",
        ["allocation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "shortage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("kit_id", sa.Uuid()),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Text()),
        sa.CheckConstraint(
            "state in ('open', 'filled', 'substituted', 'left_out', 'cancelled')",
            name=op.f("ck_shortage_state"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shortage_quantity")),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"], ["fulfilment.id"], name=op.f("fk_shortage_fulfilment_id")
        ),
        sa.ForeignKeyConstraint(["kit_id"], ["sku.id"], name=op.f("fk_shortage_kit_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_shortage_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortage")),
    )
    op.create_index("ix_shortage_fulfilment_id", "shortage", ["fulfilment_id"], unique=False)
    op.create_index(
        "ix_shortage_open",
        "shortage",
        ["sku_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "substitute",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("substitute_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank > 0", name=op.f("ck_substitute_rank")),
        sa.CheckConstraint("sku_id <> substitute_id", name=op.f("ck_substitute_other")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_substitute_sku_id")),
        sa.ForeignKeyConstraint(
            ["substitute_id"], ["sku.id"], name=op.f("fk_substitute_substitute_id")
        ),
        sa.PrimaryKeyConstraint("sku_id", "substitute_id", name=op.f("pk_substitute")),
    )
    op.create_table(
        "carton",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("inner_length_mm", sa.Integer(), nullable=False),
        sa.Column("inner_width_mm", sa.Integer(), nullable=False),
        sa.Column("inner_height_mm", sa.Integer(), nullable=False),
        sa.Column("max_weight_g", sa.Integer(), nullable=False),
        sa.Column("tare_g", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "inner_length_mm > 0 and inner_width_mm > 0 and inner_height_mm > 0",
            name=op.f("ck_carton_size"),
        ),
        sa.CheckConstraint("max_weight_g > 0 and tare_g >= 0", name=op.f("ck_carton_weight")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_carton")),
    )
    op.create_table(
        "packed_parcel",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("carton", sa.Text()),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("weight_g > 0", name=op.f("ck_packed_parcel_weight")),
        sa.ForeignKeyConstraint(["carton"], ["carton.code"], name=op.f("fk_packed_parcel_carton")),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"], ["fulfilment.id"], name=op.f("fk_packed_parcel_fulfilment_id")
        ),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_packed_parcel_parcel_id")
        ),
        sa.PrimaryKeyConstraint("parcel_id", name=op.f("pk_packed_parcel")),
    )
    op.create_index(
        "ix_packed_parcel_fulfilment_id", "packed_parcel", ["fulfilment_id"], unique=False
    )
    op.create_table(
        "packed_content",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_packed_content_quantity")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_packed_content_allocation_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_packed_content_lot_id")),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["packed_parcel.parcel_id"], name=op.f("fk_packed_content_parcel_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_packed_content_sku_id")),
        sa.PrimaryKeyConstraint("parcel_id", "allocation_id", name=op.f("pk_packed_content")),
    )
    op.create_index(
        "ix_packed_content_allocation_id", "packed_content", ["allocation_id"], unique=False
    )
