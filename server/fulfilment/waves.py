"""Pick waves: work for one round through the warehouse, in the order of the shortest walk."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import (
    NotAWarehouse,
    NothingToPick,
    NotInThisWarehouse,
    UnknownPicker,
    UnknownWave,
    WaveOver,
)
from server.fulfilment.fulfilments import lock_fulfilments, move_fulfilment, settle_fulfilments
from server.fulfilment.lifecycle import TASK, WAVE
from server.fulfilment.models import Fulfilment, PickTask, PickWave
from server.fulfilment.walk import Floor
from server.identity import service as identity
from server.identity.access import Role
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.inventory.service import AllocationView, LocationView
from server.kit import clock
from server.kit.ids import new_id
from server.orders import service as orders

PICKERS = (Role.WAREHOUSE, Role.CLERK, Role.ADMIN)
LOOKED_AT = 100
"""Fulfilments read at a time, most urgent first, until the wave is full."""


class WaveView(msgspec.Struct, frozen=True, kw_only=True):
    """walk_m: how long the walk was planned to be, in metres."""

    id: UUID
    warehouse_id: UUID
    zone_id: UUID | None
    picker_id: UUID | None
    state: str
    walk_m: int
    created_at: datetime
    closed_at: datetime | None


class Candidate(NamedTuple):
    fulfilment: Fulfilment
    allocations: list[AllocationView]


async def create_wave(
    session: AsyncSession,
    *,
    warehouse_id: UUID,
    zone_id: UUID | None = None,
    picker_id: UUID | None = None,
    fulfilment_ids: Collection[UUID] = (),
    max_tasks: int = 60,
    by: str,
) -> WaveView:
    """Take what is to be picked into a wave, the most urgent orders first and each of them whole,
    until there are `max_tasks`.

    zone_id: pick only there; the rest of the same orders goes into other waves.
    fulfilment_ids: only these; empty for whatever is due.

    Raises
    ------
    NothingToPick, NotAWarehouse, NotInThisWarehouse, UnknownPicker, UnknownLocation
    """
    warehouse, zone = await _ground(session, warehouse_id, zone_id)
    await _check_picker(session, picker_id)
    floor = await inventory.locations_of(session, warehouse.id)
    inside = {each.id for each in floor if is_within(each.path, zone.path)}
    chosen: list[Candidate] = []
    count = 0
    async for each in _candidates(session, warehouse_id, fulfilment_ids, inside):
        if chosen and count + len(each.allocations) > max_tasks:
            break
        chosen.append(each)
        count += len(each.allocations)
    if not chosen:
        raise NothingToPick
    wave = PickWave(
        id=new_id(),
        warehouse_id=warehouse_id,
        zone_id=zone_id,
        picker_id=picker_id,
        state="open",
        walk_m=0,
        created_at=clock.now(),
        by=by,
    )
    session.add(wave)
    await session.flush()
    for order_id in sorted({each.fulfilment.order_id for each in chosen}):
        await orders.begin_picking(session, order_id, by=by)
    for fulfilment, allocations in chosen:
        add_tasks(session, wave, fulfilment, allocations)
        move_fulfilment(session, fulfilment, "picking")
    await session.flush()
    await order_walk(session, wave)
    await record_audit(
        session,
        by=by,
        action="pick_wave.created",
        subject=f"pick_wave:{wave.id}",
        details={"orders": [each.fulfilment.order_number for each in chosen], "tasks": count},
    )
    return wave_view(wave)


async def cancel_wave(session: AsyncSession, wave_id: UUID, *, by: str) -> WaveView:
    """Give up what is left of it; that can be picked in another wave."""
    wave = await find_wave(session, wave_id)
    rows = await lock_fulfilments(session, *await _orders_of(session, wave_id))
    await lock_wave(session, wave)
    if wave.state == "cancelled":
        return wave_view(wave)
    _require_open(wave)
    for task in await open_tasks(session, wave_id):
        TASK.check(task.state, "cancelled")
        task.state, task.by, task.done_at = "cancelled", by, clock.now()
    _close(wave, "cancelled")
    await session.flush()
    await settle_all(session, rows)
    subject = f"pick_wave:{wave.id}"
    await record_audit(session, by=by, action="pick_wave.cancelled", subject=subject)
    return wave_view(wave)


async def find_wave(session: AsyncSession, wave_id: UUID) -> PickWave:
    wave = await session.get(PickWave, wave_id)
    if wave is None:
        raise UnknownWave(wave_id=wave_id)
    return wave


async def lock_wave(session: AsyncSession, wave: PickWave) -> None:
    """The last lock that is taken, after those of fulfilments and stock."""
    await session.refresh(wave, with_for_update={"key_share": True})


async def list_waves(
    session: AsyncSession,
    *,
    warehouse_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[WaveView]:
    """Newest first."""
    query = select(PickWave).order_by(PickWave.id.desc()).limit(limit)
    if warehouse_id:
        query = query.where(PickWave.warehouse_id == warehouse_id)
    if state:
        query = query.where(PickWave.state == state)
    if after:
        query = query.where(PickWave.id < after)
    return [wave_view(row) for row in await session.scalars(query)]


async def open_tasks(session: AsyncSession, wave_id: UUID) -> list[PickTask]:
    """What is left to pick, in the order of the walk."""
    rows = await session.scalars(
        select(PickTask)
        .where(PickTask.wave_id == wave_id, PickTask.state == "open")
        .order_by(PickTask.sequence, PickTask.id)
        .execution_options(populate_existing=True)
    )
    return list(rows)


def add_tasks(
    session: AsyncSession,
    wave: PickWave,
    fulfilment: Fulfilment,
    allocations: Iterable[AllocationView],
    *,
    sequence: int = 0,
) -> None:
    session.add_all(
        PickTask(
            id=new_id(),
            kind="pick",
            wave_id=wave.id,
            fulfilment_id=fulfilment.id,
            allocation_id=each.id,
            sku_id=each.sku_id,
            location_id=each.location_id,
            lot_id=each.lot_id,
            sequence=sequence,
            quantity=each.quantity,
            missing=0,
            serials=[],
            state="open",
        )
        for each in allocations
    )


async def order_walk(session: AsyncSession, wave: PickWave) -> None:
    """Number what is left to pick by the shortest walk; goods of one SKU at one shelf together."""
    tasks = await open_tasks(session, wave.id)
    floor = Floor(await inventory.locations_of(session, wave.warehouse_id))
    way, length_m = floor.shortest_walk([task.location_id for task in tasks])
    rank = {location_id: number for number, location_id in enumerate(way)}
    tasks.sort(key=lambda task: (rank[task.location_id], task.sku_id, task.id))
    for number, task in enumerate(tasks, 1):
        task.sequence = number
    wave.walk_m = round(length_m)
    await session.flush()


async def close_finished_waves(session: AsyncSession, wave_ids: Collection[UUID]) -> None:
    """Those in which nothing is left to pick. The lock lets the last of two pickers see that the
    other one has finished too."""
    waves = await session.scalars(
        select(PickWave)
        .where(PickWave.id.in_(wave_ids), PickWave.state == "open")
        .order_by(PickWave.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    for wave in waves.all():
        left = exists().where(PickTask.wave_id == wave.id, PickTask.state == "open")
        if not await session.scalar(select(left)):
            _close(wave, "done")
    await session.flush()


async def settle_all(session: AsyncSession, rows: Sequence[Fulfilment]) -> None:
    """The locked fulfilments of any orders."""
    for _, group in groupby(sorted(rows, key=_order), key=_order):
        await settle_fulfilments(session, list(group))


def wave_view(wave: PickWave) -> WaveView:
    return msgspec.convert(wave, WaveView, from_attributes=True)


def is_within(path: str, zone: str) -> bool:
    return path == zone or path.startswith(f"{zone}/")


def _order(row: Fulfilment) -> UUID:
    return row.order_id


def _require_open(wave: PickWave) -> None:
    if wave.state != "open":
        raise WaveOver(state=wave.state)


def _close(wave: PickWave, to: str) -> None:
    WAVE.check(wave.state, to)
    wave.state, wave.closed_at = to, clock.now()


async def _ground(
    session: AsyncSession, warehouse_id: UUID, zone_id: UUID | None
) -> tuple[LocationView, LocationView]:
    warehouse = await inventory.get_location(session, warehouse_id)
    if warehouse.kind != "warehouse":
        raise NotAWarehouse(path=warehouse.path)
    if zone_id is None:
        return warehouse, warehouse
    zone = await inventory.get_location(session, zone_id)
    if zone.warehouse_id != warehouse_id:
        raise NotInThisWarehouse(path=zone.path)
    return warehouse, zone


async def _check_picker(session: AsyncSession, picker_id: UUID | None) -> None:
    if picker_id is None:
        return
    person = (await identity.get_people(session, [picker_id])).get(picker_id)
    if person is None or not person.active or person.role not in PICKERS:
        raise UnknownPicker(person_id=picker_id)


async def _candidates(
    session: AsyncSession,
    warehouse_id: UUID,
    fulfilment_ids: Collection[UUID],
    inside: Collection[UUID],
) -> AsyncIterator[Candidate]:
    """Fulfilments with something to pick that is in no wave yet, with their orders locked. Passed
    over is what somebody else works on at this moment, and what was amended since the warehouse
    heard of it."""
    seen: list[UUID] = []
    while True:
        due = (
            select(Fulfilment.id, Fulfilment.order_id)
            .where(
                Fulfilment.warehouse_id == warehouse_id,
                Fulfilment.state.in_(("open", "picking")),
                Fulfilment.id.not_in(seen),
            )
            .order_by(Fulfilment.due_at, Fulfilment.id)
            .limit(LOOKED_AT)
        )
        if fulfilment_ids:
            due = due.where(Fulfilment.id.in_(fulfilment_ids))
        found = (await session.execute(due)).all()
        versions = await orders.lock_to_pick(session, {order_id for _, order_id in found})
        rows = await session.scalars(
            select(Fulfilment)
            .where(
                Fulfilment.id.in_([each for each, _ in found]),
                Fulfilment.order_id.in_(versions),
                Fulfilment.state.in_(("open", "picking")),
            )
            .order_by(Fulfilment.due_at, Fulfilment.id)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        )
        ready = [row for row in rows if row.order_version == versions[row.order_id]]
        goods = await _not_in_a_wave(session, ready, inside)
        for row in ready:
            if mine := goods.get(row.order_id):
                yield Candidate(row, mine)
        seen += [each for each, _ in found]
        if len(found) < LOOKED_AT:
            return


async def _not_in_a_wave(
    session: AsyncSession, rows: Sequence[Fulfilment], inside: Collection[UUID]
) -> dict[UUID, list[AllocationView]]:
    """Order -> what of it is to be picked in there."""
    taken = set(
        await session.scalars(
            select(PickTask.allocation_id).where(
                PickTask.fulfilment_id.in_([row.id for row in rows]), PickTask.state == "open"
            )
        )
    )
    found: dict[UUID, list[AllocationView]] = {}
    for each in await inventory.set_aside_for(session, {row.order_id for row in rows}):
        if each.state == "allocated" and each.id not in taken and each.location_id in inside:
            found.setdefault(each.order_id, []).append(each)
    return found


async def _orders_of(session: AsyncSession, wave_id: UUID) -> set[UUID]:
    rows = await session.scalars(
        select(Fulfilment.order_id)
        .join(PickTask, PickTask.fulfilment_id == Fulfilment.id)
        .where(PickTask.wave_id == wave_id)
    )
    return set(rows)
