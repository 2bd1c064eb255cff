"""What other rooms and people see of returns."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from server.kit.inputs import NO_NUL

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

Words = Annotated[str, Meta(max_length=500, pattern=NO_NUL)]


class ReturningParcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """barcode: of a parcel that was delivered; None for goods that come in another box."""

    barcode: Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)] | None = None
    description: Words = ""
    weight_g: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """announced: false when the goods were handed over without a word before."""

    id: UUID
    rma: str
    state: ReturnState
    announced: bool
    account_id: UUID | None
    order_id: UUID | None
    original_consignment_id: UUID | None
    consignment_id: UUID | None
    reason: str
    parcels: tuple[ReturningParcel, ...]
    created_at: datetime
    changed_at: datetime
