"""Places are kept whatever the map knows of them, and a pin is never asked for twice."""

from uuid import UUID

import pytest
from sqlalchemy import text

from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.places.service import (
    Address,
    PlaceView,
    PositionOutOfRange,
    UnknownPlace,
    create_place,
    get_place,
    get_places,
    list_places,
    note_access,
    pin_place,
)

SPOT = Position(10.02, 47.02)
DISPATCHER = "person:00000000-0000-0000-0000-000000000001"
LOST = Address(name="A. Lost", street="Nirgendweg", house_number="3", city="Oberdorf")


async def keep(
    valley: Database, address: Address | str, position: Position | None = None
) -> PlaceView:
    async with valley.transaction() as session:
        return await create_place(session, address, position=position)


async def pin(valley: Database, place_id: UUID, position: Position = SPOT) -> PlaceView:
    async with valley.transaction() as session:
        return await pin_place(session, place_id, position, by=DISPATCHER)


async def pinned_events(valley: Database) -> list[str]:
    query = "select body->>'place_id' from outbox_event where name = 'places.PlacePinned'"
    async with valley.transaction() as session:
        return list(await session.scalars(text(f"{query} order by id")))


async def test_address_on_the_map_is_ready_to_be_planned(valley: Database) -> None:
    place = await keep(
        valley, Address(name="Ada", street="Haupstrasse 12", city="Oberdorf", extra="2nd floor")
    )

    assert (place.precision, place.needs_pin) == ("house", False)
    assert place.position == (10.001, 47.001)
    assert (place.street, place.house_number) == ("Haupstrasse", "12")
    assert (place.name, place.extra) == ("Ada", "2nd floor")
    assert place.line == "Haupstrasse 12, Oberdorf"


@pytest.mark.parametrize(
    ("line", "precision"),
    [
        ("Bergweg 99, Oberdorf", "street"),
        ("Nirgendweg 3, Oberdorf", "locality"),
        ("Nirgendweg 3, Atlantis", "none"),
        ("", "none"),
    ],
)
async def test_address_that_is_not_found_to_the_door_is_kept_and_needs_a_pin(
    valley: Database, line: str, precision: str
) -> None:
    place = await keep(valley, line)

    async with valley.transaction() as session:
        waiting = await list_places(session, needs_pin=True)
    assert (place.precision, place.needs_pin) == (precision, True)
    assert waiting == [place]


async def test_every_word_of_a_free_line_is_kept(valley: Database) -> None:
    place = await keep(valley, "Acme Ltd, Hauptstrasse 12, 1000 Oberdorf")
    assert place.name == "Acme Ltd"
    assert place.line == "Hauptstrasse 12, 1000 Oberdorf"


async def test_position_given_with_the_address_is_taken_as_it_is(valley: Database) -> None:
    place = await keep(valley, LOST, Position(11.0, 48.0))
    assert (place.precision, place.position, place.needs_pin) == ("given", (11.0, 48.0), False)


@pytest.mark.parametrize(
    "position",
    [Position(181, 0), Position(0, -90.1), Position(float("nan"), 0), Position(0, float("inf"))],
)
async def test_position_that_is_not_on_the_globe_is_refused(
    valley: Database, position: Position
) -> None:
    place = await keep(valley, LOST)

    with pytest.raises(PositionOutOfRange):
        await keep(valley, LOST, position)
    with pytest.raises(PositionOutOfRange):
        await pin(valley, place.id, position)


async def test_pin_makes_a_place_plannable_and_tells_the_others(valley: Database) -> None:
    place = await keep(valley, LOST)

    pinned = await pin(valley, place.id)

    async with valley.transaction() as session:
        assert await list_places(session, needs_pin=True) == []
        assert await get_place(session, place.id) == pinned
    assert (pinned.precision, pinned.position, pinned.needs_pin) == ("pin", SPOT, False)
    assert await pinned_events(valley) == [str(place.id)]


async def test_pin_is_written_into_the_audit_log(valley: Database) -> None:
    place = await keep(valley, LOST)
    await pin(valley, place.id)

    async with valley.transaction() as session:
        query = "select by, action, details from audit_entry where subject = :subject"
        entries = await session.execute(text(query), {"subject": f"place:{place.id}"})
        ((by, action, details),) = entries
    assert (by, action) == (DISPATCHER, "place.pinned")
    assert details == {"from": [10.0, 47.0], "to": [10.02, 47.02]}


async def test_one_pin_serves_every_place_of_that_address(valley: Database) -> None:
    first = await keep(valley, LOST)
    waiting = await keep(valley, Address(name="B. Lost", street="NIRGENDWEG 3", city="oberdorf"))
    neighbour = await keep(valley, "Nirgendweg 4, Oberdorf")

    await pin(valley, first.id)
    later = await keep(valley, "Nirgendweg 3, Oberdorf")

    async with valley.transaction() as session:
        places = await get_places(session, [waiting.id, neighbour.id])
    assert places[waiting.id].position == SPOT
    assert places[neighbour.id].needs_pin
    assert (later.precision, later.position) == ("pin", SPOT)
    assert await pinned_events(valley) == [str(first.id), str(waiting.id)]


async def test_pin_moves_no_place_that_is_found_already(valley: Database) -> None:
    on_map = await keep(valley, "Hauptstrasse 12, Oberdorf")
    wrong = await keep(valley, "Hauptstrasse 12, Oberdorf")

    await pin(valley, wrong.id)

    async with valley.transaction() as session:
        assert await get_place(session, on_map.id) == on_map


async def test_places_without_a_street_share_no_pin(valley: Database) -> None:
    first = await keep(valley, Address(name="Somebody"))
    second = await keep(valley, Address(name="Somebody else"))

    await pin(valley, first.id)

    async with valley.transaction() as session:
        assert (await get_place(session, second.id)).needs_pin


async def test_access_note_is_kept_and_audited(valley: Database) -> None:
    place = await keep(valley, LOST)

    async with valley.transaction() as session:
        noted = await note_access(session, place.id, "Ring twice", by=DISPATCHER)
        query = "select action from audit_entry where subject = :subject"
        actions = await session.scalars(text(query), {"subject": f"place:{place.id}"})
        assert list(actions) == ["place.access_noted"]
    assert noted.access_note == "Ring twice"


async def test_unknown_place_is_said_to_be_unknown(valley: Database) -> None:
    missing = new_id()
    async with valley.transaction() as session:
        assert await get_places(session, [missing]) == {}
        with pytest.raises(UnknownPlace, match=str(missing)):
            await get_place(session, missing)
        with pytest.raises(UnknownPlace):
            await pin_place(session, missing, SPOT, by=DISPATCHER)
