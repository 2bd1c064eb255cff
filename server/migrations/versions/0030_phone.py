"""Messages between the office and drivers; urgent jobs that are only offered."""

import sqlalchemy as sa
from alembic import op

revision = "0030_phone"
down_revision = "0029_stockroom"


def upgrade() -> None:
    op.create_table(
        "driver_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "driver_id",
            sa.Uuid(),
            sa.ForeignKey("driver.person_id", name="fk_driver_message_driver_id"),
            nullable=False,
        ),
        sa.Column("by_driver", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_driver_message"),
        sa.UniqueConstraint(
            "driver_id", "command_id", name="uq_driver_message_driver_id_command_id"
        ),
    )
    op.create_index(
        "ix_driver_message_driver_id_said_at", "driver_message", ["driver_id", "said_at"]
    )
    op.add_column("task", sa.Column("answer_by_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_task_offered",
        "task",
        ["answer_by_at"],
        postgresql_where=sa.text("state = 'assigned'"),
    )
