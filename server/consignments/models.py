"""Tables of consignments.

`order_id` and `origin_depot_id` have no foreign key: orders is a sibling and depots live in a room
above this one.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Sequence, text
from sqlalchemy.orm import Mapped, mapped_column

from server.consignments.lifecycle import CONSIGNMENT_STATES, PARCEL
from server.kit.db import Base
from server.kit.geo import Point, Position
from server.kit.ids import new_id

WAYBILL_NUMBERS = Sequence("waybill_number", metadata=Base.metadata)
SSCC_SERIALS = Sequence("sscc_serial", metadata=Base.metadata)
PLATE_NUMBERS = Sequence("licence_plate_number", metadata=Base.metadata)
HANDOVER_NUMBERS = Sequence("handover_number", metadata=Base.metadata)


class Consignment(Base):
    """`state` is a projection of its parcels' states, kept for queries.

    linked_consignment_id: the other leg of an exchange at one door; each names the other.
    pin: plain, because it must be told to the consignee by mail, SMS or telephone, and because four
        digits behind a hash are found in milliseconds. It guards against a driver, not against
        who reads the database: so it is in no view and no manifest, only compared here.
    """

    __tablename__ = "consignment"
    __table_args__ = (
        CheckConstraint("kind in ('delivery', 'courier', 'return')", name="kind"),
        CheckConstraint(f"state in {CONSIGNMENT_STATES}", name="state"),
        CheckConstraint("cash_minor >= 0", name="cash_minor"),
        Index("ix_consignment_order_id", "order_id"),
        Index("ix_consignment_account_id_id", "account_id", "id"),
        Index("ix_consignment_consignee_place_id", "consignee_place_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    waybill: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    order_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    consignor_name: Mapped[str]
    consignor_phone: Mapped[str]
    consignor_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    consignee_name: Mapped[str]
    consignee_phone: Mapped[str]
    consignee_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    origin_depot_id: Mapped[UUID | None]
    window_start_at: Mapped[datetime | None]
    window_end_at: Mapped[datetime | None]
    pickup_window_start_at: Mapped[datetime | None]
    pickup_window_end_at: Mapped[datetime | None]
    service_level: Mapped[str | None]
    instructions: Mapped[str]
    skills: Mapped[list[str]]
    proof: Mapped[dict[str, str]]
    pin: Mapped[str | None]
    cash_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    amended_at: Mapped[datetime | None]
    amended_by: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    linked_consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))


class Parcel(Base):
    """One physical unit.

    state, holder_id: projections of its chain of custody; the holder is the driver who has it.
    former_barcode: the label it still bears from its first journey; a return gets a new one.
    withdrawn_at: it was announced, but the goods were packed otherwise; nothing counts it any more.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        CheckConstraint(f"state in {PARCEL.states}", name="state"),
        CheckConstraint(
            "weight_g >= 0 and length_mm >= 0 and width_mm >= 0 and height_mm >= 0", name="size"
        ),
        Index("ix_parcel_consignment_id", "consignment_id"),
        Index(
            "ix_parcel_former_barcode",
            "former_barcode",
            postgresql_where=text("former_barcode is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    piece: Mapped[int]
    barcode: Mapped[str] = mapped_column(unique=True)
    former_barcode: Mapped[str | None]
    description: Mapped[str]
    weight_g: Mapped[int]
    length_mm: Mapped[int]
    width_mm: Mapped[int]
    height_mm: Mapped[int]
    state: Mapped[str]
    holder_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]


class CustodyEvent(Base):
    """One link of a parcel's chain; append-only by trigger.

    occurred_at / received_at: when it happened in the street, and when we heard of it.
    conflicting: when we heard of it, it did not fit: not into the chain (then it moved nothing), or
        the consignment had been cancelled.
    source_id: the command or file that said so; the same one counts once.
    container_id: when not the parcel but the cage or bag around it was scanned.
    """

    __tablename__ = "custody_event"
    __table_args__ = (
        CheckConstraint(f"state in {PARCEL.states}", name="state"),
        Index("ix_custody_event_parcel_id", "parcel_id"),
        Index(
            "uq_custody_event_source",
            "parcel_id",
            "source_id",
            "state",
            unique=True,
            postgresql_where=text("source_id is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("parcel.id"))
    state: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    by: Mapped[str]
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    position: Mapped[Position | None] = mapped_column(Point)
    outcome_code: Mapped[str | None]
    proof_id: Mapped[UUID | None] = mapped_column(ForeignKey("proof.id"))
    source_id: Mapped[str | None]
    container_id: Mapped[UUID | None] = mapped_column(ForeignKey("container.id"))
    conflicting: Mapped[bool]


class Proof(Base):
    """What was shown at the door; append-only by trigger. Later evidence is a new `ProofFile`."""

    __tablename__ = "proof"
    __table_args__ = (
        CheckConstraint("kind in ('POD', 'POC', 'POA')", name="kind"),
        Index("ix_proof_consignment_id", "consignment_id"),
        Index(
            "uq_proof_command",
            "driver_id",
            "command_id",
            "consignment_id",
            unique=True,
            postgresql_where=text("command_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    task_id: Mapped[UUID | None]
    kind: Mapped[str]
    recipient_name: Mapped[str | None]
    pin_matched: Mapped[bool | None]
    scans: Mapped[list[str]]
    age_checked: Mapped[bool | None]
    note: Mapped[str | None]
    position: Mapped[Position | None] = mapped_column(Point)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    command_id: Mapped[str | None]


class ProofFile(Base):
    """A photo or signature of a proof, by the SHA-256 of its bytes; append-only by trigger.

    small_sha256: the same photo, smaller, which was here first; the file itself may still be on
        the driver's phone.
    """

    __tablename__ = "proof_file"
    __table_args__ = (CheckConstraint("kind in ('photo', 'signature')", name="kind"),)

    proof_id: Mapped[UUID] = mapped_column(ForeignKey("proof.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[str]
    small_sha256: Mapped[str | None]


class TrackingLink(Base):
    """A link under which anyone may follow one consignment; the token itself is not kept."""

    __tablename__ = "tracking_link"
    __table_args__ = (Index("ix_tracking_link_consignment_id", "consignment_id"),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ParcelSscc(Base):
    """The SSCC on a parcel's label; given once, never changed, never given again."""

    __tablename__ = "parcel_sscc"

    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    sscc: Mapped[str] = mapped_column(unique=True)


class Container(Base):
    """A cage or bag with a licence plate of its own, perhaps inside another one."""

    __tablename__ = "container"
    __table_args__ = (
        CheckConstraint("kind in ('cage', 'bag', 'pallet')", name="kind"),
        CheckConstraint("state in ('open', 'sealed')", name="state"),
        CheckConstraint("parent_id <> id", name="not_in_itself"),
        Index("ix_container_parent_id", "parent_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    barcode: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]
    seal: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("container.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]


class ContainedParcel(Base):
    """Which container a parcel is in: its key is the parcel, so it is in one at most."""

    __tablename__ = "contained_parcel"
    __table_args__ = (Index("ix_contained_parcel_container_id", "container_id"),)

    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    container_id: Mapped[UUID] = mapped_column(ForeignKey("container.id"))
    put_at: Mapped[datetime]
    put_by: Mapped[str]


class DepotScan(Base):
    """A parcel was scanned at the gate of a depot; append-only by trigger.

    depot_id: no foreign key, since depots live in a room above.
    """

    __tablename__ = "depot_scan"
    __table_args__ = (
        CheckConstraint("direction in ('in', 'out')", name="direction"),
        Index("ix_depot_scan_parcel_id_occurred_at", "parcel_id", "occurred_at"),
        Index("ix_depot_scan_depot_id_id", "depot_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scan_id: Mapped[str]
    depot_id: Mapped[UUID]
    direction: Mapped[str]
    barcode: Mapped[str]
    parcel_id: Mapped[UUID | None] = mapped_column(ForeignKey("parcel.id"))
    result: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    by: Mapped[str]


class Handover(Base):
    """A manifest: what changed hands at one moment; append-only by trigger.

    lines: handover.HandedOver of each parcel as it was then. signature: strokes of the pen, each a
    list of points [x, y] in thousandths of the field.
    """

    __tablename__ = "handover"
    __table_args__ = (
        CheckConstraint("kind in ('loading', 'linehaul', 'agent', 'shop')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    given_by: Mapped[str]
    taken_by: Mapped[str]
    destination: Mapped[str]
    vehicle: Mapped[str]
    note: Mapped[str]
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    signature: Mapped[list[Any]]
    lines: Mapped[list[Any]]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    by: Mapped[str]
