"""Ends returns whose goods were never handed over, so that these can be asked for again."""

from server.kit.db import Database
from server.kit.timer import Timer
from server.returns.deciding import expire_next


async def end_expired_returns(db: Database) -> None:
    found = True
    while found:
        async with db.transaction() as session:
            found = await expire_next(session)


TIMERS = [Timer("returns: end what was never handed over", 60.0, end_expired_returns)]
