"""Use cases: find addresses on the map, keep places, pin what the map does not know."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Invalid, NotFound
from server.kit.geo import Position
from server.kit.outbox import emit
from server.places.address import Address, parse_address, with_house_number_apart
from server.places.events import PlacePinned
from server.places.map_import import MapCounts, count_map, import_map
from server.places.models import NEEDS_PIN, Place
from server.places.pickup_points import (
    PickupPointView,
    UnknownPickupPoint,
    change_pickup_point,
    create_pickup_point,
    get_pickup_point,
    list_pickup_points,
    pickup_points_near,
)
from server.places.search import (
    Found,
    Located,
    Precision,
    find_addresses,
    locate,
    nearest_address,
)
from server.places.tiles import SKETCH_WIDTH, NoSuchTile, Sketch, read_tile, sketch_streets
from server.places.views import PlaceView, UnknownPlace, load_place, view_of

__all__ = [
    "SKETCH_WIDTH",
    "Address",
    "Found",
    "Located",
    "MapCounts",
    "NewPlace",
    "NoAddressNearby",
    "NoSuchTile",
    "PickupPointView",
    "PlaceView",
    "PositionOutOfRange",
    "Precision",
    "Sketch",
    "UnknownPickupPoint",
    "UnknownPlace",
    "change_pickup_point",
    "count_map",
    "create_pickup_point",
    "create_place",
    "create_places",
    "find_addresses",
    "get_pickup_point",
    "get_place",
    "get_places",
    "import_map",
    "list_pickup_points",
    "list_places",
    "locate",
    "nearest_address",
    "note_access",
    "parse_address",
    "pickup_points_near",
    "pin_place",
    "read_tile",
    "sketch_streets",
]


class NoAddressNearby(NotFound):
    """The map has no address within {within_m} m of this position."""

    code = "places.no_address_nearby"


class PositionOutOfRange(Invalid):
    """{lon}, {lat} is no position: longitude goes from -180 to 180, latitude from -90 to 90."""

    code = "places.position_out_of_range"


class NewPlace(msgspec.Struct, frozen=True, kw_only=True):
    """position: as given with the address; null for where the address itself says."""

    address: Address
    position: Position | None = None
    access_note: str = ""


async def create_place(
    session: AsyncSession,
    address: Address | str,
    *,
    position: Position | None = None,
    access_note: str = "",
    near: Position | None = None,
) -> PlaceView:
    """Keep an address, at the position given with it, or pinned for it before, or on the map.

    An address that cannot be found is kept as well; it needs a pin then. near: the depot, to
    choose between namesakes.
    """
    if isinstance(address, str):
        address = parse_address(address)
    new = NewPlace(address=address, position=position, access_note=access_note)
    return (await create_places(session, [new], near=near))[0]


async def create_places(
    session: AsyncSession, new: Sequence[NewPlace], *, near: Position | None = None
) -> list[PlaceView]:
    """Many at once; each different address is looked up on the map once."""
    addresses = [with_house_number_apart(each.address) for each in new]
    pins = await _pinned_positions(
        session,
        {
            address.key
            for address, each in zip(addresses, new, strict=True)
            if each.position is None and address.key
        },
    )
    found: dict[Address, Located] = {}
    localities: dict[str, Position | None] = {}
    made = []
    for address, each in zip(addresses, new, strict=True):
        where = Located(each.position, "given")
        if each.position is not None:
            check_range(each.position)
        elif address.key in pins:
            where = Located(pins[address.key], "pin")
        else:
            asked = msgspec.structs.replace(address, name="", extra="") if address.key else address
            where = found.get(asked) or await locate(
                session, address, near=near, localities=localities
            )
            found[asked] = where
        made.append(
            Place(
                **msgspec.structs.asdict(address),
                address_key=address.key,
                position=where.position,
                precision=where.precision,
                access_note=each.access_note,
                created_at=clock.now(),
            )
        )
    session.add_all(made)
    await session.flush()
    return [view_of(place) for place in made]


async def get_places(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, PlaceView]:
    """The places with these ids; unknown ids are left out."""
    places = await session.execute(select(*Place.__table__.c).where(Place.id.in_(ids)))
    return {place.id: view_of(place) for place in places}


async def get_place(session: AsyncSession, place_id: UUID) -> PlaceView:
    """One place.

    Raises
    ------
    UnknownPlace
    """
    return view_of(await load_place(session, place_id))


async def list_places(
    session: AsyncSession,
    *,
    needs_pin: bool | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[PlaceView]:
    """Places in the order in which they came, perhaps only those that need a pin."""
    query = select(Place).order_by(Place.id).limit(limit)
    if needs_pin is not None:
        is_vague = Place.precision.in_(NEEDS_PIN)
        query = query.where(is_vague if needs_pin else ~is_vague)
    if after is not None:
        query = query.where(Place.id > after)
    return [view_of(place) for place in await session.scalars(query)]


async def pin_place(
    session: AsyncSession, place_id: UUID, position: Position, *, by: str
) -> PlaceView:
    """A person says where a place is. Other places of the same address that wait for a pin get
    it too, and so will those that come later.

    Raises
    ------
    UnknownPlace, PositionOutOfRange
    """
    check_range(position)
    place = await load_place(session, place_id, for_update=True)
    waiting = select(Place).where(
        Place.address_key == place.address_key,
        Place.address_key != "",
        Place.precision.in_(NEEDS_PIN),
        Place.id != place_id,
    )
    twins = await session.scalars(waiting.order_by(Place.id).with_for_update())
    before = place.position
    for pinned in (place, *twins):
        pinned.position, pinned.precision = position, "pin"
        emit(session, PlacePinned(place_id=pinned.id))
    await record_audit(
        session,
        by=by,
        action="place.pinned",
        subject=f"place:{place_id}",
        details={"from": before, "to": position},
    )
    await session.flush()
    return view_of(place)


async def note_access(
    session: AsyncSession, place_id: UUID, access_note: str, *, by: str
) -> PlaceView:
    """Write down how to get in, for every driver who comes here.

    Raises
    ------
    UnknownPlace
    """
    place = await load_place(session, place_id, for_update=True)
    details = {"from": place.access_note, "to": access_note}
    place.access_note = access_note
    await record_audit(
        session, by=by, action="place.access_noted", subject=f"place:{place_id}", details=details
    )
    await session.flush()
    return view_of(place)


async def _pinned_positions(session: AsyncSession, keys: Collection[str]) -> dict[str, Position]:
    """Where people have pinned these very addresses before."""
    if not keys:
        return {}
    rows = await session.execute(
        select(Place.address_key, Place.position)
        .where(Place.address_key.in_(keys), Place.precision == "pin")
        .order_by(Place.id)
    )
    return {key: position for key, position in rows if position is not None}


def check_range(position: Position) -> None:
    """Refuse what is not on the globe; also what is not a number at all."""
    if not (-180 <= position.lon <= 180 and -90 <= position.lat <= 90):
        raise PositionOutOfRange(lon=position.lon, lat=position.lat)
