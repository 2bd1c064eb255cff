"""A gateway that stores nothing: lets phones in, checks their fixes and acknowledges them."""

import asyncio
import sys

import uvloop

from server.app.modules import load
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import read_settings
from server.live.fix_intake import FixIntake
from server.live.gateway import open_gateway
from server.tracking.filters import Memory, reason_against
from server.tracking.ingest import Ingested
from server.tracking.readings import in_order


class BareIntake(FixIntake):
    async def store(self) -> bool:
        self._has_come.clear()
        taken, self._waiting = self._waiting, {}
        now = clock.now()
        ingested = []
        for fixes, error_s in taken.values():
            memory = Memory(now=now)
            reasons = [
                reason_against(each, memory) for each in in_order(fixes, clock_error_s=error_s)
            ]
            ingested.append(
                Ingested(
                    stored=reasons.count(None), rejected={}, through_seq=fixes[-1].seq, newest=None
                )
            )
        self._acknowledge(list(taken), ingested)
        return True


async def main() -> None:
    load("models")
    settings = read_settings()
    feed, db = Feed(settings.redis_url), Database(settings.database_url)
    async with open_gateway(
        settings, db, feed, Blobs(settings.blobs_dir), port=int(sys.argv[1]), intake=BareIntake
    ):
        await asyncio.Event().wait()


uvloop.run(main())
