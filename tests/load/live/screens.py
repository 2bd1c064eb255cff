"""Dispatchers' screens that see everything and acknowledge at once: screens.py PORT, and a Cookie
header for each in the lines of COOKIES."""

import asyncio
import json
import os
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect


class Screen(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            cursor = int.from_bytes(frame.get_payload_as_bytes()[8:16], "little")
        elif frame.msg_type == WSMsgType.TEXT:
            cursor = json.loads(frame.get_payload_as_bytes())["cursor"]
        else:
            return
        transport.send(WSMsgType.TEXT, b'{"ack":%d}' % cursor)


async def main() -> None:
    port = int(sys.argv[1])
    for cookie in os.environ["COOKIES"].splitlines():
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        await ws_connect(Screen, f"ws://127.0.0.1:{port}/ws/dispatch", extra_headers=headers)
    print("ready", flush=True)
    await asyncio.Event().wait()


uvloop.run(main())
