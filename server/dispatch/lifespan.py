"""The web process's own roads: moving a stop or inserting an urgent one needs travel times at once.

The worker has its own. Both open the same folder, so a plan and an insertion measure alike; the map
is loaded only when somebody asks for the first time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide

from routing.roads import Roads, open_roads


class LazyRoads:
    """Roads that are opened by the first question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._roads: Roads | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Roads:
        """Straight lines as long as no map has been imported."""
        async with self._lock:
            if self._roads is None:
                folder = self._folder if self._folder.exists() else None
                self._roads = await asyncio.to_thread(open_roads, folder)
            return self._roads

    async def close(self) -> None:
        if self._roads is not None:
            await asyncio.to_thread(self._roads.close)


@asynccontextmanager
async def keep_roads(app: Litestar) -> AsyncIterator[None]:
    app.state.roads = LazyRoads(app.state.settings.roads_dir)
    try:
        yield
    finally:
        await app.state.roads.close()


async def provide_roads(request: Request[Any, Any, Any]) -> LazyRoads:
    roads: LazyRoads = request.app.state.roads
    return roads


ROADS = {"roads": Provide(provide_roads)}
"""The dependencies of a route that takes `roads: NamedDependency[LazyRoads]`."""

LIFESPANS = [keep_roads]
