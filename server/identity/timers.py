"""Sweeps away what has expired, so that the tables stay as small as what they are for."""

from server.identity.devices import forget_old_codes
from server.identity.sessions import forget_ended_sessions
from server.identity.throttle import forget_old_attempts
from server.kit.db import Database
from server.kit.timer import Timer


async def forget_expired(db: Database) -> None:
    async with db.transaction() as session:
        await forget_ended_sessions(session)
        await forget_old_codes(session)
        await forget_old_attempts(session)


TIMERS = [Timer("identity: forget what has expired", 3600.0, forget_expired)]
