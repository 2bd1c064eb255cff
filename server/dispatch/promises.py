"""When a promised window is in danger: one rule for alerts and for what screens show."""

from collections.abc import Iterable
from datetime import datetime, timedelta

LATE_MARGIN = timedelta(minutes=2)
"""A forecast's middle moves by a minute or two from one round to the next, and no customer calls
for as much. Nearer to the window's end than this it would be a coin's toss, told and taken back."""


def end_of_promise(window_ends: Iterable[datetime | None]) -> datetime | None:
    """The narrowest of some tasks at one door; None when nothing was promised."""
    return min((each for each in window_ends if each is not None), default=None)


def will_be_missed(closes_at: datetime | None, likely_at: datetime | None) -> bool:
    """Whether the driver will more likely than not come later than anybody forgives.

    likely_at: as probably before as after; None without a forecast, which says nothing.
    """
    return closes_at is not None and likely_at is not None and likely_at > closes_at + LATE_MARGIN
