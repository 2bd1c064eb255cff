"""The tables of orders, and the service levels that every company begins with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_orders"
down_revision = "0006_consignments"


def upgrade() -> None:
    op.execute("create sequence order_number")
    op.create_table(
        "service_level",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cut_off_local", sa.Time(), nullable=False),
        sa.Column("days_after", sa.Integer(), nullable=False),
        sa.Column("window_start_local", sa.Time(), nullable=False),
        sa.Column("window_end_local", sa.Time(), nullable=False),
        sa.Column("within_s", sa.Integer()),
        sa.CheckConstraint("days_after between 0 and 60", name=op.f("ck_service_level_days_after")),
        sa.CheckConstraint(
            "window_start_local < window_end_local", name=op.f("ck_service_level_window")
        ),
        sa.CheckConstraint(
            "days_after > 0 or cut_off_local < window_end_local",
            name=op.f("ck_service_level_cut_off"),
        ),
        sa.CheckConstraint("within_s > 0", name=op.f("ck_service_level_within")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_service_level")),
    )
    op.execute(
        "insert into service_level values"
        " ('express', 'Express, within three hours', '17:00', 0, '08:00', '20:00', 10800),"
        " ('same_day', 'Same day', '12:00', 0, '08:00', '20:00', null),"
        " ('next_day', 'Next day', '18:00', 1, '08:00', '18:00', null)"
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("consignor_name", sa.Text()),
        sa.Column("consignor_phone", sa.Text()),
        sa.Column("consignor_email", sa.Text()),
        sa.Column("consignor_place_id", sa.Uuid()),
        sa.Column("consignee_name", sa.Text(), nullable=False),
        sa.Column("consignee_phone", sa.Text(), nullable=False),
        sa.Column("consignee_email", sa.Text(), nullable=False),
        sa.Column("consignee_place_id", sa.Uuid(), nullable=False),
        sa.Column("parcels", postgresql.JSONB(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pickup_window_start_at", sa.DateTime(timezone=True)),
        sa.Column("pickup_window_end_at", sa.DateTime(timezone=True)),
        sa.Column("service_level", sa.Text()),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.JSONB(), nullable=False),
        sa.Column("proof", postgresql.JSONB(), nullable=False),
        sa.Column("pin", sa.Text()),
        sa.Column("cash_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "search_text",
            sa.Text(),
            sa.Computed(
                "number || ' ' || coalesce(external_id, '') || ' ' || reference || ' ' ||"
                " consignee_name || ' ' || coalesce(consignor_name, '')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("kind in ('goods', 'courier')", name=op.f("ck_orders_kind")),
        sa.CheckConstraint(
            "state in ('draft', 'received', 'accepted', 'on_hold', 'processing', 'in_fulfilment',"
            " 'shipped', 'delivered', 'completed', 'cancelled')",
            name=op.f("ck_orders_state"),
        ),
        sa.CheckConstraint("window_start_at < window_end_at", name=op.f("ck_orders_window")),
        sa.CheckConstraint(
            "pickup_window_start_at < pickup_window_end_at", name=op.f("ck_orders_pickup_window")
        ),
        sa.CheckConstraint(
            "(kind = 'courier') = (consignor_place_id is not null)",
            name=op.f("ck_orders_consignor"),
        ),
        sa.CheckConstraint("cash_minor >= 0", name=op.f("ck_orders_cash")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_orders_version")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_orders_account_id")),
        sa.ForeignKeyConstraint(
            ["consignor_place_id"], ["place.id"], name=op.f("fk_orders_consignor_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["consignee_place_id"], ["place.id"], name=op.f("fk_orders_consignee_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["service_level"], ["service_level.code"], name=op.f("fk_orders_service_level")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        sa.UniqueConstraint(
            "account_id",
            "channel",
            "external_id",
            name=op.f("uq_orders_account_id_channel_external_id"),
        ),
    )
    op.create_index("ix_orders_account_id_id", "orders", ["account_id", "id"])
    op.create_index("ix_orders_state_id", "orders", ["state", "id"])
    op.create_index(
        "ix_orders_search_text",
        "orders",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_line_order_id")),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_line")),
    )
    op.create_table(
        "order_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_event_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
    )
    op.create_index("ix_order_event_order_id_id", "order_event", ["order_id", "id"])
