"""The tables of dispatch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from server.kit.geo import Point

revision = "0009_dispatch"
down_revision = "0008_returns"


def upgrade() -> None:
    op.create_table(
        "depot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("position", Point(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("opens_local", sa.Time(), nullable=False),
        sa.Column("closes_local", sa.Time(), nullable=False),
        sa.Column("input_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("opens_local < closes_local", name="ck_depot_opening"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_depot_place_id"),
        sa.PrimaryKeyConstraint("id", name="pk_depot"),
        sa.UniqueConstraint("name", name="uq_depot_name"),
    )
    op.create_index(
        "ix_depot_position", "depot", ["position"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "planning_change",
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_planning_change_depot_id"),
        sa.PrimaryKeyConstraint("depot_id", "version", name="pk_planning_change"),
    )
    op.create_table(
        "driver",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("manifest_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_driver_depot_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_driver_person_id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_driver"),
    )
    op.create_index("ix_driver_depot_id", "driver", ["depot_id"], unique=False)
    op.create_table(
        "vehicle",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("capacity_weight_g", sa.Integer(), nullable=False),
        sa.Column("capacity_volume_ml", sa.Integer(), nullable=False),
        sa.Column("capacity_parcels", sa.Integer(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("profile in ('car', 'bicycle')", name="ck_vehicle_profile"),
        sa.CheckConstraint(
            "capacity_weight_g >= 0 and capacity_volume_ml >= 0 and capacity_parcels >= 0",
            name="ck_vehicle_capacity",
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_vehicle_depot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_vehicle"),
        sa.UniqueConstraint("label", name="uq_vehicle_label"),
    )
    op.create_index("ix_vehicle_depot_id", "vehicle", ["depot_id"], unique=False)
    op.create_table(
        "shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("breaks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("breaks_taken", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_break_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broken_down_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("breaks_taken >= 0", name="ck_shift_breaks_taken"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_shift_times"),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_shift_depot_id"),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.person_id"], name="fk_shift_driver_id"),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name="fk_shift_vehicle_id"),
        sa.PrimaryKeyConstraint("id", name="pk_shift"),
    )
    op.create_index("ix_shift_depot_id_starts_at", "shift", ["depot_id", "starts_at"], unique=False)
    op.create_index(
        "ix_shift_driver_id_starts_at", "shift", ["driver_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_shift_vehicle_id_starts_at", "shift", ["vehicle_id", "starts_at"], unique=False
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("input_version", sa.Integer(), nullable=False),
        sa.Column("budget_s", sa.Double(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("keep_locks_of", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("unassigned", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'solving', 'draft', 'published', 'discarded', 'failed')",
            name="ck_plan_state",
        ),
        sa.CheckConstraint("budget_s > 0", name="ck_plan_budget_s"),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_plan_depot_id"),
        sa.ForeignKeyConstraint(["keep_locks_of"], ["plan.id"], name="fk_plan_keep_locks_of"),
        sa.PrimaryKeyConstraint("id", name="pk_plan"),
    )
    op.create_index("ix_plan_depot_id_day", "plan", ["depot_id", "day"], unique=False)
    op.create_index(
        "ix_plan_open",
        "plan",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'solving')"),
    )
    op.create_index(
        "uq_plan_solving",
        "plan",
        ["depot_id", "day"],
        unique=True,
        postgresql_where=sa.text("state = 'solving'"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("cost_minor", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('draft', 'published', 'started', 'closed')", name="ck_run_state"
        ),
        sa.CheckConstraint("distance_m >= 0 and cost_minor >= 0", name="ck_run_not_negative"),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_run_depot_id"),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.person_id"], name="fk_run_driver_id"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_run_plan_id"),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name="fk_run_shift_id"),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name="fk_run_vehicle_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("shift_id", name="uq_run_shift_id"),
    )
    op.create_index("ix_run_depot_id_day", "run", ["depot_id", "day"], unique=False)
    op.create_index("ix_run_driver_id_day", "run", ["driver_id", "day"], unique=False)
    op.create_table(
        "stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("leg_m", sa.Integer(), nullable=False),
        sa.Column("planned_arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_departure_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("sequence >= 0 and leg_m >= 0", name="ck_stop_not_negative"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_stop_place_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_stop_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stop"),
    )
    op.create_index("ix_stop_run_id_sequence", "stop", ["run_id", "sequence"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consignment_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pickup_from", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("service_s", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("barred_drivers", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("past_drivers", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("stop_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=True),
        sa.Column("outcome_code", sa.Text(), nullable=True),
        sa.Column("cash_minor", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'pickup') = (pickup_from is not null)"
            " and pickup_from in ('consignor', 'depot', 'vehicle')",
            name="ck_task_pickup_from",
        ),
        sa.CheckConstraint("kind in ('delivery', 'pickup', 'return_pickup')", name="ck_task_kind"),
        sa.CheckConstraint(
            "state <> 'unassigned' or stop_id is null", name="ck_task_unassigned_has_no_stop"
        ),
        sa.CheckConstraint(
            "state in ('unassigned', 'assigned', 'accepted', 'declined', 'en_route', 'arrived',"
            " 'completed', 'failed', 'cancelled')",
            name="ck_task_state",
        ),
        sa.CheckConstraint("service_s >= 0 and attempt >= 1", name="ck_task_not_negative"),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_task_consignment_id"
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_task_depot_id"),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.person_id"], name="fk_task_driver_id"),
        sa.ForeignKeyConstraint(["finished_by"], ["driver.person_id"], name="fk_task_finished_by"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_task_place_id"),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.id"], name="fk_task_stop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
    )
    op.create_index("ix_task_consignment_id", "task", ["consignment_id"], unique=False)
    op.create_index("ix_task_place_id", "task", ["place_id"], unique=False)
    op.create_index(
        "ix_task_pool",
        "task",
        ["depot_id"],
        unique=False,
        postgresql_where=sa.text("state not in ('completed', 'failed', 'cancelled')"),
    )
    op.create_index("ix_task_stop_id", "task", ["stop_id"], unique=False)
    op.create_index(
        "uq_task_open",
        "task",
        ["consignment_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state not in ('completed', 'failed', 'cancelled')"),
    )
    op.create_table(
        "street_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("shift_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", Point(), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["driver.person_id"], name="fk_street_fact_driver_id"
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name="fk_street_fact_shift_id"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_street_fact_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_street_fact"),
        sa.UniqueConstraint(
            "driver_id", "command_id", "task_id", name="uq_street_fact_driver_id_command_id_task_id"
        ),
    )
    op.create_index(
        "ix_street_fact_driver_id_occurred_at",
        "street_fact",
        ["driver_id", "occurred_at"],
        unique=False,
    )
    op.create_index("ix_street_fact_task_id", "street_fact", ["task_id"], unique=False)
    op.create_table(
        "manifest",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.person_id"], name="fk_manifest_driver_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_manifest_run_id"),
        sa.PrimaryKeyConstraint("driver_id", "version", name="pk_manifest"),
    )
    op.create_index(
        "ix_manifest_open",
        "manifest",
        ["driver_id"],
        unique=False,
        postgresql_where=sa.text("acknowledged_at is null"),
    )
    op.create_table(
        "exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("consignment_id", sa.Uuid(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("driver_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_exception_consignment_id"
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name="fk_exception_depot_id"),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.person_id"], name="fk_exception_driver_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_exception_run_id"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_exception_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exception"),
    )
    op.create_index(
        "ix_exception_open",
        "exception",
        ["depot_id", "raised_at"],
        unique=False,
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_index("ix_exception_task_id", "exception", ["task_id"], unique=False)
