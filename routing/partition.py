"""Cuts a problem with its plan into parts that can be planned side by side.

Routes stay whole, each part has vehicles of its own, and neighbours as seen from the middle come
into the same part. Another `turn_rad` cuts elsewhere, so nothing stays apart for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import atan2, tau
from statistics import fmean

from routing.halts import halt_of
from routing.plan import Plan
from routing.problem import Position, Problem, Vehicle, Work, steps_of


@dataclass(slots=True)
class _Piece:
    """What must stay together: a route, or one piece of unassigned work."""

    vehicle_ids: list[str]
    work_ids: set[str]
    angle_rad: float


def cut(problem: Problem, plan: Plan, count: int, turn_rad: float) -> list[Problem]:
    """Return parts of about equal numbers of visits, fewer than `count` if there is too little."""
    middle = _find_middle(problem)

    def look_at(works: Iterable[Work]) -> float:
        """Return the direction in which the work lies, from 0 to a full turn."""
        places = [
            problem.places[halt_of(problem, step).place]
            for work in works
            for step in steps_of(work)
        ]
        lon = fmean(place[0] for place in places) - middle[0]
        lat = fmean(place[1] for place in places) - middle[1]
        return (atan2(lat, lon) + turn_rad) % tau

    pieces = []
    for route in plan.routes:
        ids = {step.id for step in route.steps if step.leg != "reload"}
        angle_rad = look_at(problem.find_work(work_id) for work_id in ids)
        pieces.append(_Piece([route.vehicle_id], ids, angle_rad))
    for one in plan.unassigned:
        pieces.append(_Piece([], {one.id}, look_at([problem.find_work(one.id)])))
    pieces.sort(key=lambda piece: piece.angle_rad)
    total = sum(len(piece.work_ids) for piece in pieces)
    shares: list[_Piece] = [_Piece([], set(), 0.0) for _ in range(count)]
    dealt = 0
    for piece in pieces:
        share = shares[min(count - 1, dealt * count // total)]
        share.vehicle_ids += piece.vehicle_ids
        share.work_ids |= piece.work_ids
        dealt += len(piece.work_ids)
    used = {route.vehicle_id for route in plan.routes}
    idle = [vehicle.id for vehicle in problem.vehicles if vehicle.id not in used]
    for number, vehicle_id in enumerate(idle):
        shares[number % count].vehicle_ids.append(vehicle_id)
    return [_take(problem, share) for share in shares if share.work_ids and share.vehicle_ids]


def _find_middle(problem: Problem) -> Position:
    starts = [v.start_place for v in problem.vehicles if v.start_place is not None]
    places = [problem.places[place] for place in starts] or list(problem.places)
    return fmean(place[0] for place in places), fmean(place[1] for place in places)


def _take(problem: Problem, share: _Piece) -> Problem:
    mine = frozenset(share.vehicle_ids)
    vehicles: tuple[Vehicle, ...] = tuple(v for v in problem.vehicles if v.id in mine)
    return replace(
        problem,
        jobs=tuple(_rename(job, mine) for job in problem.jobs if job.id in share.work_ids),
        shipments=tuple(_rename(s, mine) for s in problem.shipments if s.id in share.work_ids),
        vehicles=vehicles,
    )


def _rename[W: Work](work: W, mine: frozenset[str]) -> W:
    """Leave out the vehicles that are not of this part."""
    if work.vehicles is None and not work.barred and not work.preferences:
        return work
    only = None if work.vehicles is None else work.vehicles & mine
    wishes = tuple(replace(wish, vehicles=wish.vehicles & mine) for wish in work.preferences)
    return replace(work, vehicles=only, barred=work.barred & mine, preferences=wishes)
