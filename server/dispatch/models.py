"""The tables of dispatch."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.dispatch import geofence_models, message_models  # noqa: F401 - one import, every table
from server.kit.db import Base
from server.kit.geo import Point, Position
from server.kit.ids import new_id


class Depot(Base):
    """input_version: counts every change that a plan of this depot could depend on."""

    __tablename__ = "depot"
    __table_args__ = (
        UniqueConstraint("name"),
        Index("ix_depot_position", "position", postgresql_using="gist"),
        CheckConstraint("opens_local < closes_local", name="opening"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    position: Mapped[Position] = mapped_column(Point)
    timezone: Mapped[str]
    opens_local: Mapped[time]
    closes_local: Mapped[time]
    input_version: Mapped[int] = mapped_column(default=0)


class PlanningChange(Base):
    """What made input_version count up, for which days (None: open), in words.

    load_of: the consignment, when nothing but the size of its parcels is another one.
    """

    __tablename__ = "planning_change"

    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    what: Mapped[str]
    changed_at: Mapped[datetime]
    load_of: Mapped[UUID | None]


class Driver(Base):
    """A person who drives. manifest_version: that of the newest manifest."""

    __tablename__ = "driver"
    __table_args__ = (Index(None, "depot_id"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    active: Mapped[bool] = mapped_column(default=True)
    manifest_version: Mapped[int] = mapped_column(default=0)


class Vehicle(Base):
    __tablename__ = "vehicle"
    __table_args__ = (
        UniqueConstraint("label"),
        Index(None, "depot_id"),
        CheckConstraint("profile in ('car', 'bicycle')", name="profile"),
        CheckConstraint(
            "capacity_weight_g >= 0 and capacity_volume_ml >= 0 and capacity_parcels >= 0",
            name="capacity",
        ),
        CheckConstraint("max_speed_kmh > 0", name="max_speed_kmh"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    label: Mapped[str]
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    profile: Mapped[str]
    capacity_weight_g: Mapped[int]
    capacity_volume_ml: Mapped[int]
    capacity_parcels: Mapped[int]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    active: Mapped[bool] = mapped_column(default=True)
    max_speed_kmh: Mapped[int] = mapped_column(server_default="130")


class Shift(Base):
    """One driver with one vehicle; started_at, ended_at and on_break_at are facts from the street.

    breaks: [{"earliest_start_at", "latest_start_at", "duration_s"}], in order of time.
    broken_down_at: when a dispatcher took the rest of the day from it.
    """

    __tablename__ = "shift"
    __table_args__ = (
        Index(None, "driver_id", "starts_at"),
        Index(None, "vehicle_id", "starts_at"),
        Index(None, "depot_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("breaks_taken >= 0", name="breaks_taken"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("driver.person_id"))
    vehicle_id: Mapped[UUID] = mapped_column(ForeignKey("vehicle.id"))
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    breaks: Mapped[list[Any]] = mapped_column(JSONB)
    breaks_taken: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    on_break_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    broken_down_at: Mapped[datetime | None]


class Plan(Base):
    """A proposal for one depot and day. The life cycle is in lifecycle.PLAN.

    input_version: that of the depot when the inputs were read.
    keep_locks_of: a plan whose locked stops stay with their drivers.
    lease_until: until when (machine time) the planner that took it is believed to live.
    draft: draft.DraftPlan as JSON. unassigned: [{"task_id", "waybill", "code", "sentence"}].
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued', 'solving', 'draft', 'published', 'discarded', 'failed')",
            name="state",
        ),
        CheckConstraint("budget_s > 0", name="budget_s"),
        Index(
            "uq_plan_solving",
            "depot_id",
            "day",
            unique=True,
            postgresql_where=text("state = 'solving'"),
        ),
        Index(
            "ix_plan_open", "requested_at", postgresql_where=text("state in ('queued', 'solving')")
        ),
        Index(None, "depot_id", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    day: Mapped[date]
    state: Mapped[str]
    input_version: Mapped[int] = mapped_column(default=0)
    budget_s: Mapped[float]
    seed: Mapped[int]
    keep_locks_of: Mapped[UUID | None] = mapped_column(ForeignKey("plan.id"))
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    unassigned: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    failure: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None]


class Run(Base):
    """The published work of one shift; one that is still a draft lives in its plan.

    distance_m: what was planned for the stops behind the driver, plus the plan of the rest.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("shift_id"),
        Index(None, "depot_id", "day"),
        Index(None, "driver_id", "day"),
        CheckConstraint("state in ('draft', 'published', 'started', 'closed')", name="state"),
        CheckConstraint("distance_m >= 0 and cost_minor >= 0", name="not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    day: Mapped[date]
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan.id"))
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shift.id"))
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("driver.person_id"))
    vehicle_id: Mapped[UUID] = mapped_column(ForeignKey("vehicle.id"))
    state: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    distance_m: Mapped[int]
    cost_minor: Mapped[int]
    published_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class RunWatch(Base):
    """A run whose forecasts are kept current; due_at: when to look at it again."""

    __tablename__ = "run_watch"
    __table_args__ = (Index(None, "due_at"),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    due_at: Mapped[datetime]


class Stop(Base):
    """leg_m, leg_s: the planned way from the stop before it (or from where the driver was), and
    how long it takes by the map."""

    __tablename__ = "stop"
    __table_args__ = (
        Index(None, "run_id", "sequence"),
        CheckConstraint("sequence >= 0 and leg_m >= 0", name="not_negative"),
        CheckConstraint("leg_s >= 0", name="leg_s"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("run.id"))
    sequence: Mapped[int]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    leg_m: Mapped[int]
    leg_s: Mapped[int] = mapped_column(server_default=text("0"))
    planned_arrival_at: Mapped[datetime]
    planned_start_at: Mapped[datetime]
    planned_departure_at: Mapped[datetime]
    locked: Mapped[bool] = mapped_column(default=False)


class Task(Base):
    """One attempt at one pickup or delivery. The life cycle is in lifecycle.TASK.

    pickup_from: of pickups only: "consignor", or "depot" or "vehicle" when a driver who is on the
        road already fetches parcels there that another one would have brought.
    driver_id: whose run it is in; past_drivers: in whose run it has ever been.
    attempt: counts from 1; a failed task stays failed, the next attempt is a task of its own.
    answer_by_at: while it is only offered to its driver: until when an answer is waited for.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("kind in ('delivery', 'pickup', 'return_pickup')", name="kind"),
        CheckConstraint(
            "state in ('unassigned', 'assigned', 'accepted', 'declined', 'en_route', 'arrived',"
            " 'completed', 'failed', 'cancelled')",
            name="state",
        ),
        CheckConstraint(
            "(kind = 'pickup') = (pickup_from is not null)"
            " and pickup_from in ('consignor', 'depot', 'vehicle')",
            name="pickup_from",
        ),
        CheckConstraint("service_s >= 0 and attempt >= 1", name="not_negative"),
        CheckConstraint("state <> 'unassigned' or stop_id is null", name="unassigned_has_no_stop"),
        Index(
            "uq_task_open",
            "consignment_id",
            "kind",
            unique=True,
            postgresql_where=text("state not in ('completed', 'failed', 'cancelled')"),
        ),
        Index(
            "ix_task_pool",
            "depot_id",
            postgresql_where=text("state not in ('completed', 'failed', 'cancelled')"),
        ),
        Index(None, "stop_id"),
        Index(None, "consignment_id"),
        Index(None, "place_id"),
        Index("ix_task_offered", "answer_by_at", postgresql_where=text("state = 'assigned'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    depot_id: Mapped[UUID | None] = mapped_column(ForeignKey("depot.id"))
    kind: Mapped[str]
    pickup_from: Mapped[str | None]
    state: Mapped[str]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    window_start_at: Mapped[datetime | None]
    window_end_at: Mapped[datetime | None]
    service_s: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=1)
    barred_drivers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    past_drivers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    stop_id: Mapped[UUID | None] = mapped_column(ForeignKey("stop.id"))
    sequence: Mapped[int] = mapped_column(default=0)
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("driver.person_id"))
    outcome_code: Mapped[str | None]
    cash_minor: Mapped[int | None] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[UUID | None] = mapped_column(ForeignKey("driver.person_id"))
    answer_by_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class StreetFact(Base):
    """What a driver reported about a task (or none), whether or not it changed anything.

    kind: the name of the command. moved: whether a state followed from it. Append-only.
    """

    __tablename__ = "street_fact"
    __table_args__ = (
        UniqueConstraint("driver_id", "command_id", "task_id"),
        Index(None, "task_id"),
        Index(None, "driver_id", "occurred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("driver.person_id"))
    command_id: Mapped[str]
    kind: Mapped[str]
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey("task.id"))
    shift_id: Mapped[UUID | None] = mapped_column(ForeignKey("shift.id"))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    position: Mapped[Position | None] = mapped_column(Point)
    moved: Mapped[bool]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ManifestVersion(Base):
    """A manifest as it was sent to a driver's phone; acknowledged_at: stored there durably."""

    __tablename__ = "manifest"
    __table_args__ = (
        Index("ix_manifest_open", "driver_id", postgresql_where=text("acknowledged_at is null")),
    )

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("driver.person_id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("run.id"))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    issued_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]


class ExceptionRecord(Base):
    """Something that a person must settle. sentence: what happened; {names} stand for details.

    assigned_to: who looks after it. snoozed_until: nobody needs to look at it before.
    """

    __tablename__ = "exception"
    __table_args__ = (
        Index(
            "ix_exception_open",
            "depot_id",
            "raised_at",
            postgresql_where=text("settled_at is null"),
        ),
        Index(None, "task_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    sentence: Mapped[str]
    depot_id: Mapped[UUID | None] = mapped_column(ForeignKey("depot.id"))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey("task.id"))
    consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("run.id"))
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("driver.person_id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    snoozed_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_note: Mapped[str | None]


class LoadCheck(Base):
    """The loading of a run was finished by a person. missing: barcodes that were not there then."""

    __tablename__ = "load_check"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    missing: Mapped[list[str]]
    reason: Mapped[str]
    finished_at: Mapped[datetime]
    finished_by: Mapped[str]
