"""What `postrider doctor` says, and that it sees what needs a person."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.app import doctor
from server.app.doctor import examine, retry
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.outbox import REACTIONS, Event, OutboxEvent, OutboxReaction, emit, reaction
from server.kit.relay import ATTEMPTS, relay_pending
from server.kit.settings import Settings
from server.live.handover import Mailbox
from server.live.news import DRIVERS_CHANNEL
from server.tracking.service import ensure_partitions

NOT_FOR_POWER_CUTS = "durability: fsync is off"
"""The servers of the tests are like those of the demo; all else about them is well."""


class GongStruck(Event):
    gong: str


rope = {"is_broken": True}


async def on_gong_struck(session: AsyncSession, event: GongStruck) -> None:
    if rope["is_broken"]:
        raise RuntimeError(f"the rope of {event.gong} broke")


@pytest.fixture
def _gong() -> Iterator[None]:
    rope["is_broken"] = True
    reaction(on_gong_struck)
    yield
    del REACTIONS[GongStruck]


@pytest.fixture
def installation(settings: Settings, own_db: Database) -> Settings:
    settings.roads_dir.mkdir()
    (settings.roads_dir / "roads.json").write_text("{}")
    url = own_db.engine.url.render_as_string(hide_password=False)
    return replace(settings, database_url=url)


def read_findings(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """The lines of parts that are well, and of those that need a person."""
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    # Whether the page is built depends on what else was done in this folder.
    lines = [line for line in lines if not line[1].startswith("page:")]
    assert {mark for mark, _ in lines} <= {"ok", "!"}
    return [said for mark, said in lines if mark == "ok"], [
        said for mark, said in lines if mark == "!"
    ]


async def test_a_healthy_installation_has_nothing_to_mend(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with own_db.transaction() as session:
        await ensure_partitions(session, days_needed())
    await examine(installation)
    well, ill = read_findings(capsys)
    parts = [line.split(":")[0] for line in well]
    assert parts == [
        *("database", "schema", "clock", "events", "trails", "redis", "disk", "roads"),
    ]
    assert "PostGIS 3" in well[0]
    assert [line.startswith(NOT_FOR_POWER_CUTS) for line in ill] == [True]


def days_needed() -> list[date]:
    today = clock.now().date()
    return [today, today + timedelta(days=1)]


async def test_events_that_nobody_carries_on_ask_for_a_worker(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with own_db.transaction() as session:
        emit(session, GongStruck(gong="Old Tom"))
    await examine(installation)
    well, _ = read_findings(capsys)
    assert "events: 1 on their way" in well
    async with own_db.transaction() as session:
        await session.execute(
            update(OutboxEvent).values(emitted_at=clock.now() - timedelta(seconds=90))
        )
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    assert "events: 1 on their way, the oldest for 90 s -> nobody carries them on: " in "".join(
        line + " " for line in ill
    )


async def test_days_of_the_trail_that_are_missing_are_named(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    today, tomorrow = days_needed()
    async with own_db.transaction() as session:
        await ensure_partitions(session, [today])
        await session.execute(text(f"drop table if exists fix_{tomorrow:%Y%m%d}"))
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    assert any(line.startswith(f"trails: no partition for {tomorrow} ->") for line in ill)


async def test_a_tracker_that_was_never_heard_is_named(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with own_db.transaction() as session:
        driver = await identity.create_person(
            session, name="Nora Frei", email="nora@example.org", role=Role.DRIVER, by="test"
        )
        await identity.add_tracker(session, driver.id, "OwnTracks", by="test")
    await examine(installation)
    _, ill = read_findings(capsys)
    assert not any("never heard" in line for line in ill), "it was added just now"
    async with own_db.transaction() as session:
        await session.execute(text("update device set paired_at = paired_at - interval '2 hours'"))
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    assert any(line.startswith("tracker: OwnTracks of Nora Frei was never heard") for line in ill)


async def test_a_clock_that_differs_from_the_databases_is_told_by_how_much(
    installation: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: datetime.now(UTC) - timedelta(minutes=5))
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    told = [re.match("clock: ([0-9]+) s behind the database's ->", line) for line in ill]
    assert [int(found[1]) for found in told if found] == [pytest.approx(300, abs=60)]


async def test_a_gateway_that_does_not_hear_redis_is_counted(
    installation: Settings, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    mailboxes = [Mailbox(installation.gateways_dir, lambda *_: None) for _ in range(2)]
    for each in mailboxes:
        each.open()
    (installation.gateways_dir / "of-a-killed-one").touch()
    hearing = feed.listen(DRIVERS_CHANNEL)
    assert await anext(hearing) is None, "it listens"
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    sentence = "gateways: 2 run here, and 1 of them do not hear Redis ->"
    assert any(line.startswith(sentence) for line in ill)
    second = feed.listen(DRIVERS_CHANNEL)
    assert await anext(second) is None
    await examine(installation)
    well, _ = read_findings(capsys)
    assert "gateways: 2 run here" in well
    for each in mailboxes:
        each.close()
    await hearing.aclose()
    await second.aclose()


@pytest.mark.usefixtures("_gong")
async def test_a_reaction_that_was_given_up_is_shown_and_can_be_tried_again(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with own_db.transaction() as session:
        emit(session, GongStruck(gong="Old Tom"))
    for _ in range(ATTEMPTS):
        await relay_pending(own_db)
        async with own_db.transaction() as session:
            due = clock.real_now() - timedelta(seconds=1)
            await session.execute(update(OutboxReaction).values(next_attempt_at=due))
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    (line,) = (line for line in ill if line.startswith("reaction:"))
    assert "on_gong_struck" in line
    assert f"failed {ATTEMPTS} times" in line
    assert "the rope of Old Tom broke" in line
    assert line.endswith("run `./postrider doctor --retry`")

    rope["is_broken"] = False
    assert await retry(installation) == 1
    await relay_pending(own_db)
    await examine(installation)
    _, ill = read_findings(capsys)
    assert not any(line.startswith("reaction:") for line in ill)


async def test_a_database_without_tables_is_told_to_migrate(
    installation: Settings, own_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with own_db.transaction() as session:
        await session.execute(text("update alembic_version set version_num = '0001'"))
    assert not await examine(installation)
    _, ill = read_findings(capsys)
    assert "schema: 0001 -> run `./postrider migrate`" in ill


async def test_services_that_are_away_are_named_with_their_variable(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    away = replace(
        installation,
        database_url="postgresql+asyncpg://postrider@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1",
    )
    assert not await examine(away)
    _, ill = read_findings(capsys)
    assert any(line.startswith("database:") and "DATABASE_URL" in line for line in ill)
    assert any(line.startswith("redis:") and "REDIS_URL" in line for line in ill)


async def test_a_database_that_is_silent_is_not_waited_for_for_ever(
    installation: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ANSWER_WITHIN_S", 0.05)
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    url = f"postgresql+asyncpg://postrider@127.0.0.1:{port}/none"
    async with asyncio.timeout(10):
        assert not await examine(replace(installation, database_url=url))
    _, ill = read_findings(capsys)
    assert any(line.startswith("database: does not answer (TimeoutError)") for line in ill)
    silent.close()
