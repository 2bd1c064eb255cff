"""Fixes as bytes: the same fixes come out, and what is no such frame is refused with a sentence."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import codec, packed
from server.protocol.codec import MalformedFrame
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Heartbeat

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = str(UUID(int=7))

MOMENTS = st.datetimes(timezones=st.just(UTC))
HUNDREDTHS = st.none() | st.integers(0, 36_000).map(lambda each: each / 100)
FIXES = st.builds(
    Fix,
    seq=st.integers(-(2**63), 2**63 - 1),
    taken_at=MOMENTS,
    lon=st.integers(-1_800_000_000, 1_800_000_000).map(lambda each: each / 1e7),
    lat=st.integers(-900_000_000, 900_000_000).map(lambda each: each / 1e7),
    accuracy_m=st.floats(0, 1000, width=32),
    speed_mps=HUNDREDTHS,
    heading_deg=HUNDREDTHS,
)


@given(st.lists(FIXES, max_size=5), MOMENTS, st.booleans())
def test_what_was_packed_comes_out_again(
    fixes: list[Fix], sent_at: datetime, is_awaited: bool
) -> None:
    envelope = Envelope(id=ID, sent_at=sent_at, body=Fixes(fixes=tuple(fixes)))
    message = packed.pack_fixes(envelope, is_awaited=is_awaited)
    assert len(message) == 32 + 32 * len(fixes)
    assert message[2] == is_awaited
    assert codec.decode(message) == envelope


@given(st.floats(), st.floats(), st.floats(), st.floats())
def test_no_number_breaks_the_frame_and_none_becomes_a_place_by_it(
    lon: float, accuracy_m: float, speed_mps: float, heading_deg: float
) -> None:
    fix = Fix(
        seq=1,
        taken_at=NOON,
        lon=lon,
        lat=47.1,
        accuracy_m=accuracy_m,
        speed_mps=speed_mps,
        heading_deg=heading_deg,
    )
    (found,) = packed.unpack_records(packed.pack_records([fix]))
    assert abs(found.lon - lon) < 1e-6 or found.lon > 180
    assert found.speed_mps is None or abs(found.speed_mps - speed_mps) <= 0.0051
    assert found.heading_deg is None or abs(found.heading_deg - heading_deg) <= 0.0051


@pytest.mark.parametrize("message", [b"\1", b"\1\1" + bytes(61), b"\1\2" + bytes(62)])
def test_what_is_no_such_frame_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedFrame):
        codec.decode(message)


def test_time_outside_of_the_calendar_is_refused() -> None:
    fixes = (Fix(seq=1, taken_at=NOON, lon=9.5, lat=47.1, accuracy_m=5),)
    message = bytearray(packed.pack_fixes(Envelope(id=ID, sent_at=NOON, body=Fixes(fixes=fixes))))
    message[40:48] = (2**62).to_bytes(8, "little")
    with pytest.raises(MalformedFrame, match="calendar"):
        codec.decode(bytes(message))


def test_on_a_socket_fixes_are_packed_and_all_else_is_text() -> None:
    later = NOON + timedelta(seconds=1)
    assert isinstance(
        codec.encode_frame(Envelope(id=ID, sent_at=later, body=Fixes(fixes=()))), bytes
    )
    assert isinstance(codec.encode_frame(Envelope(id=ID, sent_at=later, body=Heartbeat())), str)
