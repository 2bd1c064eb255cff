"""Moves: 16 bytes for each driver who moved, once, as far as the screen looks."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.live.map_moves import HEADER, MARKER, UNKNOWN, Moves, Positions, position_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


NAMES = {name: UUID(int=number) for number, name in enumerate("abcde", start=1)}
ADA, BOB = str(NAMES["a"]), str(NAMES["b"])


def record(lon: float, lat: float, **other: Any) -> dict[str, Any]:
    plain = {
        "position": (lon, lat),
        "taken_at": NOON,
        "received_at": NOON,
        "heading_deg": None,
        "speed_mps": None,
    }
    return plain | other


def moved(*drivers: UUID, lon: float = 0.0, at_s: int = 1) -> Positions:
    """What a gateway tells of these drivers."""
    taken_at = NOON + timedelta(seconds=at_s)
    return np.concatenate(
        [position_of(each, record(lon, 0.0, taken_at=taken_at)) for each in drivers]
    )


def put(moves: Moves, driver: str, version: int, lon: float, lat: float, **other: Any) -> None:
    moves.place(driver, record(lon, lat, **other))
    moves.touch(driver, version)


def test_marker_says_where_when_and_how_fast_in_sixteen_bytes() -> None:
    moves = Moves()
    put(moves, ADA, 7, 9.52, 47.14, heading_deg=270.0, speed_mps=12.5)
    frame = moves.frame(0, 7, None)
    assert frame is not None
    assert HEADER.unpack_from(frame) == (1, 1, 7)
    assert len(frame) == HEADER.size + 16
    assert MARKER.unpack(frame[HEADER.size :]) == (
        0, 471_400_000, 95_200_000, 180, 25, int(NOON.timestamp()) & 0xFFFF,
    )  # fmt: skip


def test_what_is_not_known_or_beyond_all_measure_still_fits() -> None:
    moves = Moves()
    put(moves, ADA, 1, -180.0, -90.0)
    put(moves, BOB, 2, 180.0, 90.0, heading_deg=360.0, speed_mps=1000.0)
    frame = moves.frame(0, 2, None)
    assert frame is not None
    ada, bob = MARKER.iter_unpack(frame[HEADER.size :])
    assert ada[3:5] == (UNKNOWN, UNKNOWN)
    assert bob[3:5] == (240, UNKNOWN - 1)


def test_screen_hears_of_those_in_view_and_equal_screens_share_the_bytes() -> None:
    moves = Moves()
    put(moves, ADA, 1, 9.5, 47.1)
    put(moves, BOB, 2, 13.4, 52.5)
    view = (9.0, 47.0, 10.0, 48.0)
    frame = moves.frame(0, 2, view)
    assert frame is not None and HEADER.unpack_from(frame)[1] == 1
    assert moves.frame(0, 2, view) is frame
    assert moves.frame(1, 2, view) is None
    moves.forget(ADA)
    assert moves.frame(0, 3, view) is None


def test_position_that_is_newer_than_the_database_says_stays() -> None:
    moves = Moves()
    assert moves.place(ADA, record(9.5, 47.1))
    assert moves.move(moved(NAMES["a"], lon=9.6), 2) == (True, [])
    assert not moves.place(ADA, record(9.5, 47.1))
    assert moves.fields_of(ADA)["position"][0] == 9.6
    assert moves.move(moved(NAMES["a"], lon=9.5, at_s=0), 3) == (False, [])


def test_who_is_not_on_the_map_is_named_and_not_shown() -> None:
    moves = Moves()
    moves.place(ADA, record(9.5, 47.1))
    assert moves.move(moved(*NAMES.values()), 2) == (True, list(NAMES.values())[1:])
    frame = moves.frame(0, 2, None)
    assert frame is not None and HEADER.unpack_from(frame)[1] == 1
    moves.forget(ADA)
    assert moves.move(moved(NAMES["a"], at_s=2), 3) == (False, [NAMES["a"]])


def test_more_drivers_than_it_began_with_find_room() -> None:
    moves = Moves()
    drivers = [UUID(int=number) for number in range(1, 300)]
    for driver in drivers:
        moves.place(str(driver), record(9.5, 47.1))
    moves.move(moved(*drivers), 5)
    frame = moves.frame(4, 5, None)
    assert frame is not None
    assert [each[0] for each in MARKER.iter_unpack(frame[HEADER.size :])] == list(range(299))


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 5))), st.data())
def test_each_driver_comes_once_however_far_behind_the_screen_is(
    steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    moves = Moves()
    for driver in NAMES.values():
        moves.place(str(driver), record(-1.0, 0.0))
    last: dict[int, tuple[int, int]] = {}
    for version, (name, lon) in enumerate(steps, start=1):
        moves.move(moved(NAMES[name], lon=float(lon), at_s=version), version)
        last[moves.number_of(str(NAMES[name]))] = (version, lon)
    cursor = data.draw(st.integers(0, len(steps)))
    frame = moves.frame(cursor, len(steps), None)
    found = [
        (number, round(lon / 1e7))
        for number, _, lon, *_ in MARKER.iter_unpack(frame[HEADER.size :] if frame else b"")
    ]
    assert sorted(found) == sorted(
        (number, lon) for number, (version, lon) in last.items() if version > cursor
    )
