"""Customers who have a tracking page open: what they are told again and again, whether by socket or
by server-sent events. A page that can do neither asks (`/t/{token}/status`)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import tzinfo

from server.consignments.service import TrackingLinkUnknown
from server.kit.db import Database
from server.kit.errors import TooMany
from server.live.public_tracking import PublicView, public_view
from server.live.tracking_page import TrackingStatus, status_of

EVERY_S = 5.0
WHILE_WAITING_S = 20.0
"""A parcel that is not on the road does not move from minute to minute."""

SIGN_OF_LIFE_S = 20.0
"""Proxies cut off what is silent, and a page says when it heard last."""

OF_ONE_LINK_MAX = 8
AT_ALL_MAX = 2000

LINK_ENDED = TrackingStatus(revision="", when="", stops="", courier=None, seen="", updated="")
"""The last thing that a page hears: it has to load itself again, and then sees why."""


class TooManyFollowers(TooMany):
    """This is open too often at once. Close some of its pages, or wait {wait_s} seconds."""

    code = "live.too_many_followers"


class Followers:
    """How many follow at this process, and what."""

    def __init__(self) -> None:
        self._of_links: Counter[str] = Counter()

    def admit(self, token: str) -> None:
        """
        Raises
        ------
        TooManyFollowers
        """
        if self._of_links[token] >= OF_ONE_LINK_MAX or self._of_links.total() >= AT_ALL_MAX:
            raise TooManyFollowers(wait_s=60)

    @contextmanager
    def held(self, token: str) -> Iterator[None]:
        """While one more follows."""
        self._of_links[token] += 1
        try:
            yield
        finally:
            self._of_links[token] -= 1
            if not self._of_links[token]:
                del self._of_links[token]


async def follow(
    db: Database, token: str, zone: tzinfo, language: str
) -> AsyncIterator[TrackingStatus]:
    """What the holder of a link hears: at once, whenever it has changed, and now and then as a
    sign of life, until the parcel has arrived or the link has ended."""
    told, silent_s = None, 0.0
    while True:
        try:
            async with db.transaction() as session:
                view = await public_view(session, token)
        except TrackingLinkUnknown:
            yield LINK_ENDED
            return
        status = status_of(view, zone, language)
        if status != told or silent_s >= SIGN_OF_LIFE_S:
            yield status
            told, silent_s = status, 0.0
        if view.is_over:
            return
        pause_s = _pause_s(view)
        silent_s += pause_s
        await asyncio.sleep(pause_s)


def _pause_s(view: PublicView) -> float:
    return EVERY_S if view.stops_before is not None or view.is_next else WHILE_WAITING_S
