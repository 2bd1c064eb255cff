"""Tables of tracking. No foreign keys to other rooms: see __init__."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.geo import Point, Position


class FixRow(Base):
    """The breadcrumb: one partition per day of `taken_at`, made by partitions.py.

    The key leads to a driver's trail, so no other index is needed. It has the device, because a
    new phone counts from 1 again.
    claimed_at: what the phone's clock said, when it was wrong.
    """

    __tablename__ = "fix"
    __table_args__ = (
        Index("ix_fix_taken_at", "taken_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (taken_at)"},
    )

    driver_id: Mapped[UUID] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    received_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    position: Mapped[Position] = mapped_column(Point)
    accuracy_m: Mapped[float] = mapped_column(REAL)
    speed_mps: Mapped[float | None] = mapped_column(REAL)
    heading_deg: Mapped[float | None] = mapped_column(REAL)


class FixRejection(Base):
    """How many fixes were not kept, by day of arrival (UTC), driver and reason."""

    __tablename__ = "fix_rejection"
    __table_args__ = (CheckConstraint("count > 0", name="count"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class TrackedDevice(Base):
    """What we know about a phone: which fixes were dealt with, where it was last, how it is.

    handled_first, handled_through: the newest range of its fixes that were dealt with;
    handled_before: the older ones, where it left gaps (see seq_ranges).
    Its row is locked while a batch of its fixes is taken in, so two connections of one phone
    take turns.
    """

    __tablename__ = "tracked_device"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID]
    handled_first: Mapped[int | None] = mapped_column(BigInteger)
    handled_through: Mapped[int | None] = mapped_column(BigInteger)
    handled_before: Mapped[list[Any] | None]
    last_lon: Mapped[float | None]
    last_lat: Mapped[float | None]
    last_taken_at: Mapped[datetime | None]
    last_accuracy_m: Mapped[float | None]
    doubted_lon: Mapped[float | None]
    doubted_lat: Mapped[float | None]
    doubted_taken_at: Mapped[datetime | None]
    doubted_accuracy_m: Mapped[float | None]
    heartbeat_at: Mapped[datetime | None]
    battery_percent: Mapped[int | None]
    charging: Mapped[bool | None]
    network: Mapped[str | None]
    gps: Mapped[str | None]
    battery_saver: Mapped[bool | None]
    unsent_commands: Mapped[int] = mapped_column(BigInteger)
    unsent_fixes: Mapped[int] = mapped_column(BigInteger)


class LivePositionRow(Base):
    """The newest fix of each driver; the marker on the map."""

    __tablename__ = "live_position"
    driver_id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID]
    position: Mapped[Position] = mapped_column(Point)
    taken_at: Mapped[datetime]
    received_at: Mapped[datetime]
    speed_mps: Mapped[float | None] = mapped_column(REAL)
    heading_deg: Mapped[float | None] = mapped_column(REAL)


class FenceRow(Base):
    """A circle; entering it means that the driver has arrived.

    inside_since: the first of the fixes that have been inside without a break.
    entered_at: when the arrival was said; it is said once.
    """

    __tablename__ = "fence"
    __table_args__ = (CheckConstraint("radius_m > 0", name="radius_m"),)

    driver_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[Position] = mapped_column(Point)
    radius_m: Mapped[float]
    set_at: Mapped[datetime]
    inside_since: Mapped[datetime | None]
    entered_at: Mapped[datetime | None]
