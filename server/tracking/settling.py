"""All that a tick changes of rows that are there already, in one statement: what is remembered of
each phone, and where each driver's marker is. The same statement finds the fences that are near."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.tracking.arrivals import (
    Arrivals,
    Integers,
    array_of,
    array_of_degrees,
    array_of_hundredths,
    array_of_whole,
    most_m,
)
from server.tracking.devices import SPOT, Memories, Texts
from server.tracking.seq_ranges import Ranges

# Locks are taken in the order of the devices' and then of the drivers' ids. Nothing is changed of
# a driver before all devices are found to be as they were remembered.
SETTLE = text(
    """
    with remembered as (
        select * from unnest(
            cast(:device_id as text)::uuid[], cast(:driver_id as text)::uuid[],
            cast(:known_first as text)::bigint[], cast(:known_through as text)::bigint[],
            cast(:known_before as text)::text[],
            cast(:first as text)::bigint[], cast(:through as text)::bigint[],
            cast(:before as text)::text[],
            cast(:last_lon as text)::float8[], cast(:last_lat as text)::float8[],
            cast(:last_taken_us as text)::float8[], cast(:last_accuracy_m as text)::float8[],
            cast(:doubted_lon as text)::float8[], cast(:doubted_lat as text)::float8[],
            cast(:doubted_taken_us as text)::float8[], cast(:doubted_accuracy_m as text)::float8[]
        ) as remembered (
            device_id, driver_id, known_first, known_through, known_before,
            first, through, before,
            lon, lat, taken_us, accuracy_m, doubt_lon, doubt_lat, doubt_taken_us, doubt_accuracy_m
        )
    ), as_known as (
        select tracked_device.ctid as place, remembered.*
        from remembered join tracked_device on tracked_device.device_id = remembered.device_id
        where coalesce(handled_first, 0) = known_first
            and coalesce(handled_through, 0) = known_through
            and handled_before is not distinct from cast(known_before as jsonb)
        order by tracked_device.device_id
        for update of tracked_device
    ), saved as (
        update tracked_device set
            driver_id = new.driver_id,
            handled_first = coalesce(new.first, new.known_first),
            handled_through = new.through,
            handled_before = cast(new.before as jsonb),
            last_lon = new.lon / 1e7,
            last_lat = new.lat / 1e7,
            last_taken_at = to_timestamp(new.taken_us / 1e6),
            last_accuracy_m = new.accuracy_m / 100,
            doubted_lon = new.doubt_lon / 1e7,
            doubted_lat = new.doubt_lat / 1e7,
            doubted_taken_at = to_timestamp(new.doubt_taken_us / 1e6),
            doubted_accuracy_m = new.doubt_accuracy_m / 100
        from as_known as new
        where tracked_device.ctid = new.place
        returning 1
    ), moved as (
        insert into live_position (
            driver_id, device_id, position, taken_at, received_at, speed_mps, heading_deg
        )
        select
            driver_id, device_id, st_setsrid(st_makepoint(lon / 1e7, lat / 1e7), 4326)::geography,
            to_timestamp(taken_us / 1e6), :received_at, speed_mps / 100, heading_deg / 100
        from unnest(
            cast(:marker_driver_id as text)::uuid[], cast(:marker_device_id as text)::uuid[],
            cast(:marker_lon as text)::float8[], cast(:marker_lat as text)::float8[],
            cast(:marker_taken_us as text)::float8[],
            cast(:marker_speed_mps as text)::real[], cast(:marker_heading_deg as text)::real[]
        ) as marker (driver_id, device_id, lon, lat, taken_us, speed_mps, heading_deg)
        where (select count(*) from saved) = cast(:devices as integer)
        order by driver_id
        on conflict (driver_id) do update set
            device_id = excluded.device_id,
            position = excluded.position,
            taken_at = excluded.taken_at,
            received_at = excluded.received_at,
            speed_mps = excluded.speed_mps,
            heading_deg = excluded.heading_deg
        where live_position.taken_at < excluded.taken_at
        returning driver_id
    ), near as (
        select distinct fence.driver_id, fence.subject_id
        from unnest(
            cast(:path_driver_id as text)::uuid[],
            cast(:path_lon as text)::float8[], cast(:path_lat as text)::float8[],
            cast(:path_reach_m as text)::float8[]
        ) as path (driver_id, lon, lat, reach_m)
        join fence on fence.driver_id = path.driver_id
        where fence.entered_at is null and (
            fence.inside_since is not null
            or st_dwithin(
                fence.position, st_setsrid(st_makepoint(lon / 1e7, lat / 1e7), 4326)::geography,
                fence.radius_m + path.reach_m
            )
        )
    )
    select
        (select count(*) from saved),
        case
            when (select count(*) from moved) < cast(:markers as integer)
            then array(select uuid_send(driver_id) from moved)
        end,
        (select array_agg(array[driver_id, subject_id]) from near)
    """
)


class OtherwiseRemembered(Exception):
    """What was remembered of some device is not what its row says: another gateway served it
    since. The transaction must be given up."""


@dataclass(frozen=True, slots=True)
class Settled:
    """moved: the keys of the drivers whose marker no later fix had moved already; None for all.
    near: (driver, subject) of each fence that may be entered."""

    moved: set[bytes] | None
    near: Sequence[tuple[UUID, UUID]]


async def settle(
    session: AsyncSession,
    arrivals: Arrivals,
    received_at: datetime,
    *,
    known: "Known",
    memories: Memories,
    newest: Integers,
) -> Settled:
    """arrivals: the fixes that are kept. known: what the rows of their senders have to say before,
    memories: and afterwards. newest: the numbers of the fixes to which markers move, one for each
    driver.

    Raises
    ------
    OtherwiseRemembered
    """
    remembered = _remembered(arrivals, known, memories)
    values = {
        **remembered,
        **_markers(arrivals, newest, memories, remembered),
        **_paths(arrivals, memories, remembered),
        "received_at": received_at,
        "devices": len(arrivals.senders),
        "markers": len(newest),
    }
    saved, moved, near = (await session.execute(SETTLE, values)).one()
    if saved < len(arrivals.senders):
        raise OtherwiseRemembered
    return Settled(None if moved is None else set(moved), [tuple(each) for each in near or ()])


@dataclass(frozen=True, slots=True)
class Known:
    """Which fixes of each device were dealt with. (Whatever changes of its memory, this does.)"""

    first: Integers
    through: Integers
    before: list[Ranges | None]

    @classmethod
    def of(cls, memories: Memories) -> "Known":
        return cls(memories.first.copy(), memories.through.copy(), memories.before.tolist())


def _remembered(arrivals: Arrivals, known: Known, memories: Memories) -> Texts:
    is_first_known = np.array_equal(memories.first, known.first)
    columns = {
        "device_id": array_of([sender.text for sender in arrivals.senders]),
        "driver_id": array_of([sender.driver_text for sender in arrivals.senders]),
        "known_first": array_of_whole(known.first),
        "known_through": array_of_whole(known.through),
        "known_before": _array_of_ranges(known.before),
        "first": "{}" if is_first_known else array_of_whole(memories.first),
        "through": array_of_whole(memories.through),
        "before": _array_of_ranges(memories.before.tolist()),
    }
    for name in ("last", "doubted"):
        lon, lat, taken_us, accuracy_m = (getattr(memories, f"{name}_{of}") for of in SPOT)
        columns[f"{name}_lon"] = array_of_degrees(lon)
        columns[f"{name}_lat"] = array_of_degrees(lat)
        columns[f"{name}_taken_us"] = array_of_whole(taken_us)
        columns[f"{name}_accuracy_m"] = array_of_hundredths(accuracy_m)
    return columns


def _array_of_ranges(before: Sequence[Ranges | None]) -> str:
    if not any(before):
        return "{}"
    return array_of(
        f'"{msgspec.json.encode(each).decode()}"' if each else "null" for each in before
    )


def _markers(arrivals: Arrivals, newest: Integers, memories: Memories, remembered: Texts) -> Texts:
    columns = {
        "marker_speed_mps": array_of_hundredths(arrivals.speed_mps[newest]),
        "marker_heading_deg": array_of_hundredths(arrivals.heading_deg[newest]),
    }
    if _are_last(arrivals, newest, memories):
        for name in ("driver_id", "device_id"):
            columns[f"marker_{name}"] = remembered[name]
        for name in ("lon", "lat", "taken_us"):
            columns[f"marker_{name}"] = remembered[f"last_{name}"]
        return columns
    senders = [arrivals.senders[of] for of in arrivals.of[newest].tolist()]
    return columns | {
        "marker_driver_id": array_of(sender.driver_text for sender in senders),
        "marker_device_id": array_of(sender.text for sender in senders),
        "marker_lon": array_of_degrees(arrivals.lon[newest]),
        "marker_lat": array_of_degrees(arrivals.lat[newest]),
        "marker_taken_us": array_of_whole(arrivals.taken_us[newest]),
    }


def _paths(arrivals: Arrivals, memories: Memories, remembered: Texts) -> Texts:
    """Where each sender's fixes end, and how far from there they reach."""
    starts = np.flatnonzero(np.diff(arrivals.of, prepend=-1))
    stops = np.append(starts[1:], len(arrivals.of))
    ends = stops[: len(starts)] - 1
    end_of = np.repeat(ends, stops[: len(starts)] - starts)
    lon, lat = arrivals.lon, arrivals.lat
    far_m = most_m(lon[end_of], lat[end_of], lon, lat)
    reach_m = "{}"
    if len(starts):
        # PostGIS measures on the spheroid, where some ways are half a percent longer.
        reach_m = array_of_whole(np.ceil(1.01 * np.maximum.reduceat(far_m, starts)))
    if _are_last(arrivals, ends, memories):
        return {
            "path_driver_id": remembered["driver_id"],
            "path_lon": remembered["last_lon"],
            "path_lat": remembered["last_lat"],
            "path_reach_m": reach_m,
        }
    senders = [arrivals.senders[of] for of in arrivals.of[ends].tolist()]
    return {
        "path_driver_id": array_of(sender.driver_text for sender in senders),
        "path_lon": array_of_degrees(lon[ends]),
        "path_lat": array_of_degrees(lat[ends]),
        "path_reach_m": reach_m,
    }


def _are_last(arrivals: Arrivals, numbers: Integers, memories: Memories) -> bool:
    """Whether these fixes, one for each sender, are what is remembered as the last of each: then it
    need not be said again."""
    return np.array_equal(arrivals.of[numbers], np.arange(len(arrivals.senders))) and all(
        np.array_equal(getattr(arrivals, name)[numbers], getattr(memories, f"last_{name}"))
        for name in ("lon", "lat", "taken_us")
    )
