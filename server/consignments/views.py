"""What other rooms give to consignments and get from it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from server.kit.geo import Position
from server.protocol.from_driver import BlobRef
from server.protocol.to_driver import ProofDemand

Kind = Literal["delivery", "courier", "return"]
ParcelState = Literal[
    "announced",
    "collected",
    "at_depot",
    "loaded",
    "out_for_delivery",
    "attempted",
    "refused",
    "damaged",
    "lost",
    "returning",
    "delivered",
    "returned",
]
ConsignmentState = Literal[ParcelState, "cancelled"]
ProofKind = Literal["POD", "POC", "POA"]


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends or receives. Without a place, it is the company's own depot."""

    name: str
    phone: str = ""
    place_id: UUID | None = None


class NewParcel(msgspec.Struct, frozen=True, kw_only=True):
    """barcode: None makes one from the waybill number.
    former_barcode: the label that it still bears from an earlier journey."""

    barcode: str | None = None
    former_barcode: str | None = None
    description: str = ""
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0


class NewConsignment(msgspec.Struct, frozen=True, kw_only=True):
    """delivery: from a depot's stock to a door; courier: from door to door; return: from a door to
    the depot. account_id: None only for goods handed over that nobody can place yet."""

    kind: Kind
    account_id: UUID | None
    consignor: Party
    consignee: Party
    parcels: tuple[NewParcel, ...]
    order_id: UUID | None = None
    window_start_at: datetime | None = None
    window_end_at: datetime | None = None
    pickup_window_start_at: datetime | None = None
    pickup_window_end_at: datetime | None = None
    service_level: str | None = None
    instructions: str = ""
    skills: tuple[str, ...] = ()
    proof: ProofDemand = ProofDemand()
    pin: str | None = None
    cash_minor: int = 0
    currency: str = ""
    origin_depot_id: UUID | None = None


class ConsignmentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is left out stays as it is."""

    consignor: Party | UnsetType = UNSET
    consignee: Party | UnsetType = UNSET
    window_start_at: datetime | UnsetType | None = UNSET
    window_end_at: datetime | UnsetType | None = UNSET
    pickup_window_start_at: datetime | UnsetType | None = UNSET
    pickup_window_end_at: datetime | UnsetType | None = UNSET
    service_level: str | UnsetType | None = UNSET
    instructions: str | UnsetType = UNSET
    skills: tuple[str, ...] | UnsetType = UNSET
    proof: ProofDemand | UnsetType = UNSET
    pin: str | UnsetType | None = UNSET
    cash_minor: int | UnsetType = UNSET
    currency: str | UnsetType = UNSET


class ParcelView(msgspec.Struct, frozen=True, kw_only=True):
    """holder_id: the driver who has it."""

    id: UUID
    barcode: str
    description: str
    weight_g: int
    volume_ml: int
    state: str
    holder_id: UUID | None


class ConsignmentView(msgspec.Struct, frozen=True, kw_only=True):
    """linked_consignment_id: the other leg of an exchange at the same door."""

    id: UUID
    waybill: str
    kind: Kind
    state: str
    order_id: UUID | None
    account_id: UUID | None
    consignor: Party
    consignee: Party
    parcels: tuple[ParcelView, ...]
    window_start_at: datetime | None
    window_end_at: datetime | None
    pickup_window_start_at: datetime | None
    pickup_window_end_at: datetime | None
    service_level: str | None
    instructions: str
    skills: tuple[str, ...]
    proof: ProofDemand
    has_pin: bool
    cash_minor: int
    currency: str
    origin_depot_id: UUID | None
    created_at: datetime
    cancelled_at: datetime | None
    linked_consignment_id: UUID | None = None

    def parcel(self, parcel_id: UUID) -> ParcelView | None:
        """That parcel of it; None when it was withdrawn."""
        return next((each for each in self.parcels if each.id == parcel_id), None)


class ParcelRef(msgspec.Struct, frozen=True, kw_only=True):
    """barcode: its own, whichever one it was found by."""

    parcel_id: UUID
    barcode: str
    consignment_id: UUID
    state: str


class NewProof(msgspec.Struct, frozen=True, kw_only=True):
    """kind: of delivery, of collection, or of an attempt.
    pin_matched: None when no PIN was asked for; the PIN that was typed is not kept."""

    consignment_id: UUID
    kind: ProofKind
    occurred_at: datetime
    received_at: datetime
    task_id: UUID | None = None
    driver_id: UUID | None = None
    command_id: str | None = None
    recipient_name: str | None = None
    pin_matched: bool | None = None
    photos: tuple[BlobRef, ...] = ()
    signature: BlobRef | None = None
    scans: tuple[str, ...] = ()
    age_checked: bool | None = None
    note: str | None = None
    position: Position | None = None


class ProofFileView(msgspec.Struct, frozen=True, kw_only=True):
    """small_sha256: the same photo, smaller; until the file itself is here, that one is shown."""

    sha256: str
    small_sha256: str | None
    kind: Literal["photo", "signature"]
    size_bytes: int
    content_type: str
    added_at: datetime
    added_by: str


class ProofView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    consignment_id: UUID
    task_id: UUID | None
    kind: ProofKind
    recipient_name: str | None
    pin_matched: bool | None
    scans: tuple[str, ...]
    age_checked: bool | None
    note: str | None
    position: Position | None
    occurred_at: datetime
    received_at: datetime
    driver_id: UUID | None
    files: tuple[ProofFileView, ...]


class StoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: a state of parcels, or the cancelling of the consignment.

    conflicting: reported, but it did not fit what was known then, or does not by now.
    container_id: the container around the parcels, when that was scanned instead of them.
    """

    state: str
    occurred_at: datetime
    received_at: datetime
    by: str
    barcodes: tuple[str, ...] = ()
    driver_id: UUID | None = None
    position: Position | None = None
    outcome_code: str | None = None
    proof_id: UUID | None = None
    container_id: UUID | None = None
    conflicting: bool = False
    reason: str | None = None
