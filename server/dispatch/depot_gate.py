"""The gate of a depot: parcels come in and go out, and whoever scans is told at once what each is.

What was scanned has happened and is kept, whatever the answer. Coming in is the same fact as a
driver's own unloading, going out the same as loading (see vehicle_load).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import Direction, GateScan, ParcelView, Scan
from server.dispatch.exceptions import settle_scanned
from server.dispatch.fleet import list_depots
from server.dispatch.inputs import find_depot, local_day
from server.dispatch.models import Depot, Run
from server.dispatch.vehicle_load import bring_back, settle_loaded
from server.dispatch.whereabouts import Work, find_work, lock_work, without_withdrawn
from server.kit import clock

GateResult = Literal[
    "accepted",
    "unknown",
    "empty",
    "already_here",
    "already_out",
    "cancelled",
    "foreign",
    "journey_over",
]


class GateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with one parcel. barcode: as scanned. parcel: its own barcode. container: the
    licence plate that was scanned for it."""

    barcode: str
    result: GateResult
    sentence: str
    parcel: str | None = None
    container: str | None = None
    consignment_id: UUID | None = None
    depot_id: UUID | None = None
    run_id: UUID | None = None


class AtGate(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the gate. before: the parcels as they were until now. here: which depot each
    was at. depots: name by id."""

    depot: Depot
    direction: Direction
    occurred_at: datetime
    work: dict[UUID, Work]
    before: dict[UUID, ParcelView]
    here: dict[UUID, UUID]
    depots: dict[UUID, str]


async def scan_at_gate(
    session: AsyncSession,
    depot_id: UUID,
    *,
    direction: Direction,
    barcodes: Sequence[str],
    occurred_at: datetime,
    scan_id: str,
    by: str,
) -> list[GateAnswer]:
    """Keep the scans, tell the chain of custody, and answer for each parcel.

    scan_id: unique to this scan; the caller answers a repeat with what was answered first.

    Raises
    ------
    UnknownDepot
    """
    await find_depot(session, depot_id)
    scans = await consignments.read_scans(session, barcodes)
    parcel_ids = sorted({scan.parcel.parcel_id for scan in scans if scan.parcel})
    touched = {scan.parcel.consignment_id for scan in scans if scan.parcel}
    depots = await lock_work(session, depot_id, touched)
    if parcel_ids:
        await consignments.lock_parcels(session, parcel_ids)
    work = await find_work(session, touched)
    scans = without_withdrawn(scans, work)
    before = {parcel.id: parcel for each in work.values() for parcel in each.consignment.parcels}
    here = await consignments.depots_of_parcels(session, parcel_ids)
    await _record(
        session,
        scans,
        {each: _run_today(one, depots[depot_id], occurred_at) for each, one in work.items()},
        direction=direction,
        occurred_at=occurred_at,
        by=by,
        source_id=f"depot_scan:{depot_id}:{scan_id}",
    )
    if direction == "in":
        await bring_back(session, depots, {each: list(work[each].tasks) for each in touched})
        await _settle_unloaded(session, [before[each] for each in parcel_ids if each in before])
        work = await find_work(session, touched)
    gate = AtGate(
        depot=depots[depot_id],
        direction=direction,
        occurred_at=occurred_at,
        work=work,
        before=before,
        here=here,
        depots={depot.id: depot.name for depot in await list_depots(session)},
    )
    answers = [_answer(gate, scan) for scan in scans]
    await consignments.keep_depot_scans(
        session,
        [
            GateScan(
                barcode=scan.barcode,
                parcel_id=scan.parcel.parcel_id if scan.parcel else None,
                result=answer.result,
            )
            for scan, answer in zip(scans, answers, strict=True)
        ],
        scan_id=scan_id,
        depot_id=depot_id,
        direction=direction,
        occurred_at=occurred_at,
        received_at=clock.now(),
        by=by,
    )
    return answers


async def _record(
    session: AsyncSession,
    scans: Sequence[Scan],
    runs: dict[UUID, Run | None],
    *,
    direction: Direction,
    occurred_at: datetime,
    by: str,
    source_id: str,
) -> None:
    """Into the depot's custody, or into that of the driver for whose run of today they are."""
    drivers: dict[UUID | None, dict[UUID, str]] = {}
    for scan in scans:
        if scan.parcel is None:
            continue
        run = runs[scan.parcel.consignment_id]
        driver_id = run.driver_id if run and direction == "out" else None
        drivers.setdefault(driver_id, {})[scan.parcel.parcel_id] = scan.parcel.barcode
    for driver_id, parcels in drivers.items():
        await consignments.record_custody(
            session,
            parcel_ids=sorted(parcels),
            state="at_depot" if direction == "in" else "loaded",
            occurred_at=occurred_at,
            received_at=clock.now(),
            by=by,
            driver_id=driver_id,
            source_id=source_id,
            containers=consignments.parcels_in(scans),
            strict=False,
        )
        if driver_id is not None:
            await settle_loaded(session, driver_id, set(parcels.values()))


async def _settle_unloaded(session: AsyncSession, parcels: Sequence[ParcelView]) -> None:
    for driver_id in sorted({each.holder_id for each in parcels if each.holder_id}):
        barcodes = {each.barcode for each in parcels if each.holder_id == driver_id}
        await settle_scanned(session, "not_unloaded", driver_id, barcodes)


def _run_today(work: Work, depot: Depot, occurred_at: datetime) -> Run | None:
    run = work.run
    if run is None or run.state == "closed" or run.day != local_day(depot, occurred_at):
        return None
    return run


def _answer(gate: AtGate, scan: Scan) -> GateAnswer:
    if scan.parcel is None:
        known = not scan.is_unknown
        return GateAnswer(
            barcode=scan.barcode,
            result="empty" if known else "unknown",
            sentence="Nothing is in it." if known else "No parcel has this barcode: keep it aside.",
            container=scan.container,
        )
    work = gate.work[scan.parcel.consignment_id]
    run = _run_today(work, gate.depot, gate.occurred_at)
    result, sentence = _judge(gate, gate.before[scan.parcel.parcel_id], work, run)
    return GateAnswer(
        barcode=scan.barcode,
        result=result,
        sentence=sentence,
        parcel=scan.parcel.barcode,
        container=scan.container,
        consignment_id=scan.parcel.consignment_id,
        depot_id=work.depot_id,
        run_id=run.id if run else None,
    )


def _judge(gate: AtGate, parcel: ParcelView, work: Work, run: Run | None) -> tuple[GateResult, str]:
    waybill = work.consignment.waybill
    if work.consignment.cancelled_at is not None:
        return "cancelled", f"{waybill} was cancelled: keep it aside."
    if parcel.state in ("delivered", "returned"):
        return "journey_over", f"It was {parcel.state} before: keep it aside."
    if gate.direction == "in" and gate.here.get(parcel.id) == gate.depot.id:
        return "already_here", "It is already here."
    if gate.direction == "out" and parcel.state in ("loaded", "out_for_delivery"):
        return "already_out", "It has already left."
    if work.depot_id is not None and work.depot_id != gate.depot.id:
        name = gate.depots.get(work.depot_id, "another depot")
        return "foreign", f"It belongs to depot {name}."
    if run is not None:
        name = work.driver_name
        if work.stop:
            return "accepted", f"For the run of {name}, stop {work.stop}."
        return "accepted", f"For the run of {name}."
    return "accepted", "No run today."
