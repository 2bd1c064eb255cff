"""Quotes expire, and standing orders come again, by the clock."""

from server.kit.db import Database
from server.kit.timer import Timer
from server.orders.quotes import expire_quotes
from server.orders.standing import capture_due


async def close_quotes(db: Database) -> None:
    while True:
        async with db.transaction() as session:
            if not await expire_quotes(session):
                return


async def capture_standing_orders(db: Database) -> None:
    while True:
        async with db.transaction() as session:
            if not await capture_due(session):
                return


TIMERS = [
    Timer("orders: let quotes expire", 2.0, close_quotes),
    Timer("orders: capture standing orders", 2.0, capture_standing_orders),
]
