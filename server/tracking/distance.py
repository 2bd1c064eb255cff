"""How far somebody drove, from fixes that jump about. Pure.

A parked phone's fixes wander by metres all day, and adding these up would make kilometres of them.
So a step counts only when it is longer than the fixes' own error can explain; until then the place
where the last step ended stays the start of the next. When the receiver says that it moves (which
it knows from the Doppler shift, not from its positions), shorter steps are believed.

Over a gap the straight line counts: the driver drove at least that. After a long one nothing does,
because the phone may have been anywhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from server.kit.geo import Position, haversine_m

MAX_GAP = timedelta(minutes=15)
MOVING_MPS = 1.0
MIN_STEP_MOVING_M = 10.0
MIN_STEP_STILL_M = 30.0


@dataclass(slots=True)
class Odometer:
    """Counts the metres of one driver; `pass_by` its fixes in the order of time."""

    driven_m: float = 0.0
    _start: Position | None = None
    _start_accuracy_m: float = 0.0
    _seen_at: datetime | None = None

    def pass_by(
        self,
        position: Position,
        taken_at: datetime,
        *,
        accuracy_m: float,
        speed_mps: float | None,
    ) -> None:
        long_gap = self._seen_at is not None and taken_at - self._seen_at > MAX_GAP
        self._seen_at = taken_at
        if self._start is None or long_gap:
            self._start, self._start_accuracy_m = position, accuracy_m
            return
        error_m = self._start_accuracy_m + accuracy_m
        moves = speed_mps is not None and speed_mps >= MOVING_MPS
        least_m = max(MIN_STEP_MOVING_M, error_m) if moves else max(MIN_STEP_STILL_M, 2 * error_m)
        step_m = haversine_m(self._start, position)
        if step_m > least_m:
            self.driven_m += step_m
            self._start, self._start_accuracy_m = position, accuracy_m
