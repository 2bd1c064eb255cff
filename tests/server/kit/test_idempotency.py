"""The same key has one effect and one answer."""

import asyncio

import msgspec
import pytest

from server.kit.db import Database
from server.kit.idempotency import BadIdempotencyKey, KeyUsedForAnotherBody, answer_once


class Receipt(msgspec.Struct):
    number: int


class Till:
    """Counts how often it was really used."""

    def __init__(self) -> None:
        self.used = 0

    async def sell(self) -> Receipt:
        self.used += 1
        await asyncio.sleep(0)
        return Receipt(self.used)


async def sell(db: Database, till: Till, key: str | None, body: object, scope: str = "a") -> int:
    async with db.transaction() as session:
        receipt = await answer_once(
            session, scope=scope, key=key, body=body, answer_type=Receipt, act=till.sell
        )
        return receipt.number


async def test_repeat_gets_the_first_answer_and_has_no_effect(db: Database) -> None:
    till = Till()
    assert await sell(db, till, "k", {"bread": 1, "milk": 2}) == 1
    assert await sell(db, till, "k", {"milk": 2, "bread": 1}) == 1
    assert till.used == 1


async def test_same_key_with_another_body_is_refused(db: Database) -> None:
    till = Till()
    await sell(db, till, "k", {"bread": 1})
    with pytest.raises(KeyUsedForAnotherBody):
        await sell(db, till, "k", {"bread": 2})
    assert till.used == 1


async def test_keys_of_two_callers_do_not_meet(db: Database) -> None:
    till = Till()
    assert await sell(db, till, "k", {}, scope="a") == 1
    assert await sell(db, till, "k", {}, scope="b") == 2


async def test_without_a_key_each_request_counts(db: Database) -> None:
    till = Till()
    assert [await sell(db, till, None, {}) for _ in range(2)] == [1, 2]


async def test_key_of_a_failed_request_can_be_used_again(db: Database) -> None:
    till = Till()

    async def fail() -> Receipt:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        async with db.transaction() as session:
            await answer_once(session, scope="a", key="k", body={}, answer_type=Receipt, act=fail)
    assert await sell(db, till, "k", {}) == 1


async def test_key_that_is_empty_or_endless_is_refused(db: Database) -> None:
    for key in ("", "k" * 201):
        with pytest.raises(BadIdempotencyKey):
            await sell(db, Till(), key, {})


async def test_repeats_at_the_same_moment_have_one_effect(own_db: Database) -> None:
    till = Till()
    answers = await asyncio.gather(*(sell(own_db, till, "k", {}) for _ in range(8)))
    assert answers == [1] * 8
    assert till.used == 1
