"""One connected phone: its commands take effect in order, one at a time; its manifest is pushed
between them; its fixes go to the intake, which stores those of all phones together."""

import asyncio
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from picows import WSFrame, WSMsgType, WSTransport

from server.kit.logs import begin_trace
from server.live.driver_session import MAX_FIXES, DriverSession
from server.live.endings import Ending, HelloLate, ending_for
from server.live.fix_intake import FixIntake
from server.live.sockets import FRAMES_PER_S_MAX, Caller, House
from server.protocol import codec, packed
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix
from server.tracking.service import Sender

BINARY = WSMsgType.BINARY
RECORD_BYTES = packed.FIX.size
FRAME_BYTES_MIN = packed.HEADER.size + RECORD_BYTES
FRAME_BYTES_MAX = packed.HEADER.size + MAX_FIXES * RECORD_BYTES
PACKED_FIXES = bytes([packed.KIND, packed.VERSION])
NO_ID = str(UUID(int=0))
"""Fixes are acknowledged by their numbers, so nobody asks for the id of what they came in."""

HELLO_WITHIN_S = 15
WAITING_MAX = 64
"""Messages of one phone that are not looked at yet; then no more is read from it."""


class Phone(Caller):
    """Whoever has something for this phone says `look` or `end`, and waits for nothing. It is a
    task only while something is done for it."""

    __slots__ = (
        "_intake",
        "_looks",
        "_waiting",
        "_working",
        "frames",
        "resumes_at_seq",
        "sender",
        "session",
        "waiting_bytes",
    )

    def __init__(self, house: House, session: DriverSession, intake: FixIntake) -> None:
        super().__init__(house)
        self.session = session
        self.sender = Sender(session.device_id, session.driver_id)
        self._intake = intake
        self._waiting: list[bytes] | None = None
        self._working: asyncio.Task[None] | None = None
        self._looks = False
        self.resumes_at_seq: int | None = None
        """Fixes from here on were not stored: nothing later may be, before they come again."""
        self.frames: list[bytes] | None = None
        """Fixes that wait for the next tick of the intake, which keeps them here."""
        self.waiting_bytes = 0
        """Of these frames, their heads included."""

    def look(self) -> None:
        """There may be a newer manifest."""
        self._looks = True
        self._set_to_work()

    def tick(self) -> None:
        super().tick()
        if not self.session.greeted and self.age_s > HELLO_WITHIN_S:
            self.end(HelloLate())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        # The most frequent by far: nothing is done with fixes here but to keep their bytes.
        if (
            frame.msg_type is BINARY
            and (FRAME_BYTES_MIN <= (size := frame.payload_size) <= FRAME_BYTES_MAX)
            and size % RECORD_BYTES == 0
            and frame.fin
            and self.session.greeted
            and not self._is_ending
            and self._parts is None
        ):
            message = frame.get_payload_as_bytes()
            if message[:2] == PACKED_FIXES:
                self._frames += 1
                if self._frames == FRAMES_PER_S_MAX:
                    self.pause()
                self._intake.take(self, message)
                return
        super().on_ws_frame(transport, frame)

    def hear(self, message: bytes) -> None:
        if self.session.greeted and (found := read_fixes(message)) is not None:
            self._intake.take(self, packed.pack_fixes(found))
            return
        self._waiting = self._waiting or []
        self._waiting.append(message)
        if not self.has_room():
            self.pause()
        self._set_to_work()

    def has_room(self) -> bool:
        is_heard = self._waiting is None or len(self._waiting) < WAITING_MAX
        return is_heard and self._intake.has_room_for(self)

    def hang_up(self) -> None:
        self._waiting = None
        if self._working is not None:
            self._working.cancel()

    async def finish(self) -> None:
        """Wait until what it has said is done, or a fault of ours ended it."""
        if self._working is not None:
            await asyncio.wait([self._working])

    def _set_to_work(self) -> None:
        if self._working is None and not self._is_ending:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        ending: Ending | None = None
        try:
            while self._waiting or self._looks:
                await self._do_next()
        except Exception as error:
            ending = ending_for(error)
        finally:
            self._working = None
            self._waiting = None
        if ending is not None:
            self.end(ending)

    async def _do_next(self) -> None:
        begin_trace()
        if self._waiting:
            for answer in await self.session.hear(self._waiting.pop(0)):
                self.send(codec.encode(answer))
            return
        self._looks = False
        if (newer := await self.session.newer_manifest()) is not None:
            self.send(codec.encode(newer))


class _Body(msgspec.Struct, gc=False):
    fixes: tuple[Fix, ...]


class FixesFrame(msgspec.Struct, gc=False):
    """What `codec` reads of an envelope with fixes, read by msgspec: many times as fast."""

    type: Literal["Fixes"]
    id: str
    sent_at: datetime
    body: _Body


_decode = msgspec.json.Decoder(FixesFrame).decode


def read_fixes(message: bytes) -> Envelope | None:
    """None when these are no fixes, or not without fault: then `codec` finds the words for it."""
    if b'"Fixes"' not in message:
        return None
    try:
        found = _decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not 1 <= len(found.body.fixes) <= MAX_FIXES or found.sent_at.tzinfo is None:
        return None
    if any(fix.taken_at.tzinfo is None for fix in found.body.fixes):
        return None
    return Envelope(id=NO_ID, sent_at=found.sent_at, body=found.body)
