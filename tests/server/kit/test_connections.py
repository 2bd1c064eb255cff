"""The pool gives out no connection that the server has closed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from asyncpg import InternalClientError
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.db import Database, copy_rows, is_away

EMPTY_COPY = b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"


@pytest_asyncio.fixture
async def lone_db(own_db: Database) -> AsyncIterator[Database]:
    """With two connections and no more, so that a spoilt one is met again at once."""
    lone = Database(own_db.engine.url.render_as_string(hide_password=False), pool_size=1)
    yield lone
    await lone.close()


async def test_connection_that_the_server_ended_is_replaced_unseen(own_db: Database) -> None:
    async with own_db.transaction() as session:
        pid = await session.scalar(select(func.pg_backend_pid()))
    async with own_db.transaction() as held, own_db.transaction() as other:
        # `held` has the pooled one, so that `other` can end it once it lies in the pool again.
        assert await held.scalar(select(func.pg_backend_pid())) == pid
        other_pid = await other.scalar(select(func.pg_backend_pid()))
    async with own_db.transaction() as session:
        mine = await session.scalar(select(func.pg_backend_pid()))
        ended = other_pid if mine == pid else pid
        assert await session.scalar(select(func.pg_terminate_backend(ended, 10_000)))
        async with own_db.transaction() as fresh:
            assert await fresh.scalar(select(func.pg_backend_pid())) not in (pid, other_pid)


async def sleep_long(session: AsyncSession) -> None:
    await session.execute(text("select pg_sleep(60)"))


async def copy_into_locked_table(session: AsyncSession) -> None:
    await copy_rows(session, "locked_one", ["number"], EMPTY_COPY)


async def wait_in_between(session: AsyncSession) -> None:
    await session.execute(text("select 1"))
    await asyncio.sleep(60)


@pytest.mark.parametrize("act", [sleep_long, copy_into_locked_table, wait_in_between])
async def test_connection_of_a_statement_that_ran_out_of_time_is_thrown_away(
    own_db: Database, lone_db: Database, act: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    async with own_db.transaction() as session:
        await session.execute(text("create table locked_one (number integer)"))
    async with own_db.transaction() as holder:
        await holder.execute(text("lock table locked_one"))
        for _ in range(3):
            with pytest.raises(TimeoutError) as refused:
                async with asyncio.timeout(0.05), lone_db.transaction() as session:
                    await act(session)
            assert is_away(refused.value), "whoever asked is told to try again"
            async with lone_db.transaction() as one, lone_db.transaction() as other:
                assert await one.scalar(select(1)) == await other.scalar(select(1)) == 1
    async with own_db.transaction() as session:
        waiting = text(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and state <> 'idle' and pid <> pg_backend_pid()"
        )
        assert not await session.scalar(waiting), "the server works for nobody"


async def test_server_that_falls_silent_is_left_in_time(lone_db: Database) -> None:
    """It answers nothing, not even that the statement was cancelled."""
    async with lone_db.transaction() as session:
        pid = await session.scalar(select(func.pg_backend_pid()))
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), lone_db.transaction() as session:
                await session.execute(select(1))
        async with lone_db.transaction() as session:
            assert await session.scalar(select(func.pg_backend_pid())) != pid
        assert time.monotonic() - began_s < 10
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("statement", ["select 1", "insert into locked_one values (1)"])
async def test_driver_that_lost_its_thread_is_a_database_that_is_away(
    own_db: Database, lone_db: Database, statement: str
) -> None:
    """As asyncpg says when the server was killed in the middle of a statement, which the engine
    takes for a defect of ours."""
    async with own_db.transaction() as session:
        await session.execute(text("create table locked_one (number integer)"))
    async with lone_db.transaction() as session:
        pid = await session.scalar(select(func.pg_backend_pid()))
    dialect, lost = lone_db.engine.sync_engine.dialect, [True]

    def lose_thread(*_: Any) -> None:
        if lost.pop() if lost else False:
            said = "cannot switch to state 12; another operation (2) is in progress"
            raise dialect.loaded_dbapi.InternalClientError(said) from InternalClientError(said)

    event.listen(lone_db.engine.sync_engine, "do_execute", lose_thread)
    with pytest.raises(InternalError) as refused:
        async with lone_db.transaction() as session:
            await session.execute(text(statement))
    assert is_away(refused.value)
    async with lone_db.transaction() as session:
        assert await session.scalar(select(func.pg_backend_pid())) != pid, "it was thrown away"
