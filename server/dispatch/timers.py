"""Takes back what was offered to a driver who does not answer."""

from server.dispatch.offers import take_back_unanswered
from server.kit.db import Database
from server.kit.timer import Timer


async def take_back_offers(db: Database) -> None:
    async with db.transaction() as session:
        await take_back_unanswered(session)


TIMERS = [Timer("dispatch: take back offers", 5.0, take_back_offers)]
