"""Statements and ageing, as of any day."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from server.billing import service as billing
from server.billing.invoice_errors import BadPeriod
from server.billing.service import Ageing
from server.kit import clock
from server.kit.db import Database
from tests.server.billing.bookkeeping import BUYER, NOON, Office


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


async def ageing(office: Office, account_id: UUID, as_of: date) -> Ageing:
    async with office.db.transaction() as session:
        (found,) = await billing.list_ageing(session, as_of=as_of, account_id=account_id)
    return found


async def closing_minor(office: Office, account_id: UUID, day: date) -> int:
    async with office.db.transaction() as session:
        statement = await billing.get_statement(session, account_id, since=day, until=day)
    return statement.closing_minor


async def test_a_statement_carries_the_balance_from_line_to_line(office: Office) -> None:
    acme = await office.account()
    await office.invoice(acme, 1000)
    office.now += timedelta(days=1)
    second = await office.invoice(acme, 500)
    await office.credit(second.id)
    await office.pay(2000, account_id=acme)
    async with office.db.transaction() as session:
        today = office.now.date()
        statement = await billing.get_statement(session, acme, since=today, until=today)
    assert (statement.opening_minor, statement.closing_minor) == (1190, -810)
    assert [(line.kind, line.amount_minor, line.balance_minor) for line in statement.lines] == [
        ("invoice", 595, 1785),
        ("credit_note", -595, 1190),
        ("payment", -2000, -810),
    ]
    assert statement.closing_minor == await office.owed_minor(acme)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "current_minor"),
        (14, "current_minor"),
        (15, "days_1_to_30_minor"),
        (44, "days_1_to_30_minor"),
        (45, "days_31_to_60_minor"),
        (74, "days_31_to_60_minor"),
        (75, "days_61_to_90_minor"),
        (104, "days_61_to_90_minor"),
        (105, "days_over_90_minor"),
    ],
)
async def test_a_debt_ages_from_the_day_that_it_was_due(
    office: Office, days: int, bucket: str
) -> None:
    acme = await office.account("ACME", msgspec.structs.replace(BUYER, payment_days=14))
    await office.invoice(acme, 1000)
    shown = await ageing(office, acme, NOON.date() + timedelta(days=days))
    assert (getattr(shown, bucket), shown.total_minor) == (1190, 1190)


async def test_the_past_is_shown_as_it_was_then(office: Office) -> None:
    """Every later match and unmatch leaves what was open on an earlier day alone."""
    acme = await office.account()
    first = await office.invoice(acme, 1000)
    days = [office.now.date()]
    office.now += timedelta(days=3)
    payment = await office.pay(700, account_id=acme)
    days.append(office.now.date())
    office.now += timedelta(days=3)
    match = await office.match(first.id, payment_id=payment.id)
    days.append(office.now.date())
    office.now += timedelta(days=3)
    await office.undo(match.id)
    days.append(office.now.date())
    office.now += timedelta(days=3)
    await office.credit(first.id)
    days.append(office.now.date())
    shown = [await ageing(office, acme, day) for day in days]
    assert [(each.current_minor, each.credit_minor) for each in shown] == [
        (1190, 0),
        (1190, 700),
        (490, 0),
        (1190, 700),
        (0, 700),
    ]
    for day, each in zip(days, shown, strict=True):
        assert each.total_minor == await closing_minor(office, acme, day)
    assert shown[-1].total_minor == await office.owed_minor(acme)


async def test_a_statement_has_a_first_day_before_its_last(office: Office) -> None:
    acme = await office.account()
    with pytest.raises(BadPeriod):
        async with office.db.transaction() as session:
            await billing.get_statement(
                session, acme, since=date(2026, 3, 2), until=date(2026, 3, 1)
            )
