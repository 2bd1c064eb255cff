"""Fixes as they came from many devices in one tick, side by side in arrays, so that what all of
them need is done once for all and not once for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from server.kit.geo import EARTH_RADIUS_M, Position
from server.protocol import packed
from server.protocol.from_driver import Fix
from server.tracking.readings import TRUSTED_CLOCK_ERROR_S, Reading

FIX = np.dtype(
    [
        ("seq", "<i8"),
        ("taken_us", "<i8"),
        ("lon", "<i4"),
        ("lat", "<i4"),
        ("accuracy_m", "<f4"),
        ("speed", "<u2"),
        ("heading", "<u2"),
    ]
)
"""A record of protocol.packed."""

HEADER = np.dtype(
    [
        ("kind", "u1"),
        ("version", "u1"),
        ("is_awaited", "u1"),
        ("empty", "V5"),
        ("sent_us", "<i8"),
        ("id", "V16"),
    ]
)

MAX_HEADING = 36_000
EARLIEST_US = packed.microseconds(datetime(1, 1, 2, tzinfo=UTC))
LATEST_US = packed.microseconds(datetime(9999, 12, 30, tzinfo=UTC))
"""Nothing is said to be later: a time outside of the calendar is as wrong at its edge."""


@dataclass(frozen=True, slots=True)
class Sender:
    """key, driver_key: the bytes of the ids. text, driver_text: the ids as PostgreSQL reads
    them."""

    device_id: UUID
    driver_id: UUID
    key: bytes = field(init=False, compare=False, repr=False)
    driver_key: bytes = field(init=False, compare=False, repr=False)
    text: str = field(init=False, compare=False, repr=False)
    driver_text: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.device_id.bytes)
        object.__setattr__(self, "driver_key", self.driver_id.bytes)
        object.__setattr__(self, "text", self.key.hex())
        object.__setattr__(self, "driver_text", self.driver_key.hex())


type Integers = NDArray[np.int64]
type Floats = NDArray[np.float64]
type Truths = NDArray[np.bool_]


@dataclass(slots=True)
class Frames:
    """What came packed in one tick: a head for each frame, and all their fixes in a row.

    senders: of all frames, each once. of: the index of each frame's; those of a sender stand
    together. counts: the fixes in each.
    """

    senders: Sequence[Sender]
    of: Integers
    heads: NDArray[np.void]
    rows: NDArray[np.void]
    counts: Integers

    @classmethod
    def read(cls, senders: Sequence[Sender], frames: Sequence[Sequence[bytes]]) -> "Frames":
        """frames: what each sender has sent, as `packed.pack_fixes` makes it, with one fix in each
        at least."""
        flat = list(chain.from_iterable(frames))
        rows = np.frombuffer(b"".join(flat), FIX)
        sizes = np.fromiter(map(len, flat), np.int64, len(flat)) // FIX.itemsize
        is_head = np.zeros(len(rows), np.bool_)
        is_head[np.cumsum(sizes) - sizes] = True
        return cls(
            senders=senders,
            of=np.repeat(np.arange(len(senders)), [len(each) for each in frames]),
            heads=rows[is_head].view(HEADER),
            rows=rows[~is_head],
            counts=sizes - 1,
        )

    @property
    def sent_us(self) -> Integers:
        """When each was sent, by the clock of its sender."""
        found: Integers = np.clip(self.heads["sent_us"], EARLIEST_US, LATEST_US)
        return found

    @property
    def awaited(self) -> Integers:
        """The indexes of the senders that say nothing more before they are answered."""
        return np.unique(self.of[self.heads["is_awaited"] != 0])


@dataclass(slots=True)
class Arrivals:
    """Fixes of many devices; for each fix one element in each array.

    senders: each with one fix at least. of: the index of the fix's sender. Fixes are in the order
    of senders, and of `seq` for each of them.
    taken_us: microseconds since 1970 by our clock. claimed_us: by the phone's.
    """

    senders: Sequence[Sender]
    of: Integers
    seq: Integers
    taken_us: Integers
    claimed_us: Integers
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    speed_mps: Floats
    heading_deg: Floats

    @classmethod
    def of_frames(cls, frames: Frames, clock_errors_us: Integers) -> "Arrivals":
        """clock_errors_us: what is to be added to the times in each frame."""
        return cls._of(
            frames.rows,
            frames.senders,
            np.repeat(frames.of, frames.counts),
            np.repeat(clock_errors_us, frames.counts),
        )

    @classmethod
    def of_fixes(cls, fixes: Sequence[Fix], sender: Sender, *, clock_error_s: float) -> "Arrivals":
        """Those of one device."""
        rows = np.frombuffer(packed.pack_records(fixes), FIX)
        error_us = round(max(-LATEST_US, min(clock_error_s * 1e6, LATEST_US)))
        return cls._of(rows, [sender], np.zeros(len(rows), np.int64), np.full(len(rows), error_us))

    @classmethod
    def _of(
        cls,
        rows: NDArray[np.void],
        senders: Sequence[Sender],
        of: Integers,
        errors_us: Integers,
    ) -> "Arrivals":
        if not is_ascending(of, rows["seq"]):
            order = np.lexsort((rows["seq"], of))
            rows, of, errors_us = rows[order], of[order], errors_us[order]
        is_trusted = np.abs(errors_us) <= TRUSTED_CLOCK_ERROR_S * 1e6
        claimed_us = np.clip(rows["taken_us"], EARLIEST_US, LATEST_US)
        corrected_us = np.clip(claimed_us + errors_us, EARLIEST_US, LATEST_US)
        return cls(
            senders=senders,
            of=of,
            seq=rows["seq"].astype(np.int64),
            taken_us=np.where(is_trusted, claimed_us, corrected_us),
            claimed_us=claimed_us,
            lon=rows["lon"] / 1e7,
            lat=rows["lat"] / 1e7,
            accuracy_m=rows["accuracy_m"].astype(np.float64),
            speed_mps=np.where(rows["speed"] < packed.UNKNOWN, rows["speed"] / 100, np.nan),
            heading_deg=np.where(rows["heading"] <= MAX_HEADING, rows["heading"] / 100, np.nan),
        )

    def only(self, kept: Truths) -> "Arrivals":
        """These fixes, of the same senders, some of which may be left without any."""
        if kept.all():
            return self
        columns = (getattr(self, name)[kept] for name in self.__slots__[1:])
        return Arrivals(self.senders, *columns)

    def starts(self) -> Integers:
        """Where the fixes of each sender begin."""
        return np.searchsorted(self.of, np.arange(len(self.senders)))

    def reading(self, number: int) -> Reading:
        """One fix by itself."""
        taken_at, claimed_at = moment(self.taken_us[number]), moment(self.claimed_us[number])
        return Reading(
            seq=int(self.seq[number]),
            taken_at=taken_at,
            claimed_at=None if taken_at == claimed_at else claimed_at,
            position=Position(float(self.lon[number]), float(self.lat[number])),
            accuracy_m=float(self.accuracy_m[number]),
            speed_mps=known(self.speed_mps[number]),
            heading_deg=known(self.heading_deg[number]),
        )


def is_ascending(of: Integers, values: NDArray[Any]) -> bool:
    """Whether the values of each sender, which stand together, never decrease."""
    return bool(((of[1:] != of[:-1]) | (values[1:] >= values[:-1])).all())


def distances_m(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats) -> Floats:
    """As geo.haversine_m, for many pairs at once."""
    lon_a, lat_a, lon_b, lat_b = map(np.radians, (lon_a, lat_a, lon_b, lat_b))
    h = (
        np.sin((lat_b - lat_a) / 2) ** 2
        + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    )
    found: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
    return found


def most_m(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats) -> Floats:
    """No pair is farther apart than this, and near the equator none is much nearer."""
    found: Floats = np.hypot(lon_b - lon_a, lat_b - lat_a) * np.radians(EARTH_RADIUS_M)
    return found


def array_of(values: Iterable[str]) -> str:
    """An array as PostgreSQL reads it, of texts without quotes, commas and braces. What comes as
    such a text costs a tenth of what it costs the driver to look at each element."""
    return f"{{{','.join(values)}}}"


def array_of_whole(values: NDArray[Any]) -> str:
    """Whole numbers; those that are not known as null, and nothing where none is: `unnest` fills up
    with nulls."""
    if values.dtype == np.int64 or (is_known := ~np.isnan(values)).all():
        return f"{{{str(values.astype(np.int64).tolist())[1:-1]}}}"
    if not is_known.any():
        return "{}"
    return array_of("null" if isnan(each) else f"{each:.0f}" for each in values.tolist())


def array_of_hundredths(values: Floats) -> str:
    return array_of_whole(np.rint(values * 100))


def array_of_degrees(values: Floats) -> str:
    """In units of 1e-7, as phones send them."""
    return array_of_whole(np.rint(values * 1e7))


def known(value: float) -> float | None:
    return None if isnan(value) else float(value)


def moment(at_us: float) -> datetime:
    return packed.EPOCH + round(at_us) * packed.MICROSECOND
