"""What drivers are paid by: dated rules, and bonuses and deductions by hand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.models import PayAdjustment, PayRule, Settlement
from server.billing.pay import Rates
from server.identity import service as identity
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id


class UnknownDriver(NotFound):
    """There is no driver {driver_id}."""

    code = "billing.unknown_driver"


class RuleTooEarly(Conflict):
    """Settlements up to {last_day} are closed: a pay rule begins later. Put right what was paid by
    an adjustment."""

    code = "billing.rule_too_early"


class RuleExists(Conflict):
    """A pay rule begins at {valid_from} already. Choose another time."""

    code = "billing.rule_exists"


class CorrectsAnother(Invalid):
    """The settlement {settlement_id} that is to be corrected is not one of this driver in this
    currency."""

    code = "billing.corrects_another"


class PayRuleView(msgspec.Struct, frozen=True, kw_only=True):
    """driver_id: None means all drivers who have no rule of their own."""

    id: UUID
    driver_id: UUID | None
    valid_from: datetime
    currency: str
    rates: Rates
    created_at: datetime


class NoAmount(Invalid):
    """An adjustment of nothing adjusts nothing. Give an amount."""

    code = "billing.no_amount"


class AdjustmentView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    driver_id: UUID
    amount_minor: int
    currency: str
    reason: str
    occurred_at: datetime
    corrects_id: UUID | None


async def add_pay_rule(
    session: AsyncSession,
    *,
    driver_id: UUID | None,
    valid_from: datetime,
    currency: str,
    rates: Rates,
    by: str,
) -> PayRuleView:
    """A rule from then on; the one before it ends there.

    Raises
    ------
    UnknownDriver, RuleTooEarly, RuleExists
    """
    closed = select(func.max(Settlement.last_day))
    if driver_id is not None:
        await _check_driver(session, driver_id)
        closed = closed.where(Settlement.driver_id == driver_id)
    closed_through = await session.scalar(closed)
    if closed_through is not None and valid_from.date() <= closed_through:
        raise RuleTooEarly(last_day=closed_through)
    row = await session.scalar(
        insert(PayRule)
        .values(
            id=new_id(),
            driver_id=driver_id,
            valid_from=valid_from,
            currency=currency,
            rates=msgspec.to_builtins(rates),
            created_at=clock.now(),
            created_by=by,
        )
        .on_conflict_do_nothing(index_elements=["driver_id", "valid_from"])
        .returning(PayRule)
    )
    if row is None:
        raise RuleExists(valid_from=valid_from)
    await record_audit(
        session,
        by=by,
        action="pay_rule.added",
        subject=f"pay_rule:{row.id}",
        details={"driver_id": driver_id, "valid_from": valid_from},
    )
    return rule_view(row)


async def pay_rules_of(session: AsyncSession, driver_id: UUID) -> list[PayRuleView]:
    """The driver's own rules and those of all."""
    rows = await session.scalars(
        select(PayRule)
        .where(or_(PayRule.driver_id == driver_id, PayRule.driver_id.is_(None)))
        .order_by(PayRule.valid_from)
    )
    return [rule_view(row) for row in rows]


async def list_pay_rules(
    session: AsyncSession, *, after: UUID | None = None, limit: int = 50
) -> list[PayRuleView]:
    """Newest first."""
    query = select(PayRule).order_by(PayRule.id.desc()).limit(limit)
    if after is not None:
        query = query.where(PayRule.id < after)
    return [rule_view(row) for row in await session.scalars(query)]


async def adjust_pay(
    session: AsyncSession,
    driver_id: UUID,
    *,
    amount_minor: int,
    currency: str,
    reason: str,
    occurred_at: datetime,
    corrects_id: UUID | None = None,
    by: str,
) -> AdjustmentView:
    """A bonus, or a deduction when negative, for the driver's next settlement.

    Raises
    ------
    UnknownDriver, CorrectsAnother, NoAmount
    """
    if amount_minor == 0:
        raise NoAmount
    await _check_driver(session, driver_id)
    if corrects_id is not None:
        corrected = await session.get(Settlement, corrects_id)
        if corrected is None or (corrected.driver_id, corrected.currency) != (driver_id, currency):
            raise CorrectsAnother(settlement_id=corrects_id)
    row = PayAdjustment(
        id=new_id(),
        driver_id=driver_id,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        occurred_at=occurred_at,
        corrects_id=corrects_id,
        created_by=by,
    )
    session.add(row)
    await session.flush()
    await record_audit(
        session,
        by=by,
        action="pay.adjusted",
        subject=f"person:{driver_id}",
        details={"amount_minor": amount_minor, "currency": currency, "reason": reason},
    )
    return msgspec.convert(row, AdjustmentView, from_attributes=True)


async def list_adjustments(
    session: AsyncSession, driver_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[AdjustmentView]:
    """Newest first."""
    query = select(PayAdjustment).where(PayAdjustment.driver_id == driver_id)
    if after is not None:
        query = query.where(PayAdjustment.id < after)
    rows = await session.scalars(query.order_by(PayAdjustment.id.desc()).limit(limit))
    return [msgspec.convert(row, AdjustmentView, from_attributes=True) for row in rows]


async def _check_driver(session: AsyncSession, driver_id: UUID) -> None:
    if driver_id not in await identity.get_people(session, [driver_id]):
        raise UnknownDriver(driver_id=driver_id)


def rule_view(row: PayRule) -> PayRuleView:
    return PayRuleView(
        id=row.id,
        driver_id=row.driver_id,
        valid_from=row.valid_from,
        currency=row.currency,
        rates=msgspec.convert(row.rates, Rates),
        created_at=row.created_at,
    )
