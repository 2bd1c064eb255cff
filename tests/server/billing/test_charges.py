"""Charges are recorded once for every fact and never change."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import AlreadyReversed, NewCharge
from server.kit import clock
from server.kit.db import Database


async def open_account(db: Database, code: str = "ACME") -> UUID:
    async with db.transaction() as session:
        return (await accounts.create_account(session, name="Acme", code=code, by="test")).id


def charge_of(account_id: UUID, source: str, net_minor: int = 500) -> NewCharge:
    return NewCharge(
        account_id=account_id,
        kind="flat",
        description="Delivery",
        net_minor=net_minor,
        currency="EUR",
        occurred_at=clock.now(),
        source=source,
    )


async def test_a_repeat_of_a_fact_charges_once(db: Database) -> None:
    account_id = await open_account(db)
    async with db.transaction() as session:
        (first,) = await billing.record_charges(session, [charge_of(account_id, "a")])
    async with db.transaction() as session:
        again, other = await billing.record_charges(
            session, [charge_of(account_id, "a", 900), charge_of(account_id, "b")]
        )
        listed = await billing.list_charges(session, account_id=account_id)
    assert again == first
    assert [each.id for each in listed] == [first.id, other.id]


async def test_the_same_fact_twice_at_once_charges_once(own_db: Database) -> None:
    account_id = await open_account(own_db)
    sources = ["x:1", "x:2", "x:3"]

    async def charge(order: list[str]) -> list[UUID]:
        async with own_db.transaction() as session:
            made = await billing.record_charges(
                session, [charge_of(account_id, source) for source in order]
            )
        return [each.id for each in made]

    answers = await asyncio.gather(
        *(charge(sources if turn % 2 else sources[::-1]) for turn in range(12))
    )
    assert len({charge_id for answer in answers for charge_id in answer}) == 3
    async with own_db.transaction() as session:
        assert len(await billing.list_charges(session)) == 3


async def test_nothing_changes_a_charge(db: Database) -> None:
    account_id = await open_account(db)
    async with db.transaction() as session:
        await billing.record_charges(session, [charge_of(account_id, "a")])
    for statement in ("update charge set net_minor = 0", "delete from charge"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with db.transaction() as session:
                await session.execute(text(statement))


async def test_a_charge_is_taken_back_whole_and_once(db: Database) -> None:
    account_id = await open_account(db)
    async with db.transaction() as session:
        (charge,) = await billing.record_charges(session, [charge_of(account_id, "a")])
        reversal = await billing.reverse_charge(session, charge.id, reason="wrong", by="test")
    assert (reversal.net_minor, reversal.reverses_id) == (-500, charge.id)
    for taken in (charge.id, reversal.id):
        with pytest.raises(AlreadyReversed):
            async with db.transaction() as session:
                await billing.reverse_charge(session, taken, reason="again", by="test")
