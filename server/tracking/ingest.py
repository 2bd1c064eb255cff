"""Taking in the fixes that phones send: those of one, or of many in a handful of statements."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from math import isnan
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.db import after_commit
from server.kit.geo import Position
from server.protocol.from_driver import Fix
from server.protocol.packed import microseconds
from server.tracking.arrivals import Arrivals, Integers, Sender, is_ascending, known, moment
from server.tracking.devices import Memories, lock_devices
from server.tracking.fences import notice_arrivals
from server.tracking.known_devices import KnownDevices
from server.tracking.partitions import day_of, ensure_partitions
from server.tracking.positions import LivePosition
from server.tracking.settling import Known, settle
from server.tracking.sifting import find_fine, sift
from server.tracking.storing import copy_fixes, count_rejections, store_fixes

DAY_US = 86_400_000_000

POSITION = np.dtype(
    [
        ("driver", "V16"),
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("taken_us", "<i8"),
        ("received_us", "<i8"),
        ("speed_mps", "<f4"),
        ("heading_deg", "<f4"),
    ]
)
"""Where a driver is: times in microseconds since 1970, NaN where unknown."""


class Ingested(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the fixes of one device.

    rejected: reason -> how many were not kept.
    through_seq: acknowledge this, once committed: everything sent up to it was dealt with. It is
        the highest number that this device has ever used, so that a phone which was restored from
        a backup, and counts again from an old one, learns where to go on.
    newest: the driver's new marker; None when the fixes did not move it.
    """

    stored: int
    rejected: dict[str, int]
    through_seq: int
    newest: LivePosition | None


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the fixes of many devices.

    through_seqs: see Ingested, for each of the senders. moved: records of POSITION, the new
    markers.
    """

    senders: Sequence[Sender]
    through_seqs: Sequence[int]
    stored: int
    rejected: int
    moved: NDArray[np.void]


async def ingest_fixes(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    fixes: Sequence[Fix],
    received_at: datetime,
    clock_error_s: float = 0.0,
) -> Ingested:
    """Filter and store what one device has sent.

    clock_error_s: the server's time minus the phone's; a large one is added to the fixes' times.
    """
    if not fixes:
        return Ingested(stored=0, rejected={}, through_seq=0, newest=None)
    sender = Sender(device_id, driver_id)
    arrivals = Arrivals.of_fixes(fixes, sender, clock_error_s=clock_error_s)
    memories, stored, rejected, moved = await _take_in(
        session, arrivals, received_at, _store_anyhow
    )
    return Ingested(
        stored=stored,
        rejected=dict(rejected.get(driver_id, {})),
        through_seq=int(memories.through[0]),
        newest=_live_position(moved[0], memories.battery_percent[0]) if moved.size else None,
    )


async def ingest_tick(
    session: AsyncSession,
    arrivals: Arrivals,
    received_at: datetime,
    known: KnownDevices,
    *,
    is_plain: bool = True,
) -> Tick:
    """Filter and store what many devices have sent. Locks are taken in the order of the devices'
    and then of the drivers' ids.

    is_plain: as nearly always, the days of the fixes have partitions, none is stored that the
    memory of the devices does not know, and what is known of them is right. Otherwise nothing is
    taken for granted, which costs more.

    Raises
    ------
    NotCopied, OtherwiseRemembered
        It is not plain. The transaction is over.
    """
    store = copy_fixes if is_plain else _store_anyhow
    recalled = known.recall(arrivals.senders) if is_plain else None
    memories, stored, rejected, moved = await _take_in(
        session, arrivals, received_at, store, recalled
    )
    after_commit(session, partial(known.keep, arrivals.senders, memories))
    return Tick(
        senders=arrivals.senders,
        through_seqs=memories.through.tolist(),
        stored=stored,
        rejected=sum(reasons.total() for reasons in rejected.values()),
        moved=moved,
    )


async def _take_in(
    session: AsyncSession,
    arrivals: Arrivals,
    received_at: datetime,
    store: Callable[[AsyncSession, datetime, Arrivals], Awaitable[None]],
    recalled: Memories | None = None,
) -> tuple[Memories, int, dict[UUID, Counter[str]], NDArray[np.void]]:
    """What is remembered now, how many were kept, what was not, and the new markers. recalled:
    what is known of the devices, or they are looked up."""
    memories = recalled or await lock_devices(session, arrivals.senders)
    known = Known.of(memories)
    sifted = sift(arrivals, memories, received_at)
    kept = arrivals.only(sifted.kept)
    newest = _newest(kept)
    settled = await settle(
        session, kept, received_at, known=known, memories=memories, newest=newest
    )
    rejected: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for number, reasons in sifted.rejected.items():
        rejected[arrivals.senders[number].driver_id] += reasons
    await count_rejections(session, day_of(received_at), rejected)
    if newest.size:
        await store(session, received_at, kept)
    await notice_arrivals(session, kept, settled.near)
    moved = positions_of(kept, newest, received_at)
    if settled.moved is not None:
        drivers = [kept.senders[of].driver_key for of in kept.of[newest].tolist()]
        moved = moved[np.array([each in settled.moved for each in drivers], np.bool_)]
    return memories, len(kept.of), rejected, moved


async def _store_anyhow(session: AsyncSession, received_at: datetime, arrivals: Arrivals) -> None:
    days = np.unique(arrivals.taken_us // DAY_US).tolist()
    await ensure_partitions(session, {day_of(moment(day * DAY_US)) for day in days})
    await store_fixes(session, received_at, arrivals)


def newest_claims(arrivals: Arrivals, received_at: datetime) -> NDArray[np.void]:
    """Where drivers say to be, for a map whose database is away: checked as far as can be without
    knowing where they were before. Records of POSITION."""
    memories = Memories.of_nobody(len(arrivals.senders))
    fine = arrivals.only(find_fine(arrivals, memories, received_at))
    return positions_of(fine, _newest(fine), received_at)


def positions_of(arrivals: Arrivals, numbers: Integers, received_at: datetime) -> NDArray[np.void]:
    """These fixes as records of POSITION."""
    records = np.zeros(len(numbers), POSITION)
    drivers = b"".join([sender.driver_key for sender in arrivals.senders])
    records["driver"] = np.frombuffer(drivers, "V16")[arrivals.of[numbers]]
    for name in ("lon", "lat", "taken_us", "speed_mps", "heading_deg"):
        records[name] = getattr(arrivals, name)[numbers]
    records["received_us"] = microseconds(received_at)
    return records


def _newest(arrivals: Arrivals) -> Integers:
    """The numbers of the newest fix of each driver."""
    of, taken_us = arrivals.of, arrivals.taken_us
    numbers = np.arange(len(of))
    if not is_ascending(of, taken_us):
        numbers = np.lexsort((arrivals.seq, taken_us, of))
    newest = numbers[np.flatnonzero(np.diff(of, append=-1))]
    drivers = [arrivals.senders[each].driver_key for each in arrivals.of[newest].tolist()]
    if len(set(drivers)) == len(drivers):
        return newest
    # One driver may have two phones.
    by_time = np.lexsort((arrivals.seq[newest], arrivals.taken_us[newest])).tolist()
    found = {drivers[each]: newest[each] for each in by_time}
    return np.array(list(found.values()), np.int64)


def _live_position(marker: np.void, battery_percent: float) -> LivePosition:
    return LivePosition(
        driver_id=UUID(bytes=bytes(marker["driver"])),
        position=Position(float(marker["lon"]), float(marker["lat"])),
        taken_at=moment(marker["taken_us"]),
        received_at=moment(marker["received_us"]),
        speed_mps=known(marker["speed_mps"]),
        heading_deg=known(marker["heading_deg"]),
        battery_percent=None if isnan(battery_percent) else int(battery_percent),
    )
