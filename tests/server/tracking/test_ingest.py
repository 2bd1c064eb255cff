"""Batches of fixes on their way into the history and onto the map."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select, text

from server.kit.db import Database, NotCopied
from server.kit.ids import new_id
from server.protocol import packed
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Heartbeat
from server.tracking import service
from server.tracking.models import FixRow
from server.tracking.service import (
    Arrivals,
    Fence,
    Frames,
    KnownDevices,
    OtherwiseRemembered,
    Sender,
    Tick,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = {"since": NOON, "until": NOON}


async def test_batch_is_stored_and_moves_the_marker(db, phone):
    async with db.transaction() as session:
        fixes = [phone.fix(at, east_m=10 * at, speed_mps=10, heading_deg=90) for at in range(5)]
        done = await phone.send(session, *fixes)
        assert (done.stored, done.rejected, done.through_seq) == (5, {}, 5)
        (marker,) = await service.latest_positions(session)
        assert done.newest == marker
        assert marker.position == pytest.approx(phone.position(east_m=40))
        assert (marker.taken_at, marker.speed_mps) == (NOON + timedelta(seconds=4), 10)
        assert len(await phone.trail(session)) == 5


async def test_late_fix_is_stored_but_does_not_move_the_marker(db, phone):
    async with db.transaction() as session:
        late, newer = phone.fix(0), phone.fix(60, east_m=100)
        await phone.send(session, newer)
        done = await phone.send(session, late)
        assert (done.stored, done.newest) == (1, None)
        (marker,) = await service.latest_positions(session)
        assert marker.taken_at == newer.taken_at
        assert [point.taken_at for point in await phone.trail(session)] == [
            late.taken_at,
            newer.taken_at,
        ]


async def test_same_batch_twice_is_stored_once_and_acknowledged_twice(db, phone):
    async with db.transaction() as session:
        fixes = [phone.fix(at) for at in range(3)]
        first = await phone.send(session, *fixes)
        again = await phone.send(session, *fixes)
        assert (first.stored, again.stored) == (3, 0)
        assert again.rejected == {"duplicate": 3}
        assert first.through_seq == again.through_seq == 3
        assert again.newest is None
        assert len(await phone.trail(session)) == 3


async def test_fix_sent_again_after_the_clock_was_set_right_is_still_the_same_fix(db, phone):
    async with db.transaction() as session:
        fix = phone.fix(-3600)
        await phone.send(session, fix, clock_error_s=3600)
        again = await phone.send(session, fix, clock_error_s=0)
        assert again.rejected == {"duplicate": 1}
        assert len(await phone.trail(session)) == 1


async def test_gap_that_is_filled_later_is_stored(db, phone):
    async with db.transaction() as session:
        fixes = [phone.fix(at) for at in range(6)]
        await phone.send(session, *fixes[:2])
        await phone.send(session, *fixes[4:])
        done = await phone.send(session, *fixes[1:5])
        assert (done.stored, done.rejected) == (2, {"duplicate": 2})
        assert len(await phone.trail(session)) == 6


async def test_new_phone_of_the_same_driver_counts_from_one_again(db, phone):
    async with db.transaction() as session:
        await phone.send(session, phone.fix(0))
        phone.device_id, phone.seq = new_id(), 0
        done = await phone.send(session, phone.fix(60))
        assert done.stored == 1
        assert len(await phone.trail(session)) == 2
        assert len(await service.latest_positions(session)) == 1


async def test_filtered_fixes_are_acknowledged_and_counted_by_reason(db, phone):
    async with db.transaction() as session:
        done = await phone.send(
            session,
            phone.fix(0),
            phone.fix(1, lon=0.0, lat=0.0),
            phone.fix(2, lat=91.0),
            phone.fix(3, accuracy_m=900),
            phone.fix(4, accuracy_m=900),
        )
        assert done.stored == 1
        assert done.rejected == {"zero": 1, "out_of_range": 1, "inaccurate": 2}
        assert done.through_seq == 5
        assert await service.fix_rejections(session, **TODAY) == done.rejected


async def test_rejections_add_up_over_batches_and_drivers(db, phone):
    async with db.transaction() as session:
        for _ in range(2):
            await phone.send(session, phone.fix(lon=0.0, lat=0.0))
        phone.driver_id, phone.device_id = new_id(), new_id()
        await phone.send(session, phone.fix(lon=0.0, lat=0.0))
        assert await service.fix_rejections(session, **TODAY) == {"zero": 3}


async def test_batch_of_nothing_but_rubbish_is_acknowledged_too(db, phone):
    async with db.transaction() as session:
        done = await phone.send(session, phone.fix(lon=0.0, lat=0.0))
        assert (done.stored, done.through_seq, done.newest) == (0, 1, None)
        assert await service.latest_positions(session) == []


async def test_empty_batch_acknowledges_nothing(db, phone):
    async with db.transaction() as session:
        assert (await phone.send(session)).through_seq == 0


async def test_wrong_clock_is_corrected_and_its_claim_kept(db, phone):
    async with db.transaction() as session:
        fix = phone.fix(-86400 * 400)
        await phone.send(session, fix, clock_error_s=86400 * 400)
        (point,) = await phone.trail(session)
        assert point.taken_at == NOON
        claimed = await session.scalar(text("select claimed_at from fix"))
        assert claimed == fix.taken_at


async def test_small_clock_error_is_left_alone(db, phone):
    async with db.transaction() as session:
        await phone.send(session, phone.fix(0), clock_error_s=100)
        (point,) = await phone.trail(session)
        assert point.taken_at == NOON
        assert await session.scalar(text("select claimed_at from fix")) is None


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("clock_error_s", [0.0, 1e9, -1e9, 1e300])
async def test_times_outside_of_the_calendar_are_filtered(db, phone, year, clock_error_s):
    async with db.transaction() as session:
        fix = phone.fix(taken_at=datetime(year, 1, 1, tzinfo=UTC))
        done = await phone.send(session, fix, clock_error_s=clock_error_s)
        assert list(done.rejected) in (["too_old"], ["in_the_future"])


async def test_wild_numbers_never_break_the_batch(db, phone):
    async with db.transaction() as session:
        done = await phone.send(
            session,
            phone.fix(0, speed_mps=1e300, heading_deg=-1.0),
            phone.fix(1, lon=1e300),
            phone.fix(2, lon=float("nan")),
            phone.fix(3, accuracy_m=float("inf")),
            phone.fix(4, accuracy_m=-1.0),
            phone.fix(5, seq=2**63 - 1),
            phone.fix(6, seq=-(2**63)),
        )
        assert done.stored == 3
        assert done.rejected == {"out_of_range": 4}
        point = (await phone.trail(session))[0]
        assert point.speed_mps is None


async def test_fixes_of_one_device_from_two_connections_are_stored_once(own_db: Database, phone):
    fixes = [phone.fix(at, east_m=at) for at in range(40)]

    async def send(first: int) -> service.Ingested:
        async with own_db.transaction() as session:
            return await phone.send(session, *fixes[first : first + 20])

    done = await asyncio.gather(*(send(first) for first in (0, 10, 20, 0, 10, 20)))
    assert sum(each.stored for each in done) == 40
    async with own_db.transaction() as session:
        assert len(await phone.trail(session)) == 40
        rejections = await service.fix_rejections(session, **TODAY)
    assert rejections == {"duplicate": 80}


async def test_heartbeat_gives_the_marker_its_battery(db, phone):
    async with db.transaction() as session:
        await phone.send(session, phone.fix(0))
        for minute, percent in ((5, 70), (3, 90)):
            await service.record_heartbeat(
                session,
                driver_id=phone.driver_id,
                device_id=phone.device_id,
                heartbeat=Heartbeat(battery_percent=percent, network="cellular"),
                received_at=NOON + timedelta(minutes=minute),
            )
        (marker,) = await service.latest_positions(session, [phone.driver_id])
        assert marker.battery_percent == 70
        assert await service.latest_positions(session, [new_id()]) == []


async def test_impossible_battery_is_left_out(db, phone):
    async with db.transaction() as session:
        await service.record_heartbeat(
            session,
            driver_id=phone.driver_id,
            device_id=phone.device_id,
            heartbeat=Heartbeat(battery_percent=2**40, unsent_fixes=2**62),
            received_at=NOON,
        )
        done = await phone.send(session, phone.fix(0))
        assert done.newest is not None and done.newest.battery_percent is None


async def test_restored_phone_is_told_the_highest_number_that_it_ever_used(db, phone):
    async with db.transaction() as session:
        await phone.send(session, *(phone.fix(second) for second in range(-50, -10, 10)))
        again = await phone.send(session, replace(phone.fix(-5), seq=1))
    assert again.through_seq == 4


async def test_fixes_that_are_stored_though_nobody_remembers_them_stop_nobody(
    own_db: Database, phone
) -> None:
    """As after tracked_device was put back from an older backup than the fixes."""
    sender = Sender(phone.device_id, phone.driver_id)
    first, second = phone.fix(0), phone.fix(1)

    async def take_in(*fixes: Fix, is_plain: bool = True) -> Tick:
        envelope = Envelope(id=str(new_id()), sent_at=NOON, body=Fixes(fixes=fixes))
        frames = Frames.read([sender], [[packed.pack_fixes(envelope)]])
        arrivals = Arrivals.of_frames(frames, np.zeros(1, np.int64))
        async with own_db.transaction() as session:
            return await service.ingest_tick(
                session, arrivals, NOON, KnownDevices(), is_plain=is_plain
            )

    with pytest.raises(NotCopied):
        await take_in(first)  # its day has no partition yet
    assert (await take_in(first, is_plain=False)).stored == 1
    async with own_db.transaction() as session:
        await session.execute(text("delete from tracked_device"))
    with pytest.raises(NotCopied):
        await take_in(first, second)
    assert (await take_in(first, second, is_plain=False)).through_seqs == [second.seq]
    async with own_db.transaction() as session:
        assert len(await phone.trail(session)) == 2


async def test_what_a_tick_stores_is_what_was_sent(own_db: Database, phone) -> None:
    fixes = (
        phone.fix(0, speed_mps=1.25, heading_deg=270.0),
        phone.fix(1, speed_mps=None, heading_deg=90.5),
        phone.fix(2, speed_mps=0.5, heading_deg=None),
        phone.fix(3),
    )
    envelope = Envelope(id=str(new_id()), sent_at=NOON, body=Fixes(fixes=fixes))
    sender = Sender(phone.device_id, phone.driver_id)
    for error_us in (0, 3_600_000_000):
        frames = Frames.read([sender], [[packed.pack_fixes(envelope)]])
        arrivals = Arrivals.of_frames(frames, np.array([error_us]))
        async with own_db.transaction() as session:
            await service.ensure_partitions(session, [NOON.date()])
            await service.ingest_tick(session, arrivals, NOON + timedelta(hours=2), KnownDevices())
            rows = (await session.scalars(select(FixRow).order_by(FixRow.seq))).all()
            for row, fix in zip(rows, fixes, strict=True):
                assert (row.device_id, row.driver_id) == (phone.device_id, phone.driver_id)
                assert row.taken_at - fix.taken_at == timedelta(microseconds=error_us)
                assert row.claimed_at == (fix.taken_at if error_us else None)
                assert row.position == pytest.approx((fix.lon, fix.lat), abs=1e-7)
                assert (row.speed_mps, row.heading_deg) == (fix.speed_mps, fix.heading_deg)
                assert (row.accuracy_m, row.seq) == (fix.accuracy_m, fix.seq)
            await session.execute(text("truncate fix, tracked_device"))


class Gateway:
    """Takes in ticks as a gateway does, and remembers the phones."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.known = KnownDevices()
        self.was_wrong = 0

    async def take_in(self, sent: dict[Sender, list[Fix]]) -> Tick:
        frames = [
            [
                packed.pack_fixes(
                    Envelope(id=str(new_id()), sent_at=NOON, body=Fixes(fixes=tuple(fixes)))
                )
            ]
            for fixes in sent.values()
        ]
        arrivals = Arrivals.of_frames(Frames.read(list(sent), frames), np.zeros(len(sent), int))
        try:
            async with self.db.transaction() as session:
                return await service.ingest_tick(session, arrivals, NOON, self.known)
        except OtherwiseRemembered:
            self.was_wrong += 1
            async with self.db.transaction() as session:
                return await service.ingest_tick(
                    session, arrivals, NOON, self.known, is_plain=False
                )


async def test_phones_that_go_from_gateway_to_gateway_are_remembered_by_their_rows(
    own_db: Database, phone
) -> None:
    """Whatever a gateway remembers of a phone that another one has served since, each fix is
    stored once and acknowledged by what all of them know."""
    dice = random.Random(seed := random.randrange(2**32))
    print(f"{seed=}")
    async with own_db.transaction() as session:
        await service.ensure_partitions(session, [NOON.date()])
    senders = [Sender(new_id(), new_id()) for _ in range(4)]
    gateways = [Gateway(own_db), Gateway(own_db)]
    fixes = [phone.fix(at, east_m=at) for at in range(-60, 0)]
    sent: dict[Sender, set[int]] = {sender: set() for sender in senders}
    for _ in range(30):
        tick = {}
        for sender in dice.sample(senders, dice.randint(1, 4)):
            first = dice.randint(0, 50)
            tick[sender] = fixes[first : first + dice.randint(1, 6)]
            sent[sender] |= {fix.seq for fix in tick[sender]}
        done = await dice.choice(gateways).take_in(tick)
        assert done.through_seqs == [max(sent[sender]) for sender in tick]
    assert all(gateway.was_wrong for gateway in gateways)
    async with own_db.transaction() as session:
        for sender in senders:
            rows = await session.scalars(
                select(FixRow.seq).where(FixRow.device_id == sender.device_id).order_by(FixRow.seq)
            )
            assert list(rows) == sorted(sent[sender])


async def test_gateway_goes_on_by_what_it_remembers_until_the_row_says_otherwise(
    own_db: Database, phone
) -> None:
    gateway, sender = Gateway(own_db), Sender(phone.device_id, phone.driver_id)
    async with own_db.transaction() as session:
        await service.ensure_partitions(session, [NOON.date()])
    for at in range(-9, -6):
        await gateway.take_in({sender: [phone.fix(at)]})
    async with own_db.transaction() as session:
        await service.record_heartbeat(
            session,
            driver_id=phone.driver_id,
            device_id=phone.device_id,
            heartbeat=Heartbeat(battery_percent=70),
            received_at=NOON,
        )
    await gateway.take_in({sender: [phone.fix(-6)]})
    assert gateway.was_wrong == 0
    async with own_db.transaction() as session:
        await session.execute(text("update tracked_device set handled_through = 2"))
        await session.execute(text("delete from fix where seq > 2"))
    assert (await gateway.take_in({sender: [phone.fix(-5)]})).stored == 1
    assert gateway.was_wrong == 1


async def test_of_two_phones_of_one_driver_in_a_tick_the_newest_moves_the_marker(
    own_db: Database, phone
) -> None:
    gateway, driver_id = Gateway(own_db), new_id()
    async with own_db.transaction() as session:
        await service.ensure_partitions(session, [NOON.date()])
    older, newer = Sender(new_id(), driver_id), Sender(new_id(), driver_id)
    tick = await gateway.take_in({newer: [phone.fix(-1, east_m=50)], older: [phone.fix(-2)]})
    assert (tick.stored, len(tick.moved)) == (2, 1)
    async with own_db.transaction() as session:
        (marker,) = await service.latest_positions(session, [driver_id])
    assert marker.taken_at == NOON - timedelta(seconds=1)


async def test_late_fix_among_others_moves_no_marker_and_enters_no_fence_twice(
    own_db: Database, phone, arrivals
) -> None:
    gateway = Gateway(own_db)
    one, other = Sender(new_id(), phone.driver_id), Sender(new_id(), new_id())
    async with own_db.transaction() as session:
        await service.ensure_partitions(session, [NOON.date()])
        fence = Fence(subject_id=new_id(), position=phone.position(), radius_m=50)
        await service.set_fences(session, phone.driver_id, [fence])
    late, now = phone.fix(10, speed_mps=0), phone.fix(20, speed_mps=0)
    await gateway.take_in({one: [now]})
    tick = await gateway.take_in({one: [late], other: [phone.fix(30)]})
    assert [bytes(each["driver"]) for each in tick.moved] == [other.driver_key]
    async with own_db.transaction() as session:
        assert await arrivals(session) == [(fence.subject_id, now.taken_at)]
