"""What is remembered of each phone between its batches, and its heartbeats."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position
from server.protocol.from_driver import Heartbeat
from server.protocol.packed import microseconds
from server.tracking.arrivals import (
    Arrivals,
    Floats,
    Integers,
    Sender,
    Truths,
    array_of,
    known,
    moment,
)
from server.tracking.filters import Memory, Spot
from server.tracking.models import TrackedDevice
from server.tracking.seq_ranges import Ranges, added

SPOT = ("lon", "lat", "taken_us", "accuracy_m")

type Texts = dict[str, Any]
"""Values of a statement, most of them arrays as PostgreSQL reads them."""


@dataclass(slots=True)
class Memories:
    """What is known of devices, one element of each array for each.

    first, through: the newest range of the fixes dealt with; is_new: there is none yet.
    before: the older ranges (of type Ranges), for the few that left gaps, else None.
    battery_percent: when this was read. last_*, doubted_*: see filters.Memory; NaN where there is
    none.
    """

    is_new: Truths
    first: Integers
    through: Integers
    before: NDArray[np.object_]
    battery_percent: Floats
    last_lon: Floats
    last_lat: Floats
    last_taken_us: Floats
    last_accuracy_m: Floats
    doubted_lon: Floats
    doubted_lat: Floats
    doubted_taken_us: Floats
    doubted_accuracy_m: Floats

    @classmethod
    def of_nobody(cls, count: int) -> "Memories":
        """Of devices that are not known yet."""
        nothing = np.zeros(count, np.int64)
        unknown = [np.full(count, np.nan) for _ in range(1 + 2 * len(SPOT))]
        nobody = np.full(count, None, np.object_)
        return cls(np.ones(count, np.bool_), nothing, nothing.copy(), nobody, *unknown)

    @property
    def count(self) -> int:
        return len(self.is_new)

    def take(self, devices: Integers) -> "Memories":
        """Copies of some."""
        return Memories(*(getattr(self, name)[devices] for name in self.__slots__))

    def put(self, devices: Integers, some: "Memories") -> None:
        """As `take` gave them, or newer."""
        for name in self.__slots__:
            getattr(self, name)[devices] = getattr(some, name)

    def grow(self) -> None:
        """Make room for as many again."""
        more = Memories.of_nobody(self.count)
        for name in self.__slots__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def keep(self, devices: Integers, arrivals: Arrivals, starts: Integers, ends: Integers) -> None:
        """These have sent what nothing is wrong with, from starts to ends."""
        beginners = devices[self.is_new[devices]]
        self.first[beginners] = arrivals.seq[starts[beginners]]
        last = ends[devices]
        self.through[devices] = arrivals.seq[last]
        self.is_new[devices] = False
        for name in SPOT:
            getattr(self, f"last_{name}")[devices] = getattr(arrivals, name)[last]
            getattr(self, f"doubted_{name}")[devices] = np.nan

    def ranges_of(self, device: int) -> Ranges:
        if self.is_new[device]:
            return []
        newest = [int(self.first[device]), int(self.through[device])]
        return [*(self.before[device] or ()), newest]

    def spot(self, name: str, device: int) -> Spot | None:
        """name: "last" or "doubted"."""
        lon, lat, taken_us, accuracy_m = (
            float(getattr(self, f"{name}_{of}")[device]) for of in SPOT
        )
        if known(lon) is None:
            return None
        return Spot(Position(lon, lat), moment(taken_us), accuracy_m)

    def remember(self, device: int, memory: Memory, seqs: Sequence[int]) -> None:
        *before, (first, through) = added(self.ranges_of(device), seqs)
        self.before[device] = before or None
        self.is_new[device], self.first[device], self.through[device] = False, first, through
        for name, spot in (("last", memory.last), ("doubted", memory.doubted)):
            found = (
                (np.nan,) * len(SPOT)
                if spot is None
                else (
                    *spot.position,
                    microseconds(spot.taken_at),
                    spot.accuracy_m,
                )
            )
            for of, value in zip(SPOT, found, strict=True):
                getattr(self, f"{name}_{of}")[device] = value


INSERT_MISSING = text(
    """
    insert into tracked_device (device_id, driver_id, unsent_commands, unsent_fixes)
    select device_id, driver_id, 0, 0
    from unnest(cast(:device_ids as text)::uuid[], cast(:driver_ids as text)::uuid[])
        as new (device_id, driver_id)
    order by device_id
    on conflict do nothing
    """
)

LOCK = text(
    """
    select handled_first, handled_through, cast(handled_before as text), battery_percent,
        last_lon, last_lat, date_part('epoch', last_taken_at) * 1e6, last_accuracy_m,
        doubted_lon, doubted_lat, date_part('epoch', doubted_taken_at) * 1e6, doubted_accuracy_m
    from unnest(cast(:device_ids as text)::uuid[]) as wanted (device_id)
    join tracked_device using (device_id)
    order by device_id
    for update of tracked_device
    """
)


async def lock_devices(session: AsyncSession, senders: Sequence[Sender]) -> Memories:
    """What is known of these, in their order. Other batches of them wait until the end of the
    transaction."""
    wanted = {"device_ids": array_of(sender.text for sender in senders)}
    rows = (await session.execute(LOCK, wanted)).all()
    if len(rows) < len(senders):
        drivers = array_of(sender.driver_text for sender in senders)
        await session.execute(INSERT_MISSING, wanted | {"driver_ids": drivers})
        rows = (await session.execute(LOCK, wanted)).all()
    places = np.argsort([sender.key for sender in senders])  # ids sort as their bytes do
    first, through, before, battery, *spots = (list(column) for column in zip(*rows, strict=True))
    found = Memories(
        np.array([each is None for each in through]),
        np.array([each or 0 for each in first], np.int64),
        np.array([each or 0 for each in through], np.int64),
        np.full(len(rows), None, np.object_),
        *(np.array(column, np.float64) for column in (battery, *spots)),
    )
    for place, ranges in enumerate(before):
        if ranges is not None:
            found.before[place] = msgspec.json.decode(ranges)
    memories = Memories.of_nobody(len(senders))
    memories.put(places, found)
    return memories


async def record_heartbeat(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    heartbeat: Heartbeat,
    received_at: datetime,
) -> None:
    """Keep the phone's last sign of life; an older one that comes late changes nothing."""
    device = await lock_row(session, device_id, driver_id)
    if device.heartbeat_at is not None and device.heartbeat_at > received_at:
        return
    for name, value in asdict(heartbeat).items():
        setattr(device, name, value)
    if device.battery_percent not in range(101):
        device.battery_percent = None
    device.heartbeat_at = received_at
    await session.flush()


class SignOfLife(msgspec.Struct, frozen=True, kw_only=True):
    """The last heartbeat of a driver's phone, with the causes why there may be no other."""

    heartbeat_at: datetime
    battery_percent: int | None
    network: str | None
    gps: str | None
    battery_saver: bool | None


async def last_signs(session: AsyncSession, driver_ids: Collection[UUID]) -> dict[UUID, SignOfLife]:
    """Driver -> the newest sign of life of any of their phones."""
    rows = await session.scalars(
        select(TrackedDevice)
        .where(TrackedDevice.driver_id.in_(driver_ids), TrackedDevice.heartbeat_at.is_not(None))
        .order_by(TrackedDevice.heartbeat_at)
        .execution_options(populate_existing=True)
    )
    return {row.driver_id: msgspec.convert(row, SignOfLife, from_attributes=True) for row in rows}


async def lock_row(session: AsyncSession, device_id: UUID, driver_id: UUID) -> TrackedDevice:
    """What is known of one device, its row made when missing; others wait until the end of the
    transaction."""
    await session.execute(
        insert(TrackedDevice)
        .values(
            device_id=device_id,
            driver_id=driver_id,
            unsent_commands=0,
            unsent_fixes=0,
        )
        .on_conflict_do_nothing()
    )
    query = (
        select(TrackedDevice)
        .where(TrackedDevice.device_id == device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    device = (await session.scalars(query)).one()
    device.driver_id = driver_id
    return device
