"""What the web process remembers of strangers while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from server.live.followers import Followers
from server.live.guess_limit import GuessLimit
from server.live.trackers import MESSAGES, SECONDS_PER_MESSAGE


@asynccontextmanager
async def live(app: Litestar) -> AsyncIterator[None]:
    app.state.guess_limit = GuessLimit()
    app.state.followers = Followers()
    app.state.tracker_limit = GuessLimit(asks=MESSAGES, seconds_per_ask=SECONDS_PER_MESSAGE)
    yield


LIFESPANS = [live]
