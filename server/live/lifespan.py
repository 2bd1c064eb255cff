"""What the web process holds for the public tracking pages while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from server.live.guess_limit import GuessLimit


@asynccontextmanager
async def live(app: Litestar) -> AsyncIterator[None]:
    app.state.guess_limit = GuessLimit()
    yield


LIFESPANS = [live]
