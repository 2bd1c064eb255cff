"""What dispatchers' screens show: a snapshot first, then what has changed, conflated.

Each driver, run and open exception is one record with a version; each screen has a cursor. A frame
is the records newer than the cursor, so a screen that was away for an hour gets each changed record
once, as it is now. Drivers who only moved are told of in frames of their own (see map_moves). There
is no queue per screen, and any process serves any screen: the news on Redis only says which records
to read again, and where drivers are. When news may have been missed, and every half minute,
everything is compared.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

import msgspec
import numpy as np

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit import clock
from server.kit.db import Database, is_away
from server.kit.feed import Feed
from server.kit.geo import Position
from server.live.map_moves import MOVING, Moves, View
from server.live.news import MAP_CHANNEL, POSITIONS_CHANNEL
from server.tracking import service as tracking

log = logging.getLogger(__name__)

TICK_S = 0.25
SWEEP_S = 3.0
STALE_AFTER_S = 5.0
COMPARE_ALL_S = 30.0
EXCEPTIONS_MAX = 200
GONE_MAX = 1000
"""So many records that are gone are remembered for the screens that may still show them."""

RUNS_AT_A_TIME = 20
"""Between parts of a big company's day, phones and screens are served."""

SCREENS_AT_A_TIME = 50

type Record = dict[str, Any]


class _Task(msgspec.Struct, frozen=True):
    """What a screen shows of a task; see dispatcher_ui/src/frames.ts."""

    id: UUID
    kind: str
    state: str
    outcome_code: str | None
    window_end_at: datetime | None


class _Stop(msgspec.Struct, frozen=True):
    id: UUID
    sequence: int
    state: str
    address: str
    position: Position | None
    planned_arrival_at: datetime
    eta_from_at: datetime | None
    eta_until_at: datetime | None
    will_miss_window: bool
    tasks: tuple[_Task, ...]


class _Run(msgspec.Struct, frozen=True):
    id: UUID
    driver_id: UUID
    driver_name: str
    state: str
    starts_at: datetime
    delay_s: int
    stops: tuple[_Stop, ...]


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
        self._read_s = -STALE_AFTER_S
        self._changed_at = 1
        self._moves = Moves()
        self._forgot_up_to = 0
        """A cursor before it needs a new snapshot: some that are gone since are forgotten."""
        self._screens: set[Callable[[], None]] = set()
        self._has_some = asyncio.Event()
        """Whether enough has been read since somebody looks for a screen to show it."""
        self._refreshing = asyncio.Lock()

    @contextmanager
    def watched(self, show: Callable[[], None]) -> Iterator[None]:
        """While a screen is open. With none, nothing is read after the beginning. show: called at
        every tick, to send the screen what it has yet to hear; it must not fail."""
        if not self._screens:
            self._has_some.clear()
        self._screens.add(show)
        try:
            yield
        finally:
            self._screens.discard(show)

    def frame(self, cursor: int) -> tuple[Record, int]:
        """What a screen at `cursor` has yet to hear (all of it at 0 or after a very long sleep),
        and its next cursor.

        `drivers`, `runs` and `exceptions` are records by id; null means that it is gone. `now` and
        `speed` are the clock by which the times in them are to be read; `is_current` is false
        while we ourselves wait for the database, or have lost it.
        """
        cursor = self._known(cursor)
        news: Record = {"drivers": {}, "runs": {}, "exceptions": {}}
        records = self._records.items() if self.has_news(cursor) else ()
        for (kind, key), (version, record) in records:
            if version > cursor and (record is not None or cursor > 0):
                if kind == "drivers" and record is not None:
                    record = record | self._moves.fields_of(key)  # noqa: PLW2901
                news[kind][key] = record
        news["type"] = "changes" if cursor else "snapshot"
        news["cursor"] = self._version
        news["now"] = clock.now()
        news["speed"] = clock.speed()
        news["is_current"] = self.is_current
        return news, self._version

    @property
    def is_current(self) -> bool:
        """False while we ourselves wait for the database, or have lost it."""
        return _loop_s() - self._read_s < STALE_AFTER_S

    def has_news(self, cursor: int) -> bool:
        """Whether a frame would hold more than signs of life."""
        cursor = self._known(cursor)
        return cursor == 0 or self._changed_at > cursor

    def moves(self, cursor: int, view: View | None = None) -> tuple[bytes | None, int]:
        """The moves of drivers after `cursor`, within a view or everywhere, and the next cursor."""
        return self._moves.frame(cursor, self._version, view), self._version

    def _known(self, cursor: int) -> int:
        return 0 if cursor < self._forgot_up_to else cursor

    async def listen(self) -> None:
        """Note what the news calls stale. Runs until cancelled."""
        async for news in self._feed.listen(
            MAP_CHANNEL, POSITIONS_CHANNEL, dispatch.FORECASTS_CHANNEL
        ):
            if news is None:
                self._everything_stale = True
                continue
            if news[0] == POSITIONS_CHANNEL:
                self._move_drivers(news[1])
                continue
            if news[0] == dispatch.FORECASTS_CHANNEL:
                self._stale_runs.add(UUID(news[1].decode()))
                continue
            told = json.loads(news[1])
            self._everything_stale |= not told
            if driver := told.get("driver"):
                self._stale_drivers.add(UUID(driver))
            if run := told.get("run"):
                self._stale_runs.add(UUID(run))

    def _move_drivers(self, message: bytes) -> None:
        """Take in new positions of drivers who are on the map; the others are to be read."""
        positions = np.frombuffer(message, tracking.POSITION)
        have_moved, unknown = self._moves.move(positions, self._version + 1)
        self._version += have_moved
        self._stale_drivers.update(unknown)

    async def keep_current(self) -> None:
        """Read what is stale, once per tick; all of it once before anybody looks, so that the
        first one does not wait for it. Runs until cancelled."""
        has_begun = False
        while True:
            try:
                if self._screens or not has_begun:
                    await self.refresh()
                    has_begun = True
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("the live map lost the database; trying again: %s", error)
            await asyncio.sleep(TICK_S)

    async def sweep(self) -> None:
        """Call stale what no news tells of: now and then all of it, and always while Redis is
        away. Runs until cancelled."""
        compare_all_s = _loop_s() + COMPARE_ALL_S
        while True:
            self._exceptions_stale = True
            if self._screens:
                due = _loop_s() >= compare_all_s
                if due or not await self._feed.is_up():
                    self._everything_stale = True
                    compare_all_s = _loop_s() + COMPARE_ALL_S
            else:  # who looks next is not to wait for it
                compare_all_s = _loop_s() + COMPARE_ALL_S
            await asyncio.sleep(SWEEP_S)

    async def show(self) -> None:
        """Let all screens have what they have yet to hear, tick by tick. Runs until cancelled."""
        while True:
            for some in batched(list(self._screens), SCREENS_AT_A_TIME):
                for show in some:
                    show()
                await asyncio.sleep(0)  # between them, phones are served
            await asyncio.sleep(TICK_S)

    async def catch_up(self) -> None:
        """What a screen waits for before it is shown anything. While everything is read, which
        takes seconds in a big company, that is only a part: it hears of the rest as it comes."""
        if self._everything_stale or self._refreshing.locked():
            await self._has_some.wait()
        else:
            await self.refresh()

    async def refresh(self) -> None:
        """Read again what is stale; one at a time, so that nothing older overwrites the newer."""
        async with self._refreshing:
            try:
                await self._refresh()
                self._read_s = _loop_s()
                self._has_some.set()
            except BaseException:
                self._everything_stale = True  # what was to be read, was not
                raise

    async def _refresh(self) -> None:
        everything, self._everything_stale = self._everything_stale, False
        exceptions, self._exceptions_stale = self._exceptions_stale, False
        drivers, self._stale_drivers = self._stale_drivers, set()
        runs, self._stale_runs = self._stale_runs, set()
        if not (everything or exceptions or drivers or runs):
            return
        async with self._db.transaction() as session:
            positions = await tracking.latest_positions(session, None if everything else drivers)
            people = await identity.get_people(session, {each.driver_id for each in positions})
            seen = {
                str(each.driver_id): _plain(each) | {"name": people[each.driver_id].name}
                for each in positions
            }
            asked = self._keys("drivers") if everything else set(map(str, drivers))
            self._take("drivers", seen, asked)
            wanted = await dispatch.shown_run_ids(session) if everything else runs
            for some in batched(wanted, RUNS_AT_A_TIME):
                shown = _records(await dispatch.snapshot_of_runs(session, some), _Run)
                self._take("runs", shown, set(map(str, some)))
                self._has_some.set()
            if everything:
                self._take("runs", {}, self._keys("runs") - set(map(str, wanted)))
            waiting = await dispatch.list_exceptions(session, limit=EXCEPTIONS_MAX)
        self._take("exceptions", _records(waiting), self._keys("exceptions"))
        self._forget_the_gone()

    def _keys(self, kind: str) -> set[str]:
        return {key for of, key in self._records if of == kind}

    def _take(self, kind: str, found: dict[str, Record], asked: set[str]) -> None:
        """Give what differs from before a new version; what was asked for and not found is gone."""
        for key in asked - found.keys():
            self._put(kind, key, None)
        for key, record in found.items():
            if kind == "drivers":
                self._put_driver(key, record)
            else:
                self._put(kind, key, record)

    def _put_driver(self, key: str, record: Record) -> None:
        """Where a driver is comes and goes apart from who it is."""
        has_moved = self._moves.place(key, record)
        lasting = {name: value for name, value in record.items() if name not in MOVING}
        lasting["number"] = self._moves.number_of(key)
        before = self._version
        self._put("drivers", key, lasting)
        if self._version > before:
            self._moves.told(key)
        elif has_moved:
            self._version += 1
            self._moves.touch(key, self._version)

    def _put(self, kind: str, key: str, record: Record | None) -> None:
        _, known = self._records.get((kind, key), (0, None))
        if known == record:
            return
        self._version += 1
        if kind == "drivers" and record is None:
            self._moves.forget(key)
        self._records[kind, key] = (self._version, record)
        self._changed_at = self._version

    def _forget_the_gone(self) -> None:
        gone = [of for of, (_, record) in self._records.items() if record is None]
        if len(gone) > GONE_MAX:
            for of in gone:
                del self._records[of]
            self._forgot_up_to = self._version
            self._changed_at = self._version


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


def _records(
    views: Iterable[dispatch.RunView | dispatch.ExceptionView], shown: type | None = None
) -> dict[str, Record]:
    """shown: what screens are told of them, when that is not all."""
    return {
        str(view.id): _plain(msgspec.convert(view, shown, from_attributes=True) if shown else view)
        for view in views
    }


def _plain(view: msgspec.Struct) -> Record:
    plain: Record = msgspec.to_builtins(view, builtin_types=(datetime,))
    return plain
