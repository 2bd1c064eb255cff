"""Returned goods line by line, inspection, exchanges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_returned_goods"
down_revision = "0015_fulfilment"

EXCHANGE_STATES = (
    "('created', 'reserved', 'awaiting_payment', 'released', 'completed', 'cancelled')"
)

REASONS = (
    # code, English, German, days, payer, photo, by itself
    ("not_wanted", "I do not want it", "Gefällt nicht", 14, "consignee", False, True),
    ("wrong_size", "It does not fit", "Passt nicht", 30, "consignee", False, True),
    ("damaged", "It arrived damaged", "Beschädigt angekommen", 30, "company", True, False),
    ("defective", "It does not work", "Funktioniert nicht", 730, "account", True, False),
    ("wrong_item", "It is not what I ordered", "Falscher Artikel", 30, "account", False, True),
    ("too_late", "It came too late", "Zu spät geliefert", 14, "company", False, False),
    ("other", "Another reason", "Anderer Grund", 14, "consignee", False, False),
)


def upgrade() -> None:
    _accounts_and_consignments()
    _returns()
    _goods()
    _exchanges()


def _accounts_and_consignments() -> None:
    op.create_table(
        "return_policy",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("attempts_max", sa.Integer(), nullable=False),
        sa.Column("days_to_hand_over", sa.Integer(), nullable=False),
        sa.Column("swap_without_old", sa.Boolean(), nullable=False),
        sa.CheckConstraint("attempts_max >= 1", name=op.f("ck_return_policy_attempts_max")),
        sa.CheckConstraint(
            "days_to_hand_over >= 1", name=op.f("ck_return_policy_days_to_hand_over")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_return_policy_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_return_policy")),
    )
    op.add_column("consignment", sa.Column("linked_consignment_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_consignment_linked_consignment_id"),
        "consignment",
        "consignment",
        ["linked_consignment_id"],
        ["id"],
    )


def _returns() -> None:
    op.rename_table("return_line", "return_parcel")
    op.execute("alter index pk_return_line rename to pk_return_parcel")
    op.execute(
        "alter table return_parcel rename constraint ck_return_line_weight_g"
        " to ck_return_parcel_weight_g"
    )
    op.execute(
        "alter table return_parcel rename constraint fk_return_line_return_id"
        " to fk_return_parcel_return_id"
    )
    op.add_column("return", sa.Column("kind", sa.Text(), nullable=False, server_default="asked"))
    op.add_column("return", sa.Column("expires_at", sa.DateTime(timezone=True)))
    op.add_column("return", sa.Column("currency", sa.Text(), nullable=False, server_default=""))
    for amount in ("refund_minor", "fee_minor", "due_minor"):
        op.add_column("return", sa.Column(amount, sa.BigInteger()))
    op.create_check_constraint(op.f("ck_return_kind"), "return", "kind in ('asked', 'to_sender')")
    op.create_check_constraint(
        op.f("ck_return_money"),
        "return",
        "refund_minor >= 0 and fee_minor >= 0 and due_minor >= 0",
    )
    op.create_index("ix_return_order_id", "return", ["order_id"])
    op.create_index(
        "ix_return_waiting",
        "return",
        ["expires_at"],
        postgresql_where=sa.text("state in ('approved', 'booked')"),
    )
    reason = op.create_table(
        "return_reason",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_de", sa.Text(), nullable=False),
        sa.Column("window_days", sa.Integer()),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("photo_required", sa.Boolean(), nullable=False),
        sa.Column("auto_approve", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("window_days >= 0", name=op.f("ck_return_reason_window_days")),
        sa.CheckConstraint("fee_minor >= 0", name=op.f("ck_return_reason_fee_minor")),
        sa.CheckConstraint(
            "payer in ('consignee', 'account', 'company')", name=op.f("ck_return_reason_payer")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_return_reason_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_reason")),
        sa.UniqueConstraint(
            "account_id",
            "code",
            name=op.f("uq_return_reason_account_id_code"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    for code, english, german, days, payer, photo, by_itself in REASONS:
        op.execute(
            reason.insert().values(
                id=sa.text("gen_random_uuid()"),
                code=code,
                text_en=english,
                text_de=german,
                window_days=days,
                fee_minor=0,
                payer=payer,
                photo_required=photo,
                auto_approve=by_itself,
                active=True,
            )
        )


def _goods() -> None:
    op.create_table(
        "return_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kit_line_id", sa.Uuid()),
        sa.Column("order_line", sa.Integer()),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Uuid()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger()),
        sa.Column("serials", postgresql.JSONB(), nullable=False),
        sa.Column("reason_code", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("photos", postgresql.JSONB(), nullable=False),
        sa.Column("received_quantity", sa.Integer()),
        sa.Column("lot", sa.Text()),
        sa.Column("grade", sa.Text()),
        sa.Column("disposition", sa.Text()),
        sa.Column("refund_percent", sa.Integer()),
        sa.Column("inspection_note", sa.Text(), nullable=False),
        sa.Column("inspection_photos", postgresql.JSONB(), nullable=False),
        sa.Column("inspected_at", sa.DateTime(timezone=True)),
        sa.Column("inspected_by", sa.Text()),
        sa.CheckConstraint(
            "quantity >= 0 and received_quantity >= 0", name=op.f("ck_return_line_quantity")
        ),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_return_line_unit_price_minor")),
        sa.CheckConstraint(
            "refund_percent between 0 and 100", name=op.f("ck_return_line_refund_percent")
        ),
        sa.CheckConstraint(
            "disposition in ('restock', 'quarantine', 'scrap', 'vendor')",
            name=op.f("ck_return_line_disposition"),
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return.id"], name=op.f("fk_return_line_return_id")
        ),
        sa.ForeignKeyConstraint(
            ["kit_line_id"], ["return_line.id"], name=op.f("fk_return_line_kit_line_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_return_line_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_line")),
        sa.UniqueConstraint("return_id", "number", name=op.f("uq_return_line_return_id_number")),
    )
    op.create_table(
        "return_difference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("line_id", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("goods", sa.Text(), nullable=False),
        sa.Column("announced", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Text()),
        sa.Column("settled_note", sa.Text()),
        sa.CheckConstraint(
            "kind in ('missing', 'surplus', 'foreign', 'empty')",
            name=op.f("ck_return_difference_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["return.id"], name=op.f("fk_return_difference_return_id")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_return_difference_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["return_line.id"], name=op.f("fk_return_difference_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_difference")),
    )
    op.create_index("ix_return_difference_return_id", "return_difference", ["return_id"])
    op.create_index(
        "ix_return_difference_open",
        "return_difference",
        ["id"],
        postgresql_where=sa.text("settled_at is null"),
    )


def _exchanges() -> None:
    money = ("returned_minor", "replacement_minor", "credit_minor", "due_minor")
    op.create_table(
        "exchange",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(sa.Column(amount, sa.BigInteger(), nullable=False) for amount in money),
        sa.Column("settlement", sa.Text()),
        sa.Column("payment_reference", sa.Text()),
        sa.Column("delivery_consignment_id", sa.Uuid()),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"state in {EXCHANGE_STATES}", name=op.f("ck_exchange_state")),
        sa.CheckConstraint(
            "settlement in ('paid', 'on_account')", name=op.f("ck_exchange_settlement")
        ),
        sa.CheckConstraint(
            " and ".join(f"{amount} >= 0" for amount in money), name=op.f("ck_exchange_money")
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_exchange_{column}"))
            for column, target in (
                ("return_id", "return.id"),
                ("order_id", "orders.id"),
                ("account_id", "account.id"),
                ("delivery_consignment_id", "consignment.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange")),
        sa.UniqueConstraint("return_id", name=op.f("uq_exchange_return_id")),
        sa.UniqueConstraint("order_id", name=op.f("uq_exchange_order_id")),
    )
    op.create_index("ix_exchange_account_id_id", "exchange", ["account_id", "id"])
