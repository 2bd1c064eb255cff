"""The one source of time. Business code asks `now()`; a demo may run its day faster than real.

An accelerated time is written `2026-11-23T06:00:00Z@120@1790000000.5`: at that Unix second the
clock showed that time, and it runs 120 times as fast. All processes of one demo read it from one
file, named by the setting POSTRIDER_CLOCK; who writes the file again changes their speed.

Security (sessions, codes, throttling) never follows it: `real_now()`.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


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


class SharedClock:
    """The accelerated time that a file says, looked at again every few hundredths of a second."""

    LOOK_S = 0.02

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_s = -math.inf
        self._read = ScaledClock(datetime.min.replace(tzinfo=UTC), 1.0, 0.0)

    def __call__(self) -> datetime:
        return self.current()()

    def current(self) -> ScaledClock:
        if time.monotonic() - self._looked_s >= self.LOOK_S:
            self._read = ScaledClock.parse(self._path.read_text())
            self._looked_s = time.monotonic()
        return self._read

    def set(self, moment: datetime, speed: float) -> None:
        """For every process that reads the file, it is `moment` now and goes on at `speed`."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(str(ScaledClock.starting_now(moment, speed)))
        fresh.replace(self._path)
        self._looked_s = -math.inf

    @property
    def environ(self) -> dict[str, str]:
        """What makes another process live in this time."""
        return {SETTING: str(self._path)}


SETTING = "POSTRIDER_CLOCK"


def _from_environment() -> Callable[[], datetime]:
    path = os.environ.get(SETTING)
    return SharedClock(Path(path)) if path else real_now


_clock: Callable[[], datetime] = _from_environment()


def now() -> datetime:
    """The time of the business, aware UTC."""
    return _clock()


def _scale() -> ScaledClock | None:
    match _clock:
        case SharedClock():
            return _clock.current()
        case ScaledClock():
            return _clock
    return None


def speed() -> float:
    """How many seconds of business time pass in one real second; 1.0 outside of a demo."""
    scale = _scale()
    return scale.speed if scale else 1.0


def as_text() -> str | None:
    """How this process's time runs now; None when it is real time."""
    scale = _scale()
    return str(scale) if scale else None


@contextmanager
def running(clock: Callable[[], datetime]) -> Iterator[None]:
    """Use another clock in this process for a while (tests, the demo)."""
    global _clock  # noqa: PLW0603 - one process has one time
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
