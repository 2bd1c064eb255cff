"""Positions on the earth: WGS 84 degrees, longitude before latitude."""

import math
import struct
from typing import Any, NamedTuple

from geoalchemy2 import Geography, WKBElement, WKTElement
from sqlalchemy import Dialect
from sqlalchemy.types import TypeDecorator

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""


class Position(NamedTuple):
    lon: float
    lat: float


def haversine_m(a: Position, b: Position) -> float:
    """Great-circle distance in metres; within 0.5 % of the ellipsoid."""
    lon_a, lat_a, lon_b, lat_b = map(math.radians, (a.lon, a.lat, b.lon, b.lat))
    h = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(h))


class Point(TypeDecorator[Position]):
    """A PostGIS `geography(Point, 4326)` column that is a `Position` in Python."""

    impl = Geography("POINT", srid=4326, spatial_index=False)
    cache_ok = True

    def process_bind_param(self, value: Position | None, dialect: Dialect) -> Any:
        return None if value is None else point(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Position | None:
        return None if value is None else _position_of(value)


def point(position: Position) -> WKTElement:
    """The position as an SQL value, for queries that compute with it."""
    return WKTElement(f"POINT({position[0]} {position[1]})", srid=4326)


def _position_of(element: WKBElement) -> Position:
    data = element.data if isinstance(element.data, bytes) else bytes.fromhex(element.desc)
    order = "<" if data[0] == 1 else ">"
    (kind,) = struct.unpack_from(f"{order}I", data, 1)
    offset = 9 if kind & 0x20000000 else 5  # an SRID stands between type and coordinates
    lon, lat = struct.unpack_from(f"{order}dd", data, offset)
    return Position(lon, lat)
