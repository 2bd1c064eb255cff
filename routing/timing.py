"""The times of a route while they are being found."""

from dataclasses import dataclass
from typing import NamedTuple


class Label(NamedTuple):
    """The earliest way to begin a visit with `taken` breaks behind it."""

    taken: int
    start_s: int
    departure_s: int
    previous: "Label | None"


@dataclass(frozen=True, slots=True)
class Timing:
    """Starts of the visits, `taken` breaks when each begins (start first, end last)."""

    departure_s: int
    starts_s: list[int]
    end_s: int
    taken: list[int]
