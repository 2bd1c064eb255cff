"""The answer that each command got, so that a repeat gets the same and has no second effect; and
what customers say behind their tracking links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base


class DriverCommand(Base):
    """One command of one driver. `reject_code` is null when it took effect.

    command_id: made once on the phone; unique per driver, not per device, so that a command that
    was sent from an old phone and its backup has one effect.
    """

    __tablename__ = "driver_command"

    driver_id: Mapped[UUID] = mapped_column(primary_key=True)
    command_id: Mapped[str] = mapped_column(Text, primary_key=True)
    device_id: Mapped[UUID]
    name: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(default=0)
    reject_code: Mapped[str | None]
    reject_message: Mapped[str | None]


class CustomerWish(Base):
    """How the consignee of one consignment wants it brought.

    place: door, safe_place, neighbour or pickup_point. detail: which one. window: only one that the
    customer chose. instructions_before: what the sender had said, to which the wish is added.
    home_place_id: where it would go if the customer had not chosen the pickup point.
    """

    __tablename__ = "customer_wish"

    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    place: Mapped[str]
    detail: Mapped[str]
    note: Mapped[str]
    instructions_before: Mapped[str]
    pickup_point_id: Mapped[UUID | None] = mapped_column(ForeignKey("pickup_point.id"))
    home_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    window_start_at: Mapped[datetime | None]
    window_end_at: Mapped[datetime | None]
    wished_at: Mapped[datetime]


class DeliveryRating(Base):
    """What the consignee thought of the delivery; the last word counts."""

    __tablename__ = "delivery_rating"
    __table_args__ = (CheckConstraint("stars between 1 and 5", name="stars"),)

    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    stars: Mapped[int]
    comment: Mapped[str]
    rated_at: Mapped[datetime]
