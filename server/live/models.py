"""The answer that each command got, so that a repeat gets the same and has no second effect; and
what customers say behind their tracking links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id


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


class LastWords(Base):
    """What a phone that was signed out has handed in. commands: sent, repeats included.

    ended_at: when it said that it has nothing more, and wiped itself. lost: acts thrown away then.
    """

    __tablename__ = "last_words"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    driver_id: Mapped[UUID]
    begun_at: Mapped[datetime]
    commands: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    lost: Mapped[int] = mapped_column(default=0)


class LastFile(Base):
    """A file that such a phone has begun to send."""

    __tablename__ = "last_file"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("last_words.device_id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class HeldCommand(Base):
    """What a phone says to have happened after it was signed out: nothing, until a person takes it
    in. body: as it came. verdict: taken, refused (with a reason, in words) or dropped."""

    __tablename__ = "held_command"
    __table_args__ = (
        UniqueConstraint("driver_id", "command_id"),
        CheckConstraint("verdict in ('taken', 'refused', 'dropped')", name="verdict"),
        Index(None, "device_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID]
    command_id: Mapped[str]
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    name: Mapped[str]
    body: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    verdict: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]


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
