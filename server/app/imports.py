"""`postrider import`: maps and files of orders from the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.channels.imports import run_import_file
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.settings import Settings
from server.places import service as places

Say = Callable[[str], None]


async def import_map(settings: Settings, path: Path, say: Say) -> None:
    """Read every address, street and place name of the map into the database."""
    db = Database(settings.database_url)
    try:
        async with db.transaction() as session:
            counts = await places.import_map(session, path, say)
        say(f"imported {path.name}: {counts}")
    finally:
        await db.close()


async def import_orders(
    settings: Settings, path: Path, account_code: str, dry_run: bool, say: Say
) -> dict[str, Any]:
    """Take in a CSV or XLSX file of orders, or only check it; the report says it row by row."""
    db = Database(settings.database_url)
    try:
        return await run_import_file(
            db,
            Blobs(settings.blobs_dir),
            path,
            account_code=account_code,
            dry_run=dry_run,
            zone=settings.timezone,
            say=say,
        )
    finally:
        await db.close()
