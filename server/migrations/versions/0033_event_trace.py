"""Events know the trace in which they were emitted."""

import sqlalchemy as sa
from alembic import op

revision = "0033_event_trace"
down_revision = "0032_vehicle_speed"


def upgrade() -> None:
    op.add_column("outbox_event", sa.Column("trace_id", sa.Text(), nullable=True))
