"""Moves: 16 bytes for each driver who moved, once, as far as the screen looks."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.live.map_moves import HEADER, MARKER, UNKNOWN, Moves

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def record(lon: float, lat: float, **other: Any) -> dict[str, Any]:
    plain = {"position": (lon, lat), "taken_at": NOON, "heading_deg": None, "speed_mps": None}
    return plain | other


def test_marker_says_where_when_and_how_fast_in_sixteen_bytes() -> None:
    moves = Moves()
    moves.put("ada", 7, record(9.52, 47.14, heading_deg=270.0, speed_mps=12.5))
    frame = moves.frame(0, 7, None)
    assert frame is not None
    assert HEADER.unpack_from(frame) == (1, 1, 7)
    assert len(frame) == HEADER.size + 16
    assert MARKER.unpack(frame[HEADER.size :]) == (
        0, 471_400_000, 95_200_000, 180, 25, int(NOON.timestamp()) & 0xFFFF,
    )  # fmt: skip


def test_what_is_not_known_or_beyond_all_measure_still_fits() -> None:
    moves = Moves()
    moves.put("ada", 1, record(-180.0, -90.0))
    moves.put("bob", 2, record(180.0, 90.0, heading_deg=360.0, speed_mps=1000.0))
    frame = moves.frame(0, 2, None)
    assert frame is not None
    bob, ada = MARKER.iter_unpack(frame[HEADER.size :])
    assert ada[3:5] == (UNKNOWN, UNKNOWN)
    assert bob[3:5] == (240, UNKNOWN - 1)


def test_screen_hears_of_those_in_view_and_equal_screens_share_the_bytes() -> None:
    moves = Moves()
    moves.put("near", 1, record(9.5, 47.1))
    moves.put("far", 2, record(13.4, 52.5))
    view = (9.0, 47.0, 10.0, 48.0)
    frame = moves.frame(0, 2, view)
    assert frame is not None and HEADER.unpack_from(frame)[1] == 1
    assert moves.frame(0, 2, view) is frame
    assert moves.frame(1, 2, view) is None
    moves.forget("near")
    assert moves.frame(0, 3, view) is None


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 5))), st.data())
def test_each_driver_comes_once_however_far_behind_the_screen_is(
    steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    moves = Moves()
    last: dict[int, tuple[int, int]] = {}
    for version, (name, lon) in enumerate(steps, start=1):
        moves.put(name, version, record(float(lon), 0.0, taken_at=NOON + timedelta(seconds=lon)))
        last[moves.number_of(name)] = (version, lon)
    cursor = data.draw(st.integers(0, len(steps)))
    frame = moves.frame(cursor, len(steps), None)
    found = [
        (number, round(lon / 1e7))
        for number, _, lon, *_ in MARKER.iter_unpack(frame[HEADER.size :] if frame else b"")
    ]
    assert sorted(found) == sorted(
        (number, lon) for number, (version, lon) in last.items() if version > cursor
    )
