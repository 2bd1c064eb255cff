"""Drivers are paid for every fact once; a closed settlement never changes."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.billing import service as billing
from server.billing.pay import DriverFacts, ParcelsMoved, ShiftWorked, StopDone, pay_lines
from server.billing.pay_rules import CorrectsAnother, RuleExists, RuleTooEarly
from server.billing.price_lines import recompute
from server.billing.service import DayBonus, Rates, SettlementView
from server.billing.settlements import (
    NoPayRule,
    NothingToSettle,
    PeriodClosed,
    PeriodNotOver,
)
from server.kit.ids import new_id
from server.protocol.from_driver import CompleteTask, SetShift
from tests.server.billing.conftest import Trade
from tests.server.dispatch.conftest import DAY, MORNING, corner

ZONE = ZoneInfo("Europe/Vaduz")
LONG_AGO = MORNING - timedelta(days=200)


async def add_rule(trade: Trade, rates: Rates, **details: Any) -> None:
    values: dict[str, Any] = {"driver_id": None, "valid_from": LONG_AGO, "currency": "EUR"}
    async with trade.db.transaction() as session:
        await billing.add_pay_rule(session, **(values | details), rates=rates, by="test")


async def settle(trade: Trade, driver: UUID, last_day: date = DAY) -> SettlementView:
    async with trade.db.transaction() as session:
        return await billing.close_settlement(
            session, driver, last_day=last_day, currency="EUR", zone=ZONE, by="test"
        )


def as_sent(settlement: SettlementView) -> bytes:
    return msgspec.json.encode(settlement, order="sorted")


async def works_a_day(trade: Trade) -> UUID:
    """One driver, two stops, four parcels, two hours with half an hour of rest."""
    town = trade.town
    driver = await town.add_driver()
    await town.does(driver, SetShift(change="start", occurred_at=town.now))
    for block in (1, 2):
        await trade.deliver(driver, corner(block, 1), parcels=2)
    for change, minutes in (("break_start", 30), ("break_end", 30), ("end", 50)):
        at = town.later(minutes=minutes)
        await town.does(driver, SetShift(change=change, occurred_at=at))  # type: ignore[arg-type]
    return driver


async def test_a_day_is_paid_by_stop_parcel_and_hour_and_explains_itself(trade: Trade) -> None:
    rates = Rates(
        per_stop_minor=150,
        per_parcel_minor=20,
        per_hour_minor=1200,
        day_bonuses=(DayBonus(stops_at_least=2, minor=500), DayBonus(stops_at_least=3, minor=900)),
    )
    await add_rule(trade, rates)
    driver = await works_a_day(trade)
    trade.town.later(days=1)
    settled = await settle(trade, driver)
    by_kind: dict[str, int] = {}
    for line in settled.lines:
        by_kind[line.kind] = by_kind.get(line.kind, 0) + line.net_minor
        assert recompute(line.trace) == line.net_minor
    assert by_kind == {"per_stop": 300, "per_parcel": 80, "per_hour": 1800, "day_bonus": 500}
    assert settled.total_minor == 2680
    assert (settled.first_day, settled.last_day) == (DAY, DAY)
    async with trade.db.transaction() as session:
        assert settled.id is not None
        kept = await billing.get_settlement(session, settled.id)
    assert as_sent(kept) == as_sent(settled)


async def test_a_closed_settlement_never_changes_and_the_next_one_corrects_it(
    trade: Trade,
) -> None:
    await add_rule(trade, Rates(per_stop_minor=100))
    town = trade.town
    driver = await town.add_driver()
    for block in (1, 2):
        await trade.deliver(driver, corner(block, 1))
    _, late_task = await town.assign(corner(3, 1), account_id=trade.account_id)
    late_at = town.now
    town.later(days=1)
    first = await settle(trade, driver)
    assert first.total_minor == 200
    with pytest.raises(PeriodClosed):
        await settle(trade, driver)
    # A phone comes back from the cellar: this happened before the settlement was closed.
    late = CompleteTask(
        task_id=late_task, outcome_code="delivered_to_consignee", occurred_at=late_at
    )
    await town.does(driver, late)
    async with trade.db.transaction() as session:
        await billing.adjust_pay(
            session,
            driver,
            amount_minor=-30,
            currency="EUR",
            reason="Paid too much",
            occurred_at=town.now,
            corrects_id=first.id,
            by="test",
        )
    town.later(days=1)
    second = await settle(trade, driver, DAY + timedelta(days=1))
    assert [(line.kind, line.net_minor) for line in second.lines] == [
        ("per_stop", 100),
        ("deduction", -30),
    ]
    assert all(recompute(line.trace) == line.net_minor for line in second.lines)
    assert second.first_day == DAY + timedelta(days=1)
    town.later(days=1)
    with pytest.raises(NothingToSettle):
        await settle(trade, driver, DAY + timedelta(days=2))
    for statement in ("update settlement set total_minor = 0", "delete from settlement_line"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with trade.db.transaction() as session:
                await session.execute(text(statement))


async def test_two_who_close_at_once_pay_once(real_trade: Trade) -> None:
    trade = real_trade
    await add_rule(trade, Rates(per_stop_minor=100))
    driver = await works_a_day(trade)
    trade.town.later(days=1)

    async def close() -> int:
        try:
            return (await settle(trade, driver)).total_minor
        except PeriodClosed:
            return 0

    assert sum(await asyncio.gather(*(close() for _ in range(5)))) == 200


async def test_work_without_a_rule_is_never_silently_unpaid(trade: Trade) -> None:
    driver = await works_a_day(trade)
    with pytest.raises(PeriodNotOver):
        await settle(trade, driver)
    trade.town.later(days=1)
    with pytest.raises(NoPayRule):
        await settle(trade, driver)


async def test_a_drivers_own_rule_comes_first_and_the_newest_counts(trade: Trade) -> None:
    await add_rule(trade, Rates(per_stop_minor=100))
    driver = await works_a_day(trade)
    await add_rule(trade, Rates(per_stop_minor=200), driver_id=driver)
    newest = {"driver_id": driver, "valid_from": MORNING}
    await add_rule(trade, Rates(per_stop_minor=300), **newest)
    with pytest.raises(RuleExists):
        await add_rule(trade, Rates(per_stop_minor=400), **newest)
    trade.town.later(days=1)
    settled = await settle(trade, driver)
    assert settled.total_minor == 600
    with pytest.raises(RuleTooEarly):
        await add_rule(trade, Rates(), driver_id=driver, valid_from=MORNING - timedelta(days=1))
    with pytest.raises(CorrectsAnother):
        async with trade.db.transaction() as session:
            await billing.adjust_pay(
                session,
                driver,
                amount_minor=5,
                currency="CHF",
                reason="Other money",
                occurred_at=trade.town.now,
                corrects_id=settled.id,
                by="test",
            )


amounts = st.integers(0, 10_000)


@given(
    st.builds(
        Rates,
        per_stop_minor=amounts,
        per_parcel_minor=amounts,
        per_km_minor=amounts,
        per_hour_minor=amounts,
    ),
    st.integers(0, 50),
    st.integers(0, 200_000),
    st.integers(0, 50_000),
)
def test_each_line_of_pay_can_be_redone_from_its_trace(
    rates: Rates, parcels: int, driven_m: int, worked_s: int
) -> None:
    facts = DriverFacts(
        driver_id=new_id(),
        stops=(StopDone(stop_id=new_id(), done_at=MORNING),),
        parcels=(ParcelsMoved(task_id=new_id(), done_at=MORNING, parcels=parcels),),
        shifts=(
            ShiftWorked(shift_id=new_id(), ended_at=MORNING, worked_s=worked_s, driven_m=driven_m),
        ),
    )
    lines = pay_lines(facts, lambda _: rates, ZONE)
    exact = (
        rates.per_stop_minor
        + rates.per_parcel_minor * parcels
        + rates.per_km_minor * driven_m / 1000
        + rates.per_hour_minor * worked_s / 3600
    )
    total = sum(each.line.net_minor for each in lines)
    assert abs(total - exact) <= 1
    assert len({each.source for each in lines}) == len(lines)
