"""The table of what the office and drivers write to each other."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id


class DriverMessage(Base):
    """What the office wrote to a driver, or a driver to the office; append-only.

    by_driver: who wrote. command_id: under which a phone sent it.
    """

    __tablename__ = "driver_message"
    __table_args__ = (
        UniqueConstraint("driver_id", "command_id"),
        Index(None, "driver_id", "said_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("driver.person_id"))
    by_driver: Mapped[bool]
    text: Mapped[str]
    said_at: Mapped[datetime]
    said_by: Mapped[str]
    command_id: Mapped[str | None]
