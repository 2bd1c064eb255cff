"""Files of orders are taken in by the worker."""

from server.channels.import_work import work_on_imports
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.settings import read_settings
from server.kit.timer import Timer


async def take_in_files(db: Database) -> None:
    settings = read_settings()
    await work_on_imports(db, Blobs(settings.blobs_dir), zone=settings.timezone)


TIMERS = [Timer("channels: take in files of orders", 1.0, take_in_files)]
