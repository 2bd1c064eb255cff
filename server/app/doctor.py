"""`postrider doctor`: says in words what is wrong with this installation, and what to do."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from routing import speed_limits
from server.app.migrate import alembic_config
from server.kit import clock
from server.kit.db import AWAY, Database
from server.kit.feed import Feed
from server.kit.relay import retry_parked, unfinished_reactions
from server.kit.settings import Settings
from server.live.handover import living_mailboxes
from server.live.news import DRIVERS_CHANNEL
from server.live.pages import BUILT
from server.tracking import service as tracking

LEAST_FREE_BYTES = 2 * 1024**3
ANSWER_WITHIN_S = 15.0
"""A database that is silent is worse than one that is away: nobody says so."""

CLOCK_ERROR_MAX_S = 2.0
EVENT_WAITS_MAX_S = 60.0
NEVER_HEARD_AFTER = timedelta(hours=1)


class Finding(NamedTuple):
    """advice: what to do; empty when all is well."""

    part: str
    state: str
    advice: str = ""


async def examine(settings: Settings) -> bool:
    """Print a line for each part; True when nothing needs doing."""
    db, feed = Database(settings.database_url), Feed(settings.redis_url)
    healthy = True
    try:
        for look in (look_at_database, look_at_clock, look_at_outbox, look_at_tracking):
            async for finding in _safely(look, db):
                healthy &= _show(finding)
        healthy &= _show(await look_at_redis(feed))
        for finding in await look_at_gateways(feed, settings):
            healthy &= _show(finding)
        for finding in look_at_files(settings):
            healthy &= _show(finding)
    finally:
        await feed.close()
        await db.close()
    return healthy


async def retry(settings: Settings) -> int:
    """Let the reactions that were given up be tried again; how many."""
    db = Database(settings.database_url)
    try:
        async with db.transaction() as session:
            return await retry_parked(session)
    finally:
        await db.close()


async def _safely(
    look: Callable[[Database], Awaitable[list[Finding]]], db: Database
) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            found = await look(db)
        for finding in found:
            yield finding
    except AWAY as error:
        yield Finding(
            "database",
            f"does not answer ({type(error).__name__})",
            "look at its log; is DATABASE_URL right?",
        )


async def look_at_database(db: Database) -> list[Finding]:
    async with db.engine.connect() as connection:
        version = (await connection.execute(text("show server_version"))).scalar_one()
        postgis = (
            await connection.execute(
                text("select extversion from pg_extension where extname = 'postgis'")
            )
        ).scalar_one_or_none()
        durable = (await connection.execute(text("show fsync"))).scalar_one() == "on"
        here = await connection.run_sync(_revision)
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return [
        Finding("database", f"PostgreSQL {version}, PostGIS {postgis or 'missing'}"),
        Finding("schema", here or "empty", "" if here == newest else "run `./postrider migrate`"),
        Finding(
            "durability",
            "survives a power cut" if durable else "fsync is off",
            "" if durable else "this is right for a demo only; use `./postrider up`",
        ),
    ]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def look_at_clock(db: Database) -> list[Finding]:
    """Times of one company come from many machines: those must agree."""
    async with db.transaction() as session:
        there = (await session.execute(text("select clock_timestamp()"))).scalar_one()
    error_s = (clock.real_now() - there).total_seconds()
    if abs(error_s) <= CLOCK_ERROR_MAX_S:
        return [Finding("clock", "agrees with the database's")]
    return [
        Finding(
            "clock",
            f"{abs(error_s):.0f} s {'before' if error_s > 0 else 'behind'} the database's",
            "let both machines set their clocks by the network (NTP)",
        )
    ]


async def look_at_outbox(db: Database) -> list[Finding]:
    async with db.transaction() as session:
        if not await _has_table(session, "outbox_event"):
            return []
        waiting, oldest_at = (
            await session.execute(
                text(
                    "select count(*), min(emitted_at) from outbox_event where published_at is null"
                )
            )
        ).one()
        unfinished = await unfinished_reactions(session)
    waits_s = (clock.now() - oldest_at).total_seconds() / clock.speed() if waiting else 0.0
    is_stuck = waits_s > EVENT_WAITS_MAX_S and not unfinished
    findings = [
        Finding(
            "events",
            f"{waiting} on their way" + (f", the oldest for {waits_s:.0f} s" if is_stuck else ""),
            "nobody carries them on: does a worker run?" if is_stuck else "",
        )
    ]
    findings += [
        Finding(
            "reaction",
            f"{each.reaction} failed {each.attempts} times: {each.error}",
            "it is tried again by itself"
            if each.parked_at is None
            else "mend the cause, then run `./postrider doctor --retry`",
        )
        for each in unfinished
    ]
    return findings


async def look_at_tracking(db: Database) -> list[Finding]:
    today = clock.now().date()
    days = [today, today + timedelta(days=1)]
    async with db.transaction() as session:
        if not await _has_table(session, "fix"):
            return []
        missing = await tracking.missing_partitions(session, days)
        silent = (
            await session.execute(
                text(
                    "select device.model, person.name from device"
                    " join person on person.id = device.driver_id"
                    " where is_tracker and revoked_at is null and paired_at < :before"
                    " and not exists (select from tracked_device"
                    " where tracked_device.device_id = device.id) order by device.id limit 100"
                ),
                {"before": clock.real_now() - NEVER_HEARD_AFTER},
            )
        ).all()
    days_missing = ", ".join(map(str, missing))
    findings = [
        Finding(
            "trails",
            f"no partition for {days_missing}" if missing else "today and tomorrow have partitions",
            "a worker makes them: does one run?" if missing else "",
        )
    ]
    findings += [
        Finding(
            "tracker",
            f"{row.model} of {row.name} was never heard",
            "compare its settings with docs/trackers.md, or revoke it",
        )
        for row in silent
    ]
    return findings


async def _has_table(session: AsyncSession, name: str) -> bool:
    found = await session.execute(text("select to_regclass(:name)"), {"name": name})
    return found.scalar_one() is not None


async def look_at_gateways(feed: Feed, settings: Settings) -> list[Finding]:
    """Those of this machine; others may hear Redis as well."""
    running = living_mailboxes(settings.gateways_dir)
    if not running:
        return []  # the services alone may run here, or nothing yet
    listening = await feed.count_listeners(DRIVERS_CHANNEL)
    if listening is None or listening >= running:
        return [Finding("gateways", f"{running} run here")]
    return [
        Finding(
            "gateways",
            f"{running} run here, and {running - listening} of them do not hear Redis",
            "phones and screens there are late; do they have the same REDIS_URL?",
        )
    ]


async def look_at_redis(feed: Feed) -> Finding:
    if await feed.is_up():
        return Finding("redis", "answers")
    return Finding(
        "redis", "does not answer", "nothing is lost, but screens are late; is REDIS_URL right?"
    )


def look_at_files(settings: Settings) -> list[Finding]:
    free = shutil.disk_usage(settings.data_dir).free
    low = free < LEAST_FREE_BYTES
    roads = (settings.roads_dir / "roads.json").exists()
    page = (BUILT / "index.html").exists()
    return [
        Finding("disk", f"{free / 1e9:.0f} GB free", "make room; proofs need it" if low else ""),
        Finding(
            "roads",
            _state_of_roads(settings.roads_dir) if roads else "none; plans use straight lines",
            "" if roads else "run `./postrider roads build FILE.osm.pbf`",
        ),
        Finding("page", "built" if page else "not built yet", "" if page else "`up` builds it"),
    ]


def _state_of_roads(folder: Path) -> str:
    has_limits = all((folder / name).exists() for name in speed_limits.FILES)
    return "built" if has_limits else "built, without speed limits; build them again to have those"


def _show(finding: Finding) -> bool:
    mark = "!" if finding.advice else "ok"
    advice = f" -> {finding.advice}" if finding.advice else ""
    print(f"{mark:>2}  {finding.part}: {finding.state}{advice}")
    return not finding.advice
