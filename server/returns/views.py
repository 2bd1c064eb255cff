"""What other rooms and people give to returns and see of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from server.kit.inputs import NO_NUL, FilledLine, Line, Moment

ReturnState = Literal[
    "requested",
    "approved",
    "booked",
    "collected",
    "received",
    "inspected",
    "resolved",
    "declined",
    "cancelled",
    "expired",
]
ReturnKind = Literal["asked", "to_sender"]
Payer = Literal["consignee", "account", "company"]
Grade = Literal["as_new", "opened", "used", "damaged", "defective"]
Disposition = Literal["restock", "quarantine", "scrap", "vendor"]
DifferenceKind = Literal["missing", "surplus", "foreign", "empty"]

Words = Annotated[str, Meta(max_length=500, pattern=NO_NUL)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Photos = Annotated[tuple[Sha256, ...], Meta(max_length=10)]
Serials = Annotated[tuple[FilledLine, ...], Meta(max_length=1000)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
AmountMinor = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Percent = Annotated[int, Meta(ge=0, le=100)]
ReasonCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class ReturnReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why goods come back, and what follows from that.

    text_es: may be left out; then the English one is shown in its place.
    window_days: so long after the delivery it may be asked for; None is always.
    fee_minor: what a return for this reason costs, in the account's currency; payer: whom.
    auto_approve: nobody of the company needs to look at it.
    """

    code: ReasonCode
    text_en: FilledLine
    text_de: FilledLine
    text_es: Line = ""
    window_days: Annotated[int, Meta(ge=0, le=3650)] | None = 14
    fee_minor: AmountMinor = 0
    payer: Payer = "consignee"
    photo_required: bool = False
    auto_approve: bool = False
    active: bool = True


class ReturningParcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """barcode: of a parcel that was delivered; None for goods that come in another box."""

    barcode: Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)] | None = None
    description: Words = ""
    weight_g: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class ReturningGoods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of one order line that come back. photos: SHA-256 of files that were sent before."""

    order_line: Annotated[int, Meta(ge=1, le=10_000)]
    quantity: Quantity
    reason: ReasonCode | None = None
    serials: Serials = ()
    note: Words = ""
    photos: Photos = ()


class ReturnableGoods(msgspec.Struct, frozen=True, kw_only=True):
    """One order line that was delivered. free: units that are not on their way back already."""

    order_line: int
    sku: str
    description: str
    delivered: int
    free: int
    unit_price_minor: int | None


class CountedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units of a return line were in the box."""

    line_id: UUID
    quantity: Count
    lot: FilledLine | None = None
    serials: Serials = ()


class FoundGoods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was in the box and is on no line. sku: the code, if it bears one that we know."""

    quantity: Quantity
    sku: Line = ""
    description: Line = ""
    lot: FilledLine | None = None
    serials: Serials = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an inspection came to.

    quantity, serials: of the units in this condition, when the others of the line are not; these
        then become a line of their own.
    location_id: the shelf, for goods of ours that stay.
    refund_percent: of the price, that is given back.
    """

    grade: Grade
    disposition: Disposition
    quantity: Quantity | None = None
    serials: Serials = ()
    location_id: UUID | None = None
    refund_percent: Percent = 100
    note: Words = ""
    photos: Photos = ()


class ReturnLineView(msgspec.Struct, frozen=True, kw_only=True):
    """quantity: announced. received_quantity: counted; None while the box is closed.
    kit_line_id: the line of the kit that it is a component of. sku_id: None without stock."""

    id: UUID
    number: int
    kit_line_id: UUID | None
    order_line: int | None
    sku: str
    sku_id: UUID | None
    description: str
    quantity: int
    unit_price_minor: int | None
    serials: list[str]
    reason_code: str | None
    note: str
    photos: list[str]
    received_quantity: int | None
    lot: str | None
    grade: str | None
    disposition: str | None
    refund_percent: int | None
    inspection_note: str
    inspection_photos: list[str]
    inspected_at: datetime | None
    inspected_by: str | None


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """announced: false when the goods were handed over without a word before.
    expires_at: until when an approved return waits for its goods.
    refund_minor, fee_minor, due_minor: once resolved: what is paid back, what it cost, and what is
        still to be paid for a replacement."""

    id: UUID
    rma: str
    kind: ReturnKind
    state: ReturnState
    announced: bool
    account_id: UUID | None
    order_id: UUID | None
    original_consignment_id: UUID | None
    consignment_id: UUID | None
    reason: str
    parcels: tuple[ReturningParcel, ...]
    lines: tuple[ReturnLineView, ...]
    expires_at: datetime | None
    currency: str
    refund_minor: int | None
    fee_minor: int | None
    due_minor: int | None
    created_at: datetime
    changed_at: datetime


class DifferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """missing: fewer units than announced; surplus: more; foreign: goods of no line; empty: a box
    without anything in it."""

    id: UUID
    return_id: UUID
    account_id: UUID | None
    line_id: UUID | None
    kind: DifferenceKind
    goods: str
    announced: int
    found: int
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    settled_note: str | None


class ReplacementLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """unit_price_minor: None for goods of the same order, which then cost what they cost there."""

    sku: FilledLine
    quantity: Quantity
    unit_price_minor: AmountMinor | None = None
    description: Line = ""


class ExchangeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back of which order, and what is wanted for it. Without a window, the replacement
    comes when the service level promises it."""

    order_id: UUID
    goods: Annotated[tuple[ReturningGoods, ...], Meta(min_length=1, max_length=100)]
    replacement: Annotated[tuple[ReplacementLine, ...], Meta(min_length=1, max_length=100)]
    reason: Words = ""
    window_start_at: Moment | None = None
    window_end_at: Moment | None = None


ExchangeState = Literal[
    "created", "reserved", "awaiting_payment", "released", "completed", "cancelled"
]
Settlement = Literal["paid", "on_account"]


class ExchangeView(msgspec.Struct, frozen=True, kw_only=True):
    """credit_minor: what of the old goods' price pays for the new ones; due_minor: what these cost
    more. What they cost less is paid back when the return is resolved."""

    id: UUID
    return_id: UUID
    order_id: UUID
    account_id: UUID
    state: ExchangeState
    currency: str
    returned_minor: int
    replacement_minor: int
    credit_minor: int
    due_minor: int
    settlement: Settlement | None
    payment_reference: str | None
    delivery_consignment_id: UUID | None
    delivered_at: datetime | None
    created_at: datetime
    changed_at: datetime
