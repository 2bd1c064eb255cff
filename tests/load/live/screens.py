"""Dispatchers' screens that see everything and acknowledge at once: screens.py PORT, and a Cookie
header for each in the lines of COOKIES.

Ended by SIGTERM it prints, as JSON, how old the markers were that came to the first of them, in
milliseconds: phones.c says the millisecond in which it sends a fix in the last digits of its
latitude.
"""

import asyncio
import json
import os
import signal
import sys
import time

import numpy as np
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from server.live.map_moves import HEADER, MARKERS

SOUTH = 471_000_000
WRAP_MS = 4000
WARM_S = 3.0


class Screen(WSListener):
    def __init__(self, ages_ms: list[np.ndarray] | None) -> None:
        self._ages_ms = ages_ms
        self._began_s = 0.0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.BINARY:
            cursor = int.from_bytes(payload[8:16], "little")
            if self._ages_ms is not None:
                self._look(payload)
        elif frame.msg_type == WSMsgType.TEXT:
            cursor = json.loads(payload)["cursor"]
        else:
            return
        transport.send(WSMsgType.TEXT, b'{"ack":%d}' % cursor)

    def _look(self, payload: bytes) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._began_s = self._began_s or time.monotonic()
        if self._ages_ms is not None and time.monotonic() > self._began_s + WARM_S:
            lat = np.frombuffer(payload, MARKERS, offset=HEADER.size)["lat"]
            self._ages_ms.append((now_ms - (lat.astype(np.int64) - SOUTH)) % WRAP_MS)


async def main() -> None:
    port = int(sys.argv[1])
    ages_ms: list[np.ndarray] = []
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for number, cookie in enumerate(os.environ["COOKIES"].splitlines()):
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        screen = Screen(None if number else ages_ms)
        url = f"ws://127.0.0.1:{port}/ws/dispatch"
        await ws_connect(lambda screen=screen: screen, url, extra_headers=headers)
    print("ready", flush=True)
    await ended.wait()
    found = np.concatenate(ages_ms) if ages_ms else np.zeros(0)
    p50_ms, p99_ms = np.percentile(found, [50, 99]).tolist() if found.size else (0.0, 0.0)
    print(json.dumps({"p50_ms": p50_ms, "p99_ms": p99_ms, "markers": int(found.size)}), flush=True)


uvloop.run(main())
