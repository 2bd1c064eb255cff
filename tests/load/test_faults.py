"""What judges the faults can itself be relied on: it sees what is lost or there twice. The faults
themselves are played by ./postrider bench faults."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

from sqlalchemy import text

from server.app.bench.conditions import conditions_now
from server.app.bench.faults import FaultFigures
from server.app.bench.office import cursor_of
from server.app.bench.promises import Promises, count_broken_promises
from server.app.bench.scene import Case
from server.app.bench.witness import Witness, invite_witnesses, receipt_of
from server.dispatch import service as dispatch
from server.identity.access import Principal, Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.ids import new_id
from server.live.driver_session import DriverSession
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Hello
from server.protocol.to_driver import Ack

STEPS = 8
"""Until every kind of command has come."""


async def one_piece(file: bytes) -> AsyncIterator[bytes]:
    yield file


async def drive(db: Database, blobs: Blobs) -> tuple[Witness, list[str]]:
    """A witness who was answered in all, and the words that the office wrote to it."""
    (witness,) = await invite_witnesses(db, 1, "ws://127.0.0.1:1/ws/driver")
    principal = Principal(
        role=Role.DRIVER, person_id=witness.driver_id, name="W", device_id=witness.device_id
    )
    session = DriverSession(db, blobs, principal)

    async def say(envelope: Envelope) -> None:
        for answer in await session.hear(codec.encode(envelope)):
            if isinstance(answer.body, Ack):
                witness.commands.update(answer.body.envelope_ids)
                witness.through = answer.body.fixes_through or witness.through

    def wrap(body: Hello | Fixes) -> Envelope:
        return Envelope(id=str(new_id()), sent_at=clock.now(), body=body)

    await say(wrap(Hello(protocol=PROTOCOL_VERSION, app_version="test")))
    for seq in range(1, STEPS + 1):
        command = witness._new_command()
        receipt = receipt_of(command.id)
        name = hashlib.sha256(receipt).hexdigest()

        await blobs.put(name, one_piece(receipt))
        witness.receipts[command.id] = name
        await say(command)
        at = clock.now() + timedelta(seconds=seq - STEPS)
        fix = Fix(seq=seq, taken_at=at, lon=9.52, lat=47.14 + seq / 1e6, accuracy_m=5)
        await say(wrap(Fixes(fixes=(fix,))))
    async with db.transaction() as inside:
        told = await dispatch.tell_driver(inside, witness.driver_id, "Call me.", by="test")
    return witness, [told.text]


async def test_what_was_kept_is_no_broken_promise_and_what_was_not_is_counted(
    db: Database, blobs: Blobs
) -> None:
    witness, words = await drive(db, blobs)
    kept = await count_broken_promises(db, blobs, [witness], words)
    assert kept.broken() == []
    assert (kept.fixes, kept.commands, kept.jobs) == (STEPS, STEPS, 1)
    assert kept.proofs == STEPS

    async with db.transaction() as session:
        await session.execute(text("delete from fix where seq = 3"))
        await session.execute(text("delete from driver_message where not by_driver"))
        await session.execute(
            text(
                "insert into driver_message (id, driver_id, by_driver, text, said_at, said_by)"
                " select gen_random_uuid(), driver_id, by_driver, text, said_at, said_by"
                " from driver_message where by_driver limit 1"
            )
        )
    witness.commands.add("one that nobody has")
    blobs.path(min(witness.receipts.values())).unlink()
    broken = await count_broken_promises(db, blobs, [witness], words)
    assert broken.broken() == [
        "1 fixes lost",
        "1 commands lost",
        "1 effects lost",
        "1 proofs lost",
        "1 jobs lost",
        "1 words to the office doubled",
    ]


def test_one_wrong_row_or_broken_promise_makes_the_whole_wrong() -> None:
    kept = Promises(fixes=1, commands=1, proofs=0, jobs=0, lost={}, doubled={})
    right = Case(fault="kill -9 of web", verdict="right", healed_s=0.5)

    def wrong(case: Case, promises: Promises | None) -> list[str]:
        figures = FaultFigures(
            conditions=conditions_now(), witnesses=1, took_s=1.0, cases=[case], promises=promises
        )
        assert any(case.verdict in line and case.fault in line for line in figures.table())
        return figures.wrong()

    assert wrong(right, kept) == []
    assert wrong(Case(fault="zip bombs", verdict="WRONG"), kept) == ["zip bombs"]
    assert wrong(right, None) == ["promises could not be counted"]
    broken = Promises(fixes=2, commands=1, proofs=0, jobs=0, lost={"fixes": 1}, doubled={})
    assert wrong(right, broken) == ["1 fixes lost"]


def test_cursor_of_a_frame_is_read_from_both_kinds() -> None:
    assert cursor_of('{"type":"changes","cursor":17}') == 17
    assert cursor_of(bytes(8) + (2**40).to_bytes(8, "little") + bytes(16)) == 2**40
