"""One dispatcher's screen: frames as fast as it acknowledges them, never more than two ahead."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from litestar.exceptions import WebSocketDisconnect

from server.live.map_feed import MapFeed

FRAMES_AHEAD = 2
BEAT_S = 3.0
"""A frame is sent at least so often, changes or not: so a screen knows that it is up to date."""


class Acknowledgement(msgspec.Struct):
    """What a screen sends back: the cursor of the newest frame that it has drawn."""

    ack: int


async def show_map(
    map_feed: MapFeed,
    *,
    send: Callable[[str], Awaitable[None]],
    receive: Callable[[], Awaitable[str]],
    tick_s: float,
) -> None:
    """Send frames until the screen goes. A sleeping one gets nothing until it acknowledges, then
    one frame with all that it missed."""
    room = asyncio.Semaphore(FRAMES_AHEAD)

    async def read() -> None:
        while True:
            msgspec.json.decode(await receive(), type=Acknowledgement)
            room.release()

    async def write() -> None:
        cursor = 0
        while True:
            await room.acquire()
            with suppress(TimeoutError):
                await asyncio.wait_for(map_feed.changed_since(cursor), BEAT_S)
            frame, cursor = map_feed.frame(cursor)
            await send(msgspec.json.encode(frame).decode())
            await asyncio.sleep(tick_s)

    with map_feed.watched(), suppress(WebSocketDisconnect, msgspec.MsgspecError):
        await map_feed.refresh()
        both = {asyncio.create_task(read()), asyncio.create_task(write())}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
