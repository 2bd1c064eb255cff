"""The tables of returns."""

import sqlalchemy as sa
from alembic import op

revision = "0008_returns"
down_revision = "0007_orders"

STATES = """(
    'requested', 'approved', 'booked', 'collected', 'received', 'inspected', 'resolved',
    'declined', 'cancelled', 'expired'
)"""


def upgrade() -> None:
    op.execute("create sequence rma_number")
    op.create_table(
        "return",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("rma", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("original_consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id")),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), unique=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.Column("source_id", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"state in {STATES}", name="state"),
    )
    op.create_index("ix_return_original_consignment_id", "return", ["original_consignment_id"])
    op.create_index("ix_return_account_id_id", "return", ["account_id", "id"])
    op.create_index(
        "uq_return_source",
        "return",
        ["driver_id", "source_id"],
        unique=True,
        postgresql_where=sa.text("source_id is not null"),
    )
    op.create_table(
        "return_line",
        sa.Column("return_id", sa.Uuid(), sa.ForeignKey("return.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("barcode", sa.Text()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.CheckConstraint("weight_g >= 0", name="weight_g"),
    )
