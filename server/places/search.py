"""Finds addresses: for a person who types and picks, for a spot on the map, and for an order."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position
from server.places.address import (
    Address,
    address_line,
    fold,
    fold_code,
    number_span,
    parse_address,
    with_house_number_apart,
)

Precision = Literal["pin", "given", "house", "street", "locality", "none"]

LONGEST_TEXT = 200
LEAST_LIKENESS = 0.4
NEARBY_M = 8_000
"""As far as the next village: its street may be meant, but a person has to say so."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something on the map that fits a search.

    line: all of it on one line. likeness: of the text, 0 to 1. away_m: from the point that was
    asked about, if any.
    """

    kind: Literal["address", "street", "place"]
    line: str
    street: str
    house_number: str
    postcode: str
    city: str
    position: Position
    precision: Precision
    likeness: float
    away_m: float | None


class Located(msgspec.Struct, frozen=True):
    """Where an address is, and how exactly that is known."""

    position: Position | None
    precision: Precision


NOWHERE = Located(None, "none")

# Standing at the asker's door is worth a fifth of the text's likeness, 10 km away half of that.
FIND = """
with hit as materialized (
    select n.*, word_similarity(:text, n.folded) as likeness
    from map_name n
    where :text <% n.folded
    order by word_similarity(:text, n.folded)
             + coalesce(0.2 / (1 + st_distance(n.position, st_geogfromtext(:near)) / 10000), 0) desc,
             n.id
    limit 40
), found as (
    select h.kind, h.name, h.street, coalesce(a.house_number, '') as house_number,
           coalesce(nullif(a.postcode, ''), h.postcode) as postcode, h.city,
           coalesce(a.position, h.position) as position, h.likeness, h.id, a.id as address_id,
           case when a.id is null then 0.0 when a.number_key = any(:codes) then 0.3 else 0.2 end
               as number_bonus
    from hit h
    left join lateral (
        select a.*
        from map_address a
        where a.name_id = h.id and (h.kind = 'house' or exists (
            select from unnest(cast(:numbers as int[])) as number
            where number between a.first_number and a.last_number
        ))
        order by a.number_key = any(:codes) desc, a.postcode = any(:codes) desc, a.id
        limit 4
    ) a on true
)
select kind, name, street, house_number, postcode, city, likeness,
       st_x(position::geometry) as lon, st_y(position::geometry) as lat,
       st_distance(position, st_geogfromtext(:near)) as away_m
from found
order by likeness + number_bonus
         + coalesce(0.2 / (1 + st_distance(position, st_geogfromtext(:near)) / 10000), 0)
         + case when lower(replace(postcode, ' ', '')) = any(:codes) then 0.1 else 0 end desc,
         id, address_id
limit :limit
"""

NEAREST = """
with door as (
    select *, st_distance(position, st_geogfromtext(:near)) as away_m
    from map_address
    where st_dwithin(position, st_geogfromtext(:near), :within_m)
    order by position <-> st_geogfromtext(:near)
    limit 1
)
select n.kind, n.name, n.street, d.house_number,
       coalesce(nullif(d.postcode, ''), n.postcode) as postcode, n.city, 1.0 as likeness,
       st_x(d.position::geometry) as lon, st_y(d.position::geometry) as lat, d.away_m
from door d
join map_name n on n.id = d.name_id
"""

LOCALITY = """
select st_x(position::geometry) as lon, st_y(position::geometry) as lat
from map_name
where kind = 'place' and :city <% folded and similarity(folded_name, :city) >= 0.6
order by similarity(folded_name, :city) desc, st_distance(position, st_geogfromtext(:near)), id
limit 1
"""

# A named house is looked for under its own name, everything else under the street's. `fits` means
# that the city or postcode is the right one, `contradicts` that the door has another postcode.
CANDIDATES = """
with candidate as (
    select n.*, lower(replace(n.postcode, ' ', '')) as postcode_key,
           levenshtein_less_equal(
               left(n.folded_name, 100),
               left(case n.kind when 'house' then :house else :street end, 100),
               :most_edits
           ) as edits,
           :city <> '' and greatest(
               word_similarity(:city, n.folded_city), word_similarity(n.folded_city, :city)
           ) >= 0.7 as in_city
    from map_name n
    where :street <% n.folded
)
select c.id, c.kind, c.edits, a.id is not null as has_door,
       st_x(coalesce(a.position, c.position)::geometry) as lon,
       st_y(coalesce(a.position, c.position)::geometry) as lat,
       c.in_city or (:postcode <> '' and :postcode in (c.postcode_key, coalesce(a.postcode, '')))
           as fits,
       coalesce(:postcode <> '' and a.postcode not in ('', :postcode), false) as contradicts
from candidate c
left join lateral (
    select a.id, a.position, lower(replace(a.postcode, ' ', '')) as postcode
    from map_address a
    where a.name_id = c.id
          and (c.kind = 'house' or :number between a.first_number and a.last_number)
    order by a.number_key = :number_key desc,
             lower(replace(a.postcode, ' ', '')) = :postcode desc, a.id
    limit 1
) a on true
where c.edits <= :most_edits
order by fits desc, c.edits, a.id is null, c.kind <> 'street',
         st_distance(c.position, st_geogfromtext(:near)), c.id
limit 20
"""


async def find_addresses(
    session: AsyncSession, text: str, *, near: Position | None = None, limit: int = 10
) -> list[Found]:
    """What a person may mean who has typed so far: typos, partial words and any order are fine.

    Words are compared with names; everything with a digit is a house number or a postcode, so
    "haupstr 12" finds Hauptstrasse 12. Best first, by likeness and by distance to `near`.
    """
    words, codes = words_and_codes(text[:LONGEST_TEXT])
    if not words:
        return []
    spans = [span for code in codes if (span := number_span(code)) is not None]
    rows = await ask(
        session,
        FIND,
        text=words,
        codes=codes,
        numbers=[first for first, _ in spans],
        near=point_text(near),
        limit=limit,
    )
    return [found_of(row) for row in rows]


async def nearest_address(
    session: AsyncSession, position: Position, *, within_m: float = 200
) -> Found | None:
    """The front door next to a position, or None when there is none within the limit."""
    rows = await ask(session, NEAREST, near=point_text(position), within_m=within_m)
    return found_of(rows[0]) if rows else None


async def locate(
    session: AsyncSession, address: Address | str, *, near: Position | None = None
) -> Located:
    """Where this address is. Nobody looks at the answer before a driver goes there, so "house" is
    said only of a door with the right number, in a street whose name differs by a slip at most,
    in the right city; anything less is "street", "locality" or "none", and needs a pin.
    """
    if isinstance(address, str):
        address = parse_address(address)
    address = with_house_number_apart(address)
    span = number_span(address.house_number)
    # In a village without street names the number belongs to the village itself.
    street = fold(address.street or (address.city if span else address.house_number))
    city, postcode = fold(address.city), fold_code(address.postcode)
    if street:
        rows = await ask(
            session,
            CANDIDATES,
            street=street[:LONGEST_TEXT],
            house=fold(f"{address.house_number} {address.street}"),
            most_edits=slips_allowed(street),
            number=span[0] if span else None,
            number_key=fold_code(address.house_number),
            city=city,
            postcode=postcode,
            near=point_text(near),
        )
        if not city and not postcode:
            return located_without_city(rows)
        if rows and rows[0].fits:
            return located_at(rows[0], is_certain=not rows[0].contradicts)
    locality = await find_locality(session, city, near)
    if locality is None:
        return NOWHERE
    if street:
        for row in sorted(rows, key=lambda row: distance_m(locality, row)):
            if distance_m(locality, row) < NEARBY_M:
                return located_at(row, is_certain=False)
    return Located(locality, "locality")
