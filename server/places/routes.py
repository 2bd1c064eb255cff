"""Address search, the list of places that need a pin, and pinning, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.geo import Position
from server.kit.inputs import ONE_LINE, FilledLine, Lat, Limit, Line, Lon, Note
from server.kit.paging import cut_page
from server.places import service
from server.places.service import Address, Found, PickupPointView, PlaceView

Word = Annotated[str, Meta(max_length=40, pattern=ONE_LINE)]

Typed = Annotated[str, QueryParameter(max_length=200)]
LonAsked = Annotated[float, QueryParameter(ge=-180, le=180)]
LatAsked = Annotated[float, QueryParameter(ge=-90, le=90)]
Within = Annotated[float, QueryParameter(ge=0, le=10_000)]

READERS = allow(*OFFICE, Role.WAREHOUSE, scope="places:read")
SEARCHERS = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="places:read")
WRITERS = allow(*OFFICE, Role.ACCOUNT_USER, scope="places:write")
KEEPERS = allow(Role.ADMIN, Role.CLERK, Role.DISPATCHER, scope="places:write")
PINNERS = allow(Role.ADMIN, Role.DISPATCHER, scope="places:write")


class Pin(msgspec.Struct, forbid_unknown_fields=True):
    """Where a person says that a place is."""

    lon: Lon
    lat: Lat


class NewPlace(msgspec.Struct, forbid_unknown_fields=True):
    """An address in its parts. position: when the sender knows it better than any map."""

    street: Line
    name: Line = ""
    house_number: Word = ""
    postcode: Word = ""
    city: Line = ""
    country: Word = ""
    extra: Line = ""
    access_note: Note = ""
    position: Pin | None = None


class AccessNote(msgspec.Struct, forbid_unknown_fields=True):
    access_note: Note


class FoundList(msgspec.Struct, frozen=True):
    items: list[Found]


class PlacePage(msgspec.Struct, frozen=True):
    items: list[PlaceView]
    next: UUID | None


class NewPickupPoint(msgspec.Struct, forbid_unknown_fields=True):
    """place_id: of its address, which has to be on the map. hours: in words, for customers."""

    name: FilledLine
    place_id: UUID
    hours: Line = ""


class PickupPointChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays. active: false: it is not offered any more."""

    name: FilledLine | None = None
    hours: Line | None = None
    active: bool | None = None


class PickupPointPage(msgspec.Struct, frozen=True):
    items: list[PickupPointView]
    next: UUID | None


@get("/api/places/search", guards=[SEARCHERS])
async def search_places(
    session: NamedDependency[AsyncSession],
    q: Typed,
    lon: Annotated[float | None, QueryParameter(ge=-180, le=180)] = None,
    lat: Annotated[float | None, QueryParameter(ge=-90, le=90)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=50)] = 10,
) -> FoundList:
    """Addresses, streets and places that fit what has been typed so far, best first. With lon and
    lat, nearer ones come earlier."""
    near = Position(lon, lat) if lon is not None and lat is not None else None
    return FoundList(await service.find_addresses(session, q, near=near, limit=limit))


@get("/api/places/nearest", guards=[READERS])
async def nearest_address(
    session: NamedDependency[AsyncSession],
    lon: LonAsked,
    lat: LatAsked,
    within_m: Within = 200,
) -> Found:
    """The front door next to a position."""
    position = Position(lon, lat)
    found = await service.nearest_address(session, position, within_m=within_m)
    if found is None:
        raise service.NoAddressNearby(within_m=within_m)
    return found


@get("/api/places", guards=[READERS])
async def list_places(
    session: NamedDependency[AsyncSession],
    needs_pin: FromQuery[bool | None] = None,
    after: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> PlacePage:
    """Places, oldest first; with needs_pin=true those that a dispatcher has to put on the map."""
    places = await service.list_places(session, needs_pin=needs_pin, after=after, limit=limit + 1)
    return PlacePage(*cut_page(places, limit))


@post("/api/places", guards=[WRITERS])
async def create_place(
    session: NamedDependency[AsyncSession], data: JSONBody[NewPlace]
) -> PlaceView:
    """Keep an address; one that is not on the map is kept as well, and needs a pin."""
    fields = msgspec.structs.asdict(data)
    pin, access_note = fields.pop("position"), fields.pop("access_note")
    position = Position(pin.lon, pin.lat) if pin else None
    address = Address(**fields)
    return await service.create_place(session, address, position=position, access_note=access_note)


@get("/api/places/{place_id:uuid}", guards=[READERS])
async def get_place(session: NamedDependency[AsyncSession], place_id: FromPath[UUID]) -> PlaceView:
    """One place."""
    return await service.get_place(session, place_id)


@post("/api/places/{place_id:uuid}/pin", guards=[PINNERS], status_code=200)
async def pin_place(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    place_id: FromPath[UUID],
    data: JSONBody[Pin],
) -> PlaceView:
    """Say where a place is; every place of the same address that waits for a pin gets it too."""
    position = Position(data.lon, data.lat)
    return await service.pin_place(session, place_id, position, by=principal.label)


@put("/api/places/{place_id:uuid}/access-note", guards=[PINNERS])
async def note_access(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    place_id: FromPath[UUID],
    data: JSONBody[AccessNote],
) -> PlaceView:
    """Write down how a driver gets in."""
    return await service.note_access(session, place_id, data.access_note, by=principal.label)


@get("/api/pickup-points", guards=[READERS])
async def list_pickup_points(
    session: NamedDependency[AsyncSession],
    after: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> PickupPointPage:
    """Where parcels may wait for their consignees, oldest first."""
    points = await service.list_pickup_points(session, after=after, limit=limit + 1)
    return PickupPointPage(*cut_page(points, limit))


@post("/api/pickup-points", guards=[KEEPERS])
async def create_pickup_point(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    data: JSONBody[NewPickupPoint],
) -> PickupPointView:
    """From now on customers nearby may choose it on their tracking page."""
    fields = msgspec.structs.asdict(data)
    return await service.create_pickup_point(session, **fields, by=principal.label)


@patch("/api/pickup-points/{point_id:uuid}", guards=[KEEPERS])
async def change_pickup_point(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    point_id: FromPath[UUID],
    data: JSONBody[PickupPointChange],
) -> PickupPointView:
    """Rename it, tell other hours, or stop offering it; who chose it before keeps it."""
    fields = msgspec.structs.asdict(data)
    return await service.change_pickup_point(session, point_id, **fields, by=principal.label)


ROUTES = [
    list_pickup_points,
    create_pickup_point,
    change_pickup_point,
    search_places,
    nearest_address,
    list_places,
    create_place,
    get_place,
    pin_place,
    note_access,
]
