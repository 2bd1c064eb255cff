"""How long things took, forecasts of arrivals and their scores; runs that are watched."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0021_arrivals"
down_revision = "0020_stock_lookup"


def upgrade() -> None:
    op.add_column("stop", sa.Column("leg_s", sa.Integer(), nullable=False, server_default="0"))
    op.create_check_constraint("leg_s", "stop", "leg_s >= 0")
    op.execute("update stop set leg_s = leg_m / 8")  # what is planned already, at 30 km/h
    op.create_table(
        "time_taken",
        sa.Column("subject_id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("expected_s", sa.Float(), nullable=False),
        sa.Column("taken_s", sa.Float(), nullable=False),
        moment("ended_at"),
        sa.CheckConstraint("kind in ('set_off', 'drive', 'serve')", name="kind"),
        sa.CheckConstraint("expected_s >= 0 and taken_s >= 0", name="not_negative"),
        sa.CheckConstraint("hour between 0 and 23", name="hour"),
    )
    op.create_index("ix_time_taken_depot_id_ended_at", "time_taken", ["depot_id", "ended_at"])
    op.create_table(
        "forecast",
        sa.Column("stop_id", sa.Uuid(), primary_key=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        moment("made_at"),
        moment("from_at"),
        moment("likely_at"),
        moment("until_at"),
        sa.CheckConstraint("from_at <= likely_at and likely_at <= until_at", name="order"),
    )
    op.create_index("ix_forecast_run_id", "forecast", ["run_id"])
    op.create_table(
        "forecast_told",
        sa.Column("stop_id", sa.Uuid(), primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True), primary_key=True),
        moment("from_at"),
        moment("likely_at"),
        moment("until_at"),
    )
    op.create_table(
        "forecast_score",
        sa.Column("stop_id", sa.Uuid(), primary_key=True),
        sa.Column("lead_s", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        moment("arrived_at"),
        moment("from_at"),
        moment("likely_at"),
        moment("until_at"),
        sa.CheckConstraint("lead_s > 0", name="lead_s"),
    )
    op.create_index("ix_forecast_score_arrived_at", "forecast_score", ["arrived_at"])
    op.create_table(
        "run_watch",
        sa.Column("run_id", sa.Uuid(), sa.ForeignKey("run.id"), primary_key=True),
        moment("due_at"),
    )
    op.create_index("ix_run_watch_due_at", "run_watch", ["due_at"])
    op.execute("insert into run_watch select id, now() from run where state <> 'closed'")


def moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
