"""What the order desk needs: credit, holds with a kind, quotes, standing orders, preferences."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_order_desk"
down_revision = "0013_inventory"


PHONE_DIGITS = "regexp_replace(regexp_replace(consignee_phone, '[^0-9]', '', 'g'), '^00', '')"


def upgrade() -> None:
    op.add_column("account", sa.Column("credit_limit_minor", sa.BigInteger()))
    op.add_column(
        "account", sa.Column("owed_minor", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_check_constraint(
        op.f("ck_account_credit_limit"), "account", "credit_limit_minor >= 0"
    )
    op.add_column("order_line", sa.Column("unit_price_minor", sa.BigInteger()))
    _widen_orders()
    op.execute(
        "update orders set accepted_at = captured_at"
        " where state not in ('draft', 'received', 'cancelled')"
    )
    op.create_table(
        "order_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.Column("released_by", sa.Text()),
        sa.CheckConstraint(
            "kind in ('credit', 'fraud', 'duplicate', 'stock', 'payment', 'person')",
            name=op.f("ck_order_hold_kind"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_hold_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_hold")),
    )
    op.create_index(
        "uq_order_hold_open",
        "order_hold",
        ["order_id", "kind", "reason"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )
    op.execute(
        "insert into order_hold (id, order_id, kind, reason, placed_at, placed_by)"
        " select gen_random_uuid(), id, 'person', 'on hold since before holds had a kind',"
        " captured_at, 'system' from orders where state = 'on_hold'"
    )
    _add_rules()
    _add_standing_orders()


def _widen_orders() -> None:
    for column in (
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("picking_began_at", sa.DateTime(timezone=True)),
        sa.Column("consignor_place_key", sa.Text()),
        sa.Column("consignee_place_key", sa.Text(), nullable=False, server_default=""),
        sa.Column(
            "consignee_phone_digits",
            sa.Text(),
            sa.Computed(PHONE_DIGITS, persisted=True),
            nullable=False,
        ),
        sa.Column("goods_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("value_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("origin", sa.Text(), nullable=False, server_default=""),
        sa.Column(
            "origin_order_id",
            sa.Uuid(),
            sa.ForeignKey("orders.id", name=op.f("fk_orders_origin_order_id")),
        ),
        sa.Column("cancel_code", sa.Text()),
        sa.Column("cancel_fee_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("quote_expires_at", sa.DateTime(timezone=True)),
        sa.Column("price_note", sa.Text(), nullable=False, server_default=""),
        sa.Column(
            "stock_hold_id",
            sa.Uuid(),
            sa.ForeignKey("hold.id", name=op.f("fk_orders_stock_hold_id")),
        ),
    ):
        op.add_column("orders", column)
    op.execute("update orders set consignee_place_key = consignee_place_id::text")
    for name, condition in (
        ("origin", "origin in ('', 'split', 'clone', 'standing', 'exchange')"),
        ("value", "value_minor >= 0"),
        ("cancel_fee", "cancel_fee_minor >= 0"),
        ("quote", "state <> 'draft' or quote_expires_at is not null"),
    ):
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)
    op.drop_index("ix_orders_account_id_id", "orders")
    op.drop_index("ix_orders_state_id", "orders")
    op.drop_column("orders", "search_text")  # its index goes with it
    op.add_column(
        "orders",
        sa.Column(
            "search_text",
            sa.Text(),
            sa.Computed(
                "number || ' ' || coalesce(external_id, '') || ' ' || reference || ' ' ||"
                " consignee_name || ' ' || coalesce(consignor_name, '') || ' ' || consignee_email"
                f" || ' ' || {PHONE_DIGITS}",
                persisted=True,
            ),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_orders_search_text",
        "orders",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    for columns in (
        ["captured_at", "id"],
        ["account_id", "captured_at", "id"],
        ["state", "captured_at", "id"],
        ["account_id", "state", "captured_at", "id"],
    ):
        op.create_index(f"ix_orders_{'_'.join(columns)}", "orders", columns)
    op.create_index(
        "ix_orders_account_id_goods_key", "orders", ["account_id", "goods_key", "captured_at"]
    )
    op.create_index(
        "ix_orders_consignee_place_key", "orders", ["consignee_place_key", "captured_at"]
    )
    op.create_index(
        "ix_orders_unbilled",
        "orders",
        ["account_id"],
        postgresql_include=["value_minor", "currency"],
        postgresql_where=sa.text("state in ('accepted', 'processing', 'in_fulfilment', 'shipped')"),
    )
    op.create_index("ix_orders_external_id", "orders", ["external_id"])
    op.create_index("ix_orders_reference", "orders", ["reference"])
    op.create_index(
        "ix_orders_quotes",
        "orders",
        ["quote_expires_at"],
        postgresql_where=sa.text("state = 'draft'"),
    )


def _add_rules() -> None:
    op.create_table(
        "order_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("duplicate_within_s", sa.Integer()),
        sa.Column("repeat_within_s", sa.Integer()),
        sa.Column("cash_limit_minor", sa.BigInteger()),
        sa.Column("new_place_orders", sa.Integer()),
        sa.Column("cancel_free_until_s", sa.Integer()),
        sa.Column("cancel_fee_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_order_rules_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_rules")),
    )
    op.execute("insert into order_rules values (1, 86400, null, null, null, null, 0)")
    op.create_table(
        "blocked_consignee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('phone', 'email', 'place')", name=op.f("ck_blocked_consignee_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocked_consignee")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_blocked_consignee_kind_value")),
    )


def _add_standing_orders() -> None:
    op.create_table(
        "standing_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template", postgresql.JSONB(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("starts_local", sa.DateTime(timezone=False), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("lead_s", sa.Integer(), nullable=False),
        sa.Column("skipped", postgresql.JSONB(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("capture_at", sa.DateTime(timezone=True)),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("duration_s > 0 and lead_s >= 0", name=op.f("ck_standing_order_times")),
        sa.CheckConstraint(
            "(next_at is null) = (capture_at is null)", name=op.f("ck_standing_order_next")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_standing_order_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_order")),
    )
    op.create_index("ix_standing_order_account_id_id", "standing_order", ["account_id", "id"])
    op.create_index(
        "ix_standing_order_due",
        "standing_order",
        ["capture_at"],
        postgresql_where=sa.text("paused_at is null"),
    )
    op.create_table(
        "consignee_habit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        sa.Column("window_start_local", sa.Time()),
        sa.Column("window_end_local", sa.Time()),
        sa.Column("safe_place", sa.Text(), nullable=False),
        sa.Column("access_note", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_consignee_habit_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consignee_habit")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_consignee_habit_account_id_key")),
    )
