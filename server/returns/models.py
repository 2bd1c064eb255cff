"""Tables of returns. `order_id` has no foreign key for the same reason as in consignments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, text
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id
from server.returns.lifecycle import RETURN

RMA_NUMBERS = Sequence("rma_number", metadata=Base.metadata)


class Return(Base):
    """original_consignment_id: on which the goods went out; None when nobody knows.
    consignment_id: on which they come back; None until booked.
    driver_id, source_id: who was handed unannounced goods, and the command that says so.
    """

    __tablename__ = "return"
    __table_args__ = (
        CheckConstraint(f"state in {RETURN.states}", name="state"),
        Index("ix_return_original_consignment_id", "original_consignment_id"),
        Index("ix_return_account_id_id", "account_id", "id"),
        Index(
            "uq_return_source",
            "driver_id",
            "source_id",
            unique=True,
            postgresql_where=text("source_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rma: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    announced: Mapped[bool]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    order_id: Mapped[UUID | None]
    original_consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))
    consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"), unique=True)
    reason: Mapped[str]
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    source_id: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]


class ReturnLine(Base):
    """One parcel that comes back. barcode: the label that it bears from its first journey."""

    __tablename__ = "return_line"
    __table_args__ = (CheckConstraint("weight_g >= 0", name="weight_g"),)

    return_id: Mapped[UUID] = mapped_column(ForeignKey("return.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    barcode: Mapped[str | None]
    description: Mapped[str]
    weight_g: Mapped[int]
