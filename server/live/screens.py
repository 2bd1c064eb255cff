"""One dispatcher's screen: frames as fast as it acknowledges them, never more than two ahead."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from litestar.exceptions import WebSocketDisconnect

from server.live.map_feed import MapFeed

FRAMES_AHEAD = 2


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
            await map_feed.changed_since(cursor)
            frame, cursor = map_feed.frame(cursor)
            await send(msgspec.json.encode(frame).decode())
            await asyncio.sleep(tick_s)

    with map_feed.watched():
        await map_feed.refresh()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(read())
                group.create_task(write())
        except* (WebSocketDisconnect, msgspec.MsgspecError):
            return
