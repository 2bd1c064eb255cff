"""Visits without their times: where, how long and when each may begin."""

from typing import NamedTuple

from routing.problem import Depot, Job, Problem, Step, TimeWindow


class Halt(NamedTuple):
    """A visit still without its time."""

    step: Step
    place: int
    service_s: int
    windows: tuple[TimeWindow, ...]
    fixed: bool

    def begin(self, ready_s: int) -> int | None:
        """Return when the visit can begin for a vehicle that is ready then; None: too late."""
        for window in self.windows:
            if ready_s <= window.end_s:
                return max(ready_s, window.start_s)
        return ready_s if self.fixed or not self.windows else None

    def latest_like(self, start_s: int, otherwise_s: int) -> int:
        """Return the latest start inside the window in which `start_s` lies."""
        for window in self.windows:
            if window.start_s <= start_s <= window.end_s:
                return min(window.end_s, otherwise_s)
        return min(start_s, otherwise_s) if self.windows else otherwise_s


def halt_of(problem: Problem, step: Step, *, fixed: bool = False) -> Halt:
    """Return where, how long and when the step may take place."""
    if step.leg == "reload":
        depot = problem.depot_by_id[step.id]
        return Halt(step, depot.place, depot.loading_s, depot.windows, fixed)
    work = problem.find_work(step.id)
    if isinstance(work, Job):
        return Halt(step, work.place, work.service_s, work.windows, fixed)
    side = work.pickup if step.leg == "pickup" else work.delivery
    return Halt(step, side.place, side.service_s, side.windows, fixed)


def halt_at(depot: Depot | None) -> Halt | None:
    """Return loading at the depot as a halt."""
    if depot is None:
        return None
    step = Step(id=depot.id, leg="reload")
    return Halt(step, depot.place, depot.loading_s, depot.windows, False)
