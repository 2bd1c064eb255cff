"""How much longer driving takes at which hour of the day.

Tables of roads know no traffic. A plan uses one table for each profile, so what it can take into
account is the hours in which a shift lies: `slow_down` its table by `Traffic.factor_between`.
"""

from dataclasses import dataclass

import numpy as np

from routing.matrix import UNREACHABLE, Matrix
from routing.problem_errors import NumberOutOfRange

HOUR_S = 3_600
LEAST, MOST = 0.1, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Twenty-four factors: that of an hour is how many times as long driving takes in it."""

    by_hour: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.by_hour) != 24:
            raise NumberOutOfRange(f"A day has 24 hours, not {len(self.by_hour)}.")
        for hour, factor in enumerate(self.by_hour):
            if not LEAST <= factor <= MOST:
                raise NumberOutOfRange(f"The factor of hour {hour} is {factor}.")

    def factor_at(self, at_s: int) -> float:
        """Return the factor at a time of day, seconds since midnight; a day later is the same."""
        return self.by_hour[at_s // HOUR_S % 24]

    def factor_between(self, start_s: int, end_s: int) -> float:
        """Return the mean factor from start to end, weighted by the time in each hour."""
        if end_s <= start_s:
            return self.factor_at(start_s)
        weighted, at_s = 0.0, start_s
        while at_s < end_s:
            until_s = min(end_s, (at_s // HOUR_S + 1) * HOUR_S)
            weighted += self.factor_at(at_s) * (until_s - at_s)
            at_s = until_s
        return weighted / (end_s - start_s)


def slow_down(matrix: Matrix, factor: float) -> Matrix:
    """Return the matrix with all durations so many times as long; what is cut off stays so."""
    slower = np.rint(matrix.duration_s * factor)
    slower = np.where(matrix.duration_s >= UNREACHABLE, UNREACHABLE, slower)
    return Matrix(
        duration_s=np.minimum(slower, UNREACHABLE).astype(np.int64), distance_m=matrix.distance_m
    )
