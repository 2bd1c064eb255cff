"""The days of the fix table."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.tracking import service
from server.tracking.timers import turn_over_partitions

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def partitions(session) -> list[str]:
    found = await session.scalars(
        text("select relid::regclass::text from pg_partition_tree('fix') where isleaf order by 1")
    )
    return [name for name in found if name != "fix"]


async def test_missing_days_are_made_by_the_batch_that_needs_them(db, phone):
    async with db.transaction() as session:
        await phone.send(session, phone.fix(-86400), phone.fix(0))
        assert await partitions(session) == ["fix_20260301", "fix_20260302"]
        assert await session.scalar(text("select count(*) from fix_20260301")) == 1


async def test_day_ends_at_midnight_utc(db, phone):
    async with db.transaction() as session:
        midnight = datetime(2026, 3, 2, tzinfo=UTC)
        for taken_at in (midnight - timedelta(microseconds=1), midnight):
            await phone.send(session, phone.fix(taken_at=taken_at))
        assert await partitions(session) == ["fix_20260301", "fix_20260302"]


async def test_processes_that_need_the_same_new_day_at_once_all_get_it(own_db: Database, phone):
    async def send() -> int:
        async with own_db.transaction() as session:
            done = await service.ingest_fixes(
                session,
                driver_id=phone.driver_id,
                device_id=new_id(),
                fixes=[phone.fix(0), phone.fix(-86400)],
                received_at=NOON,
            )
            return done.stored

    assert await asyncio.gather(*(send() for _ in range(8))) == [2] * 8
    async with own_db.transaction() as session:
        assert len(await partitions(session)) == 2
        assert await session.scalar(text("select count(*) from fix")) == 16


async def test_dropping_forgets_the_days_before_and_no_other(db, phone):
    async with db.transaction() as session:
        await phone.send(session, *(phone.fix(-86400 * ago) for ago in (3, 2, 1, 0)))
        dropped = await service.drop_partitions_before(session, date(2026, 3, 1))
        assert dropped == ["fix_20260227", "fix_20260228"]
        assert len(await phone.trail(session)) == 2
        assert await service.drop_partitions_before(session, date(2026, 3, 1)) == []


async def test_worker_has_tomorrow_ready_and_forgets_after_ninety_days(own_db: Database):
    async with own_db.transaction() as session:
        old = [date(2025, 12, 1), date(2025, 12, 2)]
        await service.ensure_partitions(session, old)
    with clock.running(lambda: NOON):
        await turn_over_partitions(own_db)
    async with own_db.transaction() as session:
        assert await partitions(session) == [
            "fix_20251202",
            "fix_20260302",
            "fix_20260303",
            "fix_20260304",
        ]


async def test_partition_has_the_key_and_the_indexes_of_the_whole(db, phone):
    async with db.transaction() as session:
        await phone.send(session, phone.fix(0))
        kinds = await session.scalars(
            text(
                "select am.amname from pg_index i join pg_class c on c.oid = i.indexrelid "
                "join pg_am am on am.oid = c.relam "
                "where i.indrelid = 'fix_20260302'::regclass order by 1"
            )
        )
        assert list(kinds) == ["brin", "btree"]
