"""The table of circles that the office watches."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.geo import Point, Position
from server.kit.ids import new_id


class Geofence(Base):
    """rule: "stay_out", or "stay_in" for drivers who have been inside. deleted_at: it is watched no
    more; it stays here, because what it told of names it."""

    __tablename__ = "geofence"
    __table_args__ = (
        Index(None, "depot_id"),
        CheckConstraint("radius_m > 0", name="radius_m"),
        CheckConstraint("rule in ('stay_out', 'stay_in')", name="rule"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    depot_id: Mapped[UUID] = mapped_column(ForeignKey("depot.id"))
    name: Mapped[str]
    position: Mapped[Position] = mapped_column(Point)
    radius_m: Mapped[int]
    rule: Mapped[str]
    made_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
