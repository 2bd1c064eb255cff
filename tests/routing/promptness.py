"""Whether something is quick enough, on a machine that others may use at the same moment."""

from collections.abc import Callable
from time import monotonic

TRIES = 3


def within[Found](most_s: float, act: Callable[[], Found]) -> Found:
    """What `act` returns when it takes no longer than that by the clock.

    Somebody else's work may hold it up once; what is too slow by itself is so each time.
    """
    took_s = []
    for _ in range(TRIES):
        began_s = monotonic()
        found = act()
        took_s.append(monotonic() - began_s)
        if took_s[-1] <= most_s:
            return found
    raise AssertionError(f"took {took_s} s, and may take {most_s}")
