"""Orders name a cost centre, and charges the country to which goods were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0029_stockroom"
down_revision = "0023_console"


def upgrade() -> None:
    for table, name in (("orders", "cost_centre"), ("charge", "ship_to_country")):
        op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
