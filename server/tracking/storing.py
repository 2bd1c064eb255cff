"""Writes what is left of fixes after the filters, and how many the filters held back."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.db import copy_rows
from server.tracking.arrivals import (
    Arrivals,
    array_of,
    array_of_degrees,
    array_of_hundredths,
    array_of_whole,
)
from server.tracking.copying import COLUMNS, encode_rows
from server.tracking.models import FixRejection

# Several times as fast as inserting rows one by one; the key is the last guard against doubles.
# Times go as numbers: a third of what it costs to make a datetime of each on the way.
INSERT_FIXES = text(
    """
    insert into fix (
        device_id, seq, taken_at, driver_id, received_at, claimed_at, position,
        accuracy_m, speed_mps, heading_deg
    )
    select
        device_id, seq, to_timestamp(taken_us / 1e6), driver_id, :received_at,
        to_timestamp(claimed_us / 1e6),
        st_setsrid(st_makepoint(lon / 1e7, lat / 1e7), 4326)::geography,
        accuracy_m, speed_mps / 100, heading_deg / 100
    from unnest(
        cast(:device_id as text)::uuid[], cast(:driver_id as text)::uuid[],
        cast(:seq as text)::bigint[], cast(:taken_us as text)::float8[],
        cast(:claimed_us as text)::float8[],
        cast(:lon as text)::float8[], cast(:lat as text)::float8[],
        cast(:accuracy_m as text)::real[],
        cast(:speed_mps as text)::real[], cast(:heading_deg as text)::real[]
    ) as reading (
        device_id, driver_id, seq, taken_us, claimed_us, lon, lat, accuracy_m, speed_mps,
        heading_deg
    )
    on conflict do nothing
    """
)


async def count_rejections(
    session: AsyncSession, day: date, rejected: Mapping[UUID, Counter[str]]
) -> None:
    """rejected: driver -> reason -> how many fixes were not kept."""
    rows = [
        {"day": day, "driver_id": driver_id, "reason": reason, "count": count}
        for driver_id, reasons in sorted(rejected.items())
        for reason, count in sorted(reasons.items())
    ]
    if not rows:
        return
    new = insert(FixRejection).values(rows)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[FixRejection.day, FixRejection.driver_id, FixRejection.reason],
            set_={"count": FixRejection.count + new.excluded.count},
        )
    )


async def store_fixes(session: AsyncSession, received_at: datetime, arrivals: Arrivals) -> None:
    """Also where some are there already."""
    senders = [arrivals.senders[of] for of in arrivals.of.tolist()]
    is_claimed = arrivals.claimed_us != arrivals.taken_us
    await session.execute(
        INSERT_FIXES,
        {
            "received_at": received_at,
            "device_id": array_of(sender.text for sender in senders),
            "driver_id": array_of(sender.driver_text for sender in senders),
            "seq": array_of_whole(arrivals.seq),
            "taken_us": array_of_whole(arrivals.taken_us),
            "claimed_us": array_of_whole(np.where(is_claimed, arrivals.claimed_us, np.nan)),
            "lon": array_of_degrees(arrivals.lon),
            "lat": array_of_degrees(arrivals.lat),
            "accuracy_m": array_of(map(str, arrivals.accuracy_m.tolist())),
            "speed_mps": array_of_hundredths(arrivals.speed_mps),
            "heading_deg": array_of_hundredths(arrivals.heading_deg),
        },
    )


async def copy_fixes(session: AsyncSession, received_at: datetime, arrivals: Arrivals) -> None:
    """As `store_fixes`, for less, where their days have partitions and none is there already.

    Raises
    ------
    NotCopied
    """
    await copy_rows(session, "fix", COLUMNS, encode_rows(received_at, arrivals))
