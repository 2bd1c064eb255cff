"""Tables of arrivals. No foreign keys to other rooms: what a guess was about may be gone by now."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base


class TimeTaken(Base):
    """How long one piece of a driver's day took, beside what the map or the plan expected.

    kind: see pace.Kind. subject_id: the stop it was about. area: see pace.area_of.
    hour: of the depot's local day, when it ended.
    """

    __tablename__ = "time_taken"
    __table_args__ = (
        Index(None, "depot_id", "ended_at"),
        CheckConstraint("kind in ('set_off', 'drive', 'serve')", name="kind"),
        CheckConstraint("expected_s >= 0 and taken_s >= 0", name="not_negative"),
        CheckConstraint("hour between 0 and 23", name="hour"),
    )

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    depot_id: Mapped[UUID]
    driver_id: Mapped[UUID]
    area: Mapped[str]
    hour: Mapped[int]
    day: Mapped[date]
    expected_s: Mapped[float]
    taken_s: Mapped[float]
    ended_at: Mapped[datetime]


class Forecast(Base):
    """When a driver will come to a stop, as it is told now; gone once the driver has come."""

    __tablename__ = "forecast"
    __table_args__ = (
        Index(None, "run_id"),
        CheckConstraint("from_at <= likely_at and likely_at <= until_at", name="order"),
    )

    stop_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID]
    depot_id: Mapped[UUID]
    driver_id: Mapped[UUID]
    made_at: Mapped[datetime]
    from_at: Mapped[datetime]
    likely_at: Mapped[datetime]
    until_at: Mapped[datetime]


class ForecastTold(Base):
    """What was told of a stop before it came true, from `made_at` until the next one."""

    __tablename__ = "forecast_told"

    stop_id: Mapped[UUID] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(primary_key=True)
    from_at: Mapped[datetime]
    likely_at: Mapped[datetime]
    until_at: Mapped[datetime]


class ForecastScore(Base):
    """What was told `lead_s` seconds before a driver came, beside when that was."""

    __tablename__ = "forecast_score"
    __table_args__ = (
        Index(None, "arrived_at"),
        CheckConstraint("lead_s > 0", name="lead_s"),
    )

    stop_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_s: Mapped[int] = mapped_column(primary_key=True)
    depot_id: Mapped[UUID]
    driver_id: Mapped[UUID]
    arrived_at: Mapped[datetime]
    from_at: Mapped[datetime]
    likely_at: Mapped[datetime]
    until_at: Mapped[datetime]
