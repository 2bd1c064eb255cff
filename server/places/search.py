"""Finds addresses: for a person who types and picks, for a spot on the map, and for an order."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position, haversine_m
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

SHORTEST_TEXT, LONGEST_TEXT = 2, 200
LIKENESS_STEPS = ("0.6", "0.35")
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

# Whole words count, and so does the beginning of one that is still being typed. A name that holds
# nothing else comes first; what is not half as like as the best is noise. Standing at the asker's
# door is worth a fifth of the text's likeness, being 10 km away half of that.
FIND = """
with candidate as materialized (
    select *,
           0.9 * greatest(
               strict_word_similarity(:text, folded),
               case when position(' ' || :text in ' ' || folded) > 0 then 0.95 else 0 end
           ) + 0.1 * similarity(:text, folded_name) as likeness,
           coalesce(0.2 / (1 + st_distance(position, st_geogfromtext(:near)) / 10000), 0)
               as closeness
    from map_name
    where :text <% folded
), hit as (
    select *
    from candidate
    where likeness > 0.5 * (select max(likeness) from candidate)
    order by likeness + closeness desc, id
    limit 40
), found as (
    select h.kind, h.name, h.street, coalesce(a.house_number, '') as house_number,
           coalesce(nullif(a.postcode, ''), h.postcode) as postcode, h.city,
           coalesce(a.position, h.position) as position, h.likeness, h.id, a.id as address_id,
           case when a.id is null or h.kind = 'house' then 0.0
                when a.number_key = any(:codes) then 0.3
                else 0.2 end as number_bonus
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
         + case when lower(replace(postcode, ' ', '')) = any(:codes) then 0.25 else 0 end desc,
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
           n.folded_city = :city as same_city,
           levenshtein_less_equal(left(n.folded_city, 100), left(:city, 100), :city_slips)
               <= :city_slips
           or position(' ' || n.folded_city || ' ' in ' ' || :city || ' ') > 0
           or position(' ' || :city || ' ' in ' ' || n.folded_city || ' ') > 0 as like_city
    from map_name n
    where :street <% n.folded
)
select c.id, c.kind, c.edits, a.id is not null as has_door,
       st_x(coalesce(a.position, c.position)::geometry) as lon,
       st_y(coalesce(a.position, c.position)::geometry) as lat,
       (:city <> '' and c.like_city)
           or (:postcode <> '' and :postcode in (c.postcode_key, coalesce(a.postcode, ''))) as fits,
       coalesce(:postcode <> '' and a.postcode not in ('', :postcode), false) as contradicts
from candidate c
left join lateral (
    select a.id, a.position, lower(replace(a.postcode, ' ', '')) as postcode
    from map_address a
    where a.name_id = c.id
          and (c.kind = 'house' or cast(:number as int) between a.first_number and a.last_number)
    order by a.number_key = :number_key desc,
             lower(replace(a.postcode, ' ', '')) = :postcode desc, a.id
    limit 1
) a on true
where c.edits <= :most_edits
order by fits desc, c.edits, c.same_city desc, a.id is null, c.kind <> 'street',
         st_distance(c.position, st_geogfromtext(:near)), c.id
limit 20
"""


async def find_addresses(
    session: AsyncSession, typed: str, *, near: Position | None = None, limit: int = 10
) -> list[Found]:
    """What a person may mean who has typed so far: typos, partial words and any order are fine.

    Words are compared with names; everything with a digit is a house number or a postcode, so
    "haupstr 12" finds Hauptstrasse 12. Best first, by likeness and by distance to `near`; nothing
    is looked for after one letter only.
    """
    words, codes = words_and_codes(typed[:LONGEST_TEXT])
    if len(words) < SHORTEST_TEXT:
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
    values = {"near": point_text(position), "within_m": within_m}
    row = (await session.execute(text(NEAREST), values)).first()
    return found_of(row) if row else None


async def locate(
    session: AsyncSession,
    address: Address | str,
    *,
    near: Position | None = None,
    localities: dict[str, Position | None] | None = None,
) -> Located:
    """Where this address is. Nobody looks at the answer before a driver goes there, so "house" is
    said only of a door with the right number, in the right city, in a street whose name differs
    by a slip at most; anything less is "street", "locality" or "none", and needs a pin.

    localities: which the caller has met already, for the next of its addresses.
    """
    if isinstance(address, str):
        address = parse_address(address)
    address = with_house_number_apart(address)
    city, postcode = fold(address.city)[:LONGEST_TEXT], fold_code(address.postcode)
    candidates = await find_candidates(session, address, near)
    if not city and not postcode:
        return locate_without_city(candidates)
    if candidates and candidates[0].fits:
        return located_at(candidates[0], is_certain=not candidates[0].contradicts)
    localities = {} if localities is None else localities
    if city not in localities:
        localities[city] = await find_locality(session, city, near)
    locality = localities[city]
    if locality is None:
        return NOWHERE
    for candidate in candidates:
        away_m = haversine_m(locality, Position(candidate.lon, candidate.lat))
        if candidate.kind != "place" and candidate.edits == 0 and away_m < NEARBY_M:
            return located_at(candidate, is_certain=False)
    return Located(locality, "locality")


def locate_without_city(candidates: Sequence[Row[Any]]) -> Located:
    """Certain only when a single street of the map has that name."""
    if not candidates:
        return NOWHERE
    best = candidates[0]
    namesakes = {row.id for row in candidates if row.edits == best.edits and row.kind == best.kind}
    return located_at(best, is_certain=len(namesakes) == 1)


def located_at(candidate: Row[Any], *, is_certain: bool) -> Located:
    """As exact as the candidate and our trust in it allow."""
    precision: Precision = "street"
    if candidate.has_door and is_certain:
        precision = "house"
    elif candidate.kind == "place":
        precision = "locality"
    return Located(Position(candidate.lon, candidate.lat), precision)


async def find_candidates(
    session: AsyncSession, address: Address, near: Position | None
) -> Sequence[Row[Any]]:
    """Streets, places and named houses that are spelled like this address, most likely first."""
    span = number_span(address.house_number)
    # In a village without street names the number belongs to the village itself.
    street = fold(address.street or (address.city if span else address.house_number))
    if not street:
        return []
    city = fold(address.city)[:LONGEST_TEXT]
    return await ask(
        session,
        CANDIDATES,
        street=street[:LONGEST_TEXT],
        house=fold(f"{address.house_number} {address.street}"),
        most_edits=slips_allowed(street),
        number=span[0] if span else None,
        number_key=fold_code(address.house_number),
        city=city,
        city_slips=slips_allowed(city),
        postcode=fold_code(address.postcode),
        near=point_text(near),
    )


async def find_locality(session: AsyncSession, city: str, near: Position | None) -> Position | None:
    """Where the city, village or suburb of this name lies."""
    rows = await ask(session, LOCALITY, city=city, near=point_text(near))
    return Position(rows[0].lon, rows[0].lat) if rows else None


async def ask(session: AsyncSession, statement: str, **values: object) -> Sequence[Row[Any]]:
    """Run a search in which `<%` means well alike, and again more leniently if nothing is.

    Strict first, because on a large map a lenient search reads every other name.
    """
    for least in LIKENESS_STEPS:
        threshold = "select set_config('pg_trgm.word_similarity_threshold', :least, true)"
        await session.execute(text(threshold), {"least": least})
        if rows := (await session.execute(text(statement), values)).all():
            return rows
    return []


def words_and_codes(typed: str) -> tuple[str, list[str]]:
    """What can be part of a name, folded; and what holds a digit, in every way to read it."""
    tokens = re.findall(r"[\w'’./-]+", typed)
    words = " ".join(token for token in tokens if not has_digit(token))
    codes = [fold_code(token) for token in tokens if has_digit(token)]
    for token, following in pairwise(tokens):
        if has_digit(token) and (has_digit(following) or len(following) == 1):
            codes.append(fold_code(token + following))  # "12 a", "SW1A 2AA"
    return fold(words), codes


def has_digit(token: str) -> bool:
    return any(letter.isdigit() for letter in token)


def slips_allowed(name: str) -> int:
    """How many letters may be wrong before it is another street: Bergweg is not Bachweg."""
    return 0 if len(name) < 6 else 1 if len(name) < 10 else 2


def point_text(position: Position | None) -> str | None:
    """A position as the searches take it."""
    return None if position is None else f"POINT({position.lon} {position.lat})"


def found_of(row: Row[Any]) -> Found:
    """A row of a search as others see it."""
    has_door = bool(row.house_number)
    street = row.name if row.kind == "place" and has_door else row.street
    line = address_line(street, row.house_number, row.postcode, row.city)
    if row.kind == "place" and not has_door:
        line = row.name if row.name == row.city else f"{row.name}, {row.city}"
    precision: Precision = "locality" if row.kind == "place" else "street"
    return Found(
        kind="address" if has_door else row.kind,
        line=line,
        street=street,
        house_number=row.house_number,
        postcode=row.postcode,
        city=row.city,
        position=Position(row.lon, row.lat),
        precision="house" if has_door else precision,
        likeness=round(float(row.likeness), 3),
        away_m=row.away_m,
    )
