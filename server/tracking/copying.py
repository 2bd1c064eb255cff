"""Fixes as PostgreSQL's own COPY reads them, made for all of a tick at once: nothing is done for
each of them in Python, and nothing is read as text in PostgreSQL."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.protocol.packed import microseconds
from server.tracking.arrivals import Arrivals, Integers

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


def encode_rows(received_at: datetime, arrivals: Arrivals, kept: Integers) -> bytes:
    """These fixes as `copy fix (COLUMNS) from stdin (format binary)` reads them, in any order."""
    of = arrivals.of[kept]
    taken_us, claimed_us = arrivals.taken_us[kept], arrivals.claimed_us[kept]
    points = np.zeros(len(kept), POINT)
    points["order"], points["kind"], points["srid"] = LITTLE_ENDIAN, POINT_WITH_SRID, WGS84
    points["lon"], points["lat"] = arrivals.lon[kept], arrivals.lat[kept]
    columns: dict[str, Any] = {
        "device_id": _ids([sender.key for sender in arrivals.senders])[of],
        "seq": arrivals.seq[kept],
        "taken_at": taken_us - POSTGRES_EPOCH_US,
        "driver_id": _ids([sender.driver_key for sender in arrivals.senders])[of],
        "received_at": np.full(len(kept), microseconds(received_at) - POSTGRES_EPOCH_US),
        "position": points,
        "accuracy_m": arrivals.accuracy_m[kept],
        "claimed_at": claimed_us - POSTGRES_EPOCH_US,
        "speed_mps": arrivals.speed_mps[kept],
        "heading_deg": arrivals.heading_deg[kept],
    }
    lacks = np.stack(
        [claimed_us == taken_us, np.isnan(columns["speed_mps"]), np.isnan(columns["heading_deg"])],
        axis=1,
    )
    found, sort_of = np.unique(lacks @ [1, 2, 4], return_inverse=True)
    blocks = [HEAD]
    for number, sort in enumerate(found.tolist()):
        lacking = frozenset(name for bit, name in enumerate(MAY_LACK) if sort >> bit & 1)
        blocks.append(_encode_alike(columns, np.flatnonzero(sort_of == number), lacking))
    return b"".join([*blocks, END])


def _encode_alike(columns: dict[str, Any], chosen: Integers, lacking: frozenset[str]) -> bytes:
    """Rows that lack the same columns have the same length."""
    rows: NDArray[np.void] = np.zeros(len(chosen), _layout(lacking))
    rows["columns"] = len(COLUMNS)
    for name, values in columns.items():
        if name in lacking:
            rows[f"{name} size"] = -1
        else:
            rows[f"{name} size"] = SIZES[name]
            rows[name] = values[chosen]
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
