"""Slows down those who guess secret words (tracking links, trackers' tokens), and those who ask for
the same thing again and again.

Token buckets in the memory of this process: with several web processes a guesser gets that many
times the tries, which still finds nothing among 2^128. They protect the database from being asked,
not the words from being found. Behind a proxy the process must be told to trust it (uvicorn's
FORWARDED_ALLOW_IPS), else all the world is one address.

Behind one address there may be a guesser and a hundred honest people. So who comes with a word that
was right before is not held back by the guesses of others.
"""

import math
import time
from collections.abc import Callable
from hashlib import blake2b

from server.kit.errors import TooMany

GUESSES = 20
SECONDS_PER_GUESS = 6.0
ASKS = 60
SECONDS_PER_ASK = 1.0
REMEMBERED_MAX = 10_000


class TooManyGuesses(TooMany):
    """Too many links that are not valid were tried from your address. Wait {wait_s} seconds."""

    code = "live.too_many_guesses"


class AskedTooOften(TooMany):
    """This was asked for too often in a short time. Wait {wait_s} seconds."""

    code = "live.asked_too_often"


class Buckets:
    """So many tries for each name at once, and one more every `seconds_per_try`."""

    def __init__(self, tries: int, seconds_per_try: float, now_s: Callable[[], float]) -> None:
        self._most_s = (tries - 1) * seconds_per_try
        self._seconds_per_try = seconds_per_try
        self._now_s = now_s
        self._full_again_s: dict[str | bytes, float] = {}

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._full_again_s)

    def wait_s(self, name: str | bytes) -> int:
        """How long until there is a try; 0 when there is one."""
        return max(0, math.ceil(self._missing_s(name) - self._most_s))

    def take(self, name: str | bytes) -> None:
        if len(self._full_again_s) >= REMEMBERED_MAX:
            self._forget_the_harmless()
        self._full_again_s[name] = self._now_s() + self._missing_s(name) + self._seconds_per_try

    def _missing_s(self, name: str | bytes) -> float:
        """How long until all tries are there again."""
        return max(0.0, self._full_again_s.get(name, 0.0) - self._now_s())

    def _forget_the_harmless(self) -> None:
        """Drop those who have all their tries; if all are guilty, drop the older half."""
        guilty = [item for item in self._full_again_s.items() if item[1] > self._now_s()]
        self._full_again_s = dict(sorted(guilty, key=lambda item: item[1])[-REMEMBERED_MAX // 2 :])


class GuessLimit:
    """Each wrong guess costs its address one of GUESSES tries; each question for one word, right
    or wrong, one of ASKS."""

    def __init__(
        self,
        monotonic_s: Callable[[], float] = time.monotonic,
        *,
        asks: int = ASKS,
        seconds_per_ask: float = SECONDS_PER_ASK,
    ) -> None:
        self._guesses = Buckets(GUESSES, SECONDS_PER_GUESS, monotonic_s)
        self._asks = Buckets(asks, seconds_per_ask, monotonic_s)
        self._right: dict[bytes, None] = {}

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._guesses)

    def admit(self, address: str, word: str | None = None) -> None:
        """Refuse an address that has no tries left, and a word that has none, before anything is
        looked up. Without a word nothing speaks for the address.

        Raises
        ------
        TooManyGuesses, AskedTooOften
        """
        if word is not None:
            key = _digest(word)
            if (wait_s := self._asks.wait_s(key)) > 0:
                raise AskedTooOften(wait_s=wait_s)
            if key in self._right:
                self._asks.take(key)
                return
        if (wait_s := self._guesses.wait_s(address)) > 0:
            raise TooManyGuesses(wait_s=wait_s)
        if word is not None:
            self._asks.take(_digest(word))

    def count_right(self, word: str) -> None:
        key = _digest(word)
        self._right.pop(key, None)
        self._right[key] = None
        if len(self._right) > REMEMBERED_MAX:
            del self._right[next(iter(self._right))]  # the one that was used longest ago

    def count_wrong_guess(self, address: str, word: str | None = None) -> None:
        if word is not None:
            self._right.pop(_digest(word), None)
        self._guesses.take(address)


def _digest(word: str) -> bytes:
    return blake2b(word.encode(errors="surrogatepass"), digest_size=16).digest()
