"""Where a piece of work could go in a run: every place in its order is timed, pure and by itself.

A dispatcher who moves something is shown what each place would cost before anything is moved, and
what is moved without a wish goes to the cheapest.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from routing.plan import Route
from routing.problem import Problem, Step
from routing.rules import Violation
from routing.schedule import schedule_route
from server.dispatch.problem import to_time
from server.dispatch.situation import Situation, Van
from server.dispatch.work import Work

Timed = Route | tuple[Violation, ...]


class LateVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that will be broken now and would not have been before."""

    waybill: str
    promised_until: datetime
    planned_start_at: datetime


def narrow(situation: Situation, vans: Sequence[Van], works: Collection[str]) -> Situation:
    """Only these vehicles and pieces of work, with what the vehicles have to do already."""
    names = {*works, *(name for van in vans for name, _ in van.sequence)}
    kept = {name: work for name, work in situation.works.items() if name in names}
    return replace(situation, vans=list(vans), works=kept)


def time_order(problem: Problem, name: str, order: Sequence[Step]) -> Timed:
    """name: of the vehicle that drives in that order."""
    return schedule_route(problem, problem.vehicle_by_id[name], order)


def orders_with(blocks: Sequence[Sequence[Step]], moving: Sequence[Step]) -> list[list[Step]]:
    """The order of a run with something more in it: before each block, then at the end."""
    return [
        [step for part in (*blocks[:at], moving, *blocks[at:]) for step in part]
        for at in range(len(blocks) + 1)
    ]


def sentences_of(reasons: Sequence[Violation]) -> str:
    return " ".join(dict.fromkeys(reason.sentence for reason in reasons))


def find_late(
    situation: Situation,
    promises: Mapping[str, Work],
    before: Sequence[Route | None],
    after: Route,
) -> tuple[LateVisit, ...]:
    """The promises that the runs before kept, and the run after breaks."""
    kept = {
        (visit.id, visit.leg): to_time(situation, visit.start_s)
        for route in before
        for visit in (route.visits if route else ())
    }
    late = []
    for visit in after.visits:
        ends = promises[visit.id].ends if visit.id in promises else ()
        until = next((end.end_at for end in ends if end.leg == visit.leg), None)
        start_at = to_time(situation, visit.start_s)
        was_late = (visit.id, visit.leg) in kept and until and kept[visit.id, visit.leg] > until
        if until and start_at > until and not was_late:
            late.append(
                LateVisit(waybill=visit.id, promised_until=until, planned_start_at=start_at)
            )
    return tuple(late)
