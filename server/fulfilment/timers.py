"""Looks again at who waits for stock, for what no event tells: a hold of a cart that ran out, or
safety stock that was given up."""

from server.fulfilment.stocking import call_all_waiting
from server.kit.db import Database
from server.kit.timer import Timer


async def call_those_who_wait(db: Database) -> None:
    async with db.transaction() as session:
        await call_all_waiting(session)


TIMERS = [Timer("fulfilment: look again for stock", 300.0, call_those_who_wait)]
