"""Puts what a street map draws into the database: roads, rails, water, land use, houses, places.

Each shape carries the smallest zoom at which it is worth drawing, decided once at the import, so
that cutting a tile is one look into a spatial index.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import osmium
from osmium.filter import KeyFilter
from osmium.geom import WKBFactory
from osmium.osm import Area, Node, TagList, Way
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.places.osm import MapFileUnreadable, first_of, location_storage

MAX_ZOOM = 14
"""The largest zoom with tiles of its own; a map that is zoomed in further enlarges these."""

type Drawing = tuple[str, str, int]
"""Layer, kind, and the smallest zoom at which it is drawn."""

ROADS = {
    "motorway": ("motorway", 4),
    "trunk": ("motorway", 5),
    "primary": ("primary", 7),
    "secondary": ("secondary", 9),
    "tertiary": ("tertiary", 10),
    "unclassified": ("minor", 12),
    "residential": ("minor", 12),
    "living_street": ("minor", 12),
    "pedestrian": ("minor", 13),
    "road": ("minor", 12),
    "service": ("service", 13),
    "track": ("path", 13),
    "footway": ("path", 14),
    "cycleway": ("path", 14),
    "path": ("path", 14),
    "steps": ("path", 14),
}
WATERWAYS = {"river": 8, "canal": 10, "stream": 13}
GREEN = {"forest", "wood", "scrub", "meadow", "grass", "park", "village_green", "orchard"}
BUILT_UP = {"residential", "commercial", "industrial", "retail"}
PLACES = {"city": 4, "town": 7, "village": 10, "suburb": 11, "hamlet": 13}

DRAWN = KeyFilter(
    "highway", "railway", "waterway", "natural", "landuse", "leisure", "building", "place"
)
AREAS = KeyFilter("natural", "waterway", "landuse", "leisure", "building")

MAKE_STAGING = """
create temporary table basemap_staging (
    layer text, kind text, min_zoom int, name text, wkb text
) on commit drop
"""

# A surface is drawn from the zoom on at which it covers 4 x 4 pixels. 156543 m is the width of a
# pixel at zoom 0.
INSERT_SHAPES = """
insert into map_shape (layer, kind, min_zoom, name, shape)
select layer, kind,
       case when st_dimension(shape) < 2 then min_zoom
            else greatest(
                min_zoom,
                least(:max_zoom, ceil(log(2, (4 * 156543 / sqrt(area + 1))::numeric)))
            )
       end,
       nullif(name, ''), shape
from (
    select s.*, st_area(shape) as area
    from (
        select layer, kind, min_zoom, name,
               st_transform(st_geomfromwkb(decode(wkb, 'hex'), 4326), 3857) as shape
        from basemap_staging
    ) s
) measured
"""


async def import_basemap(
    session: AsyncSession, path: Path, say: Callable[[str], None] = lambda _: None
) -> int:
    """Replace the drawn map by that of this .osm.pbf; how many shapes it has.

    Raises
    ------
    MapFileUnreadable
    """
    say("Reading the streets to draw ...")
    await session.execute(text("drop table if exists pg_temp.basemap_staging"))
    await session.execute(text(MAKE_STAGING))
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None
    await driver.copy_records_to_table("basemap_staging", records=read_shapes(path))
    await session.execute(text("delete from map_shape"))
    await session.execute(text(INSERT_SHAPES), {"max_zoom": MAX_ZOOM})
    await session.execute(text("analyze map_shape"))
    return (await session.scalar(text("select count(*) from map_shape"))) or 0


def read_shapes(path: Path) -> Iterator[tuple[str, str, int, str, str]]:
    """Layer, kind, smallest zoom, name and WKB (hexadecimal, degrees) of all that is drawn."""
    factory = WKBFactory()
    try:
        objects = (
            osmium.FileProcessor(path)
            .with_locations(location_storage(path))
            .with_areas(AREAS)
            .with_filter(DRAWN)
        )
        for found in objects:
            drawing = drawing_of(found)
            if drawing is not None and (wkb := _wkb_of(factory, found)):
                yield (*drawing, first_of(found.tags, "name"), wkb)
    except RuntimeError as problem:  # all that osmium raises
        raise MapFileUnreadable(file_name=path.name, reason=str(problem)) from problem


def drawing_of(found: object) -> Drawing | None:
    """What a map object is drawn as; None when it is not."""
    match found:
        case Node():
            return _place(found.tags)
        case Way():
            return _line(found.tags)
        case Area():
            return _surface(found.tags)
    return None


def _place(tags: TagList) -> Drawing | None:
    place = first_of(tags, "place")
    return ("place", place, PLACES[place]) if place in PLACES and "name" in tags else None


def _line(tags: TagList) -> Drawing | None:
    road = ROADS.get(first_of(tags, "highway").removesuffix("_link"))
    if road is not None and tags.get("area") != "yes":
        return ("road", *road)
    if tags.get("railway") in ("rail", "light_rail", "tram") and "service" not in tags:
        return "rail", "rail", 9
    water = first_of(tags, "waterway")
    return ("waterway", water, WATERWAYS[water]) if water in WATERWAYS else None


def _surface(tags: TagList) -> Drawing | None:
    uses = {first_of(tags, key) for key in ("natural", "landuse", "leisure", "waterway")}
    if uses & {"water", "reservoir", "riverbank"}:
        return "water", "water", 4
    if "building" in tags:
        return "building", "building", MAX_ZOOM
    if uses & GREEN:
        return "land", "green", 8
    return ("land", "built_up", 10) if uses & BUILT_UP else None


def _wkb_of(factory: WKBFactory, found: object) -> str:
    """The geometry in hexadecimal; empty when the file does not hold all of it."""
    try:
        match found:
            case Node():
                return factory.create_point(found)
            case Way():
                return factory.create_linestring(found)
            case Area():
                return factory.create_multipolygon(found)
    except osmium.InvalidLocationError:  # an extract cuts lines at its edge
        return ""
    return ""
