"""Slows down those who guess tracking links.

A token bucket for each network address, in the memory of this process: with several web processes
a guesser gets that many times the tries, which still finds nothing among 2^128. It protects the
database from being asked, not the links from being found. Behind a proxy the process must be told
to trust it (uvicorn's FORWARDED_ALLOW_IPS), else all the world is one address.
"""

import math
import time
from collections.abc import Callable

from server.kit.errors import TooMany

GUESSES = 20
SECONDS_PER_GUESS = 6.0
ADDRESSES_MAX = 10_000


class TooManyGuesses(TooMany):
    """Too many links that are not valid were tried from your address. Wait {wait_s} seconds."""

    code = "live.too_many_guesses"


class GuessLimit:
    """Each wrong guess costs one of GUESSES tries; one comes back every SECONDS_PER_GUESS."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = monotonic_s
        self._full_again_s: dict[str, float] = {}

    def admit(self, address: str) -> None:
        """Refuse an address that has no tries left, before anything is looked up."""
        wait_s = self._missing_s(address) - (GUESSES - 1) * SECONDS_PER_GUESS
        if wait_s > 0:
            raise TooManyGuesses(wait_s=math.ceil(wait_s))

    def count_wrong_guess(self, address: str) -> None:
        if len(self._full_again_s) >= ADDRESSES_MAX:
            self._forget_the_harmless()
        self._full_again_s[address] = self._now_s() + self._missing_s(address) + SECONDS_PER_GUESS

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._full_again_s)

    def _missing_s(self, address: str) -> float:
        """How long until the address has all its tries again."""
        return max(0.0, self._full_again_s.get(address, 0.0) - self._now_s())

    def _forget_the_harmless(self) -> None:
        """Drop those who have all their tries; if all are guilty, drop the older half."""
        guilty = [item for item in self._full_again_s.items() if item[1] > self._now_s()]
        self._full_again_s = dict(sorted(guilty, key=lambda item: item[1])[-ADDRESSES_MAX // 2 :])
