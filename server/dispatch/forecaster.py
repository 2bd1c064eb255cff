"""Keeps the forecasts of arrivals current; runs in one worker at a time.

A run is looked at again at once when something about it is news, every minute while it is driven
(the position tells whether it keeps to its plan), and seldom before it starts. A round takes a
hundred runs: one read, one question to the map for each that needs it, a write for every ten.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched, groupby
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from routing.road_errors import RoadsError
from routing.roads import Roads
from server.arrivals import service as arrivals
from server.arrivals.service import Cell, Pace, Window
from server.dispatch.alerts import follow_alerts
from server.dispatch.inputs import lock_depot
from server.dispatch.models import RunWatch, Shift
from server.dispatch.outlook import Ways, measure_ways, times_taken, ways_to_measure, what_is_left
from server.dispatch.speed_limits import find_limits
from server.dispatch.street_times import RunTimes, read_run_times
from server.dispatch.watch import hold, take_due
from server.dispatch.way import trace
from server.kit import clock
from server.kit.db import AWAY, Database, is_away
from server.kit.feed import announce
from server.kit.geo import Position

type Line = Sequence[Position]

log = logging.getLogger(__name__)

FORECASTS_CHANNEL = "forecasts"
"""The message is the id of a run whose forecasts have changed."""

ROUND_S = 1.0
RUNS_MAX = 100
RUNS_WRITTEN_TOGETHER = 10
WHILE_DRIVEN = timedelta(minutes=1)
BEFORE_START = timedelta(minutes=10)
LEARN_EVERY = timedelta(minutes=5)
STARTED_AT_ALL = timedelta(hours=12)
"""A run that should have begun so long ago and has not is not waited for any more."""


async def run_forecaster(db: Database, roads: Roads, stop: asyncio.Event) -> None:
    """Forecast until `stop`."""
    forecaster = Forecaster(db, roads)
    while not stop.is_set():
        try:
            async with db.exclusive("forecasts") as mine:
                while mine and await forecaster.renew_due() == RUNS_MAX:
                    continue
        except AWAY as error:
            log.warning(
                "the forecaster lost the database; trying again: %s",
                error,
                exc_info=not is_away(error),
            )
        try:
            await asyncio.wait_for(stop.wait(), ROUND_S)
        except TimeoutError:
            continue


class Forecaster:
    """Renews forecasts. What it remembers only saves work: the paces of depots, and the roads of
    runs with the stops that they were drawn through."""

    def __init__(self, db: Database, roads: Roads) -> None:
        self._db = db
        self._roads = roads
        self._paces: dict[UUID, tuple[datetime, Pace]] = {}
        self._lines: dict[UUID, tuple[tuple[Position, ...], Line]] = {}

    async def renew_due(self) -> int:
        """One round; how many runs were looked at."""
        now = clock.now()
        async with self._db.transaction() as session:
            due = await take_due(session, now=now, until=now + WHILE_DRIVEN, most=RUNS_MAX)
        if due:
            async with self._db.transaction() as session:
                runs = await read_run_times(session, due)
                today = await self._learn(session, runs, now)
            ways = {run.run_id: await self._measure(run, now) for run in runs}
            lines = {run.run_id: await self._trace(run) for run in runs}
            for run in runs:
                run.limits_mps = await find_limits(run, self._roads, now)
            windows = {run.run_id: self._predict(run, ways[run.run_id], today, now) for run in runs}
            for mine in _in_parts(runs):
                async with self._db.transaction() as session:
                    await lock_depot(session, mine[0].depot_id)
                    watches = await hold(session, [run.run_id for run in mine])
                    for run in mine:
                        if run.run_id in watches:
                            told = windows[run.run_id], lines[run.run_id]
                            watch = watches[run.run_id]
                            await _write(session, run, *told, watch=watch, now=now)
        return len(due)

    async def _learn(
        self, session: AsyncSession, runs: list[RunTimes], now: datetime
    ) -> dict[UUID, list[Cell]]:
        """Bring the paces of the depots up to date; what the day has shown so far, by driver."""
        today: dict[UUID, list[Cell]] = {}
        for depot_id in sorted({run.depot_id for run in runs}):
            learnt_at, _ = self._paces.get(depot_id, (None, None))
            if learnt_at is None or not now - LEARN_EVERY < learnt_at <= now:
                self._paces[depot_id] = now, await _learn_pace(session, depot_id, now)
            mine = [run for run in runs if run.depot_id == depot_id]
            midnight = now.astimezone(mine[0].zone).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            for cell in await arrivals.read_cells(
                session, depot_id, since=midnight, driver_ids={run.driver_id for run in mine}
            ):
                today.setdefault(cell.driver_id, []).append(cell)
        return today

    async def _measure(self, run: RunTimes, now: datetime) -> Ways:
        return await measure_ways(self._roads, ways_to_measure(run, now), run.profile)

    async def _trace(self, run: RunTimes) -> Line | None:
        """The roads of the run; None where there is no map, or nobody is to drive now."""
        if self._roads.source == "haversine" or run.state != "started":
            self._lines.pop(run.run_id, None)
            return None
        halts = tuple(stop.position for stop in run.stops if stop.position is not None)
        known, line = self._lines.get(run.run_id, (None, None))
        if known == halts:
            return line
        whole = [(each.lon, each.lat) for each in (run.depot_position, *halts, run.depot_position)]
        try:
            found = await asyncio.to_thread(trace, self._roads, whole, run.profile)
        except RoadsError as error:
            log.warning("the map has no answer, so nobody knows who left their roads: %s", error)
            return None
        line = [Position(lon, lat) for lon, lat in found]
        self._lines[run.run_id] = halts, line
        return line

    def _predict(
        self, run: RunTimes, ways: Ways, today: dict[UUID, list[Cell]], now: datetime
    ) -> list[Window]:
        forgotten = run.state != "started" and now - run.starts_at > STARTED_AT_ALL
        if run.state == "closed" or forgotten:
            return []
        _, pace = self._paces[run.depot_id]
        return arrivals.predict_arrivals(
            what_is_left(run, ways, now),
            pace,
            arrivals.surprises_of(pace, today.get(run.driver_id, ())),
            now=now,
            zone=run.zone,
        )


def _in_parts(runs: list[RunTimes]) -> Iterator[tuple[RunTimes, ...]]:
    """The runs of one depot at a time, and few of them: the street waits for the depot's lock."""
    by_depot = sorted(runs, key=lambda run: run.depot_id)
    for _, mine in groupby(by_depot, key=lambda run: run.depot_id):
        yield from batched(mine, RUNS_WRITTEN_TOGETHER)


async def _learn_pace(session: AsyncSession, depot_id: UUID, now: datetime) -> Pace:
    since = now - arrivals.LEARNS_FROM
    cells = await arrivals.read_cells(session, depot_id, since=since)
    due, taken = (
        await session.execute(
            select(
                func.coalesce(func.sum(func.jsonb_array_length(Shift.breaks)), 0),
                func.coalesce(func.sum(Shift.breaks_taken), 0),
            ).where(
                Shift.depot_id == depot_id, Shift.starts_at >= since, Shift.ended_at.is_not(None)
            )
        )
    ).one()
    return arrivals.learn_pace(cells, rests_due=due, rests_taken=taken)


async def _write(
    session: AsyncSession,
    run: RunTimes,
    windows: list[Window],
    line: Line | None,
    *,
    watch: RunWatch,
    now: datetime,
) -> None:
    """Keep what the run has taught, score what came true, tell what is new, and look again."""
    await arrivals.note_times(session, times_taken(run))
    come = {stop.id: stop.arrived_at for stop in run.stops if stop.arrived_at is not None}
    whose = {"depot_id": run.depot_id, "driver_id": run.driver_id}
    await arrivals.score_arrivals(session, arrivals=come, **whose)
    if await arrivals.tell_forecasts(
        session, run_id=run.run_id, windows=windows, made_at=now, **whose
    ):
        announce(session, FORECASTS_CHANNEL, str(run.run_id).encode())
    await follow_alerts(session, run, windows, line, now)
    if watch.due_at != now + WHILE_DRIVEN:
        return  # something has happened since it was taken
    if run.state == "closed":
        await session.delete(watch)
    elif run.state != "started":
        watch.due_at = max(now + BEFORE_START, run.starts_at - STARTED_AT_ALL)
