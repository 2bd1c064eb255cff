"""What roads are asked about and what they answer: ways, points on a road, trails."""

from dataclasses import dataclass

from routing.problem import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadLeg:
    """The way from one position to the next.

    `passed_s` has one number for each point of `geometry`: the seconds after which it is passed.
    """

    duration_s: int
    distance_m: int
    geometry: tuple[Position, ...]
    passed_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadRoute:
    """The way through all positions, one leg between each two."""

    legs: tuple[RoadLeg, ...]

    @property
    def geometry(self) -> tuple[Position, ...]:
        """All points once, from the first position to the last."""
        first = self.legs[0].geometry[:1]
        return (*first, *(point for leg in self.legs for point in leg.geometry[1:]))

    @property
    def duration_s(self) -> int:
        """Seconds of all legs."""
        return sum(leg.duration_s for leg in self.legs)

    @property
    def distance_m(self) -> int:
        """Metres of all legs."""
        return sum(leg.distance_m for leg in self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snap:
    """The nearest point on a road, and how far it is in a straight line."""

    position: Position
    distance_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Where a phone says that it was, seconds since an origin of the caller's choice."""

    position: Position
    at_s: int
    accuracy_m: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A way that was driven without a gap; `confidence` from 0 to 1."""

    geometry: tuple[Position, ...]
    distance_m: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Fixes put on roads: where each was (None: an outlier), and the stretches driven."""

    positions: tuple[Position | None, ...]
    stretches: tuple[Stretch, ...]
