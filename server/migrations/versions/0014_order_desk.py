"""What the order desk needs: credit, holds with a kind, quotes, standing orders, preferences."""

import sqlalchemy as sa
from alembic import op

revision = "0014_order_desk"
down_revision = "0013_inventory"


def upgrade() -> None:
    op.add_column("account", sa.Column("credit_limit_minor", sa.BigInteger()))
    op.add_column(
        "account", sa.Column("owed_minor", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_check_constraint(
        op.f("ck_account_credit_limit"), "account", "credit_limit_minor >= 0"
    )
    op.add_column("order_line", sa.Column("unit_price_minor", sa.BigInteger()))
    op.add_column("orders", sa.Column("accepted_at", sa.DateTime(timezone=True)))
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
