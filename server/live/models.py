"""The answer that each command got, so that a repeat gets the same and has no second effect."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
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
