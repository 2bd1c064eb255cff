"""Tariffs begin, end and never overlap; once in force they do not change."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import Rules, TariffDraft, TariffsOverlap
from server.billing.tariff_rules import Band, Distance, Flat
from server.billing.tariffs import (
    AnotherCurrency,
    BadBands,
    BadValidity,
    EmptyTariff,
    TariffInForce,
    TariffNotInForce,
)
from server.kit.db import Database
from tests.server.billing.conftest import FLAT, Trade
from tests.server.dispatch.conftest import MORNING


async def test_the_closest_tariff_counts(trade: Trade) -> None:
    company = await trade.tariff(name="company")
    express = await trade.tariff(name="express", service_level="express")
    own = await trade.tariff(name="own", account_id=trade.account_id)
    async with trade.db.transaction() as session:
        stranger = await accounts.create_account(session, name="Beta", code="BETA", by="test")

        async def found(account_id: object, level: str | None, days: int = 0) -> object:
            tariff = await billing.find_tariff(
                session,
                account_id=account_id,  # type: ignore[arg-type]
                service_level=level,
                currency="EUR",
                at=MORNING + timedelta(days=days),
            )
            return tariff and tariff.id

        assert await found(trade.account_id, "express") == own.id
        assert await found(stranger.id, "express") == express.id
        assert await found(stranger.id, "same_day") == company.id
        assert await found(stranger.id, None) == company.id
        assert await found(stranger.id, None, days=-61) is None


async def test_two_versions_are_never_in_force_at_once(trade: Trade) -> None:
    first = await trade.tariff()
    second = await trade.draft(valid_from=MORNING)
    async with trade.db.transaction() as session:
        with pytest.raises(TariffsOverlap):
            await billing.activate_tariff(session, second.id, by="test")
        await billing.activate_tariff(session, second.id, replace=True, by="test")
        ended = await billing.get_tariff(session, first.id)
        assert ended.valid_until == second.valid_from
        with pytest.raises(TariffsOverlap):
            await billing.end_tariff(
                session, first.id, valid_until=MORNING + timedelta(days=1), by="test"
            )


async def test_of_two_activated_at_once_one_is_refused(own_db: Database) -> None:
    async with own_db.transaction() as session:
        drafts = [
            await billing.create_tariff(
                session,
                TariffDraft(name=f"{n}", currency="EUR", valid_from=MORNING, rules=FLAT),
                by="test",
            )
            for n in range(6)
        ]

    async def activate(number: int) -> bool:
        try:
            async with own_db.transaction() as session:
                await billing.activate_tariff(session, drafts[number].id, by="test")
        except TariffsOverlap:
            return False
        return True

    assert sum(await asyncio.gather(*map(activate, range(6)))) == 1


async def test_a_draft_may_change_and_a_tariff_in_force_may_not(trade: Trade) -> None:
    draft = await trade.draft()
    changed = TariffDraft(
        name="Better", currency="EUR", valid_from=MORNING, rules=Rules(flat=Flat(minor=1))
    )
    async with trade.db.transaction() as session:
        rewritten = await billing.change_tariff(session, draft.id, changed, by="test")
        assert rewritten.rules == changed.rules
        with pytest.raises(TariffNotInForce):
            await billing.end_tariff(session, draft.id, valid_until=MORNING, by="test")
        await billing.activate_tariff(session, draft.id, by="test")
        with pytest.raises(TariffInForce):
            await billing.change_tariff(session, draft.id, changed, by="test")
        with pytest.raises(TariffInForce):
            await billing.activate_tariff(session, draft.id, by="test")
    for statement in ("update tariff set name = 'x'", "delete from tariff"):
        with pytest.raises(DBAPIError, match="does not change"):
            async with trade.db.transaction() as session:
                await session.execute(text(statement))


async def test_a_tariff_that_makes_no_sense_is_refused(trade: Trade) -> None:
    falling = Distance(bands=(Band(up_to=10, minor=1), Band(up_to=5, minor=2)))
    endless = Distance(bands=(Band(up_to=None, minor=1), Band(up_to=5, minor=2)))
    for rules in (Rules(distance=falling), Rules(distance=endless)):
        with pytest.raises(BadBands):
            await trade.draft(rules)
    with pytest.raises(EmptyTariff):
        await trade.draft(Rules(note="nothing"))
    with pytest.raises(BadValidity):
        await trade.draft(valid_until=MORNING - timedelta(days=60))
    with pytest.raises(AnotherCurrency):
        await trade.draft(currency="CHF", account_id=trade.account_id)
