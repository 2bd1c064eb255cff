"""What dispatchers' screens show: a snapshot first, then what has changed, conflated.

Each driver, run and open exception is one record with a version; each screen has a cursor. A frame
is the records newer than the cursor, so a screen that was away for an hour gets each changed record
once, as it is now. There is no queue per screen, and any process serves any screen: the news on
Redis only says which records to read again. When news may have been missed, everything is compared.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import DBAPIError

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit import clock
from server.kit.db import Database
from server.kit.feed import Feed
from server.live.news import MAP_CHANNEL
from server.tracking import service as tracking

log = logging.getLogger(__name__)

TICK_S = 0.25
SWEEP_S = 3.0
EXCEPTIONS_MAX = 200

type Record = dict[str, Any]


class MapFeed:
    """The records of the live map, kept current from news, and frames of them for screens."""

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._version = 1  # a screen starts at 0, so that an empty map is a snapshot too
        self._records: dict[tuple[str, str], tuple[int, Record | None]] = {}
        self._stale_drivers: set[UUID] = set()
        self._stale_runs: set[UUID] = set()
        self._everything_stale = True
        self._exceptions_stale = True
        self._is_current = True
        self._screens = 0
        self._changed = asyncio.Condition()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While a screen is open. With none, nothing is read."""
        self._screens += 1
        try:
            yield
        finally:
            self._screens -= 1

    def frame(self, cursor: int) -> tuple[Record, int]:
        """What a screen at `cursor` has yet to hear (all of it at 0), and its next cursor.

        `drivers`, `runs` and `exceptions` are records by id; null means that it is gone. `now` and
        `speed` are the clock by which the times in them are to be read; `is_current` is false
        while we cannot read the database ourselves.
        """
        news: Record = {"drivers": {}, "runs": {}, "exceptions": {}}
        for (kind, key), (version, record) in self._records.items():
            if version > cursor and (record is not None or cursor > 0):
                news[kind][key] = record
        news["type"] = "changes" if cursor else "snapshot"
        news["cursor"] = self._version
        news["now"] = clock.now()
        news["speed"] = clock.speed()
        news["is_current"] = self._is_current
        return news, self._version

    async def changed_since(self, cursor: int) -> None:
        """Wait until there is something newer than `cursor`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._version > cursor)

    async def listen(self) -> None:
        """Note what the news calls stale. Runs until cancelled."""
        async for news in self._feed.listen(MAP_CHANNEL):
            if news is None:
                self._everything_stale = True
                continue
            told = json.loads(news[1])
            self._everything_stale |= not told
            if driver := told.get("driver"):
                self._stale_drivers.add(UUID(driver))
            if run := told.get("run"):
                self._stale_runs.add(UUID(run))

    async def keep_current(self) -> None:
        """Read what is stale, once per tick. Runs until cancelled."""
        while True:
            try:
                if self._screens:
                    await self.refresh()
                self._is_current = True
            except (OSError, DBAPIError):
                self._everything_stale = True
                self._is_current = False
                log.warning("the live map lost the database; trying again", exc_info=True)
            await asyncio.sleep(TICK_S)

    async def sweep(self) -> None:
        """Call stale what no news tells of: all of it while Redis is away. Runs until cancelled."""
        while True:
            self._exceptions_stale = True
            self._everything_stale |= self._screens > 0 and not await self._feed.is_up()
            await asyncio.sleep(SWEEP_S)

    async def refresh(self) -> None:
        """Read again what is stale."""
        everything, self._everything_stale = self._everything_stale, False
        exceptions, self._exceptions_stale = self._exceptions_stale, False
        drivers, self._stale_drivers = self._stale_drivers, set()
        runs, self._stale_runs = self._stale_runs, set()
        if not (everything or exceptions or drivers or runs):
            return
        async with self._db.transaction() as session:
            positions = await tracking.latest_positions(session, None if everything else drivers)
            people = await identity.get_people(session, {each.driver_id for each in positions})
            shown = await dispatch.snapshot_of_runs(session, None if everything else runs)
            waiting = await dispatch.list_exceptions(session, limit=EXCEPTIONS_MAX)
        seen = {
            str(each.driver_id): {
                **msgspec.to_builtins(each),
                "name": people[each.driver_id].name,
            }
            for each in positions
        }
        before = self._version
        self._take("drivers", seen, everything, ())
        self._take("runs", _records(shown), everything, map(str, runs))
        self._take("exceptions", _records(waiting), True, ())
        if self._version != before:
            async with self._changed:
                self._changed.notify_all()

    def _take(
        self, kind: str, found: dict[str, Record], everything: bool, asked: Iterable[str]
    ) -> None:
        """Give what differs from before a new version; what was asked for and not found is gone."""
        known = {key for of, key in self._records if of == kind}
        for key in (known if everything else set(asked)) - found.keys():
            self._put(kind, key, None)
        for key, record in found.items():
            self._put(kind, key, record)

    def _put(self, kind: str, key: str, record: Record | None) -> None:
        if self._records.get((kind, key), (0, None))[1] != record:
            self._version += 1
            self._records[kind, key] = (self._version, record)


def _records(views: Iterable[dispatch.RunView | dispatch.ExceptionView]) -> dict[str, Record]:
    return {str(view.id): msgspec.to_builtins(view) for view in views}
