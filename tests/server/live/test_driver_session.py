"""Whatever a phone sends, it gets a sentence about it, and our side stays whole. No socket here:
the session knows none."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select

from server.dispatch.models import StreetFact
from server.identity.access import Principal, Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.ids import new_id
from server.live.driver_session import DriverSession
from server.live.models import DriverCommand
from server.live.timers import TIMERS
from server.protocol import PROTOCOL_VERSION
from server.protocol.codec import encode
from server.protocol.envelope import FRAMES
from server.protocol.from_driver import (
    CollectReturn,
    Fix,
    Fixes,
    HandedOverParcel,
    Hello,
    SetShift,
    StartTasks,
)
from server.protocol.to_driver import Ack, Manifest, Reject
from server.returns import service as returns
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import wrap

ROUNDS = 25
SEED = 20260302


@pytest_asyncio.fixture
async def town(db: Database) -> Any:
    with ExitStack() as stack:
        town = Town(db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        yield town


@pytest_asyncio.fixture
async def driver_id(town: Town) -> UUID:
    return await town.add_driver()


@pytest_asyncio.fixture
async def talk(town: Town, driver_id: UUID, blobs: Blobs) -> DriverSession:
    """A session of a phone that has said Hello."""
    principal = Principal(role=Role.DRIVER, person_id=driver_id, device_id=new_id())
    session = DriverSession(town.db, blobs, principal)
    await session.hear(encode(wrap(Hello(protocol=PROTOCOL_VERSION, app_version="test"))))
    assert session.greeted
    return session


async def say(talk: DriverSession, body: Any, **envelope: Any) -> Any:
    """The body of the only answer."""
    (answer,) = await talk.hear(encode(wrap(body, **envelope)))
    return answer.body


class Nonsense:
    """Values of the right type that no honest phone would send."""

    def __init__(self, seed: int, known_ids: list[str]) -> None:
        self._chance = random.Random(seed)
        self._texts = [
            "",
            "x" * 3000,
            "☃ \U0001f69a e\u0301\u202e",
            "../../etc/passwd",
            "'; drop table task; --",
            "{sha256} {0} %s",
            "0" * 64,
            str(new_id()),
            *known_ids,
        ]

    def make(self, kind: Any) -> Any:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is tuple:
            return tuple(self.make(arguments[0]) for _ in range(self._chance.choice((0, 1, 3))))
        if origin in (Union, UnionType):
            (inner,) = (each for each in arguments if each is not NoneType)
            return self.make(inner) if self._chance.random() < 0.8 else None
        if origin is Literal:
            return self._chance.choice(arguments)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            made: Any = kind
            return made(**{field.name: self.make(hints[field.name]) for field in fields(kind)})
        return self._chance.choice(self._choices(kind))

    def _choices(self, kind: type) -> list[Any]:
        choices: dict[type, list[Any]] = {
            str: self._texts,
            int: [0, 1, -1, 2**31, 2**63 - 1, -(2**63)],
            float: [0.0, -0.0, 1e308, -1e308, 1e-300, 180.0, -90.0, 9.52, 47.14],
            bool: [True, False],
            datetime: [
                datetime(1, 1, 1, tzinfo=UTC),
                datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                datetime(1970, 1, 1, tzinfo=UTC),
                clock.now(),
                clock.now() + timedelta(days=1),
            ],
        }
        return choices[kind]


@pytest.mark.parametrize("name", sorted(FRAMES))
async def test_nonsense_of_every_type_is_answered_and_breaks_nothing(
    town: Town, talk: DriverSession, name: str
) -> None:
    _, task_id = await town.assign(corner(1, 1))
    print(f"seed {SEED}")
    nonsense = Nonsense(SEED, [task_id])
    for _ in range(ROUNDS):
        envelope = wrap(nonsense.make(FRAMES[name]), sent_at=nonsense.make(datetime))
        for answer in await talk.hear(encode(envelope)):
            match answer.body:
                case Reject(envelope_id=named, code=code, message=message):
                    assert (named, bool(code), bool(message)) == (envelope.id, True, True)
                    assert len(encode(answer).encode()) < 4096
                case Ack(envelope_ids=ids, fixes_through=through):
                    assert ids == (envelope.id,) or through is not None
                case body:
                    assert isinstance(body, Manifest)
        talk.greeted = True  # a Hello of another protocol is refused, but not the end of this test
    # The database is as usable as before.
    assert isinstance(await say(talk, StartTasks(task_ids=(task_id,), occurred_at=town.now)), Ack)


FAR_OFF = [
    ("0001-01-01T00:00:00Z", "2026-03-02T07:00:00Z"),
    ("9999-12-31T23:59:59Z", "2026-03-02T07:00:00Z"),
    ("2026-03-02T07:00:00Z", "0001-01-01T00:00:00Z"),
    ("2026-03-02T07:00:00Z", "9999-12-31T23:59:59Z"),
    ("1970-01-01T00:00:10Z", "2026-03-02T07:00:00Z"),
    ("2026-03-02T07:30:00Z", "2026-03-02T07:00:00Z"),
]


@pytest.mark.parametrize(("occurred", "sent"), FAR_OFF)
async def test_time_that_cannot_be_becomes_the_time_at_which_we_heard(
    town: Town, talk: DriverSession, occurred: str, sent: str
) -> None:
    command = SetShift(change="start", occurred_at=datetime.fromisoformat(occurred))
    envelope = wrap(command, sent_at=datetime.fromisoformat(sent))
    (answer,) = await talk.hear(encode(envelope))
    assert answer.body == Ack(envelope_ids=(envelope.id,))
    async with town.db.transaction() as session:
        (fact,) = await session.scalars(select(StreetFact))
        (record,) = await session.scalars(select(DriverCommand))
    assert fact.occurred_at == record.occurred_at == record.received_at == town.now


@pytest.mark.parametrize(
    ("told_s", "counted_s"), [(-3000, -3000), (0, 0), (60, 0)], ids=["late", "now", "early"]
)
async def test_small_difference_of_clocks_is_left_alone_and_nothing_is_later_than_now(
    town: Town, talk: DriverSession, told_s: int, counted_s: int
) -> None:
    told = town.now + timedelta(seconds=told_s)
    await say(
        talk,
        SetShift(change="start", occurred_at=told),
        sent_at=town.now + timedelta(seconds=100),
    )
    async with town.db.transaction() as session:
        (fact,) = await session.scalars(select(StreetFact))
    assert fact.occurred_at == town.now + timedelta(seconds=counted_s)


async def test_return_at_a_task_that_was_never_this_drivers_is_kept_all_the_same(
    town: Town, talk: DriverSession
) -> None:
    sent = await town.book(corner(1, 1))
    for at_task_id in (str(new_id()), "no id", await town.task_id(sent)):
        answer = await say(
            talk,
            CollectReturn(
                occurred_at=town.now,
                at_task_id=at_task_id,
                parcels=(HandedOverParcel(description="A lamp"),),
            ),
        )
        assert isinstance(answer, Ack)
    async with town.db.transaction() as session:
        collected = await returns.list_returns(session)
    assert [each.original_consignment_id for each in collected] == [None, None, None]


async def test_more_than_a_hundred_fixes_are_refused_together(
    town: Town, talk: DriverSession
) -> None:
    fix = Fix(seq=1, taken_at=town.now, lon=9.5, lat=47.1, accuracy_m=5)
    answer = await say(talk, Fixes(fixes=(fix,) * 101))
    assert (answer.code, answer.message) == (
        "live.too_many_fixes",
        "101 fixes in one frame; send at most 100.",
    )


async def test_frame_that_only_a_server_sends_is_refused(town: Town, talk: DriverSession) -> None:
    answer = await say(talk, Ack(envelope_ids=("x",)))
    assert (answer.code, answer.message) == ("live.unknown_frame", "A phone does not send Ack.")


async def test_answer_is_forgotten_when_no_phone_can_ask_again(
    town: Town, talk: DriverSession
) -> None:
    await say(talk, SetShift(change="start", occurred_at=town.now))
    (timer,) = TIMERS
    for later, left in ((timedelta(days=399), 1), (timedelta(days=2), 0)):
        town.now += later
        await timer.act(town.db)
        async with town.db.transaction() as session:
            assert len((await session.scalars(select(DriverCommand))).all()) == left


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing of this is a defect of ours, so nothing is logged as one."""
    yield
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
