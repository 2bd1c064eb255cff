"""The warehouse knows which version of an order it has."""

import sqlalchemy as sa
from alembic import op

revision = "0024_trade"
down_revision = "0023_console"


def upgrade() -> None:
    op.add_column(
        "fulfilment",
        sa.Column("order_version", sa.Integer(), nullable=False, server_default=sa.text("1")),
    )
    op.execute(
        "update fulfilment set order_version = orders.version"
        " from orders where orders.id = fulfilment.order_id"
    )
