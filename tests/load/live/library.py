"""The websockets library with the same task as the bare gateway: let a phone in, hold each of its
fixes against the same rules (server/tracking/filters.py), written out as one would, acknowledge."""

import asyncio
import math
import sys
import time

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from server.protocol.packed import FIX, HEADER
from server.tracking.filters import MAX_AGE, MAX_AHEAD, MAX_INACCURACY_M, MAX_SPEED_MPS

AHEAD_US, AGE_US = (round(each.total_seconds() * 1e6) for each in (MAX_AHEAD, MAX_AGE))
METERS_PER_DEGREE = 111_195


class Driver:
    """The last of the fixes that were kept."""

    def __init__(self) -> None:
        self.through = 0
        self.lon = self.lat = self.accuracy_m = math.nan
        self.taken_us = 0

    def take(self, frame: bytes) -> None:
        now_us = time.time_ns() // 1000
        for seq, taken_us, lon_1e7, lat_1e7, accuracy_m, _, _ in FIX.iter_unpack(
            frame[HEADER.size :]
        ):
            if seq <= self.through:
                continue  # it has come before
            self.through = seq
            lon, lat = lon_1e7 / 1e7, lat_1e7 / 1e7
            if not (abs(lon) <= 180 and abs(lat) <= 90) or (abs(lon) < 1e-6 and abs(lat) < 1e-6):
                continue
            if not 0 <= accuracy_m <= MAX_INACCURACY_M:
                continue
            if not now_us - AGE_US <= taken_us <= now_us + AHEAD_US:
                continue
            far_m = math.hypot(lon - self.lon, lat - self.lat) * METERS_PER_DEGREE
            passed_s = max(abs(taken_us - self.taken_us) / 1e6, 1.0)
            if far_m > MAX_SPEED_MPS * passed_s + accuracy_m + self.accuracy_m:
                continue
            self.lon, self.lat = lon, lat
            self.taken_us, self.accuracy_m = taken_us, accuracy_m


async def answer(socket: ServerConnection) -> None:
    assert socket.request is not None
    if not socket.request.headers.get("Authorization", "").startswith("Bearer "):
        return
    driver = Driver()
    while True:
        try:
            message = await socket.recv()
        except ConnectionClosed:
            return
        assert isinstance(message, bytes)
        driver.take(message)
        body = f'{{"envelope_ids":[],"fixes_through":{driver.through}}}'
        await socket.send(f'{{"type":"Ack","body":{body}}}')


async def main() -> None:
    port = int(sys.argv[1])
    async with serve(answer, "127.0.0.1", port, compression=None, ping_interval=None):
        await asyncio.Event().wait()


uvloop.run(main())
