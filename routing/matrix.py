"""Travel between all places of a problem, in one way of travelling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.problem_errors import BadMatrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNREACHABLE = 1_000_000_000
"""Seconds or metres in a `Matrix` where no road leads; the sum of two still fits into int32."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """Travel from every place (row) to every place (column).

    Attributes
    ----------
    duration_s, distance_m : int32 arrays of shape (N, N), made read-only
        `UNREACHABLE` where no road leads.
    """

    duration_s: "NDArray[np.int32]"
    distance_m: "NDArray[np.int32]"

    def __post_init__(self) -> None:
        for name in ("duration_s", "distance_m"):
            given = getattr(self, name)
            if given.ndim != 2 or given.shape[0] != given.shape[1]:
                raise BadMatrix(f"{name} has the shape {given.shape}.")
            if given.size and given.dtype.kind not in "iu":
                raise BadMatrix(f"{name} holds {given.dtype}, not whole numbers.")
            if given.size and (given.min() < 0 or given.max() > UNREACHABLE):
                raise BadMatrix(f"{name} has a number below 0 or above {UNREACHABLE}.")
            held = given.astype("int32")
            held.flags.writeable = False
            object.__setattr__(self, name, held)
        if self.duration_s.shape != self.distance_m.shape:
            raise BadMatrix("duration_s and distance_m differ in size.")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Matrix)
            and self.duration_s.shape == other.duration_s.shape
            and bool((self.duration_s == other.duration_s).all())
            and bool((self.distance_m == other.distance_m).all())
        )

    __hash__ = None  # type: ignore[assignment]
