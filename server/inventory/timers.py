"""Ends what has expired, so that those who wait for it get it."""

from server.inventory.holds import close_expired_holds
from server.kit.db import Database
from server.kit.timer import Timer


async def end_expired_holds(db: Database) -> None:
    closed = 1
    while closed:
        async with db.transaction() as session:
            closed = await close_expired_holds(session)


TIMERS = [Timer("inventory: end expired holds", 10.0, end_expired_holds)]
