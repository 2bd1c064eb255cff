"""What goes to dispatchers' screens: a snapshot, then what has changed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio

from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.live.map_feed import MapFeed
from server.protocol.from_driver import Fix
from server.tracking import service as tracking

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def map_feed(db: Database, feed: Feed) -> AsyncIterator[MapFeed]:
    with clock.running(lambda: NOON):
        yield MapFeed(db, feed)


async def add_driver(db: Database) -> UUID:
    async with db.transaction() as session:
        person = await identity.create_person(
            session, name="Nora Frei", email="nora@example.org", role=Role.DRIVER, by="test"
        )
    return person.id


async def be_at(db: Database, driver_id: UUID, lon: float, *, seq: int) -> None:
    fix = Fix(seq=seq, taken_at=NOON, lon=lon, lat=47.0, accuracy_m=5.0)
    async with db.transaction() as session:
        await tracking.ingest_fixes(
            session,
            driver_id=driver_id,
            device_id=new_id(),
            fixes=[fix],
            received_at=NOON,
        )


async def test_snapshot_names_the_driver_and_the_time(db: Database, map_feed: MapFeed) -> None:
    driver_id = await add_driver(db)
    await be_at(db, driver_id, 9.5, seq=1)
    await map_feed.refresh()
    frame, cursor = map_feed.frame(0)
    assert frame["type"] == "snapshot" and frame["is_current"]
    assert (frame["now"], frame["speed"]) == (NOON, 1.0)
    driver = frame["drivers"][str(driver_id)]
    assert driver["name"] == "Nora Frei" and driver["position"][0] == pytest.approx(9.5)
    later, _ = map_feed.frame(cursor)
    assert later["type"] == "changes" and later["drivers"] == {}


async def test_frame_admits_that_the_database_has_not_been_read(map_feed: MapFeed) -> None:
    assert not map_feed.frame(0)[0]["is_current"]
    await map_feed.refresh()
    assert map_feed.frame(0)[0]["is_current"]
