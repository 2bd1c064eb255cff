"""What goes to dispatchers' screens: a snapshot, then what has changed, and signs of life."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import delete
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed, announce
from server.kit.relay import relay_pending
from server.kit.settings import Settings
from server.live import map_feed as map_feed_module
from server.live import screens
from server.live.map_feed import MapFeed
from server.live.news import MAP_CHANNEL, TELL_OF_ANYTHING, tell_of_driver
from server.protocol.from_driver import Fix, Fixes, Heartbeat, SetShift
from server.tracking import service as tracking
from server.tracking.models import LivePositionRow
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import (
    PATIENCE_S,
    Screen,
    Web,
    cable_to,
    calling,
    merge,
    move,
    pair,
    serving,
    sign_in_cookie,
    watching,
)

QUIET_S = 0.3
"""So long must nothing come where nothing may come: several beats of the tests that wait for it."""


@asynccontextmanager
async def kept_current(db: Database, feed: Feed) -> AsyncIterator[MapFeed]:
    """A map that somebody watches, kept current by its own jobs."""
    map_feed = MapFeed(db, feed)
    jobs = [
        asyncio.create_task(job())
        for job in (map_feed.listen, map_feed.keep_current, map_feed.sweep)
    ]
    with map_feed.watched(lambda: None):
        yield map_feed
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def truth(db: Database, feed: Feed) -> dict[str, dict[str, Any]]:
    """What a screen that opens now is shown."""
    fresh = MapFeed(db, feed)
    await fresh.refresh()
    shown: dict[str, dict[str, Any]] = {}
    merge(shown, _as_json(fresh.frame(0)[0]))
    return shown


def comparable(shown: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Without what differs between two gateways, and as exact as frames of moves are."""
    plain: dict[str, dict[str, Any]] = json.loads(json.dumps(shown))
    for record in plain.get("drivers", {}).values():
        del record["number"], record["received_at"]
        record["position"] = [round(degrees, 6) for degrees in record["position"]]
    return plain


def _as_json(frame: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(msgspec.json.encode(frame))
    return plain


async def drive_to(town: Town, driver_id: UUID, lon: float, *, seq: int) -> None:
    """A fix of the driver's phone is stored, and told to the maps."""
    async with town.db.transaction() as session:
        await tracking.ingest_fixes(
            session,
            driver_id=driver_id,
            device_id=driver_id,  # any id that is the same each time
            fixes=[Fix(seq=seq, taken_at=town.later(minutes=1), lon=lon, lat=47.14, accuracy_m=5)],
            received_at=town.now,
        )
        announce(session, MAP_CHANNEL, tell_of_driver(driver_id))


async def test_stale_screen_becomes_equal_to_a_fresh_one_after_every_kind_of_change(
    town: Town, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_feed_module, "SWEEP_S", 0.05)
    monkeypatch.setattr(map_feed_module, "TICK_S", 0.01)
    first = await town.add_driver()
    _, done = await town.assign(corner(1, 1))
    _, failed = await town.assign(corner(2, 1))
    await town.assign(corner(3, 1))
    shown: dict[str, dict[str, Any]] = {}
    async with kept_current(town.db, feed) as map_feed:
        await map_feed.refresh()
        frame, cursor = map_feed.frame(0)
        merge(shown, _as_json(frame))
        assert comparable(shown) == comparable(await truth(town.db, feed))

        async def reassign() -> None:
            await town.add_driver()
            async with town.db.transaction() as session:
                (run,) = await dispatch.list_runs(session, driver_id=first)
                await dispatch.reassign_run(session, run.id, roads=town.roads, by="test")

        async def settle() -> None:
            async with town.db.transaction() as session:
                for each in await dispatch.list_exceptions(session):
                    await dispatch.settle_exception(session, each.id, note="seen", by="test")

        async def end_shift() -> None:
            async with town.db.transaction() as session:
                (run,) = [run for run in await dispatch.list_runs(session) if run.state != "closed"]
            end = SetShift(change="end", occurred_at=town.later(hours=1))
            await town.does(run.driver_id, end)

        async def forget_position() -> None:
            async with town.db.transaction() as session:
                await session.execute(delete(LivePositionRow))
                announce(session, MAP_CHANNEL, tell_of_driver(first))

        changes: dict[str, Callable[[], Awaitable[object]]] = {
            "first position": lambda: drive_to(town, first, 9.521, seq=1),
            "next position": lambda: drive_to(town, first, 9.522, seq=2),
            "position is gone": forget_position,
            "task under way": lambda: town.start(first, done),
            "task done": lambda: town.complete(first, done),
            "task failed": lambda: town.fail(first, failed),
            "more work": lambda: town.assign(corner(1, 3)),
            "reassigned, exception": reassign,
            "settled": settle,
            "run closed, left undone": end_shift,
        }
        for what, change in changes.items():
            before = json.dumps(shown)
            await change()
            await relay_pending(town.db)
            expected = comparable(await truth(town.db, feed))
            async with asyncio.timeout(PATIENCE_S):
                while comparable(shown) != expected:
                    await asyncio.sleep(0.01)
                    moves, _ = map_feed.moves(cursor)
                    frame, cursor = map_feed.frame(cursor)
                    assert frame["type"] == "changes"
                    if moves is not None:
                        move(shown, moves)
                    merge(shown, _as_json(frame))
            assert json.dumps(shown) != before, what


async def test_screen_is_shown_what_is_read_of_a_big_map_before_all_of_it_is(
    town: Town, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver_id = await town.add_driver()
    await town.assign(corner(1, 1))
    await drive_to(town, driver_id, 9.52, seq=1)
    list_exceptions, may_go_on = dispatch.list_exceptions, asyncio.Event()

    async def read_last(*args: Any, **details: Any) -> Any:
        await may_go_on.wait()
        return await list_exceptions(*args, **details)

    monkeypatch.setattr(dispatch, "list_exceptions", read_last)
    map_feed = MapFeed(town.db, feed)
    with map_feed.watched(lambda: None):
        reading = asyncio.create_task(map_feed.refresh())
        async with asyncio.timeout(PATIENCE_S):
            await map_feed.catch_up()
        frame, _ = map_feed.frame(0)
        assert not reading.done()
        assert len(frame["drivers"]) == len(frame["runs"]) == 1
        assert not frame["is_current"], "it does not say that this is all"
        may_go_on.set()
        await reading
        assert map_feed.frame(0)[0]["is_current"]


async def test_who_looks_first_finds_read_what_there_was_before_anybody_looked(
    town: Town, feed: Feed
) -> None:
    driver_id = await town.add_driver()
    await town.assign(corner(1, 1))
    await drive_to(town, driver_id, 9.52, seq=1)
    map_feed = MapFeed(town.db, feed)
    reading = asyncio.create_task(map_feed.keep_current())
    async with asyncio.timeout(PATIENCE_S):
        while not all(map_feed.frame(0)[0][kind] for kind in ("drivers", "runs")):
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_map_catches_up_when_redis_is_gone_and_when_it_is_back(
    town: Town,
    redis_url: str,
    settings: Settings,
    blobs: Blobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(map_feed_module, "SWEEP_S", 0.05)
    driver_id = await town.add_driver()
    _, cookie = await sign_in_cookie(town.db)
    async with cable_to(redis_url) as (cable, url):
        feed = Feed(url)
        db = Database(town.db.engine.url.render_as_string(hide_password=False), feed=feed)
        town.db = db
        async with serving(settings, db, feed, blobs) as web, watching(web, cookie) as screen:
            await drive_to(town, driver_id, 9.521, seq=1)
            await shows_at(screen, driver_id, 9.521)
            cable.pull()
            await drive_to(town, driver_id, 9.522, seq=2)
            await shows_at(screen, driver_id, 9.522)
            cable.plug()
            async with asyncio.timeout(PATIENCE_S):
                while not await feed.is_up():
                    await asyncio.sleep(0.01)
            await drive_to(town, driver_id, 9.523, seq=3)
            await shows_at(screen, driver_id, 9.523)
        await feed.close()
        await db.close()


async def shows_at(screen: Screen, driver_id: UUID, lon: float) -> None:
    """Acknowledge frames until the driver stands there."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await screen.acknowledge(await screen.frame())
            found = screen.shown["drivers"].get(str(driver_id))
            if found is not None and abs(found["position"][0] - lon) < 1e-9:
                return


async def test_map_says_when_it_has_lost_the_database_and_comes_back(
    town: Town,
    feed: Feed,
    settings: Settings,
    blobs: Blobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(map_feed_module, "SWEEP_S", 0.05)
    monkeypatch.setattr(map_feed_module, "STALE_AFTER_S", 0.5)
    monkeypatch.setattr(screens, "BEAT_S", 0.05)
    _, cookie = await sign_in_cookie(town.db)
    plain = town.db.engine.url.render_as_string(hide_password=False)
    async with cable_to(plain) as (cable, url):
        db = Database(url, feed=feed)
        async with serving(settings, db, feed, blobs) as web, watching(web, cookie) as screen:
            for plugged in (True, False, True):
                cable.plug() if plugged else cable.pull()
                async with asyncio.timeout(PATIENCE_S):
                    while (frame := await screen.frame())["is_current"] is not plugged:
                        await screen.acknowledge(frame)
                await screen.acknowledge(frame)
        await db.close()


async def test_position_by_socket_comes_to_the_screen_with_name_and_clock(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    _, cookie = await sign_in_cookie(town.db)
    async with (
        watching(web, cookie) as screen,
        calling(web, await pair(town.db, driver_id)) as line,
    ):
        frame = await screen.frame()
        assert (frame["type"], frame["speed"]) == ("snapshot", 1.0)
        assert frame["now"] == town.now.isoformat().replace("+00:00", "Z")
        await screen.acknowledge(frame)
        fix = Fix(seq=1, taken_at=town.now, lon=9.521, lat=47.14, accuracy_m=5)
        await line.say(Fixes(fixes=(fix,)))
        await shows_at(screen, driver_id, 9.521)
        shown = screen.shown["drivers"][str(driver_id)]
        assert (shown["name"], shown["battery_percent"]) == ("Driver 1", None)
        await line.say(Heartbeat(battery_percent=41))
        async with asyncio.timeout(PATIENCE_S):
            while screen.shown["drivers"][str(driver_id)]["battery_percent"] != 41:
                await screen.acknowledge(await screen.frame())


async def test_screen_that_does_not_acknowledge_gets_two_frames_then_one_with_all_it_missed(
    any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "BEAT_S", 0.01)
    monkeypatch.setattr(map_feed_module, "TICK_S", 0.01)
    _, cookie = await sign_in_cookie(any_web.db)
    async with watching(any_web, cookie) as screen:
        await screen.frame()
        second = await screen.frame()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(screen.socket.recv(), QUIET_S)
        await screen.acknowledge(second)
        for _ in range(2):
            await screen.frame()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(screen.socket.recv(), QUIET_S)


async def test_quiet_map_still_gives_signs_of_life(
    any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "BEAT_S", 0.01)
    _, cookie = await sign_in_cookie(any_web.db)
    kinds = []
    async with watching(any_web, cookie) as screen:
        for _ in range(3):
            frame = await screen.frame()
            await screen.acknowledge(frame)
            kinds.append((frame["type"], frame["drivers"]))
    assert kinds == [("snapshot", {}), ("changes", {}), ("changes", {})]


async def test_screen_that_slept_while_the_gone_were_forgotten_gets_a_snapshot(
    town: Town, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_feed_module, "GONE_MAX", 1)
    map_feed = MapFeed(town.db, feed)
    drivers = [await town.add_driver() for _ in range(3)]
    for number, driver_id in enumerate(drivers):
        await drive_to(town, driver_id, 9.52 + number / 1000, seq=1)
    await map_feed.refresh()
    shown: dict[str, dict[str, Any]] = {}
    frame, asleep_at = map_feed.frame(0)
    merge(shown, _as_json(frame))
    assert len(shown["drivers"]) == 3
    async with town.db.transaction() as session:
        await session.execute(delete(LivePositionRow))
    await told(map_feed, feed, TELL_OF_ANYTHING)
    frame, awake_at = map_feed.frame(asleep_at)
    merge(shown, _as_json(frame))
    assert (frame["type"], shown["drivers"]) == ("snapshot", {})
    await drive_to(town, drivers[0], 9.53, seq=2)
    await told(map_feed, feed, tell_of_driver(drivers[0]))
    frame, _ = map_feed.frame(awake_at)
    assert (frame["type"], list(frame["drivers"])) == ("changes", [str(drivers[0])])


async def told(map_feed: MapFeed, feed: Feed, news: bytes) -> None:
    """The map has heard this and read again."""
    version = map_feed.frame(0)[1]
    listening = asyncio.create_task(map_feed.listen())
    async with asyncio.timeout(PATIENCE_S):
        while map_feed.frame(0)[1] == version:
            await feed.publish(MAP_CHANNEL, news)
            await asyncio.sleep(0.005)
            await map_feed.refresh()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_answer_that_is_no_acknowledgement_ends_the_screen_with_a_reason(
    any_web: Web,
) -> None:
    _, cookie = await sign_in_cookie(any_web.db)
    for nonsense in ("{", '{"ack": "x"}', b"\xff", "[]"):
        async with watching(any_web, cookie) as screen:
            await screen.socket.send(nonsense)
            await screen.socket.wait_closed()
            assert screen.socket.close_code == 4400
            assert screen.socket.close_reason == 'Send {"ack": cursor of the newest frame drawn}.'


async def test_screen_ends_when_its_person_is_signed_out(
    any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "SESSION_CHECK_S", 0.02)
    person_id, cookie = await sign_in_cookie(any_web.db)
    async with watching(any_web, cookie) as screen:
        await screen.frame()
        async with any_web.db.transaction() as session:
            await identity.end_sessions(session, person_id)
        await screen.socket.wait_closed()
        assert screen.socket.close_code == 4401
        assert screen.socket.close_reason == "You are signed out. Sign in again."


@pytest.mark.parametrize("origin", ["https://evil.example", None])
async def test_page_of_another_site_cannot_open_a_dispatchers_map(
    any_web: Web, origin: str | None
) -> None:
    _, cookie = await sign_in_cookie(any_web.db)
    headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{any_web.socket_url}/ws/dispatch", additional_headers=headers):
            pass
    assert refused.value.response.status_code == 403
    problem = json.loads(refused.value.response.body or b"")
    assert problem["detail"].startswith("This request comes from a page of another site.")
