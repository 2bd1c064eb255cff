"""Takes in the fixes of all phones of a gateway, tick by tick: one transaction stores them, one
message tells the maps, and only then each phone hears that it may forget them.

While the database is away nothing is stored and nothing acknowledged, so nothing piles up here:
phones send again what was not acknowledged. The map goes on with what they say meanwhile.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from server.kit import clock
from server.kit.db import Database, NotCopied, is_away
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.live.driver_session import clock_error_min_s
from server.live.news import POSITIONS_CHANNEL
from server.protocol import packed
from server.tracking import service as tracking

if TYPE_CHECKING:
    from server.live.phone import Phone

log = logging.getLogger(__name__)

TICK_S = 0.05
LONG_TICK_S = 0.1
MANY_FRAMES_PER_S = 500
"""From here on ticks are long: what a tick costs is shared by more fixes. The map has long ticks of
its own, and a phone of ours says something each 15 s."""

WAITING_BYTES_MAX = 505 * packed.FIX.size
"""Of one phone that wait to be stored: five frames of the largest size."""

WAITING_BYTES_MANY = 202 * packed.FIX.size
"""From here on no more is read from it before they are stored: it keeps the rest itself."""

PHONES_AT_ONCE = 2_000
BYTES_AT_ONCE = 10_000 * 2 * packed.FIX.size
"""At most so many phones, and about so much of what they say, are stored by one transaction: when
more comes than can be stored, each of them still ends in time, and what it stored is kept."""

WAITING_BYTES_OF_ALL = 4 * BYTES_AT_ONCE
"""From here on nobody is read who says more, before the next transaction can take the rest: whoever
reads all the time has none left for storing."""

TELL_EVERY_S = 2.0
"""So often a phone that goes on sending hears what is stored; one that waits for it, at once."""

TOLD_AT_ONCE = 500
"""So many hear it in a row; then others have their turn."""

STORE_WITHIN_S = 5.0
"""A database that takes longer is as good as away."""

PAUSE_S = 1.0
"""Between two tries to store while the database is away."""


class FixIntake:
    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._known = tracking.KnownDevices()
        self._phones: list[Phone] = []
        """Those of whom frames wait."""
        self._untold: dict[Phone, int] = {}
        """The fix up to which all is stored, for phones that have not heard it yet."""
        self._waiting_bytes = 0
        """Of them all."""
        self._held: set[Phone] = set()
        """Those that are read no more until there is room."""
        self._has_come = asyncio.Event()
        self._is_behind = False
        """Whether more waits than was stored at once."""
        self._tick_s = TICK_S
        self._took_s = 0.0
        """When the frames of the last tick were taken, by the clock of the loop."""
        self.stored = 0
        self.refused = 0
        self.not_stored = 0

    def take(self, phone: "Phone", frame: bytes) -> None:
        """Keep fixes for the next tick. frame: as `packed` makes it, with one fix at least. Those
        behind a gap are not kept: an acknowledgement covers all that came before it."""
        if phone.resumes_at_seq is not None:
            if _first_seq(frame) > phone.resumes_at_seq:
                self.not_stored += _count(frame)
                return
            phone.resumes_at_seq = None
        size = len(frame)
        phone.waiting_bytes += size
        self._waiting_bytes += size
        if phone.waiting_bytes > WAITING_BYTES_MAX:
            self._leave_gap(phone, frame)
        elif phone.frames is None:
            phone.frames = [frame]
            self._phones.append(phone)
            self._has_come.set()
        else:
            phone.frames.append(frame)
        if phone.waiting_bytes > WAITING_BYTES_MANY or self._waiting_bytes > WAITING_BYTES_OF_ALL:
            phone.pause()
            self._held.add(phone)

    def has_room_for(self, phone: "Phone") -> bool:
        """Whether more may be read of what it says."""
        return (
            phone.waiting_bytes <= WAITING_BYTES_MANY
            and self._waiting_bytes <= WAITING_BYTES_OF_ALL
        )

    async def run(self) -> None:
        """Store what comes, tick by tick. Runs until cancelled."""
        while True:
            await self._has_come.wait()
            await asyncio.sleep(0 if self._is_behind else self._tick_s)
            is_stored = await self.store()
            if self._waiting_bytes <= BYTES_AT_ONCE:
                held, self._held = self._held, set()
                for phone in held:
                    phone.read_on()
            if not is_stored:
                await asyncio.sleep(PAUSE_S)

    async def tell_all(self) -> None:
        """Tell phones that go on sending, now and then, what is stored. Runs until cancelled."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            for _ in range(0, len(self._untold), TOLD_AT_ONCE):
                self._tell_untold(TOLD_AT_ONCE)
                await asyncio.sleep(0)  # whoever else is due comes first

    def tell_the_untold(self) -> None:
        self._tell_untold(len(self._untold))

    def _tell_untold(self, count: int) -> None:
        """The first so many of them."""
        phones = list(islice(self._untold, count))
        self._tell_stored(phones, [self._untold.pop(phone) for phone in phones])

    async def store_all(self) -> None:
        """Store and acknowledge what waits; not what the database does not take."""
        while self._phones and await self.store():
            pass

    async def store(self) -> bool:
        """The same of as many as are stored at once; False when the database is away."""
        phones, frames = self._take_waiting()
        if not phones:
            return True
        received_at = clock.now()
        read = _read(phones, frames)
        arrivals = arrivals_of(read, received_at)
        try:
            async with asyncio.timeout(STORE_WITHIN_S):
                tick = await self._ingest(arrivals, received_at)
        except Exception as error:
            self._give_up(phones, frames, received_at)
            if not is_away(error):
                raise
            log.warning("fixes are not stored until the database is back: %r", error)
            while self._phones:  # the map goes on with what the others say, too
                self._give_up(*self._take_waiting(), received_at)
            return False
        self.stored += tick.stored
        self.refused += tick.rejected
        self._acknowledge(read, phones, tick.through_seqs)
        self._show(tick.moved)
        return True

    async def _ingest(self, arrivals: tracking.Arrivals, received_at: datetime) -> tracking.Tick:
        try:
            async with self._db.transaction() as session:
                return await tracking.ingest_tick(session, arrivals, received_at, self._known)
        except (NotCopied, tracking.OtherwiseRemembered):
            # The first of a day, a phone that another gateway served meanwhile, or the memory of
            # the phones was put back.
            async with self._db.transaction() as session:
                return await tracking.ingest_tick(
                    session, arrivals, received_at, self._known, is_plain=False
                )

    def _take_waiting(self) -> tuple[list["Phone"], list[list[bytes]]]:
        """Each device once, by its newest connection, and what it has sent. Those who wait longest
        come first."""
        count = self._count_at_once()
        phones, self._phones = self._phones[:count], self._phones[count:]
        self._is_behind = bool(self._phones)
        if not self._is_behind:
            self._has_come.clear()
        newest: dict[bytes, Phone] = {}
        frames: dict[bytes, list[bytes]] = {}
        for phone in phones:
            if not (some := self._take_waiting_of(phone)):
                continue
            key = phone.sender.key
            frames[key] = some if key not in frames else frames[key] + some
            newest[key] = phone
        self._fit_tick(sum(map(len, frames.values())))
        return list(newest.values()), list(frames.values())

    def _count_at_once(self) -> int:
        """How many phones have their turn now."""
        count = waiting_bytes = 0
        for phone in islice(self._phones, PHONES_AT_ONCE):
            waiting_bytes += phone.waiting_bytes
            count += 1
            if waiting_bytes >= BYTES_AT_ONCE:
                break
        return count

    def _take_waiting_of(self, phone: "Phone") -> list[bytes]:
        some, phone.frames = phone.frames, None
        assert some is not None
        self._waiting_bytes -= phone.waiting_bytes
        phone.waiting_bytes = 0
        if (gap := phone.resumes_at_seq) is not None:
            # They came while those before them were not stored after all.
            behind = [frame for frame in some if _first_seq(frame) > gap]
            self.not_stored += sum(map(_count, behind))
            some = [frame for frame in some if _first_seq(frame) <= gap]
        return some

    def _fit_tick(self, count: int) -> None:
        """count: of the frames since the last tick."""
        now_s = asyncio.get_running_loop().time()
        per_s = count / max(now_s - self._took_s, TICK_S)
        self._tick_s = LONG_TICK_S if per_s >= MANY_FRAMES_PER_S else TICK_S
        self._took_s = now_s

    def _give_up(
        self, phones: Sequence["Phone"], frames: Sequence[list[bytes]], received_at: datetime
    ) -> None:
        """Show on the map what could not be stored."""
        for phone, some in zip(phones, frames, strict=True):
            for frame in some:
                self._leave_gap(phone, frame)
        if phones:
            arrivals = arrivals_of(_read(phones, frames), received_at)
            self._show(tracking.newest_claims(arrivals, received_at))

    def _leave_gap(self, phone: "Phone", frame: bytes) -> None:
        self.not_stored += _count(frame)
        first = _first_seq(frame)
        phone.resumes_at_seq = min(first, phone.resumes_at_seq or first)

    def _acknowledge(
        self, frames: tracking.Frames, phones: Sequence["Phone"], through_seqs: Sequence[int]
    ) -> None:
        """Tell at once those that wait for it, and the others soon. phones, through_seqs: those of
        the senders."""
        self._untold.update(zip(phones, through_seqs, strict=True))
        waiting = [phones[sender] for sender in frames.awaited.tolist()]
        self._tell_stored(waiting, [self._untold.pop(phone) for phone in waiting])

    def _tell_stored(self, phones: Sequence["Phone"], through_seqs: Sequence[int]) -> None:
        # They have the id and the moment in common: nobody gets two of them.
        head = (
            f'{{"type":"Ack","id":"{new_id()}","sent_at":"{clock.now().isoformat()}",'
            '"body":{"envelope_ids":[],"fixes_through":'
        ).encode()
        for phone, through_seq in zip(phones, through_seqs, strict=True):
            phone.send(b"%b%d}}" % (head, through_seq))

    def _show(self, positions: NDArray[Any]) -> None:
        """Tell the maps."""
        if positions.size:
            self._feed.publish_soon(POSITIONS_CHANNEL, positions.tobytes())


def arrivals_of(frames: tracking.Frames, received_at: datetime) -> tracking.Arrivals:
    """The fixes in these frames, with their times put right where a phone's clock is wrong."""
    errors_us = packed.microseconds(received_at) - frames.sent_us
    is_wrong = np.abs(errors_us) > clock_error_min_s() * 1e6
    return tracking.Arrivals.of_frames(frames, np.where(is_wrong, errors_us, 0))


def _read(phones: Sequence["Phone"], frames: Sequence[list[bytes]]) -> tracking.Frames:
    return tracking.Frames.read([phone.sender for phone in phones], frames)


def _first_seq(frame: bytes) -> int:
    first: int = packed.FIX.unpack_from(frame, packed.HEADER.size)[0]
    return first


def _count(frame: bytes) -> int:
    return len(frame) // packed.FIX.size - 1
