"""Fixes as PostgreSQL's own COPY reads them, made for all of a tick at once: nothing is done for
each of them in Python, and nothing is read as text in PostgreSQL."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.protocol.packed import microseconds
from server.tracking.arrivals import Arrivals, Truths

COLUMNS = (
    "device_id",
    "seq",
    "taken_at",
    "driver_id",
    "received_at",
    "position",
    "accuracy_m",
    "claimed_at",
    "speed_mps",
    "heading_deg",
)

POINT = np.dtype(
    [("order", "u1"), ("kind", "<u4"), ("srid", "<u4"), ("lon", "<f8"), ("lat", "<f8")]
)
"""PostGIS's own binary form of a point (EWKB)."""

POINT_WITH_SRID, WGS84 = 0x20000001, 4326
LITTLE_ENDIAN = 1
TYPES: dict[str, Any] = dict(
    zip(
        COLUMNS, ("V16", ">i8", ">i8", "V16", ">i8", POINT, ">f4", ">i8", ">f4", ">f4"), strict=True
    )
)
SIZES = {name: np.dtype(kind).itemsize for name, kind in TYPES.items()}
MAY_LACK = COLUMNS[-3:]
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
POSTGRES_EPOCH_US = microseconds(datetime(2000, 1, 1, tzinfo=UTC))


def encode_rows(received_at: datetime, arrivals: Arrivals) -> bytes:
    """These fixes as `copy fix (COLUMNS) from stdin (format binary)` reads them, in any order."""
    count = len(arrivals.of)
    points = np.zeros(count, POINT)
    points["order"], points["kind"], points["srid"] = LITTLE_ENDIAN, POINT_WITH_SRID, WGS84
    points["lon"], points["lat"] = arrivals.lon, arrivals.lat
    columns: dict[str, Any] = {
        "device_id": _ids([sender.key for sender in arrivals.senders])[arrivals.of],
        "seq": arrivals.seq,
        "taken_at": arrivals.taken_us - POSTGRES_EPOCH_US,
        "driver_id": _ids([sender.driver_key for sender in arrivals.senders])[arrivals.of],
        "received_at": np.full(count, microseconds(received_at) - POSTGRES_EPOCH_US),
        "position": points,
        "accuracy_m": arrivals.accuracy_m,
        "claimed_at": arrivals.claimed_us - POSTGRES_EPOCH_US,
        "speed_mps": arrivals.speed_mps,
        "heading_deg": arrivals.heading_deg,
    }
    lacks = (
        (arrivals.claimed_us == arrivals.taken_us).astype(np.int64)
        | np.isnan(arrivals.speed_mps).astype(np.int64) << 1
        | np.isnan(arrivals.heading_deg).astype(np.int64) << 2
    )
    blocks = [HEAD]
    for sort in np.flatnonzero(np.bincount(lacks)).tolist():
        lacking = frozenset(name for bit, name in enumerate(MAY_LACK) if sort >> bit & 1)
        blocks.append(_encode_alike(columns, lacks == sort, lacking))
    return b"".join([*blocks, END])


def _encode_alike(columns: dict[str, Any], chosen: Truths, lacking: frozenset[str]) -> bytes:
    """Rows that lack the same columns have the same length."""
    which = slice(None) if chosen.all() else chosen
    rows: NDArray[np.void] = np.zeros(np.count_nonzero(chosen), _layout(lacking))
    rows["columns"] = len(COLUMNS)
    for name, values in columns.items():
        if name in lacking:
            rows[f"{name} size"] = -1
        else:
            rows[f"{name} size"] = SIZES[name]
            rows[name] = values[which]
    return rows.tobytes()


@cache
def _layout(lacking: frozenset[str]) -> np.dtype[np.void]:
    fields: list[Any] = [("columns", ">i2")]
    for name in COLUMNS:
        fields.append((f"{name} size", ">i4"))
        if name not in lacking:
            fields.append((name, TYPES[name]))
    return np.dtype(fields)


def _ids(keys: list[bytes]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(keys), "V16")
