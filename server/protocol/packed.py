"""Fixes as bytes, little-endian: what phones send most, at a third of the size of the same in JSON,
and read by the server for many phones at once. Standard library only, as all of the wire.

A header of 32 bytes, then 32 bytes for each fix:

    header  kind 1, version 1, whether the sender waits for the answer (1) or goes on sending (0),
            five bytes of zero, sent_at, the envelope's id (a UUID)
    fix     seq, taken_at, longitude and latitude in 1e-7 degrees, accuracy in m (32-bit float),
            speed in cm/s, heading in 1/100 degree (65535: unknown)

Times are microseconds since 1970. Numbers that do not fit become ones that no place or speed has:
the server's filters name and count them, as they do for JSON.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from struct import Struct
from uuid import UUID

from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes

HEADER = Struct("<BBB5xq16s")
FIX = Struct("<qqiifHH")
KIND, VERSION = 1, 1
UNKNOWN = 0xFFFF

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_1E7_DEGREES = 2**31 - 1
MOST_ACCURACY_M = 3e38


def pack_fixes(envelope: Envelope, *, is_awaited: bool = True) -> bytes:
    """An envelope with fixes. is_awaited: whether nothing more is sent before the
    acknowledgement; who goes on sending gets it seldom.

    Raises
    ------
    ValueError
        When its id is no UUID.
    """
    head = HEADER.pack(
        KIND, VERSION, is_awaited, microseconds(envelope.sent_at), UUID(envelope.id).bytes
    )
    return head + pack_records(envelope.body.fixes)


def unpack_fixes(message: bytes) -> Envelope:
    """What `pack_fixes` made.

    Raises
    ------
    ValueError
    """
    if len(message) < HEADER.size or len(message) % FIX.size:
        raise ValueError("packed fixes have 32 bytes each, behind 32 others")
    kind, version, _, sent_us, id_bytes = HEADER.unpack_from(message)
    if (kind, version) != (KIND, VERSION):
        raise ValueError(f"there is no packed frame of kind {kind}, version {version}")
    return Envelope(
        id=str(UUID(bytes=id_bytes)),
        sent_at=_moment(sent_us),
        body=Fixes(fixes=tuple(unpack_records(message[HEADER.size :]))),
    )


def pack_records(fixes: Iterable[Fix]) -> bytes:
    return b"".join(
        FIX.pack(
            fix.seq,
            microseconds(fix.taken_at),
            _degrees_1e7(fix.lon),
            _degrees_1e7(fix.lat),
            fix.accuracy_m if abs(fix.accuracy_m) <= MOST_ACCURACY_M else inf,
            _hundredths(fix.speed_mps),
            _hundredths(fix.heading_deg),
        )
        for fix in fixes
    )


def unpack_records(records: bytes) -> Iterator[Fix]:
    for seq, taken_us, lon, lat, accuracy_m, speed, heading in FIX.iter_unpack(records):
        yield Fix(
            seq=seq,
            taken_at=_moment(taken_us),
            lon=lon / 1e7,
            lat=lat / 1e7,
            accuracy_m=accuracy_m,
            speed_mps=None if speed == UNKNOWN else speed / 100,
            heading_deg=None if heading == UNKNOWN else heading / 100,
        )


def microseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - EPOCH) // MICROSECOND


def _moment(microseconds: int) -> datetime:
    try:
        return EPOCH + microseconds * MICROSECOND
    except OverflowError:
        raise ValueError("a time outside of the calendar") from None


def _degrees_1e7(degrees: float) -> int:
    if abs(degrees) * 1e7 < MOST_1E7_DEGREES:
        return round(degrees * 1e7)
    return MOST_1E7_DEGREES  # no place: nor is what is not a number


def _hundredths(value: float | None) -> int:
    """Phones write -1 or NaN when they do not know."""
    return round(value * 100) if value is not None and 0 <= value < 655 else UNKNOWN
