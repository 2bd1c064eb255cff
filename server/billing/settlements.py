"""Settlements: what the company owes a driver for a period, from facts, frozen when closed.

A fact is paid for once. One that comes to light after its period was closed is in the next
settlement; what was paid wrongly is put right there by an adjustment.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.models import PayAdjustment, Settlement, SettlementLine
from server.billing.pay import (
    DriverFacts,
    ParcelsMoved,
    PayLine,
    Rates,
    ShiftWorked,
    StopDone,
    pay_lines,
)
from server.billing.pay_rules import UnknownDriver, pay_rules_of
from server.billing.price_lines import Term, make_line
from server.billing.work_facts import IN_VAIN
from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id
from server.tracking import service as tracking

LATE = timedelta(days=92)
"""How long after it happened a fact is still paid for."""

EARLIEST_DAY = date(2000, 1, 1)


class UnknownSettlement(NotFound):
    """There is no settlement {settlement_id}, or it is not yours."""

    code = "billing.unknown_settlement"


class PeriodClosed(Conflict):
    """The driver's settlement up to {last_day} is closed. Choose a later day."""

    code = "billing.period_closed"


class PeriodNotOver(Invalid):
    """{day} is not over yet. Choose an earlier day."""

    code = "billing.period_not_over"


class NoPayRule(Conflict):
    """No pay rule was in force for this driver on {day}. Add one that was."""

    code = "billing.no_pay_rule"


class NothingToSettle(Conflict):
    """There is nothing to pay this driver in {currency} up to {last_day}."""

    code = "billing.nothing_to_settle"


class SettlementLineView(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    kind: str
    description: str
    net_minor: int
    occurred_at: datetime
    trace: dict[str, Any]


class SettlementSummary(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    driver_id: UUID
    currency: str
    first_day: date
    last_day: date
    total_minor: int
    closed_at: datetime


class SettlementView(msgspec.Struct, frozen=True, kw_only=True):
    """id, closed_at: None as long as it is only a preview."""

    driver_id: UUID
    currency: str
    first_day: date
    last_day: date
    total_minor: int
    lines: tuple[SettlementLineView, ...]
    id: UUID | None = None
    closed_at: datetime | None = None


async def preview_settlement(
    session: AsyncSession, driver_id: UUID, *, last_day: date, currency: str, zone: ZoneInfo
) -> SettlementView:
    """What a settlement up to that day, included, would be if it were closed now.

    zone: the company's, in which days are counted.

    Raises
    ------
    UnknownDriver, PeriodClosed, PeriodNotOver, NoPayRule
    """
    if driver_id not in await identity.get_people(session, [driver_id]):
        raise UnknownDriver(driver_id=driver_id)
    if last_day < EARLIEST_DAY:
        raise NothingToSettle(currency=currency, last_day=last_day)
    if last_day >= clock.now().astimezone(zone).date():
        raise PeriodNotOver(day=last_day)
    closed_through = await session.scalar(
        select(func.max(Settlement.last_day)).where(
            Settlement.driver_id == driver_id, Settlement.currency == currency
        )
    )
    if closed_through is not None and last_day <= closed_through:
        raise PeriodClosed(last_day=closed_through)
    until = datetime.combine(last_day + timedelta(days=1), time(), zone)
    facts = await _read_facts(session, driver_id, since=until - LATE, until=until)
    earned = await _earned(session, facts, currency, zone)
    by_hand = await _adjustments(session, driver_id, currency, until)
    lines = sorted([*earned, *by_hand], key=lambda line: (line.occurred_at, line.source))
    paid = set(
        await session.scalars(
            select(SettlementLine.source).where(
                SettlementLine.source.in_([line.source for line in lines])
            )
        )
    )
    views = tuple(_line_view(line) for line in lines if line.source not in paid)
    days = [view.occurred_at.astimezone(zone).date() for view in views]
    first_day = closed_through + timedelta(days=1) if closed_through else min([*days, last_day])
    return SettlementView(
        driver_id=driver_id,
        currency=currency,
        first_day=first_day,
        last_day=last_day,
        total_minor=sum(view.net_minor for view in views),
        lines=views,
    )


async def close_settlement(
    session: AsyncSession,
    driver_id: UUID,
    *,
    last_day: date,
    currency: str,
    zone: ZoneInfo,
    by: str,
) -> SettlementView:
    """Freeze it: what it holds is paid for.

    Raises
    ------
    NothingToSettle, and what `preview_settlement` raises
    """
    key = f"settlement:{driver_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    view = await preview_settlement(
        session, driver_id, last_day=last_day, currency=currency, zone=zone
    )
    if not view.lines:
        raise NothingToSettle(currency=currency, last_day=last_day)
    row = Settlement(
        id=new_id(),
        driver_id=driver_id,
        currency=currency,
        first_day=view.first_day,
        last_day=last_day,
        total_minor=view.total_minor,
        closed_at=clock.now(),
        closed_by=by,
    )
    session.add(row)
    await session.flush()
    session.add_all(
        SettlementLine(settlement_id=row.id, **msgspec.structs.asdict(line)) for line in view.lines
    )
    await record_audit(
        session,
        by=by,
        action="settlement.closed",
        subject=f"person:{driver_id}",
        details={"settlement_id": row.id, "total_minor": row.total_minor, "currency": currency},
    )
    await session.flush()
    return msgspec.structs.replace(view, id=row.id, closed_at=row.closed_at)


async def list_settlements(
    session: AsyncSession,
    *,
    driver_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[SettlementSummary]:
    """Newest first."""
    query = select(Settlement).order_by(Settlement.id.desc()).limit(limit)
    if driver_id is not None:
        query = query.where(Settlement.driver_id == driver_id)
    if after is not None:
        query = query.where(Settlement.id < after)
    return [
        msgspec.convert(row, SettlementSummary, from_attributes=True)
        for row in await session.scalars(query)
    ]


async def get_settlement(session: AsyncSession, settlement_id: UUID) -> SettlementView:
    """Raises
    ------
    UnknownSettlement
    """
    row = await session.get(Settlement, settlement_id)
    if row is None:
        raise UnknownSettlement(settlement_id=settlement_id)
    lines = await session.scalars(
        select(SettlementLine).where(SettlementLine.settlement_id == settlement_id)
    )
    return SettlementView(
        id=row.id,
        driver_id=row.driver_id,
        currency=row.currency,
        first_day=row.first_day,
        last_day=row.last_day,
        total_minor=row.total_minor,
        closed_at=row.closed_at,
        lines=tuple(
            msgspec.convert(line, SettlementLineView, from_attributes=True)
            for line in sorted(lines, key=lambda each: (each.occurred_at, each.source))
        ),
    )


async def _read_facts(
    session: AsyncSession, driver_id: UUID, *, since: datetime, until: datetime
) -> DriverFacts:
    visits = await dispatch.visits_by(session, driver_id, since=since, until=until)
    goods = await consignments.get_consignments(session, {visit.consignment_id for visit in visits})
    stops: dict[UUID, StopDone] = {}
    for visit in visits:
        if visit.state == "completed" or visit.outcome_code in IN_VAIN:
            stop_id = visit.stop_id or visit.task_id
            stops.setdefault(stop_id, StopDone(stop_id=stop_id, done_at=visit.finished_at))
    shifts = []
    for shift in await dispatch.worked_shifts(session, driver_id, since=since, until=until):
        driven = await tracking.driven_m(
            session, since=shift.started_at, until=shift.ended_at, driver_id=driver_id
        )
        worked_s = round((shift.ended_at - shift.started_at).total_seconds()) - shift.break_s
        shifts.append(
            ShiftWorked(
                shift_id=shift.shift_id,
                ended_at=shift.ended_at,
                worked_s=max(worked_s, 0),
                driven_m=round(driven.get(driver_id, 0.0)),
            )
        )
    return DriverFacts(
        driver_id=driver_id,
        stops=tuple(stops.values()),
        parcels=tuple(
            ParcelsMoved(
                task_id=visit.task_id,
                done_at=visit.finished_at,
                parcels=len(goods[visit.consignment_id].parcels),
            )
            for visit in visits
            if visit.state == "completed"
        ),
        shifts=tuple(shifts),
    )


async def _earned(
    session: AsyncSession, facts: DriverFacts, currency: str, zone: ZoneInfo
) -> list[PayLine]:
    rules = await pay_rules_of(session, facts.driver_id)

    def rates_at(at: datetime) -> Rates | None:
        for own in (True, False):
            in_force = [
                rule
                for rule in rules
                if (rule.driver_id is not None) == own and rule.valid_from <= at
            ]
            if in_force:
                rule = max(in_force, key=lambda each: each.valid_from)
                return rule.rates if rule.currency == currency else None
        raise NoPayRule(day=at.astimezone(zone).date())

    return pay_lines(facts, rates_at, zone)


async def _adjustments(
    session: AsyncSession, driver_id: UUID, currency: str, until: datetime
) -> Sequence[PayLine]:
    settled = select(SettlementLine.source).where(
        SettlementLine.source == func.concat("adjustment:", PayAdjustment.id)
    )
    rows = await session.scalars(
        select(PayAdjustment)
        .where(
            PayAdjustment.driver_id == driver_id,
            PayAdjustment.currency == currency,
            or_(PayAdjustment.occurred_at < until, PayAdjustment.corrects_id.is_not(None)),
            ~settled.exists(),
        )
        .order_by(PayAdjustment.id)
    )
    return [_adjustment_line(row) for row in rows]


def _adjustment_line(row: PayAdjustment) -> PayLine:
    kind = "bonus" if row.amount_minor > 0 else "deduction"
    corrects = f" Corrects the settlement {row.corrects_id}." if row.corrects_id else ""
    term = Term(words="by hand", quantity=1, unit="time", minor=row.amount_minor)
    return PayLine(
        source=f"adjustment:{row.id}",
        occurred_at=row.occurred_at,
        line=make_line(kind, row.reason, f"By hand: {row.reason}.{corrects}", [term]),
    )


def _line_view(line: PayLine) -> SettlementLineView:
    return SettlementLineView(
        source=line.source,
        kind=line.line.kind,
        description=line.line.description,
        net_minor=line.line.net_minor,
        occurred_at=line.occurred_at,
        trace=msgspec.to_builtins(line.line.trace),
    )
