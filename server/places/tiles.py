"""Cuts the drawn map: vector tiles for the dispatcher's page, street sketches for the public."""

import math
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.errors import NotFound
from server.kit.geo import Position
from server.places.basemap import MAX_ZOOM

EARTH_WIDTH_M = 40_075_016.685578488
"""The width of the web mercator square (EPSG:3857), in its own metres."""

SKETCH_WIDTH = 400
SKETCH_BYTES_MAX = 7_000
SKETCH_KINDS = (
    "primary", "motorway", "secondary", "minor", "water", "stream", "rail", "green"
)  # fmt: skip
"""The most helpful first: what does not fit into the page's size is left out from the end."""

# The tolerance of the simplification is half a pixel of a tile that is shown 512 pixels wide.
READ_TILE = text("""
with bounds as (
    select st_tileenvelope(:z, :x, :y) as tile,
           st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096) as with_margin
),
shapes as (
    select layer, kind, name,
           st_asmvtgeom(st_simplify(shape, :tolerance_m, true), tile, 4096, 64) as geom
    from map_shape, bounds
    where shape && with_margin and min_zoom <= :z
)
select coalesce(string_agg(content, ''::bytea), ''::bytea)
from (
    select st_asmvt(shapes, shapes.layer, 4096, 'geom') as content
    from shapes
    where geom is not null
    group by shapes.layer
) layers
""")

READ_SKETCH = text("""
with box as (
    select st_makeenvelope(:west_m, :south_m, :east_m, :north_m, 3857) as around
),
shapes as (
    select case kind
               when 'tertiary' then 'secondary'
               when 'river' then 'stream'
               when 'canal' then 'stream'
               else kind
           end as kind,
           st_snaptogrid(
               st_transscale(
                   st_clipbybox2d(st_simplify(shape, :pixel_m), st_expand(around, 8 * :pixel_m)),
                   -:west_m, -:north_m, 1 / :pixel_m, 1 / :pixel_m
               ),
               1
           ) as shape
    from map_shape, box
    where shape && around and min_zoom <= :zoom and layer not in ('place', 'building')
)
select kind, replace(st_assvg(st_collect(shape), 1, 0), ';', ' ') as path
from shapes
where not st_isempty(shape)
group by kind
""")


class NoSuchTile(NotFound):
    """There is no tile {z}/{x}/{y}. Zoom goes from 0 to 14, x and y from 0 to 2^z - 1."""

    code = "places.no_such_tile"


@dataclass(frozen=True, slots=True)
class Sketch:
    """Streets around a position, as SVG paths by kind in a square of SKETCH_WIDTH pixels.

    half_m: how far it reaches from the centre, on the ground.
    """

    centre: Position
    half_m: float
    paths: dict[str, str]

    def pixel_of(self, position: Position) -> tuple[int, int]:
        """Where a position lies in the square; outside of 0 to SKETCH_WIDTH when not inside."""
        x_m, y_m = mercator_m(position)
        centre_x_m, centre_y_m = mercator_m(self.centre)
        pixel_m = _pixel_m(self.centre, self.half_m)
        east, south = (x_m - centre_x_m) / pixel_m, (centre_y_m - y_m) / pixel_m
        return round(SKETCH_WIDTH / 2 + east), round(SKETCH_WIDTH / 2 + south)


async def read_tile(session: AsyncSession, z: int, x: int, y: int) -> bytes:
    """A Mapbox vector tile with the layers that there are here; empty where there is nothing.

    Raises
    ------
    NoSuchTile
    """
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NoSuchTile(z=z, x=x, y=y)
    tolerance_m = EARTH_WIDTH_M / 2**z / 512 / 2
    given = {"z": z, "x": x, "y": y, "tolerance_m": tolerance_m}
    return bytes(await session.scalar(READ_TILE, given) or b"")


async def sketch_streets(session: AsyncSession, centre: Position, *, half_m: float) -> Sketch:
    """The streets at most `half_m` east, west, north and south of a position; small in bytes."""
    pixel_m = _pixel_m(centre, half_m)
    x_m, y_m = mercator_m(centre)
    reach_m = pixel_m * SKETCH_WIDTH / 2
    given = {
        "west_m": x_m - reach_m,
        "east_m": x_m + reach_m,
        "south_m": y_m - reach_m,
        "north_m": y_m + reach_m,
        "pixel_m": pixel_m,
        "zoom": min(math.floor(math.log2(EARTH_WIDTH_M / 256 / pixel_m)), 12),
    }
    found = {row.kind: row.path for row in await session.execute(READ_SKETCH, given)}
    paths: dict[str, str] = {}
    left_bytes = SKETCH_BYTES_MAX
    for name in SKETCH_KINDS:
        path = found.get(name, "")
        if path and len(path) <= left_bytes:
            paths[name] = path
            left_bytes -= len(path)
    return Sketch(centre, half_m, paths)


def mercator_m(position: Position) -> tuple[float, float]:
    """Web mercator (EPSG:3857) of a position, in metres that are longer than those on the ground
    the further one is from the equator."""
    return (
        position.lon / 360 * EARTH_WIDTH_M,
        math.asinh(math.tan(math.radians(position.lat))) / math.tau * EARTH_WIDTH_M,
    )


def _pixel_m(centre: Position, half_m: float) -> float:
    """The width of one pixel of a sketch, in mercator metres."""
    return 2 * half_m / SKETCH_WIDTH / math.cos(math.radians(centre.lat))
