"""What people type is found; what an order says is found, or honestly not."""

import pytest

from server.kit.db import Database
from server.kit.geo import Position
from server.places.service import (
    Address,
    Found,
    Located,
    find_addresses,
    locate,
    nearest_address,
)

OBERDORF, UNTERDORF = Position(10.0, 47.0), Position(10.15, 47.0)


async def search(
    valley: Database, typed: str, *, near: Position | None = None, limit: int = 10
) -> list[Found]:
    async with valley.transaction() as session:
        return await find_addresses(session, typed, near=near, limit=limit)


async def locate_in(
    valley: Database, address: Address | str, near: Position | None = None
) -> Located:
    async with valley.transaction() as session:
        return await locate(session, address, near=near)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("Hauptstrasse 12", "Hauptstrasse 12, 1000 Oberdorf"),
        ("Haupstr 12", "Hauptstrasse 12, 1000 Oberdorf"),
        ("hauptstraße 12", "Hauptstrasse 12, 1000 Oberdorf"),
        ("12 Hauptstr.", "Hauptstrasse 12, 1000 Oberdorf"),
        ("Hauptstrasse 12 Unterdorf", "Hauptstrasse 12, 2000 Unterdorf"),
        ("unterdorf hauptstrasse 12", "Hauptstrasse 12, 2000 Unterdorf"),
        ("Hauptstrasse 12, 2000", "Hauptstrasse 12, 2000 Unterdorf"),
        ("Hauptstrasse 16 Oberdorf", "Hauptstrasse 14-18, 1000 Oberdorf"),
        ("kasegassle 7 a", "Käsegässle 7a, Oberdorf"),
        ("Kaesegaessle 7", "Käsegässle 7a, Oberdorf"),
        ("eglise 8", "Rue de l'Église 8, 2000 Unterdorf"),
        ("rose cottage", "Mill Lane Rose Cottage, Oberdorf"),
        ("Weiler 4", "Weiler 4, Weiler"),
        ("Lind", "Lindenhofweg, Oberdorf"),
        ("Unterdrof", "Unterdorf"),
        ("neustadt", "Altheim-Neustadt"),
    ],
)
async def test_typing_finds_it_first(valley: Database, typed: str, line: str) -> None:
    found = await search(valley, typed, near=OBERDORF)
    assert found[0].line == line


async def test_found_things_say_how_exact_they_are(valley: Database) -> None:
    (door,) = await search(valley, "Bergweg 5", limit=1)
    (street,) = await search(valley, "Sackgasse", limit=1)
    (place,) = await search(valley, "Oberdorf", limit=1)

    assert (door.kind, door.precision, door.position) == ("address", "house", (10.003, 47.003))
    assert (street.kind, street.precision) == ("street", "street")
    assert street.position == pytest.approx((10.152, 47.0))
    assert (place.kind, place.precision) == ("place", "locality")


async def test_of_two_namesakes_the_nearer_one_comes_first(valley: Database) -> None:
    from_above = await search(valley, "Hauptstrasse 12", near=OBERDORF)
    from_below = await search(valley, "Hauptstrasse 12", near=UNTERDORF)

    assert [found.city for found in from_above[:2]] == ["Oberdorf", "Unterdorf"]
    assert [found.city for found in from_below[:2]] == ["Unterdorf", "Oberdorf"]
    assert from_above[0].away_m == pytest.approx(134, abs=5)


async def test_number_that_the_map_does_not_have_still_finds_the_street(valley: Database) -> None:
    found = await search(valley, "Bergweg 77")
    assert (found[0].line, found[0].precision) == ("Bergweg, Oberdorf", "street")


@pytest.mark.parametrize(
    "typed",
    ["", " ", "12", "h", "xyzzy qwrt", "%_\\'\";--", "\x00", "\ud7ff😀", "a" * 5000, "1" * 300],
)
async def test_nonsense_finds_nothing_and_breaks_nothing(valley: Database, typed: str) -> None:
    assert await search(valley, typed) == []


async def test_no_more_is_found_than_asked_for(valley: Database) -> None:
    assert len(await search(valley, "hauptstrasse", limit=1)) == 1


async def test_nearest_address_is_the_next_door_within_the_limit(valley: Database) -> None:
    async with valley.transaction() as session:
        beside = await nearest_address(session, Position(10.0032, 47.003))
        outside = await nearest_address(session, Position(10.05, 47.05))
        far = await nearest_address(session, Position(10.05, 47.05), within_m=10_000)

    assert beside is not None
    assert beside.line == "Bergweg 5, Oberdorf"
    assert beside.away_m == pytest.approx(15, abs=1)
    assert outside is None
    assert far is not None


@pytest.mark.parametrize(
    ("address", "precision", "near_lon"),
    [
        # the door itself, however it is written
        ("Hauptstrasse 12, 1000 Oberdorf", "house", 10.001),
        ("Haupstr. 12, Oberdorf", "house", 10.001),
        ("12 Hauptstrasse, Unterdorf", "house", 10.151),
        ("Hauptstrasse 12, 2000 Elsewhere", "house", 10.151),  # the postcode knows better
        ("Hauptstrasse 16, Oberdorf", "house", 10.002),
        ("Hauptstrasse 12b, Oberdorf", "house", 10.001),  # no 12b on the map: 12 is next to it
        ("Käsegässle 7A, Oberdorf", "house", 10.004),
        ("Rose Cottage, Oberdorf", "locality", 10.0),
        ("Weiler 4, Weiler", "house", 10.007),
        ("4, Weiler", "locality", 10.007),
        ("Bergweg 5", "house", 10.003),  # no city, but there is only one
        ("Ringstrasse 1, Neustadt", "house", 10.301),  # part of the village's double name
        (Address(street="Hauptstrasse 12", city="Oberdorf"), "house", 10.001),
        (
            Address(street="Mill Lane", house_number="Rose Cottage", city="Oberdorf"),
            "house",
            10.005,
        ),
        # only the street
        ("Bergweg 99, Oberdorf", "street", 10.003),
        ("Sackgasse, Unterdorf", "street", 10.152),
        ("Hauptstrasse 12", "street", None),  # which of the two?
        ("Hauptstrasse 12, 9999 Oberdorf", "street", 10.001),  # city and postcode disagree
        # only the locality
        ("Nirgendweg 3, Oberdorf", "locality", 10.0),
        ("Lindenweg 2, Oberdorf", "locality", 10.0),  # not Lindenhofweg
        ("Bachweg 5, Oberdorf", "locality", 10.0),  # not Bergweg
        ("Unterdorf", "locality", 10.15),
        # nothing
        ("Hauptstrasse 12, Atlantis", "none", None),
        ("Nirgendweg 3", "none", None),
        ("", "none", None),
        ("'; drop table place; --", "none", None),
    ],
)
async def test_address_is_located_as_exactly_as_can_be_trusted(
    valley: Database, address: Address | str, precision: str, near_lon: float | None
) -> None:
    located = await locate_in(valley, address)

    assert located.precision == precision
    if near_lon is not None:
        assert located.position is not None
        assert located.position.lon == pytest.approx(near_lon, abs=1e-6)
    assert (located.position is None) == (precision == "none")


async def test_street_of_the_next_village_is_only_a_suggestion(valley: Database) -> None:
    """People often name the bigger village; whether they do is for a person to decide."""
    next_to_it = await locate_in(valley, "Bergweg 5, Weiler")
    far_away = await locate_in(valley, "Bergweg 5, Unterdorf")  # 11 km: another one is meant

    assert (next_to_it.precision, next_to_it.position) == ("street", (10.003, 47.003))
    assert (far_away.precision, far_away.position) == ("locality", UNTERDORF)


async def test_among_namesakes_without_a_city_the_one_near_the_depot_is_suggested(
    valley: Database,
) -> None:
    located = await locate_in(valley, "Hauptstrasse 12", near=UNTERDORF)

    assert located.precision == "street"
    assert located.position == (10.151, 47.001)


async def test_before_any_map_is_imported_nothing_is_found(db: Database) -> None:
    async with db.transaction() as session:
        assert await find_addresses(session, "Hauptstrasse 12") == []
        assert await nearest_address(session, OBERDORF) is None
        assert (await locate(session, "Hauptstrasse 12, Oberdorf")).precision == "none"
