"""Exceptions can be assigned and put off; customers say how they want it brought, and rate it;
accounts have a look of their own on the tracking page."""

import sqlalchemy as sa
from alembic import op

revision = "0023_console"
down_revision = "0022_live"


def upgrade() -> None:
    op.add_column("exception", sa.Column("assigned_to", sa.Uuid()))
    op.add_column("exception", sa.Column("snoozed_until", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        "fk_exception_assigned_to", "exception", "person", ["assigned_to"], ["id"]
    )
    op.create_table(
        "account_brand",
        sa.Column(
            "account_id",
            sa.Uuid(),
            sa.ForeignKey("account.id", name="fk_account_brand_account_id"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_brand"),
    )
    op.create_table(
        "customer_wish",
        sa.Column(
            "consignment_id",
            sa.Uuid(),
            sa.ForeignKey("consignment.id", name="fk_customer_wish_consignment_id"),
            nullable=False,
        ),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("instructions_before", sa.Text(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True)),
        sa.Column("window_end_at", sa.DateTime(timezone=True)),
        sa.Column("wished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consignment_id", name="pk_customer_wish"),
    )
    op.create_table(
        "delivery_rating",
        sa.Column(
            "consignment_id",
            sa.Uuid(),
            sa.ForeignKey("consignment.id", name="fk_delivery_rating_consignment_id"),
            nullable=False,
        ),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("stars between 1 and 5", name="ck_delivery_rating_stars"),
        sa.PrimaryKeyConstraint("consignment_id", name="pk_delivery_rating"),
    )
