"""The load check: is everything of a run in the van, and nothing else?

Here a scan is a question, asked before the parcel goes in: only a parcel of this run is written
down as loaded, and for any other one the person at the van is told at once where it belongs. What
counts as loaded is what the chain of custody says, so the driver's own scans count just as well.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ParcelView, Scan
from server.dispatch.breakdown import UnknownRun
from server.dispatch.exceptions import raise_exception
from server.dispatch.inputs import lock_depot
from server.dispatch.models import LoadCheck, Run, Stop, Task
from server.dispatch.vehicle_load import WAITING, loaded_at_depot, settle_loaded
from server.dispatch.whereabouts import Work, find_work, lock_work, without_withdrawn
from server.identity import service as identity
from server.kit import clock
from server.kit.errors import Conflict, Invalid

LoadResult = Literal["ok", "already_loaded", "foreign", "cancelled", "unknown", "empty"]


class RunIsOver(Conflict):
    """This run is over; nothing is loaded for it any more."""

    code = "dispatch.load_check_run_over"


class ReasonNeeded(Invalid):
    """{count} parcels are missing. Say why the van leaves without them."""

    code = "dispatch.load_check_reason_needed"


class AlreadyFinished(Conflict):
    """The loading of this run was finished by {finished_by}."""

    code = "dispatch.load_check_finished"


class ExpectedParcel(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel that the run takes along. stop: its number in the run, from 1. elsewhere: somebody
    else has it, or it was delivered."""

    barcode: str
    consignment_id: UUID
    waybill: str
    consignee: str
    stop: int | None
    state: Literal["missing", "loaded", "elsewhere"]


class LoadCheckView(msgspec.Struct, frozen=True, kw_only=True):
    """missing: barcodes that nobody has scanned into the van. missing_when_finished, reason: as
    they were when somebody finished it all the same."""

    run_id: UUID
    driver_id: UUID
    driver_name: str
    parcels: tuple[ExpectedParcel, ...]
    missing: tuple[str, ...]
    finished_at: datetime | None
    finished_by: str | None
    missing_when_finished: tuple[str, ...]
    reason: str


class LoadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with one parcel. barcode: as scanned. parcel: its own barcode. run_id, driver_id:
    to whom a foreign one belongs."""

    barcode: str
    result: LoadResult
    sentence: str
    parcel: str | None = None
    run_id: UUID | None = None
    driver_id: UUID | None = None


async def read_load_check(session: AsyncSession, run_id: UUID) -> LoadCheckView:
    """What should be in the van, and what is."""
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    work = await find_work(session, await _load_of(session, run))
    parcels = sorted(_expected(run, work.values()), key=lambda each: (each.stop or 0, each.barcode))
    people = await identity.get_people(session, [run.driver_id])
    check = await session.get(LoadCheck, run_id)
    return LoadCheckView(
        run_id=run.id,
        driver_id=run.driver_id,
        driver_name=people[run.driver_id].name,
        parcels=tuple(parcels),
        missing=tuple(each.barcode for each in parcels if each.state == "missing"),
        finished_at=check.finished_at if check else None,
        finished_by=check.finished_by if check else None,
        missing_when_finished=tuple(check.missing) if check else (),
        reason=check.reason if check else "",
    )


async def scan_into_run(
    session: AsyncSession,
    run_id: UUID,
    barcode: str,
    *,
    occurred_at: datetime,
    scan_id: str,
    by: str,
) -> list[LoadAnswer]:
    """Answers for the parcel, or for each parcel in the container, that was scanned at the van.

    scan_id: unique to this scan; the caller answers a repeat with what was answered first.

    Raises
    ------
    UnknownRun, RunIsOver
    """
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    scans = await consignments.read_scans(session, [barcode])
    touched = {scan.parcel.consignment_id for scan in scans if scan.parcel}
    await lock_work(session, run.depot_id, touched)
    await session.refresh(run)
    if run.state == "closed":
        raise RunIsOver(run_id=run_id)
    work = await find_work(session, touched)
    scans = without_withdrawn(scans, work)
    load = await _load_of(session, run)
    answers = [_answer(run, load, scan, work) for scan in scans]
    loaded = [
        scan.parcel
        for scan, answer in zip(scans, answers, strict=True)
        if answer.result == "ok" and scan.parcel is not None
    ]
    if loaded:
        await consignments.record_custody(
            session,
            parcel_ids=sorted(each.parcel_id for each in loaded),
            state="loaded",
            occurred_at=occurred_at,
            received_at=clock.now(),
            by=by,
            driver_id=run.driver_id,
            source_id=f"load_check:{run_id}:{scan_id}",
            containers=consignments.parcels_in(scans),
            strict=False,
        )
        await settle_loaded(session, run.driver_id, {each.barcode for each in loaded})
    return answers


async def finish_load_check(
    session: AsyncSession, run_id: UUID, *, reason: str, by: str
) -> LoadCheckView:
    """The van may leave. What is missing then is told to dispatch, with the reason, and is not
    taken for loaded when the driver sets off.

    Raises
    ------
    UnknownRun, RunIsOver, ReasonNeeded, AlreadyFinished
    """
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    await lock_depot(session, run.depot_id)
    await session.refresh(run)
    if run.state == "closed":
        raise RunIsOver(run_id=run_id)
    before = await read_load_check(session, run_id)
    if before.finished_by is not None:
        raise AlreadyFinished(finished_by=before.finished_by)
    if before.missing and not reason.strip():
        raise ReasonNeeded(count=len(before.missing))
    session.add(
        LoadCheck(
            run_id=run_id,
            missing=list(before.missing),
            reason=reason,
            finished_at=clock.now(),
            finished_by=by,
        )
    )
    if before.missing:
        raise_exception(
            session,
            "load_incomplete",
            depot_id=run.depot_id,
            run_id=run_id,
            driver_id=run.driver_id,
            barcodes=before.missing,
            reason=reason,
        )
    await identity.record_audit(
        session,
        by=by,
        action="load_check.finished",
        subject=f"run:{run_id}",
        details={"missing": before.missing, "reason": reason},
    )
    await session.flush()
    return await read_load_check(session, run_id)


async def _load_of(session: AsyncSession, run: Run) -> set[UUID]:
    """The consignments that the run takes along from the depot."""
    tasks = await session.scalars(
        select(Task).join(Stop, Stop.id == Task.stop_id).where(Stop.run_id == run.id)
    )
    return loaded_at_depot(tasks)


def _expected(run: Run, work: Iterable[Work]) -> list[ExpectedParcel]:
    return [
        ExpectedParcel(
            barcode=parcel.barcode,
            consignment_id=each.consignment.id,
            waybill=each.consignment.waybill,
            consignee=each.consignment.consignee.name,
            stop=each.stop,
            state=_state(run, parcel),
        )
        for each in work
        for parcel in each.consignment.parcels
    ]


def _state(run: Run, parcel: ParcelView) -> Literal["missing", "loaded", "elsewhere"]:
    if parcel.state in WAITING:
        return "missing"
    return "loaded" if parcel.holder_id == run.driver_id else "elsewhere"


def _answer(run: Run, load: set[UUID], scan: Scan, work: dict[UUID, Work]) -> LoadAnswer:
    if scan.parcel is None:
        known = not scan.is_unknown
        return LoadAnswer(
            barcode=scan.barcode,
            result="empty" if known else "unknown",
            sentence="Nothing is in it." if known else "No parcel has this barcode.",
        )
    mine = work[scan.parcel.consignment_id]
    parcel = mine.consignment.parcel(scan.parcel.parcel_id)
    assert parcel is not None  # see without_withdrawn
    result, sentence = _judge(run, load, parcel, mine)
    other = mine.run if result == "foreign" else None
    return LoadAnswer(
        barcode=scan.barcode,
        result=result,
        sentence=sentence,
        parcel=parcel.barcode,
        run_id=other.id if other else None,
        driver_id=other.driver_id if other else None,
    )


def _judge(run: Run, load: set[UUID], parcel: ParcelView, work: Work) -> tuple[LoadResult, str]:
    if work.consignment.cancelled_at is not None:
        return "cancelled", f"{work.consignment.waybill} was cancelled: keep it out."
    if work.run is None:
        return "foreign", "It is in no run: keep it out."
    if work.run.id != run.id:
        return "foreign", f"It belongs to {work.driver_name}: keep it out."
    if work.consignment.id not in load:
        return "foreign", "This run fetches it on its way: keep it out."
    if _state(run, parcel) == "loaded":
        return "already_loaded", "It is already loaded."
    return "ok", f"Load it: stop {work.stop}."
