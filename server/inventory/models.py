"""Tables of stock.

`order_id` and `return_line_id` have no foreign keys: orders is a sibling, returns lives above.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.inventory.lifecycle import ALLOCATION, PARENTS, RETURNED_GOODS
from server.kit.db import Base
from server.kit.geo import Point, Position
from server.kit.ids import new_id


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


class Sku(Base):
    """Whoever changes its stock or claims some of it locks this row first (ledger.lock_skus).

    safety_stock: units that are never promised. reorder_point: free units at which it is low.
    """

    __tablename__ = "sku"
    __table_args__ = (
        UniqueConstraint("account_id", "code"),
        CheckConstraint("weight_g >= 0", name="weight"),
        CheckConstraint("length_mm >= 0 and width_mm >= 0 and height_mm >= 0", name="size"),
        CheckConstraint("safety_stock >= 0", name="safety_stock"),
        CheckConstraint("reorder_point >= 0", name="reorder_point"),
        CheckConstraint("not (is_kit and (has_lots or has_serials))", name="kit"),
        Index("ix_sku_account_id_id", "account_id", "id"),
        Index("ix_sku_code_id", "code", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    code: Mapped[str]
    name: Mapped[str]
    base_unit: Mapped[str]
    weight_g: Mapped[int]
    length_mm: Mapped[int]
    width_mm: Mapped[int]
    height_mm: Mapped[int]
    is_kit: Mapped[bool]
    has_lots: Mapped[bool]
    has_serials: Mapped[bool]
    safety_stock: Mapped[int]
    reorder_point: Mapped[int]
    backorder_allowed: Mapped[bool]
    active: Mapped[bool]
    created_at: Mapped[datetime]


class KitComponent(Base):
    """A line of a kit's bill of material. A component is never a kit itself."""

    __tablename__ = "kit_component"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    kit_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    component_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    quantity: Mapped[int]


class Lot(Base):
    """Units of one SKU that were made together. expires_on: the last day of their use, if any."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("sku_id", "code"), Index("ix_lot_expires_on", "expires_on"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    code: Mapped[str]
    expires_on: Mapped[date | None]


class Location(Base):
    """A place that holds stock; a tree. The virtual ones come with the migration.

    path: the codes from the root, such as "W1/A/03". warehouse_id: the root, None outside of one.
    priority: of a warehouse when orders are sourced, lowest first.
    """

    __tablename__ = "location"
    __table_args__ = (
        UniqueConstraint("path"),
        _one_of("kind", *PARENTS, "virtual"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("location.id"))
    warehouse_id: Mapped[UUID | None] = mapped_column(ForeignKey("location.id"))
    kind: Mapped[str]
    path: Mapped[str]
    name: Mapped[str]
    priority: Mapped[int]
    position: Mapped[Position | None] = mapped_column(Point)


class StockLevel(Base):
    """What lies at a location now: the sum of its moves, and of its open allocations."""

    __tablename__ = "stock_level"
    __table_args__ = (
        UniqueConstraint("sku_id", "location_id", "lot_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("allocated between 0 and on_hand", name="allocated"),
        Index("ix_stock_level_location_id_id", "location_id", "id"),
        Index("ix_stock_level_sku_id_id", "sku_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    on_hand: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime | None]


class StockMove(Base):
    """One entry of the ledger; the database refuses to change or delete it.

    subject: what it was for, such as "order:<id>" or "purchase_note:<id>".
    """

    __tablename__ = "stock_move"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("from_location_id <> to_location_id", name="locations"),
        Index("ix_stock_move_sku_id_id", "sku_id", "id"),
        Index("ix_stock_move_subject", "subject"),
        Index("ix_stock_move_from_location_id_id", "from_location_id", "id"),
        Index("ix_stock_move_to_location_id_id", "to_location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    from_location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    to_location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    quantity: Mapped[int]
    serials: Mapped[list[str]]
    kind: Mapped[str]
    reason: Mapped[str]
    subject: Mapped[str]
    by: Mapped[str]
    occurred_at: Mapped[datetime]


class SerialUnit(Base):
    """Where the unit with this serial number is now, and the picked allocation that it is in."""

    __tablename__ = "serial_unit"
    __table_args__ = (Index("ix_serial_unit_serial", "serial"),)

    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    serial: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    allocation_id: Mapped[UUID | None] = mapped_column(ForeignKey("allocation.id"))


class Hold(Base):
    """A soft claim. It counts until it expires or is closed: released, or used by an order."""

    __tablename__ = "hold"
    __table_args__ = (
        Index("ix_hold_open", "expires_at", postgresql_where=text("closed_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    subject: Mapped[str]
    by: Mapped[str]


class HoldLine(Base):
    __tablename__ = "hold_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_hold_line_sku_id", "sku_id"),
    )

    hold_id: Mapped[UUID] = mapped_column(ForeignKey("hold.id"), primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    quantity: Mapped[int]


class Allocation(Base):
    """A firm claim: order line x location. kit_id: the kit that the line asked for, if one."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        _one_of("state", *ALLOCATION.states),
        Index("ix_allocation_order_id_id", "order_id", "id"),
        Index(
            "ix_allocation_open",
            "sku_id",
            "location_id",
            postgresql_where=text("state in ('allocated', 'picked')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID]
    line: Mapped[int]
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    kit_id: Mapped[UUID | None] = mapped_column(ForeignKey("sku.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int]
    serials: Mapped[list[str]]
    state: Mapped[str]
    allocated_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Backorder(Base):
    """What an order line still waits for. quantity: what is missing yet; 0 when it has come."""

    __tablename__ = "backorder"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity"),
        Index("ix_backorder_order_id", "order_id"),
        Index("ix_backorder_open", "sku_id", "id", postgresql_where=text("closed_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID]
    line: Mapped[int]
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    kit_id: Mapped[UUID | None] = mapped_column(ForeignKey("sku.id"))
    quantity: Mapped[int]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PurchaseNote(Base):
    """What a supplier was asked to send."""

    __tablename__ = "purchase_note"
    __table_args__ = (UniqueConstraint("account_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str]
    supplier: Mapped[str]
    expected_on: Mapped[date | None]
    created_at: Mapped[datetime]


class PurchaseLine(Base):
    __tablename__ = "purchase_line"
    __table_args__ = (
        CheckConstraint("ordered > 0", name="ordered"),
        CheckConstraint("received between 0 and ordered", name="received"),
    )

    note_id: Mapped[UUID] = mapped_column(ForeignKey("purchase_note.id"), primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    ordered: Mapped[int]
    received: Mapped[int]


class ReturnedGoods(Base):
    """The goods of one return line, in RETURN_QC until somebody says what becomes of them."""

    __tablename__ = "returned_goods"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        _one_of("state", *RETURNED_GOODS.states),
    )

    return_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int]
    serials: Mapped[list[str]]
    state: Mapped[str]
    received_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
