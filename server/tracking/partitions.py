"""The days of the fix table: each is a partition, made before or when it is needed and dropped
whole when it is old."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

KEEP_DAYS = 90


async def ensure_partitions(session: AsyncSession, days: Collection[date]) -> None:
    """Make the partitions of these days (UTC) that are missing."""
    missing = await missing_partitions(session, days)
    if not missing:
        return
    # Two processes at once: the second waits here, then finds the work done.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("fix partitions"))))
    for day in await missing_partitions(session, missing):
        name = _name(day)
        # Made apart and then attached, because `create ... partition of` would stop every reader
        # and writer of the whole table until this transaction ends.
        await session.execute(
            text(f"create table {name} (like fix including defaults including constraints)")
        )
        await session.execute(
            text(
                f"alter table fix attach partition {name} "
                f"for values from ('{day}T00:00:00Z') to ('{day + timedelta(days=1)}T00:00:00Z')"
            )
        )


async def missing_partitions(session: AsyncSession, days: Collection[date]) -> list[date]:
    """Those of these days (UTC) that have none."""
    # Reads the catalogue itself: `to_regclass` may answer from before the wait for the lock.
    found = await session.scalars(
        text(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
            "where i.inhparent = 'fix'::regclass and c.relname = any(cast(:names as text[]))"
        ),
        {"names": [_name(day) for day in days]},
    )
    there = set(found)
    return sorted(day for day in days if _name(day) not in there)


async def drop_partitions_before(session: AsyncSession, day: date) -> list[str]:
    """Forget the fixes of all days before this one; the names of what was dropped."""
    names = await session.scalars(
        text(
            "select relid::regclass::text from pg_partition_tree('fix') "
            "where isleaf and relid::regclass::text < :first order by 1"
        ),
        {"first": _name(day)},
    )
    dropped = list(names)
    for name in dropped:
        await session.execute(text(f"drop table {name}"))
    return dropped


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _name(day: date) -> str:
    return f"fix_{day:%Y%m%d}"
