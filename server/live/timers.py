"""Forgets the answers to commands that no phone can send again."""

from datetime import timedelta

from sqlalchemy import delete

from server.kit import clock
from server.kit.db import Database
from server.kit.timer import Timer
from server.live.models import DriverCommand

KEPT = timedelta(days=400)
"""A phone may have lain in a drawer for a year with its last day's work unsent."""


async def forget_old_commands(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(
            delete(DriverCommand).where(DriverCommand.received_at < clock.now() - KEPT)
        )


TIMERS = [Timer("live: forget old commands", 3600.0, forget_old_commands)]
