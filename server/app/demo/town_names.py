"""Street names in a language that does not exist, with the accents that real ones have."""

from random import Random

ONSETS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v")
CLUSTERS = ("br", "dr", "fl", "kl", "pl", "st", "tr", "vl")
VOWELS = tuple("aaaaeeeeiiiooouuéöå")
CODAS = ("", "", "", "", "n", "l", "r", "s")
ENDINGS = ("a", "o", "en", "ik", "ano", "ero", "il", "ovo", "um", "ia", "ava", "ett")
TRUNK = "Avena {}"
LANE = "{} Passa"
SQUARE = "Plasa {}"
SIDE_STREETS = ("{}strad", "{}strad", "{}strad", "{}vei", "{} Lanet", "Kolo {}")


class StreetNames:
    """Gives every street a name of its own."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def next_name(self, rank: str) -> str:
        """A new name whose form tells the rank of the street."""
        match rank:
            case "primary" | "secondary" | "tertiary":
                form = TRUNK
            case "pedestrian":
                form = SQUARE
            case "living_street":
                form = LANE
            case _:
                form = self._rng.choice(SIDE_STREETS)
        return form.format(self._next_stem())

    def _next_stem(self) -> str:
        while True:
            first = self._rng.choice(ONSETS + CLUSTERS)
            middle = [self._syllable() for _ in range(self._rng.choice((0, 0, 1)))]
            parts = [first, self._rng.choice(VOWELS), *middle, self._rng.choice(CODAS)]
            parts += [self._rng.choice(ONSETS), self._rng.choice(ENDINGS)]
            stem = "".join(parts).title()
            if stem not in self._used:
                self._used.add(stem)
                return stem

    def _syllable(self) -> str:
        return self._rng.choice(ONSETS) + self._rng.choice(VOWELS)
