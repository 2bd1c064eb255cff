"""What it costs to tell screens where drivers are: as the gateway does it, four frames a second
with 16 bytes for each driver who moved, and a JSON message for each fix and screen.

Both end in `send` on sockets whose other ends are read in between; only CPU of the sender counts.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import numpy as np

from server.kit import clock
from server.kit.ids import new_id
from server.live.fix_intake import TICK_S
from server.live.map_feed import TICK_S as FRAME_S
from server.live.map_moves import Moves
from server.protocol.packed import microseconds
from server.tracking import service as tracking

DRIVERS = 10_000
"""Each with a fix a second."""

SECONDS = 5
JSON_FIXES = 200


def measure_fanout(screens: int) -> tuple[float, float]:
    """CPU nanoseconds for each fix and screen: (conflated, one JSON message each)."""
    with _sockets(screens) as (senders, drain):
        conflated_s = _conflate(senders, drain)
        json_s = _send_json(senders, drain)
    conflated_ns = conflated_s * 1e9 / (DRIVERS * SECONDS * screens)
    return round(conflated_ns, 1), round(json_s * 1e9 / (JSON_FIXES * screens), 1)


def _conflate(senders: list[socket.socket], drain: Callable[[], None]) -> float:
    moves = Moves()
    drivers = [new_id() for _ in range(DRIVERS)]
    at = {"taken_at": clock.now(), "received_at": clock.now()}
    record = {"position": (9.52, 47.14), "speed_mps": None, "heading_deg": None} | at
    for driver in drivers:
        moves.place(str(driver), record)
    positions = np.zeros(DRIVERS, tracking.POSITION)
    positions["driver"] = np.frombuffer(b"".join(each.bytes for each in drivers), "V16")
    positions["lon"], positions["lat"], positions["speed_mps"] = 9.52, 47.14, 12.5
    positions["taken_us"] = microseconds(clock.now())
    parts = round(1 / TICK_S)
    ticks_a_frame = round(FRAME_S / TICK_S)
    version, cursor, used_s = 1, 1, 0.0
    for tick in range(SECONDS * parts):
        began_s = time.thread_time()
        some = positions[tick % parts :: parts]
        some["taken_us"] += 1_000_000
        version += 1
        moves.move(some, version)
        if tick % ticks_a_frame == ticks_a_frame - 1:
            for sender in senders:
                if frame := moves.frame(cursor, version, None):
                    sender.sendall(frame)
            cursor = version
        used_s += time.thread_time() - began_s
        drain()
    return used_s


def _send_json(senders: list[socket.socket], drain: Callable[[], None]) -> float:
    used_s = 0.0
    for number in range(JSON_FIXES):
        began_s = time.thread_time()
        fix = {
            "driver_id": str(new_id()),
            "seq": number,
            "taken_at": clock.now(),
            "position": (9.52, 47.14),
            "speed_mps": 12.5,
            "heading_deg": 270.0,
        }
        for sender in senders:
            sender.sendall(msgspec.json.encode(fix))
        used_s += time.thread_time() - began_s
        drain()
    return used_s


@contextmanager
def _sockets(count: int) -> Iterator[tuple[list[socket.socket], Callable[[], None]]]:
    pairs = [_connect() for _ in range(count)]

    def drain() -> None:
        for _, reader in pairs:
            try:
                while reader.recv(1 << 20):
                    pass
            except BlockingIOError:
                continue

    try:
        yield [sender for sender, _ in pairs], drain
    finally:
        for pair in pairs:
            for each in pair:
                each.close()


def _connect() -> tuple[socket.socket, socket.socket]:
    """The two ends of a TCP connection on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sender = socket.create_connection(listening.getsockname())
        reader, _ = listening.accept()
    for each in (sender, reader):
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    reader.setblocking(False)
    return sender, reader
