"""Takes in the fixes of all phones of a gateway, tick by tick: one transaction stores them, one
message tells the maps, and only then each phone hears that it may forget them.

While the database is away nothing is stored and nothing acknowledged, so nothing piles up here:
phones send again what was not acknowledged. The map goes on with what they say meanwhile.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.kit import clock
from server.kit.db import Database, is_away
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.live.news import POSITIONS_CHANNEL, pack_positions
from server.protocol.from_driver import Fix
from server.tracking import service as tracking

if TYPE_CHECKING:
    from server.live.phone import Phone

log = logging.getLogger(__name__)

TICK_S = 0.05
WAITING_MAX = 500
"""Fixes of one phone that wait to be stored: five frames of the largest size."""

STORE_WITHIN_S = 5.0
"""A database that takes longer is as good as away."""

PAUSE_S = 1.0
"""Between two tries to store while the database is away."""


class FixIntake:
    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._waiting: dict[Phone, tuple[list[Fix], float]] = {}
        self._has_come = asyncio.Event()
        self.stored = 0
        self.refused = 0
        self.not_stored = 0

    def take(self, phone: "Phone", fixes: Sequence[Fix], clock_error_s: float) -> None:
        """Keep them for the next tick. Those behind a gap are not kept: an acknowledgement covers
        all that came before it."""
        if phone.resumes_at_seq is not None:
            if fixes[0].seq > phone.resumes_at_seq:
                self.not_stored += len(fixes)
                return
            phone.resumes_at_seq = None
        waiting, _ = self._waiting.get(phone, ((), 0.0))
        if len(waiting) + len(fixes) > WAITING_MAX:
            self._leave_gap(phone, fixes)
            return
        self._waiting[phone] = ([*waiting, *fixes], clock_error_s)
        self._has_come.set()

    async def run(self) -> None:
        """Store what comes, tick by tick. Runs until cancelled."""
        while True:
            await self._has_come.wait()
            await asyncio.sleep(TICK_S)
            if not await self.store():
                await asyncio.sleep(PAUSE_S)

    async def store(self) -> bool:
        """Store and acknowledge what waits; False when the database is away."""
        self._has_come.clear()
        taken, self._waiting = self._waiting, {}
        if not taken:
            return True
        received_at = clock.now()
        batches = [
            tracking.Batch(
                driver_id=phone.session.driver_id,
                device_id=phone.session.device_id,
                fixes=fixes,
                clock_error_s=error_s,
            )
            for phone, (fixes, error_s) in taken.items()
        ]
        try:
            async with asyncio.timeout(STORE_WITHIN_S), self._db.transaction() as session:
                ingested = await tracking.ingest_batches(session, batches, received_at=received_at)
        except Exception as error:
            for phone, (fixes, _) in taken.items():
                self._leave_gap(phone, fixes)
            newest = [tracking.newest_claim(batch, received_at) for batch in batches]
            await self._tell([each for each in newest if each is not None])
            if not is_away(error):
                raise
            log.warning("fixes are not stored until the database is back: %s", error)
            return False
        self._acknowledge(list(taken), ingested)
        await self._tell([each.newest for each in ingested if each.newest is not None])
        return True

    def _leave_gap(self, phone: "Phone", fixes: Sequence[Fix]) -> None:
        self.not_stored += len(fixes)
        first = min(fix.seq for fix in fixes)
        phone.resumes_at_seq = min(first, phone.resumes_at_seq or first)

    def _acknowledge(
        self, phones: Sequence["Phone"], ingested: Sequence[tracking.Ingested]
    ) -> None:
        head = f'{{"type":"Ack","id":"{new_id()}-'
        sent_at = clock.now().isoformat()
        for number, (phone, each) in enumerate(zip(phones, ingested, strict=True)):
            self.stored += each.stored
            self.refused += sum(each.rejected.values())
            phone.send(
                f'{head}{number}","sent_at":"{sent_at}","body":'
                f'{{"envelope_ids":[],"fixes_through":{each.through_seq}}}}}'.encode()
            )

    async def _tell(self, positions: Sequence[tracking.LivePosition]) -> None:
        if positions:
            self._feed.publish_soon(POSITIONS_CHANNEL, pack_positions(positions))
