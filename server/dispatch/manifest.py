"""Manifests: the whole run as a driver's phone shows it, with a version that counts up.

Issued anew, and stored, whenever somebody else than the driver changes the run. What the driver
did since stands in the tasks, so a manifest that is read carries their states of now.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals import service as arrivals
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.dispatch.events import ManifestChanged
from server.dispatch.fleet import find_driver
from server.dispatch.lifecycle import FINAL
from server.dispatch.message_models import DriverMessage
from server.dispatch.models import (
    Depot,
    ManifestVersion,
    Run,
    Shift,
    Stop,
    Task,
    Vehicle,
)
from server.dispatch.watch import look_soon
from server.identity import service as identity
from server.kit import clock
from server.kit.db import is_any
from server.kit.feed import announce
from server.kit.outbox import emit
from server.places import service as places
from server.places.service import PlaceView
from server.protocol.to_driver import (
    Manifest,
    ManifestBreak,
    ManifestDepot,
    ManifestMessage,
    ManifestParcel,
    ManifestStop,
    ManifestTask,
    ProofDemand,
)

MANIFESTS_CHANNEL = "manifests"
"""The message is the id of a driver who has a new one. The event tells all others; a phone that is
connected need not wait for the relay."""

STILL_TODAY = timedelta(hours=12)
"""So long after its end a closed run is shown, when nothing new has come."""

MESSAGES_KEPT = timedelta(hours=24)
MESSAGES_MAX = 30

NO_PROOF = ProofDemand(photo="optional", signature="off", name="off", pin="off", scan="optional")
"""What a handover between the company's own people asks for."""

PICKUP_PROOF = ProofDemand()


async def issue_manifests(session: AsyncSession, driver_ids: Collection[UUID]) -> None:
    """Give these drivers their runs as they are now, under a new version."""
    for driver_id in sorted(driver_ids):
        driver = await find_driver(session, driver_id)
        await session.refresh(driver, with_for_update=True)
        driver.manifest_version += 1
        run = await find_run(session, driver_id)
        await look_soon(session, run.id if run else None)
        manifest = await _build_manifest(session, driver_id, driver.manifest_version, run)
        session.add(
            ManifestVersion(
                driver_id=driver_id,
                version=manifest.version,
                run_id=run.id if run else None,
                body=msgspec.to_builtins(manifest),
                issued_at=clock.now(),
            )
        )
        emit(session, ManifestChanged(driver_id=driver_id, version=manifest.version))
        announce(session, MANIFESTS_CHANNEL, str(driver_id).encode())
    await session.flush()


async def manifest_of(session: AsyncSession, driver_id: UUID) -> Manifest:
    """The newest manifest with the states and forecasts of now; version 0 when there was none."""
    stored = await session.scalar(
        select(ManifestVersion)
        .where(ManifestVersion.driver_id == driver_id)
        .order_by(ManifestVersion.version.desc())
        .limit(1)
    )
    if stored is None:
        driver = await find_driver(session, driver_id)
        people = await identity.get_people(session, [driver.person_id])
        return Manifest(version=0, run_id=None, driver_name=people[driver_id].name)
    manifest = msgspec.convert(stored.body, Manifest)
    if not manifest.stops:
        return manifest
    ids = [UUID(task.id) for stop in manifest.stops for task in stop.tasks]
    rows = await session.execute(
        select(Task.id, Task.state, Task.driver_id, Task.finished_by).where(Task.id.in_(ids))
    )
    states = {str(task_id): state for task_id, state, *whose in rows if driver_id in whose}
    forecasts = await arrivals.forecasts_of(session, [UUID(stop.id) for stop in manifest.stops])
    stops = tuple(
        _with_forecast(
            replace(stop, tasks=tuple(_with_state(task, states) for task in stop.tasks)),
            forecasts.get(UUID(stop.id)),
        )
        for stop in manifest.stops
    )
    return replace(manifest, stops=stops)


def _with_forecast(stop: ManifestStop, forecast: arrivals.ForecastView | None) -> ManifestStop:
    if forecast is None:
        return stop
    return replace(stop, eta_from_at=forecast.from_at, eta_until_at=forecast.until_at)


def _with_state(task: ManifestTask, states: dict[str, str]) -> ManifestTask:
    state: Any = states.get(task.id, task.state)
    return replace(task, state=state, contact_phone="" if state in FINAL else task.contact_phone)


async def shows_photo(session: AsyncSession, driver_id: UUID, sha256: str) -> bool:
    """Whether this photo is of a door at which the driver has work."""
    manifest = await manifest_of(session, driver_id)
    return any(sha256 in stop.photos for stop in manifest.stops)


async def acknowledge_manifest(session: AsyncSession, driver_id: UUID, version: int) -> None:
    """The phone has stored this version durably, which settles the older ones too."""
    await session.execute(
        update(ManifestVersion)
        .where(
            ManifestVersion.driver_id == driver_id,
            ManifestVersion.version <= version,
            ManifestVersion.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=clock.now())
    )


async def unacknowledged_manifests(
    session: AsyncSession, driver_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Which of these drivers' phones have not stored their newest manifest; its version."""
    newest = (
        select(ManifestVersion.driver_id, func.max(ManifestVersion.version).label("version"))
        .where(
            is_any(ManifestVersion.driver_id, driver_ids),
            ManifestVersion.acknowledged_at.is_(None),
        )
        .group_by(ManifestVersion.driver_id)
    )
    return {row.driver_id: row.version for row in await session.execute(newest)}


async def find_run(session: AsyncSession, driver_id: UUID) -> Run | None:
    """The run that the driver is on or has next; else the last one, for a while after its end."""
    now = clock.now()
    run: Run | None = await session.scalar(
        select(Run)
        .where(Run.driver_id == driver_id, Run.state != "closed")
        .where((Run.state == "started") | (Run.ends_at > now - STILL_TODAY))
        .order_by(Run.starts_at)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if run is None:
        run = await session.scalar(
            select(Run)
            .where(Run.driver_id == driver_id, Run.closed_at > now - STILL_TODAY)
            .order_by(Run.closed_at.desc())
            .limit(1)
        )
    return run


async def _build_manifest(
    session: AsyncSession, driver_id: UUID, version: int, run: Run | None
) -> Manifest:
    name = (await identity.get_people(session, [driver_id]))[driver_id].name
    messages = await _read_messages(session, driver_id)
    if run is None:
        return Manifest(version=version, run_id=None, driver_name=name, messages=messages)
    shift = await session.get_one(Shift, run.shift_id)
    vehicle = await session.get_one(Vehicle, run.vehicle_id)
    depot = await session.get_one(Depot, run.depot_id)
    return Manifest(
        version=version,
        run_id=str(run.id),
        driver_name=name,
        vehicle_label=vehicle.label,
        profile=vehicle.profile,
        depot=ManifestDepot(name=depot.name, lon=depot.position.lon, lat=depot.position.lat),
        starts_at=run.starts_at,
        ends_at=run.ends_at,
        breaks=tuple(msgspec.convert(rest, ManifestBreak) for rest in shift.breaks),
        stops=await _build_stops(session, run),
        messages=messages,
    )


async def _read_messages(session: AsyncSession, driver_id: UUID) -> tuple[ManifestMessage, ...]:
    rows = await session.scalars(
        select(DriverMessage)
        .where(
            DriverMessage.driver_id == driver_id,
            ~DriverMessage.by_driver,
            DriverMessage.said_at > clock.now() - MESSAGES_KEPT,
        )
        .order_by(DriverMessage.said_at.desc(), DriverMessage.id.desc())
        .limit(MESSAGES_MAX)
    )
    return tuple(
        ManifestMessage(id=str(row.id), text=row.text, said_at=row.said_at)
        for row in reversed(rows.all())
    )


async def _build_stops(session: AsyncSession, run: Run) -> tuple[ManifestStop, ...]:
    stops = (
        await session.scalars(select(Stop).where(Stop.run_id == run.id).order_by(Stop.sequence))
    ).all()
    tasks_by_stop: dict[UUID, list[Task]] = {stop.id: [] for stop in stops}
    for task in await session.scalars(
        select(Task).where(Task.stop_id.in_(tasks_by_stop)).order_by(Task.sequence, Task.id)
    ):
        assert task.stop_id is not None
        tasks_by_stop[task.stop_id].append(task)
    tasks = [task for group in tasks_by_stop.values() for task in group]
    goods = await consignments.get_consignments(session, {task.consignment_id for task in tasks})
    found = await places.get_places(session, {stop.place_id for stop in stops})
    photos = await consignments.door_photos(session, set(found))
    return tuple(
        replace(
            _build_stop(stop, found[stop.place_id], tasks_by_stop[stop.id], goods),
            photos=photos.get(stop.place_id, ()),
        )
        for stop in stops
    )


def _build_stop(
    stop: Stop, place: PlaceView, tasks: list[Task], goods: dict[UUID, ConsignmentView]
) -> ManifestStop:
    assert place.position is not None  # nothing without a position is planned
    return ManifestStop(
        id=str(stop.id),
        address=place.line,
        lon=place.position.lon,
        lat=place.position.lat,
        planned_arrival_at=stop.planned_arrival_at,
        planned_departure_at=stop.planned_departure_at,
        tasks=tuple(_build_task(task, goods[task.consignment_id]) for task in tasks),
        place_name=place.name,
        access_note=" ".join(part for part in (place.extra, place.access_note) if part),
        window_start_at=_latest(task.window_start_at for task in tasks),
        window_end_at=_earliest(task.window_end_at for task in tasks),
        locked=stop.locked,
    )


def _build_task(task: Task, consignment: ConsignmentView) -> ManifestTask:
    party = consignment.consignee if task.kind == "delivery" else consignment.consignor
    own = task.pickup_from in ("depot", "vehicle")
    due_minor = consignment.cash_minor if task.kind == "delivery" else 0
    kind: Any = task.kind
    state: Any = task.state
    return ManifestTask(
        id=str(task.id),
        kind=kind,
        state=state,
        waybill=consignment.waybill,
        parcels=tuple(
            ManifestParcel(
                barcode=parcel.barcode, description=parcel.description, weight_g=parcel.weight_g
            )
            for parcel in consignment.parcels
        ),
        contact_name="" if own else party.name,
        contact_phone="" if own or task.state in FINAL else party.phone,
        instructions=_instructions(task, consignment),
        proof=demand_of(task, consignment),
        cash_minor=due_minor,
        currency=consignment.currency if due_minor else "",
        answer_by_at=task.answer_by_at if task.state == "assigned" else None,
    )


def _instructions(task: Task, consignment: ConsignmentView) -> str:
    if task.pickup_from == "vehicle":
        return "Take over these parcels from the other vehicle."
    if task.pickup_from == "depot":
        return "Load these parcels at the depot."
    return consignment.instructions


def demand_of(task: Task, consignment: ConsignmentView) -> ProofDemand:
    """What must be shown for the task: what the sender asked for is about the delivery."""
    if task.kind == "delivery":
        return consignment.proof
    return NO_PROOF if task.pickup_from in ("depot", "vehicle") else PICKUP_PROOF


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)
