"""The websockets library with the same task: read a frame with fixes, check it, acknowledge it,
at once when its sender waits for that and else every two seconds."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from server.protocol.packed import FIX, HEADER

TELL_EVERY_S = 2.0


async def answer(socket: ServerConnection) -> None:
    loop = asyncio.get_running_loop()
    tell_s = 0.0
    while True:
        try:
            message = await socket.recv()
        except ConnectionClosed:
            return
        assert isinstance(message, bytes)
        through = 0
        for seq, _, lon, lat, accuracy_m, _, _ in FIX.iter_unpack(message[HEADER.size :]):
            if abs(lon) > 1_800_000_000 or abs(lat) > 900_000_000 or not 0 <= accuracy_m <= 100:
                return
            through = seq
        if not message[2] and loop.time() < tell_s:
            continue
        tell_s = loop.time() + TELL_EVERY_S
        body = f'{{"envelope_ids":[],"fixes_through":{through}}}'
        await socket.send(f'{{"type":"Ack","body":{body}}}')


async def main() -> None:
    port = int(sys.argv[1])
    async with serve(answer, "127.0.0.1", port, compression=None, ping_interval=None):
        await asyncio.Event().wait()


uvloop.run(main())
