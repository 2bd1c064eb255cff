"""OwnTracks by MQTT: a real broker where its package can be had, and one of our own that misbehaves
as real ones do when they restart."""

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.kit.mqtt import MESSAGE_BYTES_MAX, BrokerAway, Listener
from server.kit.ports import free_port
from server.kit.services import debian
from server.kit.settings import ROOT
from server.live import tracker_broker
from server.live.tracker_broker import hear_trackers

OURS = ("postrider", "a password with : and /")
THEIRS = "of-the-tracker"


@dataclass
class Tracker:
    """One that the office added, and what of it was stored."""

    db: Database
    device_id: UUID
    since: datetime = field(
        default_factory=lambda: clock.now().replace(microsecond=0) - timedelta(seconds=600)
    )

    @property
    def topic(self) -> str:
        return f"owntracks/{self.device_id}/phone"

    def at(self, second: int) -> bytes:
        taken = self.since + timedelta(seconds=second)
        place = {"lat": 47.14 + second / 1e5, "lon": 9.52, "acc": 9, "tst": int(taken.timestamp())}
        return json.dumps({"_type": "location", **place}).encode()

    async def stored(self) -> int:
        async with self.db.transaction() as session:
            return await session.scalar(text("select count(*) from fix")) or 0

    async def has_stored(self, count: int) -> None:
        async with asyncio.timeout(10):
            while await self.stored() < count:
                await asyncio.sleep(0.02)
        assert await self.stored() == count


@pytest_asyncio.fixture
async def tracker(own_db: Database) -> Tracker:
    async with own_db.transaction() as session:
        driver = await identity.create_person(
            session, name="Nora Frei", email="nora@example.org", role=Role.DRIVER, by="test"
        )
        added = await identity.add_tracker(session, driver.id, "OwnTracks", by="test")
    return Tracker(own_db, added.device_id)


@asynccontextmanager
async def hearing(db: Database, url: str) -> AsyncIterator[None]:
    task = asyncio.create_task(hear_trackers(db, url))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker_broker, "RETRY_S", 0.05)


# What a sender says, byte by byte: the listener's own code must not judge itself.


def packet(kind: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while size > 127:
        length.append(size % 128 + 128)
        size //= 128
    return bytes([kind, *length, size]) + body


def words(text: str | bytes) -> bytes:
    said = text.encode() if isinstance(text, str) else text
    return len(said).to_bytes(2) + said


def publication(topic: str, body: bytes, packet_id: int) -> bytes:
    """With quality of service 1."""
    return packet(0x32, words(topic) + packet_id.to_bytes(2) + body)


async def publish(port: int, user: str, topic: str, *bodies: bytes) -> None:
    """As a tracker with quality of service 1: done when the broker has them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    about = words("MQTT") + b"\x04\xc2\x00\x1e" + words(f"tracker {new_id()}")
    writer.write(packet(0x10, about + words(user) + words(THEIRS)))
    assert await reader.readexactly(4) == b"\x20\x02\x00\x00", "the broker lets the tracker in"
    for number, body in enumerate(bodies, 1):
        writer.write(publication(topic, body, number))
        assert (await reader.readexactly(4))[:1] == b"\x40"
    writer.close()


# A real broker


@dataclass
class Mosquitto:
    port: int
    passwords: Path
    program: debian.Program
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"mqtt://{OURS[0]}:a%20password%20with%20%3A%20and%20%2F@127.0.0.1:{self.port}"

    def let_in(self, user: str, password: str) -> None:
        add_password(self.program, self.passwords, user, password)
        self.process.send_signal(signal.SIGHUP)  # read them again


def add_password(program: debian.Program, passwords: Path, user: str, password: str) -> None:
    add = program.path.parents[1] / "bin/mosquitto_passwd"
    subprocess.run([add, "-b", passwords, user, password], check=True, env=program.environ)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    if not shutil.which("apt-get"):
        pytest.skip("packages come from apt: only on Debian and Ubuntu")
    program = debian.fetch_program(
        ROOT / ".postrider/services", "mosquitto", "usr/sbin/mosquitto", print
    )
    home = tmp_path_factory.mktemp("mosquitto")
    port = free_port()
    (home / "passwords").touch(mode=0o600)
    add_password(program, home / "passwords", *OURS)
    (home / "rights").write_text(
        "user postrider\ntopic read owntracks/#\n\npattern write owntracks/%u/#\n"
    )
    (home / "conf").write_text(
        f"listener {port} 127.0.0.1\nuser root\nallow_anonymous false\n"
        f"password_file {home}/passwords\nacl_file {home}/rights\n"
    )
    process = subprocess.Popen(
        [program.path, "-c", home / "conf"], env=program.environ, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not answers(port):
        assert time.monotonic() < deadline and process.poll() is None, "the broker does not start"
        time.sleep(0.02)
    yield Mosquitto(port, home / "passwords", program, process)
    process.terminate()
    process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


async def let_in(mosquitto: Mosquitto, tracker: Tracker) -> None:
    mosquitto.let_in(str(tracker.device_id), THEIRS)
    async with asyncio.timeout(10):
        while True:  # it reads its passwords again in its own time
            try:
                await publish(mosquitto.port, str(tracker.device_id), tracker.topic)
            except (OSError, AssertionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.02)
            else:
                return


async def test_what_owntracks_publishes_is_stored_once_and_what_came_meanwhile_too(
    mosquitto: Mosquitto, tracker: Tracker
) -> None:
    await let_in(mosquitto, tracker)
    user = str(tracker.device_id)
    async with hearing(tracker.db, mosquitto.url):
        async with asyncio.timeout(10):
            while not await tracker.stored():  # until the broker knows our session
                await publish(mosquitto.port, user, tracker.topic, tracker.at(0))
                await asyncio.sleep(0.05)
        await publish(mosquitto.port, user, tracker.topic, tracker.at(0), tracker.at(10))
        await tracker.has_stored(2)
    await publish(mosquitto.port, user, tracker.topic, tracker.at(20), tracker.at(30))
    async with hearing(tracker.db, mosquitto.url):
        await tracker.has_stored(4)
        another = f"owntracks/{new_id()}/phone"
        await publish(mosquitto.port, user, another, tracker.at(40))
        await publish(mosquitto.port, user, tracker.topic, tracker.at(50))
        await tracker.has_stored(5)


async def test_wrong_password_is_told_in_words(mosquitto: Mosquitto) -> None:
    wrong = f"mqtt://{OURS[0]}:wrong@127.0.0.1:{mosquitto.port}"
    with pytest.raises(BrokerAway, match=r"wrong|may not connect"):
        async with Listener.open(wrong, name="test", topics=["owntracks/#"]):
            pass


# One of our own


@dataclass
class OneManBroker:
    """Gives what it has to whoever connects, again and again until that is acknowledged."""

    waiting: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.read(1):
                size = (await reader.readexactly(1))[0]
                body = await reader.readexactly(size)
                self._answer(head[0] >> 4, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        match kind:
            case 1:
                # What an older session has waiting comes before anything is subscribed to.
                writer.write(packet(0x20, b"\x01\x00"))
                for packet_id, (topic, said) in self.waiting.items():
                    writer.write(publication(topic, said, packet_id))
            case 8:
                writer.write(packet(0x90, body[:2] + b"\x01"))
            case 4:
                self.waiting.pop(int.from_bytes(body))

    async def is_empty(self) -> None:
        async with asyncio.timeout(10):
            while self.waiting:
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def broker() -> AsyncIterator[OneManBroker]:
    made = OneManBroker()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def test_message_is_acknowledged_only_once_it_is_stored(
    broker: OneManBroker,
    tracker: Tracker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A database that goes away in the middle costs a new connection to the broker and no fix."""
    real, tries = tracker_broker.take, 0

    async def take(*message: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise ConnectionRefusedError("the database is away")
        await real(*message)

    monkeypatch.setattr(tracker_broker, "take", take)
    broker.waiting = {7: (tracker.topic, tracker.at(0)), 8: (tracker.topic, tracker.at(10))}
    async with hearing(tracker.db, f"mqtt://127.0.0.1:{broker.port}"):
        await broker.is_empty()
    await tracker.has_stored(2)
    assert broker.connections == 3
    assert tries == 4
    told = [record.getMessage() for record in caplog.records]
    assert sum("until the database is back" in line for line in told) == 2, told
    assert not any("broker cannot be heard" in line for line in told)


async def test_what_can_never_be_used_does_not_stop_what_comes_after_it(
    broker: OneManBroker, tracker: Tracker
) -> None:
    stranger = f"owntracks/{new_id()}/phone"
    bodies = [
        (tracker.topic, b"no JSON"),
        (tracker.topic, b"\xff\xfe"),
        (tracker.topic, b'{"_type": "encrypted", "data": "x"}'),
        (tracker.topic, b'{"_type": "card", "name": "Nora"}'),
        (tracker.topic, b""),
        (tracker.topic, b"[" * (MESSAGE_BYTES_MAX * 4)),
        (stranger, tracker.at(0)),
        ("owntracks/nora/phone", tracker.at(0)),
        ("elsewhere", tracker.at(0)),
        (tracker.topic, tracker.at(0)),
    ]
    broker.waiting = dict(enumerate(bodies, 1))
    async with hearing(tracker.db, f"mqtt://127.0.0.1:{broker.port}"):
        await broker.is_empty()
    await tracker.has_stored(1)
    assert broker.connections == 1


async def test_tracker_that_was_revoked_is_not_stored(
    broker: OneManBroker, tracker: Tracker
) -> None:
    async with tracker.db.transaction() as session:
        await identity.revoke_device(session, tracker.device_id, by="test")
    broker.waiting = {1: (tracker.topic, tracker.at(0))}
    async with hearing(tracker.db, f"mqtt://127.0.0.1:{broker.port}"):
        await broker.is_empty()
    assert await tracker.stored() == 0


async def test_worker_that_is_not_the_one_leaves_the_broker_alone_until_the_other_has_gone(
    broker: OneManBroker, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, was_refused = tracker.db.exclusive, asyncio.Event()

    @asynccontextmanager
    async def exclusive(name: str) -> AsyncIterator[bool]:
        async with real(name) as mine:
            if not mine:
                was_refused.set()
            yield mine

    broker.waiting = {1: (tracker.topic, tracker.at(0))}
    async with real("trackers' broker") as mine:
        assert mine
        monkeypatch.setattr(tracker.db, "exclusive", exclusive)
        task = asyncio.create_task(hear_trackers(tracker.db, f"mqtt://127.0.0.1:{broker.port}"))
        await asyncio.wait_for(was_refused.wait(), 10)
        assert len(broker.waiting) == 1, "nobody has heard it"
    await broker.is_empty()
    task.cancel()
