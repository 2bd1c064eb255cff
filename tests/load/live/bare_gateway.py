"""A gateway that stores nothing: lets phones in, checks their fixes and acknowledges them."""

import asyncio
import sys

import uvloop

from server.app.gateway import spare_the_collector
from server.app.modules import load
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import read_settings
from server.live.fix_intake import FixIntake, arrivals_of
from server.live.gateway import open_gateway
from server.tracking.arrivals import Frames
from server.tracking.devices import Memories
from server.tracking.sifting import sift


class BareIntake(FixIntake):
    async def store(self) -> bool:
        phones, frames = self._take_waiting()
        if phones:
            received_at = clock.now()
            read = Frames.read([phone.sender for phone in phones], frames)
            arrivals = arrivals_of(read, received_at)
            memories = Memories.of_nobody(len(arrivals.senders))
            self.refused += int((~sift(arrivals, memories, received_at).kept).sum())
            self._acknowledge(read, phones, memories.through.tolist())
        return True


async def main() -> None:
    load("models")
    settings = read_settings()
    feed, db = Feed(settings.redis_url), Database(settings.database_url)
    async with open_gateway(
        settings, db, feed, Blobs(settings.blobs_dir), port=int(sys.argv[1]), intake=BareIntake
    ):
        spare_the_collector()
        await asyncio.Event().wait()


uvloop.run(main())
