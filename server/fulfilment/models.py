"""Tables of fulfilment.

Whoever changes a fulfilment, its tasks or its parcels locks its row first; see fulfilments.py.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.fulfilment.lifecycle import FULFILMENT, SHORTAGE, TASK, WAVE
from server.kit.db import Base
from server.kit.ids import new_id


class Fulfilment(Base):
    """The work for one order in one warehouse.

    order_version: of the order as the warehouse has it. Nobody picks for an older one.
    due_at: when the order must be at its door. hold_reason: "" unless it is on hold.
    cancellation: None until the order is cancelled; then asked, accepted or refused.
    """

    __tablename__ = "fulfilment"
    __table_args__ = (
        CheckConstraint(f"state in {FULFILMENT.states}", name="state"),
        CheckConstraint("cancellation in ('asked', 'accepted', 'refused')", name="cancellation"),
        Index(
            "uq_fulfilment_order_id_warehouse_id",
            "order_id",
            "warehouse_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
        Index("ix_fulfilment_warehouse_id_state_due_at", "warehouse_id", "state", "due_at"),
        Index("ix_fulfilment_order_id", "order_id"),
        Index("ix_fulfilment_account_id_id", "account_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    order_number: Mapped[str]
    order_version: Mapped[int] = mapped_column(server_default=text("1"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    state: Mapped[str]
    hold_reason: Mapped[str]
    cancellation: Mapped[str | None]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SourcingRuleRow(Base):
    """See sourcing_rules.SourcingChoice."""

    __tablename__ = "sourcing_rule"
    __table_args__ = (
        UniqueConstraint("account_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("rule in ('nearest', 'fewest_splits', 'priority')", name="rule"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    rule: Mapped[str]


class StockWait(Base):
    """An order that waits, on hold or as it was set aside before it was amended, until there is
    enough of this SKU. quantity: what it needs beside what it has."""

    __tablename__ = "stock_wait"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_stock_wait_account_id_sku_order_id", "account_id", "sku", "order_id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    quantity: Mapped[int]


class PickWave(Base):
    """A batch of picking work, walked in one round by one person, or by two from both ends.

    zone_id: the part of the warehouse that it stays in. walk_m: the length of the walk planned.
    """

    __tablename__ = "pick_wave"
    __table_args__ = (
        CheckConstraint(f"state in {WAVE.states}", name="state"),
        CheckConstraint("walk_m >= 0", name="walk"),
        Index("ix_pick_wave_warehouse_id_id", "warehouse_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    zone_id: Mapped[UUID | None] = mapped_column(ForeignKey("location.id"))
    picker_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str]
    walk_m: Mapped[int]
    created_at: Mapped[datetime]
    by: Mapped[str]
    closed_at: Mapped[datetime | None]


class PickTask(Base):
    """One line of it: take an allocation's goods off their shelf; or, of a cancelled order, lay
    them back there (then there is no wave).

    sequence: its place in the walk. quantity: what was asked; once done, what was taken.
    missing: units that were not on the shelf.
    """

    __tablename__ = "pick_task"
    __table_args__ = (
        CheckConstraint("kind in ('pick', 'put_back')", name="kind"),
        CheckConstraint(f"state in {TASK.states}", name="state"),
        CheckConstraint("quantity >= 0 and missing >= 0", name="quantity"),
        CheckConstraint("(kind = 'pick') = (wave_id is not null)", name="wave"),
        Index("ix_pick_task_wave_id_sequence", "wave_id", "sequence"),
        Index("ix_pick_task_fulfilment_id", "fulfilment_id"),
        Index(
            "uq_pick_task_open",
            "allocation_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    wave_id: Mapped[UUID | None] = mapped_column(ForeignKey("pick_wave.id"))
    fulfilment_id: Mapped[UUID] = mapped_column(ForeignKey("fulfilment.id"))
    allocation_id: Mapped[UUID] = mapped_column(ForeignKey("allocation.id"))
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    sequence: Mapped[int]
    quantity: Mapped[int]
    missing: Mapped[int]
    serials: Mapped[list[str]]
    state: Mapped[str]
    by: Mapped[str | None]
    done_at: Mapped[datetime | None]


class Shortage(Base):
    """What was promised and is nowhere to be found. Until it is settled its fulfilment is not
    complete: it comes in after all, something else is sent, or the order goes without."""

    __tablename__ = "shortage"
    __table_args__ = (
        CheckConstraint(f"state in {SHORTAGE.states}", name="state"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_shortage_open", "sku_id", "id", postgresql_where=text("state = 'open'")),
        Index("ix_shortage_fulfilment_id", "fulfilment_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fulfilment_id: Mapped[UUID] = mapped_column(ForeignKey("fulfilment.id"))
    line: Mapped[int]
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    kit_id: Mapped[UUID | None] = mapped_column(ForeignKey("sku.id"))
    quantity: Mapped[int]
    state: Mapped[str]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]


class Substitute(Base):
    """What may be sent instead of a SKU without asking anybody. rank: from 1, best first."""

    __tablename__ = "substitute"
    __table_args__ = (
        CheckConstraint("sku_id <> substitute_id", name="other"),
        CheckConstraint("rank > 0", name="rank"),
    )

    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    substitute_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    rank: Mapped[int]


class Carton(Base):
    """A kind of box. max_weight_g: of its contents. tare_g: of the empty box."""

    __tablename__ = "carton"
    __table_args__ = (
        CheckConstraint(
            "inner_length_mm > 0 and inner_width_mm > 0 and inner_height_mm > 0", name="size"
        ),
        CheckConstraint("max_weight_g > 0 and tare_g >= 0", name="weight"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    inner_length_mm: Mapped[int]
    inner_width_mm: Mapped[int]
    inner_height_mm: Mapped[int]
    max_weight_g: Mapped[int]
    tare_g: Mapped[int]
    active: Mapped[bool]


class PackedParcel(Base):
    """A parcel that was packed here. left_at: when it left the house for the first time."""

    __tablename__ = "packed_parcel"
    __table_args__ = (
        CheckConstraint("weight_g > 0", name="weight"),
        Index("ix_packed_parcel_fulfilment_id", "fulfilment_id"),
    )

    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    fulfilment_id: Mapped[UUID] = mapped_column(ForeignKey("fulfilment.id"))
    carton: Mapped[str | None] = mapped_column(ForeignKey("carton.code"))
    weight_g: Mapped[int]
    packed_at: Mapped[datetime]
    by: Mapped[str]
    left_at: Mapped[datetime | None]


class PackedContent(Base):
    """How many units of an allocation are in a parcel."""

    __tablename__ = "packed_content"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_packed_content_allocation_id", "allocation_id"),
    )

    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("packed_parcel.parcel_id"), primary_key=True)
    allocation_id: Mapped[UUID] = mapped_column(ForeignKey("allocation.id"), primary_key=True)
    line: Mapped[int]
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int]
    serials: Mapped[list[str]]
