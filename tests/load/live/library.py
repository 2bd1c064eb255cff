"""The websockets library with the same task: read a frame with fixes, check it, acknowledge it."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from server.live.phone import read_fixes


async def answer(socket: ServerConnection) -> None:
    while True:
        try:
            message = await socket.recv()
        except ConnectionClosed:
            return
        found = read_fixes(message if isinstance(message, bytes) else message.encode())
        if found is None:
            return
        await socket.send(
            f'{{"type":"Ack","id":"1","sent_at":"{found.sent_at.isoformat()}","body":'
            f'{{"envelope_ids":[],"fixes_through":{found.body.fixes[-1].seq}}}}}'
        )


async def main() -> None:
    port = int(sys.argv[1])
    async with serve(answer, "127.0.0.1", port, compression=None, ping_interval=None):
        await asyncio.Event().wait()


uvloop.run(main())
