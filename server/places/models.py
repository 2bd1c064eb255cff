"""The map's names and front doors (replaced by every import), and our places (kept)."""

from datetime import datetime
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.geo import Point, Position
from server.kit.ids import new_id

NAME_KINDS = ("street", "place", "house")
PRECISIONS = ("pin", "given", "house", "street", "locality", "none")
NEEDS_PIN = ("street", "locality", "none")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """An SQL condition: the column has one of these values."""
    return f"{column} in ({', '.join(repr(value) for value in values)})"


class MapName(Base):
    """A name that people type: a street in a city, a place, or a house that has a name.

    folded: name, street of a named house, and city, as `fold` writes them; what search compares.
    """

    __tablename__ = "map_name"
    __table_args__ = (
        CheckConstraint(one_of("kind", NAME_KINDS), name="kind"),
        Index(
            "ix_map_name_folded",
            "folded",
            postgresql_using="gin",
            postgresql_ops={"folded": "gin_trgm_ops"},
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    postcode: Mapped[str]
    folded: Mapped[str]
    folded_name: Mapped[str]
    folded_city: Mapped[str]
    position: Mapped[Position] = mapped_column(Point)
    osm_id: Mapped[str]


class MapAddress(Base):
    """A front door of the map, found under its street, or its place where there are no streets.

    number_key: the house number as `fold_code` writes it; first_number, last_number: its span.
    """

    __tablename__ = "map_address"
    __table_args__ = (
        Index("ix_map_address_name_id_first_number", "name_id", "first_number"),
        Index("ix_map_address_position", "position", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name_id: Mapped[int] = mapped_column(ForeignKey("map_name.id", ondelete="CASCADE"))
    house_number: Mapped[str]
    number_key: Mapped[str]
    first_number: Mapped[int | None]
    last_number: Mapped[int | None]
    postcode: Mapped[str]
    position: Mapped[Position] = mapped_column(Point)
    osm_id: Mapped[str]


class MapShape(Base):
    """Something that the map draws, in web mercator. layer, kind: how; see `basemap`.

    min_zoom: the smallest zoom of a tile at which it is worth drawing.
    """

    __tablename__ = "map_shape"
    __table_args__ = (Index("ix_map_shape_shape", "shape", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    layer: Mapped[str]
    kind: Mapped[str]
    min_zoom: Mapped[int]
    name: Mapped[str | None]
    shape: Mapped[WKBElement] = mapped_column(Geometry(srid=3857, spatial_index=False))


class Place(Base):
    """A spot where we collect or deliver, as it was given to us, with its position.

    precision says where the position came from: a person's pin, given with the order, the house,
    street or locality on the map, or nowhere. address_key: see `Address.key`.
    """

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint(one_of("precision", PRECISIONS), name="precision"),
        CheckConstraint("(position is null) = (precision = 'none')", name="position"),
        Index("ix_place_address_key", "address_key"),
        Index("ix_place_needs_pin", "id", postgresql_where=text(one_of("precision", NEEDS_PIN))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    street: Mapped[str]
    house_number: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    extra: Mapped[str]
    address_key: Mapped[str]
    position: Mapped[Position | None] = mapped_column(Point)
    precision: Mapped[str]
    access_note: Mapped[str]
    created_at: Mapped[datetime]


class PickupPoint(Base):
    """A shop or locker where parcels wait for their consignees. hours: in words, for customers."""

    __tablename__ = "pickup_point"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    hours: Mapped[str]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    active: Mapped[bool]
    created_at: Mapped[datetime]
