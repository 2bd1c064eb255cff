"""Pickup points, and customers who choose one instead of their door."""

import sqlalchemy as sa
from alembic import op

revision = "0034_rooms"
down_revision = "0033_event_trace"


def upgrade() -> None:
    op.create_table(
        "pickup_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_pickup_point_place_id_place"),
        sa.PrimaryKeyConstraint("id", name="pk_pickup_point"),
    )
    for column, target in (("pickup_point_id", "pickup_point"), ("home_place_id", "place")):
        op.add_column("customer_wish", sa.Column(column, sa.Uuid(), nullable=True))
        name = f"fk_customer_wish_{column}_{target}"
        op.create_foreign_key(name, "customer_wish", target, [column], ["id"])
