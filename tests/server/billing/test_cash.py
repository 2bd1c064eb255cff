"""Each cent that was taken at a door is in one debrief and in one remittance, and in the books."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.billing import service as billing
from server.billing.cash import CashChanged, DifferenceUnexplained, NothingToDebrief
from server.billing.cash_remittances import DueChanged, NothingToRemit, cash_of_remittance
from server.billing.models import CashTaken
from server.billing.postings import balances
from server.billing.service import DebriefView, Posting, RemittanceView, Rules
from server.billing.tariff_rules import CashFee
from server.kit.outbox import OutboxEvent
from server.protocol.from_driver import CompleteTask
from tests.server.billing.conftest import Trade
from tests.server.dispatch.conftest import MORNING, corner

ALWAYS = {"since": MORNING - timedelta(days=1), "until": MORNING + timedelta(days=1)}


async def debrief(
    trade: Trade, driver: UUID, expected: int, counted: int, reason: str = ""
) -> DebriefView:
    async with trade.db.transaction() as session:
        return await billing.debrief_driver(
            session,
            driver,
            currency="EUR",
            expected_minor=expected,
            counted_minor=counted,
            reason=reason,
            by="test",
        )


async def remit(trade: Trade, gross: int) -> RemittanceView:
    async with trade.db.transaction() as session:
        return await billing.remit_cash(
            session,
            trade.account_id,
            currency="EUR",
            gross_minor=gross,
            reference="T-1",
            by="test",
        )


async def postings(trade: Trade) -> list[Posting]:
    async with trade.db.transaction() as session:
        return await billing.journal_postings(session, **ALWAYS)


def check_balanced(found: Sequence[Posting]) -> dict[tuple[str, str], int]:
    entries: Counter[tuple[str, str]] = Counter()
    for each in found:
        assert min(each.debit_minor, each.credit_minor) == 0
        assert max(each.debit_minor, each.credit_minor) > 0
        entries[each.entry, each.currency] += each.debit_minor - each.credit_minor
    assert set(entries.values()) <= {0}
    return {key: minor for key, minor in balances(found).items() if minor}


async def test_cash_goes_from_the_door_to_the_till_to_the_account(trade: Trade) -> None:
    await trade.tariff(Rules(cash_fee=CashFee(minor=80)))
    driver = await trade.town.add_driver()
    for cash_minor in (1200, 800):
        await trade.deliver(driver, corner(1, 1), cash_minor=cash_minor)
    async with trade.db.transaction() as session:
        (expected,) = await billing.expected_cash(session, driver)
        (due,) = await billing.due_cash(session, trade.account_id)
    assert (expected.expected_minor, len(expected.taken)) == (2000, 2)
    assert (due.gross_minor, due.with_drivers_minor) == (0, 2000)
    with pytest.raises(NothingToRemit):
        await remit(trade, 2000)
    counted = await debrief(trade, driver, 2000, 2000)
    assert counted.difference_minor == 0
    assert check_balanced(await postings(trade)) == {
        ("till", "EUR"): 2000,
        ("cash_owed_to_accounts", "EUR"): -2000,
    }
    with pytest.raises(DueChanged):
        await remit(trade, 1999)
    paid = await remit(trade, 2000)
    assert (paid.gross_minor, paid.withheld_minor, paid.net_minor) == (2000, 0, 2000)
    assert check_balanced(await postings(trade)) == {
        ("till", "EUR"): 2000,
        ("bank", "EUR"): -2000,
    }


async def test_a_difference_is_never_silent(trade: Trade) -> None:
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), cash_minor=1000)
    with pytest.raises(DifferenceUnexplained):
        await debrief(trade, driver, 1000, 990, "  ")
    short = await debrief(trade, driver, 1000, 990, "A coin was lost")
    assert (short.difference_minor, short.reason) == (-10, "A coin was lost")
    assert check_balanced(await postings(trade))["cash_differences", "EUR"] == 10
    assert (await remit(trade, 1000)).net_minor == 1000  # the account does not pay for it


async def test_who_counts_what_has_changed_counts_again(trade: Trade) -> None:
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), cash_minor=1000)
    await trade.deliver(driver, corner(2, 1), cash_minor=500)
    with pytest.raises(CashChanged):
        await debrief(trade, driver, 1000, 1000)
    await debrief(trade, driver, 1500, 1500)
    with pytest.raises(NothingToDebrief):
        await debrief(trade, driver, 0, 0)


async def test_fees_are_kept_only_as_agreed_and_told(trade: Trade) -> None:
    await trade.tariff(Rules(cash_fee=CashFee(minor=80)))
    async with trade.db.transaction() as session:
        await billing.agree_on_fees(session, trade.account_id, withholds_fees=True, by="test")
    driver = await trade.town.add_driver()
    for cash_minor in (1200, 50):  # of the second one no more can be kept than there is
        await trade.deliver(driver, corner(1, 1), cash_minor=cash_minor)
    await debrief(trade, driver, 1250, 1250)
    paid = await remit(trade, 1250)
    assert (paid.withheld_minor, paid.net_minor) == (130, 1120)
    async with trade.db.transaction() as session:
        told = list(
            await session.scalars(
                select(OutboxEvent.body).where(OutboxEvent.name == "billing.CashWithheld")
            )
        )
    assert [each["amount_minor"] for each in told] == [130]
    assert check_balanced(await postings(trade)) == {
        ("till", "EUR"): 1250,
        ("bank", "EUR"): -1120,
        ("fees_withheld", "EUR"): -130,
    }


async def test_one_door_pays_once_however_often_it_is_reported(trade: Trade) -> None:
    town = trade.town
    driver = await town.add_driver()
    consignment = await trade.deliver(driver, corner(1, 1), cash_minor=700)
    task_id = await town.task_id(consignment)
    for amount in (700, 900, 10**30):
        again = CompleteTask(
            task_id=task_id,
            outcome_code="delivered_to_consignee",
            occurred_at=town.now,
            cash_minor=amount,
        )
        await town.does(driver, again)
    assert "done_twice" in await town.raised()
    async with trade.db.transaction() as session:
        (expected,) = await billing.expected_cash(session, driver)
    assert expected.expected_minor == 700


async def test_two_debriefs_at_once_count_each_cent_once(real_trade: Trade) -> None:
    trade = real_trade
    driver = await trade.town.add_driver()
    for _ in range(3):
        await trade.deliver(driver, corner(1, 1), cash_minor=500)

    async def count() -> int:
        try:
            return (await debrief(trade, driver, 1500, 1500)).counted_minor
        except (NothingToDebrief, CashChanged):
            return 0

    assert sum(await asyncio.gather(*(count() for _ in range(6)))) == 1500

    async def pay() -> int:
        try:
            return (await remit(trade, 1500)).gross_minor
        except NothingToRemit:
            return 0

    assert sum(await asyncio.gather(*(pay() for _ in range(6)))) == 1500
    check_balanced(await postings(trade))


async def test_each_cent_is_accounted_for_after_every_step_of_a_mixed_day(trade: Trade) -> None:
    """What was taken is with a driver, or counted and owed, or paid; each door in one debrief and
    one remittance. The cash is noted directly: how it is reported is shown above."""
    town = trade.town
    drivers = [await town.add_driver(), await town.add_driver()]
    amounts = (1250, 1, 99_999, 333, 4200, 10)
    taken = counted = paid = 0
    remitted: list[UUID] = []
    for number, amount in enumerate(amounts):
        driver = drivers[number % 2]
        consignment = await town.book(
            corner(1, number), account_id=trade.account_id, currency="EUR", cash_minor=amount
        )
        async with trade.db.transaction() as session:
            task = (await town.tasks(consignment))[-1]
            session.add(
                CashTaken(
                    task_id=task.id,
                    consignment_id=consignment.id,
                    account_id=trade.account_id,
                    driver_id=driver,
                    amount_minor=amount,
                    currency="EUR",
                    occurred_at=town.now,
                    noted_at=town.now,
                )
            )
        taken += amount
        if number % 3 == 1:
            async with trade.db.transaction() as session:
                (open_cash,) = await billing.expected_cash(session, driver)
            due = open_cash.expected_minor
            await debrief(trade, driver, due, due + number, "counted again")
            counted += due
        async with trade.db.transaction() as session:
            (account,) = await billing.due_cash(session, trade.account_id)
        assert account.with_drivers_minor == taken - counted
        assert account.gross_minor == counted - paid
        if number == 4:
            remittance = await remit(trade, counted - paid)
            paid += remittance.gross_minor
            async with trade.db.transaction() as session:
                lines = await cash_of_remittance(session, remittance.id)
            remitted += [line.id for line in lines]
            assert sum(line.amount_minor for line in lines) == remittance.gross_minor
    assert len(set(remitted)) == len(remitted)
    sums = check_balanced(await postings(trade))
    assert -sums["cash_owed_to_accounts", "EUR"] == taken - paid
    assert sums["cash_with_drivers", "EUR"] == taken - counted


@given(st.lists(st.integers(-1000, 1000), max_size=5))
def test_balances_are_debits_less_credits(amounts: list[int]) -> None:
    found = [
        Posting(
            entry="e",
            booked_at=MORNING,
            account_code=code,
            debit_minor=max(sign * amount, 0),
            credit_minor=max(-sign * amount, 0),
            currency="EUR",
            words="",
        )
        for amount in amounts
        for code, sign in (("a", 1), ("b", -1))
    ]
    sums = balances(found)
    assert sum(sums.values()) == 0
    assert sums.get(("a", "EUR"), 0) == sum(amounts)
