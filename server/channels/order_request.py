"""An order as a channel asks for it: with addresses in words, within bounds."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.kit.errors import Invalid
from server.kit.geo import Position
from server.kit.inputs import FilledLine, Lat, Line, Lon, Moment, Note
from server.orders.service import (
    MAX_LINES,
    MAX_PARCELS,
    CashMinor,
    Currency,
    Email,
    OrderKind,
    OrderLine,
    OrderView,
    ParcelSpec,
    Phone,
    Pin,
    Rhythm,
    ServiceLevelCode,
    Skill,
)
from server.places.service import Address, parse_address
from server.protocol.to_driver import ProofDemand

Lines = Annotated[tuple[OrderLine, ...], Meta(max_length=MAX_LINES)]
Parcels = Annotated[tuple[ParcelSpec, ...], Meta(max_length=MAX_PARCELS)]
Skills = Annotated[tuple[Skill, ...], Meta(max_length=20)]


class AddressEmpty(Invalid):
    """Give an address: street and city, or the whole on one line, or lon and lat."""

    code = "channels.address_empty"


class HalfPosition(Invalid):
    """Give both lon and lat, or neither."""

    code = "channels.half_position"


class AddressRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In fields or on one `line`; with lon and lat when they are known.

    An address that the map does not know is taken all the same and gets a pin by a dispatcher.
    """

    line: Line = ""
    street: Line = ""
    house_number: Line = ""
    postcode: Line = ""
    city: Line = ""
    country: Line = ""
    extra: Line = ""
    lon: Lon | None = None
    lat: Lat | None = None
    access_note: Note = ""

    @property
    def position(self) -> Position | None:
        if (self.lon is None) != (self.lat is None):
            raise HalfPosition(field="address")
        return None if self.lon is None or self.lat is None else Position(self.lon, self.lat)

    def words(self, name: str) -> Address:
        """The address as places takes it; what `line` says fills what the fields leave out."""
        said = parse_address(self.line)
        address = Address(
            name=name,
            street=self.street or said.street,
            house_number=self.house_number or said.house_number,
            postcode=self.postcode or said.postcode,
            city=self.city or said.city,
            country=self.country,
            extra=self.extra or said.name,
        )
        if not address.line and self.position is None:
            raise AddressEmpty(field="address")
        return address


class PartyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: FilledLine
    address: AddressRequest
    phone: Phone = ""
    email: Email = ""


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """goods: lines of SKUs, from the depot to the consignee; courier: parcels, from the consignor.

    account: the code of the paying account; an account's own users and keys may leave it out.
    external_id: your number of the order; the same one again is the same order.
    cost_centre: to what you book it; invoices show it line by line.
    window: both times or none; without one the service level says when.
    """

    consignee: PartyRequest
    kind: OrderKind = "goods"
    account: Line | None = None
    external_id: FilledLine | None = None
    reference: Line = ""
    cost_centre: Line = ""
    consignor: PartyRequest | None = None
    lines: Lines = ()
    parcels: Parcels = ()
    window_start_at: Moment | None = None
    window_end_at: Moment | None = None
    pickup_window_start_at: Moment | None = None
    pickup_window_end_at: Moment | None = None
    service_level: ServiceLevelCode | None = None
    instructions: Note = ""
    skills: Skills = ()
    proof: ProofDemand = ProofDemand()
    pin: Pin | None = None
    cash_minor: CashMinor = 0
    currency: Currency | None = None


class QuoteRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order that is only offered until `expires_at`. price_note: what was said about it."""

    order: OrderRequest
    expires_at: Moment
    price_note: Note = ""


class StandingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to come again and again; its windows and external id are the rhythm's."""

    order: OrderRequest
    rhythm: Rhythm


class PartyAmendment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: FilledLine | UnsetType = UNSET
    address: AddressRequest | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class OrderAmendment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to make different; a field that is left out stays as it is.

    expected_version: the version that you looked at.
    """

    expected_version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    consignor: PartyAmendment | UnsetType = UNSET
    consignee: PartyAmendment | UnsetType = UNSET
    reference: Line | UnsetType = UNSET
    cost_centre: Line | UnsetType = UNSET
    lines: Lines | UnsetType = UNSET
    parcels: Parcels | UnsetType = UNSET
    window_start_at: Moment | UnsetType = UNSET
    window_end_at: Moment | UnsetType = UNSET
    pickup_window_start_at: Moment | UnsetType = UNSET
    pickup_window_end_at: Moment | UnsetType = UNSET
    service_level: ServiceLevelCode | UnsetType = UNSET
    instructions: Note | UnsetType = UNSET
    skills: Skills | UnsetType = UNSET
    proof: ProofDemand | UnsetType = UNSET
    pin: Pin | UnsetType | None = UNSET
    cash_minor: CashMinor | UnsetType = UNSET


class TakenOrder(OrderView, frozen=True, kw_only=True):
    """needs_pin: places of this order that the map does not know to the house; a dispatcher must
    set a pin before it can be planned."""

    needs_pin: tuple[UUID, ...] = ()
