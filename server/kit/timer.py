"""Things that the worker does again and again: a room lists them in timers.py as TIMERS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.kit.db import Database


@dataclass(frozen=True, slots=True)
class Timer:
    """every_s: real seconds from the end of one run to the start of the next."""

    name: str
    every_s: float
    act: Callable[[Database], Awaitable[None]]
