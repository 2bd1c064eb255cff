"""Tariffs, charges, cash and driver settlements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_charges"
down_revision = "0016_returned_goods"

APPEND_ONLY = ("charge",)


def upgrade() -> None:
    create_tariffs()
    create_charges()
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_to_rewrite_history()"
        )


def create_tariffs() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("service_level", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True)),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("valid_from < valid_until", name="validity"),
    )
    op.create_index("ix_tariff_account_id_service_level", "tariff", ["account_id", "service_level"])


def create_charges() -> None:
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id")),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id")),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("vat_code", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), sa.ForeignKey("tariff.id")),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, unique=True),
        sa.Column("reverses_id", sa.Uuid(), sa.ForeignKey("charge.id")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint(
            "vat_code in ('standard', 'reduced', 'zero', 'exempt')", name="vat_code"
        ),
    )
    op.create_index("ix_charge_account_id_id", "charge", ["account_id", "id"])
    op.create_index("ix_charge_order_id", "charge", ["order_id"])
    op.create_index("ix_charge_consignment_id", "charge", ["consignment_id"])
    op.create_index(
        "uq_charge_reverses",
        "charge",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )
