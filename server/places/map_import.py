"""Puts a map's addresses, streets and place names into the database, in place of the old ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.errors import Invalid
from server.places.address import fold, fold_code, number_span
from server.places.basemap import import_basemap
from server.places.models import MapAddress, MapName
from server.places.osm import MapEntry, read_map

SAY_EVERY = 100_000

STAGING_COLUMNS = (
    "kind", "name", "street", "city", "postcode", "folded", "folded_name", "folded_city",
    "house_number", "number_key", "first_number", "last_number", "lon", "lat", "osm_id",
    "is_address",
)  # fmt: skip

MAKE_STAGING = """
create temporary table map_staging (
    kind text, name text, street text, city text, postcode text, folded text, folded_name text,
    folded_city text, house_number text, number_key text, first_number int, last_number int,
    lon double precision, lat double precision, osm_id text, is_address boolean
) on commit drop
"""

# One row for each name in a city. A street that the map draws gives its own position; one that
# only addresses mention stands at one of them.
INSERT_NAMES = """
insert into map_name
    (kind, name, street, city, postcode, folded, folded_name, folded_city, position, osm_id)
select n.kind, n.name, n.street, n.city, coalesce(p.postcode, ''), n.folded, n.folded_name,
       n.folded_city, st_makepoint(n.lon, n.lat)::geography, n.osm_id
from (
    select distinct on (kind, folded_name, folded_city) *
    from map_staging
    order by kind, folded_name, folded_city, is_address, osm_id
) n
left join (
    select kind, folded_name, folded_city, mode() within group (order by postcode) as postcode
    from map_staging
    where postcode <> ''
    group by kind, folded_name, folded_city
) p using (kind, folded_name, folded_city)
order by n.kind, n.folded_name, n.folded_city
"""

# A shop and the building in which it is often bear the same address: one row for each number
# within about a kilometre, preferably the one that tells its postcode.
INSERT_ADDRESSES = """
insert into map_address
    (name_id, house_number, number_key, first_number, last_number, postcode, position, osm_id)
select distinct on (n.id, s.number_key, round(s.lon::numeric, 2), round(s.lat::numeric, 2))
       n.id, s.house_number, s.number_key, s.first_number, s.last_number, s.postcode,
       st_makepoint(s.lon, s.lat)::geography, s.osm_id
from map_staging s
join map_name n using (kind, folded_name, folded_city)
where s.is_address
order by n.id, s.number_key, round(s.lon::numeric, 2), round(s.lat::numeric, 2),
         s.postcode desc, s.osm_id
"""


class MapFileEmpty(Invalid):
    """{file_name} holds no address, street or place name. Use an extract with all its tags."""

    code = "places.map_file_empty"


class MapCounts(msgspec.Struct, frozen=True):
    """What the map now holds."""

    addresses: int
    streets: int
    places: int


async def import_map(
    session: AsyncSession, path: Path, say: Callable[[str], None] = lambda _: None
) -> MapCounts:
    """Replace the map by this .osm.pbf; places that were created or pinned stay as they are.

    All or nothing: searches see the old map until the transaction ends, and keep it when the file
    proves broken. Importing the same file twice gives the same map.

    Raises
    ------
    MapFileUnreadable, MapFileEmpty
    """
    await session.execute(text("lock table map_name in share row exclusive mode"))
    await session.execute(text("drop table if exists pg_temp.map_staging"))
    await session.execute(text(MAKE_STAGING))
    say(f"Reading {path.name} ...")
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None
    await driver.copy_records_to_table(
        "map_staging", records=staging_rows(path, say), columns=STAGING_COLUMNS
    )
    is_empty = (await session.execute(text("select not exists (select from map_staging)"))).scalar()
    if is_empty:
        raise MapFileEmpty(file_name=path.name)
    say("Building the address search ...")
    await session.execute(text("delete from map_address"))
    await session.execute(text("delete from map_name"))
    for statement in (INSERT_NAMES, INSERT_ADDRESSES, "analyze map_name", "analyze map_address"):
        await session.execute(text(statement))
    await import_basemap(session, path, say)
    counts = await count_map(session)
    say(f"{counts.addresses} addresses, {counts.streets} streets, {counts.places} places.")
    return counts


async def count_map(session: AsyncSession) -> MapCounts:
    """How much the imported map holds; all zero before the first import."""
    of_kind = select(MapName.kind, func.count().label("number")).group_by(MapName.kind)
    names = {row.kind: row.number for row in await session.execute(of_kind)}
    addresses = await session.scalar(select(func.count()).select_from(MapAddress))
    return MapCounts(addresses or 0, names.get("street", 0), names.get("place", 0))


def staging_rows(path: Path, say: Callable[[str], None]) -> Iterator[tuple[object, ...]]:
    """The map's entries as rows of the staging table."""
    for count, entry in enumerate(read_map(path), start=1):
        yield staging_row(entry)
        if count % SAY_EVERY == 0:
            say(f"{count} entries ...")


def staging_row(entry: MapEntry) -> tuple[object, ...]:
    """An entry under the name by which people look for it."""
    is_address = entry.kind == "address"
    kind: str = entry.kind
    name, street = entry.name, entry.street
    span = number_span(entry.house_number)
    if is_address and span is None:
        kind, name = "house", entry.house_number
    elif is_address and street:
        kind, name = "street", street
    elif is_address:
        kind, name = "place", entry.city
    searched = fold(f"{name} {street}" if kind == "house" else name)
    city = fold(entry.city)
    first_number, last_number = span or (None, None)
    return (
        kind, name, street, entry.city, entry.postcode,
        searched if city == searched else f"{searched} {city}".strip(), searched, city,
        entry.house_number, fold_code(entry.house_number), first_number, last_number,
        entry.lon, entry.lat, entry.osm_id, is_address,
    )  # fmt: skip
