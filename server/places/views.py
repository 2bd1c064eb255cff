"""Places as others see them."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.errors import NotFound
from server.kit.geo import Position
from server.places.address import Address
from server.places.models import NEEDS_PIN, Place
from server.places.search import Precision


class UnknownPlace(NotFound):
    """There is no place {place_id}."""

    code = "places.unknown_place"


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """A place as others see it. line: the address on one line. needs_pin: a person has to say
    where it is before a driver can be sent there."""

    id: UUID
    name: str
    street: str
    house_number: str
    postcode: str
    city: str
    country: str
    extra: str
    line: str
    position: Position | None
    precision: Precision
    needs_pin: bool
    access_note: str


async def load_place(session: AsyncSession, place_id: UUID, *, for_update: bool = False) -> Place:
    options: dict[str, Any] = {"with_for_update": True} if for_update else {}
    place = await session.get(Place, place_id, **options)
    if place is None:
        raise UnknownPlace(place_id=place_id)
    return place


def view_of(place: Place | Row[Any]) -> PlaceView:
    address = Address(
        name=place.name,
        street=place.street,
        house_number=place.house_number,
        postcode=place.postcode,
        city=place.city,
        country=place.country,
        extra=place.extra,
    )
    return PlaceView(
        id=place.id,
        **msgspec.structs.asdict(address),
        line=address.line,
        position=place.position,
        precision=msgspec.convert(place.precision, Precision),
        needs_pin=place.precision in NEEDS_PIN,
        access_note=place.access_note,
    )
