"""Tables of returns. `order_id` has no foreign key for the same reason as in consignments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id
from server.returns.lifecycle import EXCHANGE, RETURN

RMA_NUMBERS = Sequence("rma_number", metadata=Base.metadata)


class ReturnReasonRow(Base):
    """See reasons.ReturnReason. account_id: whose own rule it is; None for the company's."""

    __tablename__ = "return_reason"
    __table_args__ = (
        UniqueConstraint("account_id", "code", postgresql_nulls_not_distinct=True),
        CheckConstraint("window_days >= 0", name="window_days"),
        CheckConstraint("fee_minor >= 0", name="fee_minor"),
        CheckConstraint("payer in ('consignee', 'account', 'company')", name="payer"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    code: Mapped[str]
    text_en: Mapped[str]
    text_de: Mapped[str]
    text_es: Mapped[str] = mapped_column(server_default="")
    window_days: Mapped[int | None]
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    payer: Mapped[str]
    photo_required: Mapped[bool]
    auto_approve: Mapped[bool]
    active: Mapped[bool]


class Return(Base):
    """kind: asked for by somebody, or to_sender when a delivery did not succeed.
    original_consignment_id: on which the goods went out; None when nobody knows.
    consignment_id: on which they come back (or go home); None until booked.
    driver_id, source_id: who was handed unannounced goods, and the command that says so.
    expires_at: until when an approved one waits for its goods.
    refund_minor, fee_minor, due_minor: what the resolution came to; see resolution.Balance.
    """

    __tablename__ = "return"
    __table_args__ = (
        CheckConstraint(f"state in {RETURN.states}", name="state"),
        CheckConstraint("kind in ('asked', 'to_sender')", name="kind"),
        CheckConstraint("refund_minor >= 0 and fee_minor >= 0 and due_minor >= 0", name="money"),
        Index("ix_return_original_consignment_id", "original_consignment_id"),
        Index("ix_return_account_id_id", "account_id", "id"),
        Index("ix_return_order_id", "order_id"),
        Index(
            "ix_return_waiting",
            "expires_at",
            postgresql_where=text("state in ('approved', 'booked')"),
        ),
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
    kind: Mapped[str] = mapped_column(default="asked", server_default="asked")
    state: Mapped[str]
    announced: Mapped[bool]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    order_id: Mapped[UUID | None]
    original_consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))
    consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"), unique=True)
    reason: Mapped[str]
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    source_id: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    currency: Mapped[str] = mapped_column(default="", server_default="")
    refund_minor: Mapped[int | None] = mapped_column(BigInteger)
    fee_minor: Mapped[int | None] = mapped_column(BigInteger)
    due_minor: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]


class ReturnParcel(Base):
    """One parcel that comes back. barcode: the label that it bears from its first journey."""

    __tablename__ = "return_parcel"
    __table_args__ = (CheckConstraint("weight_g >= 0", name="weight_g"),)

    return_id: Mapped[UUID] = mapped_column(ForeignKey("return.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    barcode: Mapped[str | None]
    description: Mapped[str]
    weight_g: Mapped[int]


class ReturnLine(Base):
    """A quantity of one kind of goods that comes back, from its announcement to its disposition.

    order_line: position in the order; None for goods that nobody ordered there.
    sku_id: in our stock; None for goods that we keep no stock of, and for a kit, whose components
        are lines of their own with its id as `kit_line_id`.
    quantity: announced. received_quantity: counted when the box was opened; None before.
    refund_percent: of the price, that the inspection found fair.
    """

    __tablename__ = "return_line"
    __table_args__ = (
        UniqueConstraint("return_id", "number"),
        CheckConstraint("quantity >= 0 and received_quantity >= 0", name="quantity"),
        CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
        CheckConstraint("refund_percent between 0 and 100", name="refund_percent"),
        CheckConstraint(
            "disposition in ('restock', 'quarantine', 'scrap', 'vendor')", name="disposition"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    return_id: Mapped[UUID] = mapped_column(ForeignKey("return.id"))
    number: Mapped[int]
    kit_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_line.id"))
    order_line: Mapped[int | None]
    sku: Mapped[str]
    sku_id: Mapped[UUID | None] = mapped_column(ForeignKey("sku.id"))
    description: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    serials: Mapped[list[str]]
    reason_code: Mapped[str | None]
    note: Mapped[str]
    photos: Mapped[list[str]]
    received_quantity: Mapped[int | None]
    lot: Mapped[str | None]
    grade: Mapped[str | None]
    disposition: Mapped[str | None]
    refund_percent: Mapped[int | None]
    inspection_note: Mapped[str] = mapped_column(default="")
    inspection_photos: Mapped[list[str]] = mapped_column(default=list)
    inspected_at: Mapped[datetime | None]
    inspected_by: Mapped[str | None]


class ReturnDifference(Base):
    """What came is not what was announced; a person settles it."""

    __tablename__ = "return_difference"
    __table_args__ = (
        CheckConstraint("kind in ('missing', 'surplus', 'foreign', 'empty')", name="kind"),
        Index("ix_return_difference_return_id", "return_id"),
        Index("ix_return_difference_open", "id", postgresql_where=text("settled_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    return_id: Mapped[UUID] = mapped_column(ForeignKey("return.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    line_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_line.id"))
    kind: Mapped[str]
    goods: Mapped[str]
    announced: Mapped[int]
    found: Mapped[int]
    raised_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_note: Mapped[str | None]


class Exchange(Base):
    """A return and the order that replaces its goods.

    credit_minor: what of the returned goods' price pays for the replacement.
    due_minor: what the replacement costs more. settlement: how that was paid.
    delivery_consignment_id: the leg that brings the replacement, once there is one.
    """

    __tablename__ = "exchange"
    __table_args__ = (
        UniqueConstraint("return_id"),
        UniqueConstraint("order_id"),
        CheckConstraint(f"state in {EXCHANGE.states}", name="state"),
        CheckConstraint("settlement in ('paid', 'on_account')", name="settlement"),
        CheckConstraint(
            "returned_minor >= 0 and replacement_minor >= 0 and credit_minor >= 0"
            " and due_minor >= 0",
            name="money",
        ),
        Index("ix_exchange_account_id_id", "account_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    return_id: Mapped[UUID] = mapped_column(ForeignKey("return.id"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    state: Mapped[str]
    currency: Mapped[str]
    returned_minor: Mapped[int] = mapped_column(BigInteger)
    replacement_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    due_minor: Mapped[int] = mapped_column(BigInteger)
    settlement: Mapped[str | None]
    payment_reference: Mapped[str | None]
    delivery_consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]
