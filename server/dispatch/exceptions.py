"""Exceptions: what a person must settle."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.events import ExceptionRaised
from server.dispatch.exception_words import fill_in, words_of
from server.dispatch.models import Driver, ExceptionRecord, Task
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.places import service as places

LOOK_AFTER = (Role.ADMIN, Role.DISPATCHER)
LONGEST_SNOOZE = timedelta(days=14)


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
    """sentence: what happened; pattern: the same with the names of details for their values, so
    that it can be said in another language. advice: what to do next. waybill, address: of the
    task or consignment that it is about. assigned_to, assigned_name: who looks after it.
    snoozed_until: it may wait until then."""

    id: UUID
    kind: str
    sentence: str
    pattern: str
    advice: str
    waybill: str | None
    address: str | None
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


RECORDED = sorted(
    {*ExceptionView.__struct_fields__}
    - {"sentence", "pattern", "advice", "waybill", "address", "assigned_name"}
)
"""What the record says as the view does."""


def raise_exception(
    session: AsyncSession,
    kind: str,
    *,
    task: Task | None = None,
    depot_id: UUID | None = None,
    run_id: UUID | None = None,
    driver_id: UUID | None = None,
    variant: str | None = None,
    **details: Any,
) -> None:
    """Put something before a person. variant: more exactly what happened, where the kind alone
    does not say it; see exception_words. details: plain values that help to settle it."""
    record = ExceptionRecord(
        kind=kind,
        sentence=words_of(kind, variant).sentence,
        depot_id=depot_id or (task.depot_id if task else None),
        task_id=task.id if task else None,
        consignment_id=task.consignment_id if task else None,
        run_id=run_id,
        driver_id=driver_id,
        details=msgspec.to_builtins({"variant": variant} | details if variant else details),
        raised_at=clock.now(),
    )
    session.add(record)
    record.id = new_id()
    emit(session, ExceptionRaised(exception_id=record.id, kind=kind))


async def raise_for_phone(
    session: AsyncSession, kind: str, *, driver_id: UUID, device_id: UUID, **details: Any
) -> None:
    """The same about a phone, unless it is before a person already."""
    query = select(ExceptionRecord.id).where(*_open_for_phone(kind, device_id))
    if await session.scalar(query.limit(1)) is None:
        driver = await session.get(Driver, driver_id)
        raise_exception(
            session,
            kind,
            depot_id=driver.depot_id if driver else None,
            driver_id=driver_id if driver else None,
            device_id=device_id,
            **details,
        )


async def settle_for_phone(
    session: AsyncSession, kind: str, *, device_id: UUID, note: str, by: str
) -> None:
    """What `raise_for_phone` put before a person has been seen to."""
    await session.execute(
        update(ExceptionRecord)
        .where(*_open_for_phone(kind, device_id))
        .values(settled_at=clock.now(), settled_by=by, settled_note=note)
    )


def _open_for_phone(kind: str, device_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        ExceptionRecord.kind == kind,
        ExceptionRecord.details["device_id"].astext == str(device_id),
        ExceptionRecord.settled_at.is_(None),
    )


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


async def receipt_of(session: AsyncSession, exception_id: UUID, sha256: str) -> tuple[str, str]:
    """That photo, if it belongs to what the driver paid, and the same one smaller, which was here
    first: the SHA-256 of both.

    Raises
    ------
    UnknownException, UnknownReceipt
    """
    record = await session.get(ExceptionRecord, exception_id)
    if record is None:
        raise UnknownException(exception_id=exception_id)
    if sha256 not in record.details.get("receipts", ()):
        raise UnknownReceipt(sha256=sha256)
    return sha256, record.details.get("small_receipts", {}).get(sha256, sha256)


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
    waybills = await consignments.waybills_of(
        session, {record.consignment_id for record in records if record.consignment_id}
    )
    addresses = await _addresses_of(session, {each.task_id for each in records if each.task_id})
    return [
        ExceptionView(
            sentence=fill_in(record.sentence, record.details),
            pattern=record.sentence,
            advice=words_of(record.kind, record.details.get("variant")).advice,
            waybill=waybills.get(record.consignment_id) if record.consignment_id else None,
            address=addresses.get(record.task_id) if record.task_id else None,
            assigned_name=people[record.assigned_to].name if record.assigned_to else None,
            **{name: getattr(record, name) for name in RECORDED},
        )
        for record in records
    ]


async def _addresses_of(session: AsyncSession, task_ids: Collection[UUID]) -> dict[UUID, str]:
    """Where tasks are to be done, by their ids."""
    query = select(Task.id, Task.place_id).where(Task.id.in_(task_ids))
    tasks = (await session.execute(query)).all()
    found = await places.get_places(session, {task.place_id for task in tasks})
    return {task.id: found[task.place_id].line for task in tasks}
