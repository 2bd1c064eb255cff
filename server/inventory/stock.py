"""The words of stock: what is asked for, within which bounds, and how it is shown."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from server.kit.geo import Position
from server.kit.inputs import FilledLine

Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Serials = Annotated[tuple[FilledLine, ...], Meta(max_length=1000)]
LocationKind = Literal["warehouse", "zone", "aisle", "bin", "quarantine", "van"]
Disposition = Literal["restock", "quarantine", "scrap", "vendor"]
LowStockState = Literal["low", "out"]
SourcingRule = Literal["fewest_splits", "nearest", "priority"]


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a kit's bill of material."""

    sku: FilledLine
    quantity: Quantity


class SkuView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    code: str
    name: str
    base_unit: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    components: tuple[Component, ...]
    has_lots: bool
    has_serials: bool
    safety_stock: int
    reorder_point: int
    backorder_allowed: bool
    active: bool


class LocationView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    parent_id: UUID | None
    warehouse_id: UUID | None
    kind: str
    path: str
    name: str
    priority: int
    position: Position | None


class LevelView(msgspec.Struct, frozen=True, kw_only=True):
    """What lies at one location. free: not allocated to any order."""

    id: UUID
    sku_id: UUID
    sku: str
    location_id: UUID
    path: str
    lot: str | None
    expires_on: date | None
    on_hand: int
    allocated: int
    free: int
    counted_at: datetime | None


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What can be promised of one SKU.

    free: sellable and not allocated. held: in holds that have not expired. available: what a new
    order can have; below zero when holds or safety stock ask for more than there is.
    """

    sku_id: UUID
    sku: str
    free: int
    held: int
    safety_stock: int
    available: int


class LowStockView(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU that somebody should buy. state: "out" when nothing of it can be promised any more,
    else "low". free: as in Availability."""

    id: UUID
    account_id: UUID
    sku: str
    name: str
    free: int
    reorder_point: int
    safety_stock: int
    state: LowStockState


class SerialView(msgspec.Struct, frozen=True, kw_only=True):
    """Where one unit is. order_id: the order that it was picked for, while it is here."""

    sku_id: UUID
    sku: str
    serial: str
    location_id: UUID
    path: str
    lot: str | None
    order_id: UUID | None


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """on_hand, allocated: at all locations together."""

    id: UUID
    sku_id: UUID
    sku: str
    lot: str
    expires_on: date | None
    on_hand: int
    allocated: int


class MoveView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    sku_id: UUID
    lot_id: UUID | None
    from_location_id: UUID
    to_location_id: UUID
    quantity: int
    serials: list[str]
    kind: str
    reason: str
    subject: str
    by: str
    occurred_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What one order line asks for; `line` is its position in the order."""

    line: int
    sku: str
    quantity: int


class AllocationView(msgspec.Struct, frozen=True, kw_only=True):
    """kit_id: the kit that the line asked for, when this is a component of it."""

    id: UUID
    order_id: UUID
    line: int
    sku_id: UUID
    kit_id: UUID | None
    location_id: UUID
    lot_id: UUID | None
    quantity: int
    serials: list[str]
    state: str


class BackorderView(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    sku_id: UUID
    kit_id: UUID | None
    quantity: int


class OrderStock(msgspec.Struct, frozen=True, kw_only=True):
    """All that was ever set aside for an order, and what it waits for."""

    allocations: tuple[AllocationView, ...]
    backorders: tuple[BackorderView, ...]

    @property
    def is_complete(self) -> bool:
        """Nothing is missing any more."""
        return not self.backorders


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    expires_at: datetime
    subject: str


class PurchaseLineView(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    ordered: int
    received: int


class PurchaseNoteView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    number: str
    supplier: str
    expected_on: date | None
    lines: tuple[PurchaseLineView, ...]


class ReturnedGoodsView(msgspec.Struct, frozen=True, kw_only=True):
    """state: in_inspection, then its disposition."""

    return_line_id: UUID
    sku_id: UUID
    quantity: int
    state: str


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """what: on_hand, allocated or serials. recorded: in the level; proven: by what it sums up."""

    what: str
    sku_id: UUID
    location_id: UUID
    lot_id: UUID | None
    recorded: int
    proven: int


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    is_consistent: bool
    levels: int
    discrepancies: tuple[Discrepancy, ...]
