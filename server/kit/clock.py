"""The one source of time. Business code asks `now()`; a demo may run its day faster than real.

All processes of one demo share the same accelerated time through the setting POSTRIDER_CLOCK,
written `2026-11-23T06:00:00Z@120@1790000000.5`: at that Unix second the clock showed that time, and
it runs 120 times as fast. Security (sessions, codes, throttling) never follows it: `real_now()`.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that showed `origin` at the Unix time `started_unix_s` and runs `speed` times."""

    origin: datetime
    speed: float
    started_unix_s: float

    def __call__(self) -> datetime:
        return self.origin + timedelta(seconds=(time.time() - self.started_unix_s) * self.speed)

    def __str__(self) -> str:
        return f"{self.origin.isoformat()}@{self.speed}@{self.started_unix_s}"

    @classmethod
    def parse(cls, text: str) -> "ScaledClock":
        origin, speed, started = text.split("@")
        return cls(datetime.fromisoformat(origin).astimezone(UTC), float(speed), float(started))

    @classmethod
    def starting_now(cls, origin: datetime, speed: float) -> "ScaledClock":
        return cls(origin, speed, time.time())


def _from_environment() -> Callable[[], datetime]:
    text = os.environ.get("POSTRIDER_CLOCK")
    return ScaledClock.parse(text) if text else real_now


_clock: Callable[[], datetime] = _from_environment()


def now() -> datetime:
    """The time of the business, aware UTC."""
    return _clock()


def speed() -> float:
    """How many seconds of business time pass in one real second; 1.0 outside of a demo."""
    return _clock.speed if isinstance(_clock, ScaledClock) else 1.0


def as_text() -> str | None:
    """This process's clock as another one can take it over; None when it is real time."""
    return str(_clock) if isinstance(_clock, ScaledClock) else None


@contextmanager
def running(clock: Callable[[], datetime]) -> Iterator[None]:
    """Use another clock in this process for a while (tests, the demo)."""
    global _clock  # noqa: PLW0603 - one process has one time
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
