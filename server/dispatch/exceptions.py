"""Exceptions: what a person must settle."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.events import ExceptionRaised
from server.dispatch.models import ExceptionRecord, Task
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id
from server.kit.outbox import emit

LOOK_AFTER = (Role.ADMIN, Role.DISPATCHER)
LONGEST_SNOOZE = timedelta(days=14)

SENTENCES = {
    "done_by_another_driver": "It was done by a driver from whom it had been taken.",
    "done_though_cancelled": "It was cancelled but was done all the same.",
    "done_twice": "It was reported as done a second time.",
    "done_after_failing": "It was reported as done after it had failed.",
    "failed_by_another_driver": "A driver from whom it had been taken tried it without success.",
    "failed_after_end": "It was reported as failed after it had ended.",
    "proof_missing": "Required proof is missing.",
    "wrong_pin": "The PIN was wrong.",
    "cash_differs": "The cash taken differs from what was due.",
    "unknown_outcome": "The outcome code does not fit this kind of task.",
    "partly_done": "Not every parcel had the same outcome.",
    "not_delivered": "It cannot be delivered without a decision.",
    "pickup_failed": "The pickup failed, so the delivery was cancelled.",
    "pickup_incomplete": "Not every parcel was picked up.",
    "attempts_exhausted": "It failed too often to be tried again by itself.",
    "declined": "The driver declined it.",
    "cancelled_on_board": "It was cancelled while its parcels are in a vehicle.",
    "changed_on_the_road": "It was amended while a driver was on the way to it.",
    "taken_from_run": "It was amended and went back to the pool.",
    "unknown_barcode": "A scanned barcode belongs to no parcel.",
    "loaded_without_task": "A parcel was loaded that this driver has no task for.",
    "loaded_without_scan": "Some parcels were scanned when loading, others not.",
    "load_incomplete": "Loading was finished although parcels were missing.",
    "not_unloaded": "The shift ended with parcels that were not scanned back at the depot.",
    "left_undone": "The shift ended before it was done.",
    "no_shift": "A driver reported working time without having a shift.",
    "swap_without_old": "The replacement of an exchange was handed over without the old goods.",
    "swap_without_new": "The old goods of an exchange were taken, its replacement stayed behind.",
    "breakdown": "A vehicle broke down and its rest of the day was given to others.",
    "late": "The promised time has passed.",
    "will_be_late": "The driver will probably come after the promised time.",
    "stands_too_long": "The driver has been at a stop unusually long.",
    "phone_silent": "The phone of a driver on the road has not been heard of for a while.",
    "no_position": "The phone of a driver on the road is on, but does not say where it is.",
    "left_route": "A driver has left the roads of the run.",
    "speeding": "A vehicle drove faster than it may.",
    "left_stop_open": "A driver has left a stop whose tasks are still open.",
    "left_depot_unstarted": "A driver has left the depot without starting the run.",
    "back_at_depot": "A driver is back at the depot with stops left.",
    "entered_geofence": "A driver is where nobody should be.",
    "left_geofence": "A driver has left what nobody should leave.",
    "driver_wrote": "The driver wrote to the office.",
    "extra_cost": "The driver paid something on the way.",
    "offer_unanswered": "The driver did not answer the offer of an urgent job in time.",
    "not_placed": "No other run could take it after the breakdown.",
}
"""Every kind of exception, and what it says to the dispatcher."""


class UnknownException(NotFound):
    """There is no exception {exception_id}."""

    code = "dispatch.unknown_exception"


class UnknownReceipt(NotFound):
    """This exception has no receipt {sha256}."""

    code = "dispatch.unknown_receipt"


class AlreadySettled(Conflict):
    """This exception was settled by {settled_by}."""

    code = "dispatch.already_settled"


class NotForExceptions(Invalid):
    """Only dispatchers and administrators look after exceptions; {name} is neither."""

    code = "dispatch.not_for_exceptions"


class SnoozeTooLong(Invalid):
    """Put it off until a moment from now on, within the next 14 days."""

    code = "dispatch.snooze_too_long"


class ExceptionView(msgspec.Struct, frozen=True, kw_only=True):
    """assigned_to, assigned_name: who looks after it. snoozed_until: it may wait until then."""

    id: UUID
    kind: str
    sentence: str
    depot_id: UUID | None
    task_id: UUID | None
    consignment_id: UUID | None
    run_id: UUID | None
    driver_id: UUID | None
    details: dict[str, Any]
    raised_at: datetime
    assigned_to: UUID | None
    assigned_name: str | None
    snoozed_until: datetime | None
    settled_at: datetime | None
    settled_by: str | None
    settled_note: str | None


def raise_exception(
    session: AsyncSession,
    kind: str,
    *,
    task: Task | None = None,
    depot_id: UUID | None = None,
    run_id: UUID | None = None,
    driver_id: UUID | None = None,
    sentence: str | None = None,
    **details: Any,
) -> None:
    """Put something before a person. `details` are plain values that help to settle it; sentence:
    more exactly what happened, where the kind alone does not say it."""
    record = ExceptionRecord(
        kind=kind,
        sentence=sentence or SENTENCES[kind],
        depot_id=depot_id or (task.depot_id if task else None),
        task_id=task.id if task else None,
        consignment_id=task.consignment_id if task else None,
        run_id=run_id,
        driver_id=driver_id,
        details=msgspec.to_builtins(details),
        raised_at=clock.now(),
    )
    session.add(record)
    record.id = new_id()
    emit(session, ExceptionRaised(exception_id=record.id, kind=kind))


async def list_exceptions(
    session: AsyncSession,
    *,
    settled: bool = False,
    snoozed: bool = False,
    assigned_to: UUID | None = None,
    depot_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[ExceptionView]:
    """Oldest first. snoozed: those that may wait, which are left out otherwise."""
    query = select(ExceptionRecord).order_by(ExceptionRecord.id).limit(limit)
    at, until = ExceptionRecord.settled_at, ExceptionRecord.snoozed_until
    query = query.where(at.is_not(None) if settled else at.is_(None))
    if not settled:
        now = clock.now()
        query = query.where(until > now if snoozed else or_(until.is_(None), until <= now))
    if assigned_to is not None:
        query = query.where(ExceptionRecord.assigned_to == assigned_to)
    if depot_id is not None:
        query = query.where(ExceptionRecord.depot_id == depot_id)
    if after is not None:
        query = query.where(ExceptionRecord.id > after)
    return await _views(session, (await session.scalars(query)).all())


async def receipt_of(session: AsyncSession, exception_id: UUID, sha256: str) -> str:
    """The same SHA-256, if that photo belongs to what the driver paid.

    Raises
    ------
    UnknownException, UnknownReceipt
    """
    record = await session.get(ExceptionRecord, exception_id)
    if record is None:
        raise UnknownException(exception_id=exception_id)
    if sha256 not in record.details.get("receipts", ()):
        raise UnknownReceipt(sha256=sha256)
    return sha256


async def settle_exception(
    session: AsyncSession, exception_id: UUID, *, note: str, by: str
) -> ExceptionView:
    record = await _lock_open(session, exception_id)
    record.settled_at = clock.now()
    record.settled_by = by
    record.settled_note = note
    return (await _views(session, [record]))[0]


async def assign_exception(
    session: AsyncSession, exception_id: UUID, person_id: UUID | None
) -> ExceptionView:
    """Say who looks after it; None: nobody in particular.

    Raises
    ------
    UnknownException, AlreadySettled, UnknownPerson, NotForExceptions
    """
    record = await _lock_open(session, exception_id)
    if person_id is not None:
        person = await identity.get_person(session, person_id)
        if not person.active or person.role not in LOOK_AFTER:
            raise NotForExceptions(name=person.name)
    record.assigned_to = person_id
    return (await _views(session, [record]))[0]


async def snooze_exception(
    session: AsyncSession, exception_id: UUID, until: datetime | None
) -> ExceptionView:
    """Put it off; None: it is to be seen again at once.

    Raises
    ------
    UnknownException, AlreadySettled, SnoozeTooLong
    """
    now = clock.now()
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise SnoozeTooLong
    record = await _lock_open(session, exception_id)
    record.snoozed_until = until
    return (await _views(session, [record]))[0]


async def _lock_open(session: AsyncSession, exception_id: UUID) -> ExceptionRecord:
    record = await session.get(
        ExceptionRecord, exception_id, with_for_update=True, populate_existing=True
    )
    if record is None:
        raise UnknownException(exception_id=exception_id)
    if record.settled_at is not None:
        raise AlreadySettled(settled_by=record.settled_by)
    return record


async def settle_by_itself(
    session: AsyncSession, kind: str, *, task_id: UUID, driver_id: UUID
) -> bool:
    """Settle what a later report has cleared up; whether there was such a thing."""
    settled = await session.scalars(
        update(ExceptionRecord)
        .where(
            ExceptionRecord.kind == kind,
            ExceptionRecord.task_id == task_id,
            ExceptionRecord.driver_id == driver_id,
            ExceptionRecord.settled_at.is_(None),
        )
        .values(settled_at=clock.now(), settled_by="system")
        .returning(ExceptionRecord.id)
    )
    return bool(settled.all())


async def settle_scanned(
    session: AsyncSession, kind: str, driver_id: UUID, barcodes: Collection[str]
) -> None:
    """Parcels whose scans were missing have been scanned after all."""
    for record in await session.scalars(
        select(ExceptionRecord).where(
            ExceptionRecord.kind == kind,
            ExceptionRecord.driver_id == driver_id,
            ExceptionRecord.settled_at.is_(None),
        )
    ):
        left = sorted(set(record.details["barcodes"]) - set(barcodes))
        record.details = record.details | {"barcodes": left}
        if not left:
            record.settled_at, record.settled_by = clock.now(), "system"


async def _views(session: AsyncSession, records: Sequence[ExceptionRecord]) -> list[ExceptionView]:
    people = await identity.get_people(
        session, {record.assigned_to for record in records if record.assigned_to}
    )
    return [
        ExceptionView(
            **{
                name: getattr(record, name)
                for name in ExceptionView.__struct_fields__
                if name != "assigned_name"
            },
            assigned_name=people[record.assigned_to].name if record.assigned_to else None,
        )
        for record in records
    ]
