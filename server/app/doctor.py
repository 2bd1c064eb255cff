"""`postrider doctor`: says in words what is wrong with this installation, and what to do."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from server.app.migrate import alembic_config
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.relay import retry_parked, unfinished_reactions
from server.kit.settings import Settings
from server.live.pages import BUILT

LEAST_FREE_BYTES = 2 * 1024**3


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
        for look in (look_at_database, look_at_outbox):
            async for finding in _safely(look, db):
                healthy &= _show(finding)
        healthy &= _show(await look_at_redis(feed))
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
        for finding in await look(db):
            yield finding
    except (OSError, DBAPIError) as error:
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


async def look_at_outbox(db: Database) -> list[Finding]:
    async with db.transaction() as session:
        if not (await session.execute(text("select to_regclass('outbox_event')"))).scalar_one():
            return []
        waiting = (
            await session.execute(
                text("select count(*) from outbox_event where published_at is null")
            )
        ).scalar_one()
        unfinished = await unfinished_reactions(session)
    findings = [Finding("events", f"{waiting} on their way")]
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
            "built" if roads else "none; plans use straight lines",
            "" if roads else "run `./postrider roads build FILE.osm.pbf`",
        ),
        Finding("page", "built" if page else "not built yet", "" if page else "`up` builds it"),
    ]


def _show(finding: Finding) -> bool:
    mark = "!" if finding.advice else "ok"
    advice = f" -> {finding.advice}" if finding.advice else ""
    print(f"{mark:>2}  {finding.part}: {finding.state}{advice}")
    return not finding.advice
