"""The small tools: time, money, positions, files, life cycles, errors, news."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, func, select, text

from server.identity.models import Person
from server.kit import clock
from server.kit.blobs import MAX_BLOB_BYTES, BadBlobName, BlobMismatch, Blobs, UnknownBlob
from server.kit.db import Database, Unstorable, after_commit, is_any
from server.kit.errors import IllegalMove, NotFound, TooLarge
from server.kit.feed import Feed, announce
from server.kit.geo import Point, Position, haversine_m, point
from server.kit.ids import new_id
from server.kit.lifecycle import Lifecycle, moves
from server.kit.money import Money, NotAnAmount, parse_money
from server.kit.settings import SecretNotSet, refuse_open_door

MORNING = datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_scaled_clock_runs_as_many_times_as_fast_and_survives_its_text() -> None:
    real = clock.real_now()
    made = clock.ScaledClock(MORNING, 60, real.timestamp() - 10)
    read = clock.ScaledClock.parse(str(made))
    assert read == made
    assert timedelta(minutes=10) <= read() - MORNING < timedelta(minutes=20)


def test_shared_clock_is_the_same_for_all_who_read_it_and_changes_its_speed(tmp_path: Path) -> None:
    mine = clock.SharedClock(tmp_path / "clock")
    mine.set(MORNING, speed=1.0)
    theirs = clock.SharedClock(tmp_path / "clock")
    assert abs(mine() - theirs()) < timedelta(seconds=1)
    assert theirs() - MORNING < timedelta(minutes=1)
    mine.set(MORNING + timedelta(hours=5), speed=60.0)
    assert mine.current().speed == 60.0
    with clock.running(mine):
        assert clock.speed() == 60.0
        assert clock.as_text() == str(mine.current())
        assert timedelta(hours=5) <= clock.now() - MORNING < timedelta(hours=6)
    assert clock.as_text() is None


def test_clock_is_put_back_after_a_block() -> None:
    with clock.running(lambda: MORNING):
        assert clock.now() == MORNING
    assert clock.now() != MORNING


@given(st.integers(-(10**9), 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_reads_what_it_writes(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert parse_money(str(amount).removesuffix(f" {currency}"), currency) == amount


@pytest.mark.parametrize("amount", ["", "1.234", "1,2,3", "12 EUR", "1e5", "--1", "٣"])
def test_money_refuses_what_is_not_an_amount(amount: str) -> None:
    with pytest.raises(NotAnAmount):
        parse_money(amount, "EUR" if amount != "٣" else "JPY")


def test_haversine_knows_the_length_of_a_degree() -> None:
    assert haversine_m(Position(9, 47), Position(9, 48)) == pytest.approx(111_195, abs=50)


async def test_position_comes_back_from_the_database_as_it_went(db: Database) -> None:
    a, b = Position(9.5, 47.1), Position(9.6, 47.1)
    async with db.transaction() as session:
        back = await session.scalar(select(bindparam("a", a, type_=Point())))
        metres = await session.scalar(select(func.ST_Distance(point(a), point(b), True)))
    assert back == a
    assert metres == pytest.approx(haversine_m(a, b), rel=0.005)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_file_is_kept_once_and_read_back(tmp_path: Path) -> None:
    blobs, name = Blobs(tmp_path), sha256(b"a photo")
    assert await blobs.put(name, chunks(b"a ", b"photo")) is True
    assert await blobs.put(name, chunks(b"a photo")) is False
    assert blobs.read(name) == b"a photo"


@pytest.mark.parametrize("data", [b"", b"another photo"])
async def test_file_with_the_wrong_bytes_leaves_nothing_behind(tmp_path: Path, data: bytes) -> None:
    blobs, name = Blobs(tmp_path), sha256(b"a photo")
    with pytest.raises(BlobMismatch):
        await blobs.put(name, chunks(data))
    with pytest.raises(UnknownBlob):
        blobs.read(name)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_file_that_is_too_large_is_cut_off(tmp_path: Path) -> None:
    part = bytes(1024 * 1024)
    with pytest.raises(TooLarge):
        await Blobs(tmp_path).put("0" * 64, chunks(*[part] * (MAX_BLOB_BYTES // len(part) + 1)))


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "0" * 63, "", "0" * 64 + "\n"])
async def test_name_that_is_no_digest_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadBlobName):
        await Blobs(tmp_path).put(name, chunks(b""))


def test_lifecycle_allows_only_what_its_table_says() -> None:
    door = Lifecycle("The door", moves(open="closed", closed="open locked", locked=""))
    door.check("open", "closed")
    assert door.is_final("locked")
    with pytest.raises(IllegalMove, match="The door is open and cannot become locked"):
        door.check("open", "locked")


def test_error_says_what_happened_and_carries_its_details() -> None:
    class UnknownShelf(NotFound):
        """There is no shelf {shelf!r} in {house}. Look at the plan
        of the warehouse."""

        code = "test.unknown_shelf"

    problem = UnknownShelf(shelf="A7", house="Vaduz").problem()
    assert problem["detail"] == (
        "There is no shelf 'A7' in Vaduz. Look at the plan of the warehouse."
    )
    assert problem["pattern"] == (
        "There is no shelf “{shelf}” in {house}. Look at the plan of the warehouse."
    )
    assert (problem["status"], problem["code"], problem["shelf"]) == (
        404,
        "test.unknown_shelf",
        "A7",
    )


async def test_value_that_the_database_cannot_hold_is_the_callers_error(db: Database) -> None:
    with pytest.raises(Unstorable):
        async with db.transaction() as session:
            await session.execute(text("select cast(:name as text)"), {"name": "nul \0"})


async def test_wake_up_comes_after_the_commit_only(db: Database) -> None:
    woken: list[str] = []
    async with db.transaction() as session:
        after_commit(session, lambda: woken.append("committed"))
        assert woken == []
    with pytest.raises(KeyError):
        async with db.transaction() as session:
            after_commit(session, lambda: woken.append("rolled back"))
            raise KeyError
    assert woken == ["committed"]


async def test_news_is_heard_after_the_commit_and_the_start_is_told(
    db: Database, feed: Feed
) -> None:
    heard = feed.listen("test.news")
    assert await anext(heard) is None
    async with db.transaction() as session:
        announce(session, "test.news", b"hello")
    assert await anext(heard) == ("test.news", b"hello")
    await heard.aclose()  # type: ignore[attr-defined]


async def test_publishing_without_redis_is_counted_and_does_not_fail() -> None:
    feed = Feed("redis://127.0.0.1:1/0")
    await feed.publish("test.news", b"lost")
    assert feed.lost_messages == 1
    assert await feed.is_up() is False
    await feed.close()


async def test_only_one_holds_a_name_at_a_time(own_db: Database) -> None:
    async with own_db.exclusive("x") as first, own_db.exclusive("x") as second:
        assert (first, second) == (True, False)
    async with own_db.exclusive("x") as again:
        assert again is True


def test_listening_to_others_needs_a_secret() -> None:
    refuse_open_door("127.0.0.1", {})
    refuse_open_door("0.0.0.0", {"POSTRIDER_SECRET": "x" * 16})
    with pytest.raises(SecretNotSet, match="POSTRIDER_SECRET"):
        refuse_open_door("0.0.0.0", {"POSTRIDER_SECRET": "short"})


async def test_list_of_ids_is_read_once_and_not_for_each_row(db: Database) -> None:
    query = select(Person.id).where(is_any(Person.id, [new_id(), new_id()]))
    words = query.compile(dialect=db.engine.dialect, compile_kwargs={"literal_binds": True})
    async with db.transaction() as session:
        plan = "\n".join(await session.scalars(text(f"explain {words}")))
    condition = next(line for line in plan.splitlines() if "ANY" in line)
    assert "InitPlan" in plan and "'{" not in condition, plan
