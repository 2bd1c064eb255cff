"""The pool gives out no connection that the server has closed."""

from sqlalchemy import func, select

from server.kit.db import Database


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
