"""The words of an order: what is asked for, within which bounds, and how it is shown."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.kit.inputs import FilledLine, Line
from server.protocol.to_driver import ProofDemand

MAX_PARCELS = 200
MAX_LINES = 500

Phone = Annotated[str, Meta(max_length=40, pattern=r"^([0-9+(][0-9 ()/.+-]+[0-9)])?$")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^([^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+)?$")]
Pin = Annotated[str, Meta(min_length=4, max_length=8, pattern=r"^[0-9]+$")]
Skill = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]
ServiceLevelCode = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
WeightG = Annotated[int, Meta(ge=0, le=1_000_000)]
LengthMm = Annotated[int, Meta(ge=0, le=10_000)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
CashMinor = Annotated[int, Meta(ge=0, le=1_000_000_000)]

PriceMinor = Annotated[int, Meta(ge=0, le=1_000_000_000)]

HoldKind = Literal["credit", "fraud", "duplicate", "stock", "payment", "person"]
"""Why an order waits. payment: until it is paid, such as the difference of an exchange."""

CancelCode = Literal[
    "customer_request",
    "duplicate",
    "fraud",
    "out_of_stock",
    "our_mistake",
    "merged",
    "expired",
    "other",
]
"""Why an order was given up. Only a customer's own wish may cost a fee."""

Origin = Literal["", "split", "clone", "standing", "exchange"]
"""How an order came out of another one, or of a standing order; "" for one that stands alone."""

OrderKind = Literal["goods", "courier"]
OrderState = Literal[
    "draft",
    "received",
    "accepted",
    "on_hold",
    "processing",
    "in_fulfilment",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
]


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of one SKU, in whole base units.

    unit_price_minor: what one was sold for, in the order's currency, if the channel said.
    """

    sku: FilledLine
    quantity: Quantity
    description: Line = ""
    unit_price_minor: PriceMinor | None = None


class ParcelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parcel as booked; 0 where nobody weighed or measured it."""

    description: Line = ""
    weight_g: WeightG = 0
    length_mm: LengthMm = 0
    width_mm: LengthMm = 0
    height_mm: LengthMm = 0


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends or receives, and where.

    place_key: the same for two places that are one address; "" where nobody can tell.
    address: on one line, as it was ordered.
    """

    name: str
    place_id: UUID
    phone: str = ""
    email: str = ""
    place_key: str = ""
    address: str = ""


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order waits, since when, and who said so."""

    kind: HoldKind
    reason: str
    placed_at: datetime
    placed_by: str


class Sent(NamedTuple):
    """Under which number an order came over a channel, and the digest of what was sent."""

    account_id: UUID
    channel: str
    external_id: str | None
    source_sha256: str = ""


class OrderDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it comes in.

    external_id: its number on the channel; unique there for this account, so that the same order
        sent twice is one.
    source_sha256: of what the channel was sent, to tell a repeat from another order under the
        same number; "" when the channel cannot say.
    consignor: who hands over a courier booking; None for goods, which come from the depot.
    window_start_at, window_end_at: both or none; none means what the service level promises.
    pickup_window_start_at, pickup_window_end_at: of a courier booking, likewise.
    cost_centre: to what the account books the order; its charges and invoice lines bear it.
    origin, origin_order_id: the order from which this one came, if it did.
    """

    account_id: UUID
    kind: OrderKind
    channel: str
    consignee: Party
    consignor: Party | None = None
    external_id: str | None = None
    source_sha256: str = ""
    reference: str = ""
    cost_centre: str = ""
    lines: tuple[OrderLine, ...] = ()
    parcels: tuple[ParcelSpec, ...] = ()
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
    currency: str = "EUR"
    origin: Origin = ""
    origin_order_id: UUID | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What makes an order an offer: until when it stands, and what was said about the price."""

    expires_at: datetime
    price_note: str = ""


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What the account of an order may owe; amounts in `currency`. active: it may order at all."""

    limit_minor: int | None
    owed_minor: int
    currency: str
    active: bool = True


class OrderChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to make different; a field that is not set stays as it is."""

    consignor: Party | UnsetType = UNSET
    consignee: Party | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    cost_centre: str | UnsetType = UNSET
    lines: tuple[OrderLine, ...] | UnsetType = UNSET
    parcels: tuple[ParcelSpec, ...] | UnsetType = UNSET
    window_start_at: datetime | UnsetType = UNSET
    window_end_at: datetime | UnsetType = UNSET
    pickup_window_start_at: datetime | UnsetType = UNSET
    pickup_window_end_at: datetime | UnsetType = UNSET
    service_level: str | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    skills: tuple[str, ...] | UnsetType = UNSET
    proof: ProofDemand | UnsetType = UNSET
    pin: str | UnsetType | None = UNSET
    cash_minor: int | UnsetType = UNSET


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as others see it.

    version: counts the amendments; name it when you amend.
    value_minor: what its lines are worth together, as far as they have a price.
    picking_began_at: since when its goods are taken off the shelves, and its lines stand fast.
    cancel_code, cancel_fee_minor: why it was cancelled, and what that costs the account.
    quote_expires_at, price_note: of a quote, which is an order in draft until it is accepted.
    stock_hold_id: what keeps the goods of a quote from others.
    holds: everything that it waits for; it goes on when the last of them is released.
    is_new: whether this very call took it in; False when it had come before.
    """

    id: UUID
    number: str
    account_id: UUID
    kind: OrderKind
    state: OrderState
    version: int
    channel: str
    external_id: str | None
    reference: str
    consignor: Party | None
    consignee: Party
    lines: tuple[OrderLine, ...]
    parcels: tuple[ParcelSpec, ...]
    window_start_at: datetime
    window_end_at: datetime
    pickup_window_start_at: datetime | None
    pickup_window_end_at: datetime | None
    service_level: str | None
    instructions: str
    skills: tuple[str, ...]
    proof: ProofDemand
    pin: str | None
    cash_minor: int
    currency: str
    captured_at: datetime
    cost_centre: str = ""
    value_minor: int = 0
    accepted_at: datetime | None = None
    picking_began_at: datetime | None = None
    origin: Origin = ""
    origin_order_id: UUID | None = None
    cancel_code: CancelCode | None = None
    cancel_fee_minor: int = 0
    quote_expires_at: datetime | None = None
    price_note: str = ""
    stock_hold_id: UUID | None = None
    holds: tuple[HoldView, ...] = ()
    is_new: bool = False


class OrderLogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an order: who, when, and what from and to.

    what: captured, amended, moved, held, released, cancelled, or noted (what changed nothing).
    changes: field -> [before, after].
    """

    id: UUID
    what: str
    by: str
    occurred_at: datetime
    version: int
    changes: dict[str, tuple[object, object]]
    reason: str


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """next: give it as `after` to see what follows; null when this was all."""

    items: list[OrderView]
    next: UUID | None
