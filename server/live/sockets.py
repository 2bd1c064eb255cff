"""An open socket: whoever is at its other end is bounded in all that they may do, and it ends with
a reason.

Sockets are callbacks and not tasks, so that ten thousand silent ones cost memory only, and little.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from server.live.endings import Ending, Refused, shorten

FRAMES_PER_S_MAX = 100
"""Who sends more is read more slowly."""

PING_AFTER_S = 20
REPLY_WITHIN_S = 20
SEND_TIMEOUT_S = 20
"""So long may the other side read nothing of what waits for it."""

CLOSE_TIMEOUT_S = 1.0
MAX_MESSAGE_BYTES = 256 * 1024
WRITE_BUFFER_BYTES = 1024 * 1024


class TooLong(Ending):
    """A message may have 256 KiB."""

    code = 1009


class NotAgreed(Ending):
    """This frame is said to be compressed, which was not agreed on."""

    code = 1002


TEXT = WSMsgType.TEXT
MESSAGES = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION)


class House(Protocol):
    """Whoever must know of the sockets that are open."""

    def note_connected(self, caller: "Caller") -> None: ...
    def note_gone(self, caller: "Caller") -> None: ...


class Caller(WSListener):
    """One open socket. Who inherits says what is done with a message."""

    __slots__ = (
        "_clogged_s",
        "_frames",
        "_house",
        "_is_ending",
        "_is_paused",
        "_parts",
        "_silent_s",
        "_transport",
        "age_s",
    )

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: WSTransport | None = None
        self._parts: bytearray | None = None
        self._frames = 0
        self._silent_s = 0
        self._clogged_s: int | None = None
        self._is_paused = False
        self._is_ending = False
        self.age_s = 0

    # What others call

    def send(self, text: str | bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        """Never waits: what is not read is kept for a while, then the other side is cut off."""
        if self._transport is not None and not self._is_ending:
            self._transport.send(kind, text.encode() if isinstance(text, str) else text)

    def end(self, ending: Ending) -> None:
        """Say goodbye. What is being dealt with for this socket is dropped unanswered."""
        if self._is_ending or self._transport is None:
            return
        self._is_ending = True
        self._transport.send_close(cast(WSCloseCode, ending.code), shorten(ending.reason))
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_TIMEOUT_S, self._transport.disconnect, False)
        self.hang_up()

    def tick(self) -> None:
        """Called once a second."""
        assert self._transport is not None
        self.age_s += 1
        self._silent_s = 0 if self._frames else self._silent_s + 1
        self._frames = 0
        self.read_on()
        if self._silent_s == PING_AFTER_S:
            self._transport.send_ping()
        if self._clogged_s is not None:
            self._clogged_s += 1
        if (
            self._silent_s > PING_AFTER_S + REPLY_WITHIN_S
            or (self._clogged_s or 0) > SEND_TIMEOUT_S
        ):
            self._transport.disconnect(graceful=False)

    # What those who inherit fill in

    def hear(self, message: bytes) -> None:
        """A whole message."""
        raise NotImplementedError

    def has_room(self) -> bool:
        """Whether more may be read."""
        return True

    def hang_up(self) -> None:
        """It is over; may be called twice."""

    # What picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._house.note_connected(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._is_ending = True
        self._house.note_gone(self)
        self.hang_up()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self._frames += 1
        if self._frames == FRAMES_PER_S_MAX:
            self.pause()
        if self._is_ending:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()
            return
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.end(NotAgreed())
        elif kind is TEXT and frame.fin and self._parts is None:
            self.hear(frame.get_payload_as_bytes())
        elif kind in MESSAGES:
            self._collect(kind, frame)
        elif kind == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def pause_writing(self) -> None:
        self._clogged_s = 0

    def resume_writing(self) -> None:
        self._clogged_s = None

    def pause(self) -> None:
        """Read no more before the next tick that finds room."""
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.underlying_transport.pause_reading()

    def read_on(self) -> None:
        """After a pause, if there is room."""
        if (
            self._is_paused
            and not self._is_ending
            and self._frames < FRAMES_PER_S_MAX
            and self.has_room()
        ):
            assert self._transport is not None
            self._is_paused = False
            self._transport.underlying_transport.resume_reading()

    def _collect(self, kind: WSMsgType, frame: WSFrame) -> None:
        """A message that is no plain text, or a part of one that comes in parts."""
        if frame.fin and self._parts is None and kind != WSMsgType.CONTINUATION:
            self.hear(frame.get_payload_as_bytes())
            return
        if (kind == WSMsgType.CONTINUATION) != (self._parts is not None):
            self.end(Refused("The parts of a message come one after the other."))
            return
        self._parts = self._parts or bytearray()
        self._parts += frame.get_payload_as_bytes()
        if len(self._parts) > MAX_MESSAGE_BYTES:
            self.end(TooLong())
        elif frame.fin:
            message, self._parts = bytes(self._parts), None
            self.hear(message)


def tick_all(callers: Iterable[Caller]) -> None:
    for caller in list(callers):
        caller.tick()
