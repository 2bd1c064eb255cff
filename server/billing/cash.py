"""Cash on delivery: what each driver took, and the count at the end of the day.

Every cent is in exactly one debrief and, later, in exactly one remittance: the keys of their lines
see to it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.models import CashDebrief, CashDebriefLine, CashTaken
from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id

LOOK_BACK = timedelta(days=60)
"""How far back a debrief looks for reports of which no news has come yet."""

NO_CURRENCY = "XXX"


class UnknownDebrief(NotFound):
    """There is no debrief {debrief_id}."""

    code = "billing.unknown_debrief"


class CashChanged(Conflict):
    """The driver should have {expected_minor}, not what you were shown. Look again, then count."""

    code = "billing.cash_changed"


class DifferenceUnexplained(Invalid):
    """The count differs by {difference_minor} from what the driver should have. Say why."""

    code = "billing.difference_unexplained"


class NothingToDebrief(Conflict):
    """This driver has taken no cash in {currency} since the last debrief."""

    code = "billing.nothing_to_debrief"


class CashView(msgspec.Struct, frozen=True, kw_only=True):
    """amount_minor: negative when it was paid out."""

    id: UUID
    task_id: UUID
    consignment_id: UUID
    account_id: UUID | None
    driver_id: UUID
    amount_minor: int
    currency: str
    occurred_at: datetime


class ExpectedCash(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver should have in one currency, door by door."""

    driver_id: UUID
    currency: str
    expected_minor: int
    taken: tuple[CashView, ...]


class DebriefView(msgspec.Struct, frozen=True, kw_only=True):
    """difference_minor: counted less expected, negative when something is missing."""

    id: UUID
    driver_id: UUID
    currency: str
    expected_minor: int
    counted_minor: int
    difference_minor: int
    reason: str
    debriefed_at: datetime
    debriefed_by: str


async def note_cash(
    session: AsyncSession, *, consignment_id: UUID | None = None, driver_id: UUID | None = None
) -> None:
    """Note the cash that was reported, once for each door."""
    reports = await dispatch.cash_reports(
        session,
        consignment_id=consignment_id,
        driver_id=driver_id,
        since=clock.now() - LOOK_BACK if driver_id is not None else None,
    )
    goods = await consignments.get_consignments(
        session, {report.consignment_id for report in reports}
    )
    owners = await accounts.get_accounts(
        session, {each.account_id for each in goods.values() if each.account_id is not None}
    )
    for report in sorted(reports, key=lambda each: each.task_id):
        consignment = goods[report.consignment_id]
        owner = owners.get(consignment.account_id) if consignment.account_id else None
        await session.execute(
            insert(CashTaken)
            .values(
                id=new_id(),
                task_id=report.task_id,
                consignment_id=consignment.id,
                account_id=consignment.account_id,
                driver_id=report.driver_id,
                amount_minor=report.amount_minor,
                currency=consignment.currency or (owner.currency if owner else NO_CURRENCY),
                occurred_at=report.occurred_at,
                noted_at=clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["task_id"])
        )


async def expected_cash(session: AsyncSession, driver_id: UUID) -> list[ExpectedCash]:
    """What a driver should have, by currency."""
    await note_cash(session, driver_id=driver_id)
    taken = await _undebriefed(session, driver_id)
    return [
        ExpectedCash(
            driver_id=driver_id,
            currency=currency,
            expected_minor=sum(row.amount_minor for row in rows),
            taken=tuple(map(cash_view, rows)),
        )
        for currency in sorted({row.currency for row in taken})
        if (rows := [row for row in taken if row.currency == currency])
    ]


async def debrief_driver(
    session: AsyncSession,
    driver_id: UUID,
    *,
    currency: str,
    expected_minor: int,
    counted_minor: int,
    reason: str,
    by: str,
) -> DebriefView:
    """Take over a driver's cash. expected_minor: as it was shown to who counts.

    Raises
    ------
    CashChanged, DifferenceUnexplained, NothingToDebrief
    """
    await _lock(session, f"cash:driver:{driver_id}")
    await note_cash(session, driver_id=driver_id)
    rows = await _undebriefed(session, driver_id, currency=currency)
    due_minor = sum(row.amount_minor for row in rows)
    if not rows and counted_minor == 0:
        raise NothingToDebrief(currency=currency)
    if due_minor != expected_minor:
        raise CashChanged(expected_minor=due_minor)
    reason = reason.strip()
    if counted_minor != due_minor and not reason:
        raise DifferenceUnexplained(difference_minor=counted_minor - due_minor)
    debrief = CashDebrief(
        id=new_id(),
        driver_id=driver_id,
        currency=currency,
        expected_minor=due_minor,
        counted_minor=counted_minor,
        reason=reason,
        debriefed_at=clock.now(),
        debriefed_by=by,
    )
    session.add(debrief)
    await session.flush()
    session.add_all(CashDebriefLine(cash_id=row.id, debrief_id=debrief.id) for row in rows)
    await record_audit(
        session,
        by=by,
        action="cash.debriefed",
        subject=f"person:{driver_id}",
        details={
            "debrief_id": debrief.id,
            "expected_minor": due_minor,
            "counted_minor": counted_minor,
            "reason": reason,
        },
    )
    await session.flush()
    return debrief_view(debrief)


async def list_debriefs(
    session: AsyncSession,
    *,
    driver_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DebriefView]:
    """Newest first."""
    query = select(CashDebrief).order_by(CashDebrief.id.desc()).limit(limit)
    if driver_id is not None:
        query = query.where(CashDebrief.driver_id == driver_id)
    if after is not None:
        query = query.where(CashDebrief.id < after)
    return [debrief_view(row) for row in await session.scalars(query)]


async def cash_of_debrief(session: AsyncSession, debrief_id: UUID) -> list[CashView]:
    """What was counted in it, door by door.

    Raises
    ------
    UnknownDebrief
    """
    if await session.get(CashDebrief, debrief_id) is None:
        raise UnknownDebrief(debrief_id=debrief_id)
    rows = await session.scalars(
        select(CashTaken)
        .join(CashDebriefLine, CashDebriefLine.cash_id == CashTaken.id)
        .where(CashDebriefLine.debrief_id == debrief_id)
        .order_by(CashTaken.id)
    )
    return [cash_view(row) for row in rows]


async def _undebriefed(
    session: AsyncSession, driver_id: UUID, *, currency: str | None = None
) -> Sequence[CashTaken]:
    counted = select(CashDebriefLine.cash_id).where(CashDebriefLine.cash_id == CashTaken.id)
    query = select(CashTaken).where(CashTaken.driver_id == driver_id, ~counted.exists())
    if currency is not None:
        query = query.where(CashTaken.currency == currency)
    return (await session.scalars(query.order_by(CashTaken.id))).all()


async def _lock(session: AsyncSession, what: str) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def cash_view(row: CashTaken) -> CashView:
    return msgspec.convert(row, CashView, from_attributes=True)


def debrief_view(row: CashDebrief) -> DebriefView:
    return DebriefView(
        id=row.id,
        driver_id=row.driver_id,
        currency=row.currency,
        expected_minor=row.expected_minor,
        counted_minor=row.counted_minor,
        difference_minor=row.counted_minor - row.expected_minor,
        reason=row.reason,
        debriefed_at=row.debriefed_at,
        debriefed_by=row.debriefed_by,
    )
