"""Turns a situation into a routing problem, and the solver's routes back into draft runs.

Times are seconds since the depot's day began, places are numbered by position, vehicles are named
by their labels and work by its waybill, so that the solver's sentences can be shown to people.
Pure, except that `measure_roads` asks the map.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from routing.plan import Plan, Route
from routing.plan import Visit as TimedVisit
from routing.problem import (
    Break,
    Handover,
    Job,
    Matrix,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
)
from routing.roads import Roads
from routing.schedule import schedule_route
from server.dispatch.draft import DraftRun, DraftStop, DraftVisit
from server.dispatch.situation import Situation, Van
from server.dispatch.work import End, Work
from server.kit.geo import Position
from server.kit.ids import new_id

COSTS = {"car": (2_000, 60, 3_000), "bicycle": (1_000, 10, 3_000)}
"""Of using it at all, of a kilometre and of an hour, in minor units."""

OPEN_END_S = 10**7
"""Longer than any shift: for asking when something would be done if nothing had to end."""


@dataclass(frozen=True, slots=True)
class RoadMap:
    """Every position of a situation, numbered, and the travel between them for each profile."""

    index: dict[Position, int]
    matrices: dict[str, Matrix]


async def measure_roads(situation: Situation, roads: Roads) -> RoadMap:
    positions = {situation.depot_position: None}
    for van in situation.vans:
        positions[van.position] = None
    for work in situation.works.values():
        for end in work.ends:
            positions[end.position] = None
    listed = [(position.lon, position.lat) for position in positions]
    matrices = {
        profile: await asyncio.to_thread(roads.table, listed, profile)
        for profile in sorted({van.profile for van in situation.vans})
    }
    return RoadMap({position: number for number, position in enumerate(positions)}, matrices)


def make_problem(situation: Situation, road_map: RoadMap, *, yielding: bool = False) -> Problem:
    """The problem as it stands.

    What drivers have already may be late by now; its windows reach as far as it is late, so that
    the present runs are always a possible answer. yielding: they give way to new work altogether.
    """
    relaxed_s: dict[tuple[str, str], int] = {}
    shift_ends_s: dict[str, int] = {}
    hopeful = _problem(situation, road_map, _Slack(assigned_end_s=OPEN_END_S))
    for van in situation.vans:
        route = schedule_route(hopeful, hopeful.vehicle_by_id[van.name], steps_of_van(van))
        if isinstance(route, Route):
            for visit in route.visits:
                relaxed_s[visit.id, visit.leg] = visit.start_s
            if van.sequence:
                shift_ends_s[van.name] = route.visits[-1].start_s
    slack = _Slack(OPEN_END_S if yielding else None, relaxed_s, shift_ends_s)
    return _problem(situation, road_map, slack)


def steps_of_van(van: Van) -> tuple[Step, ...]:
    return tuple(Step(id=waybill, leg=leg) for waybill, leg in van.sequence)


def present_plan(situation: Situation, problem: Problem) -> Plan:
    """What the drivers have now, timed anew. A run that cannot be driven any more is left out."""
    routes = []
    for van in situation.vans:
        timed = schedule_route(problem, problem.vehicle_by_id[van.name], steps_of_van(van))
        if van.sequence and isinstance(timed, Route):
            routes.append(timed)
    return Plan(routes=tuple(routes), cost=sum(route.cost for route in routes))


def drop_lost_vans(situation: Situation, road_map: RoadMap) -> None:
    """Leave out the vans whose runs cannot be driven as they are, such as one that carries more
    than it may: nothing can be added to them."""
    problem = make_problem(situation, road_map)
    plan = present_plan(situation, problem)
    situation.vans = [van for van in situation.vans if not van.sequence or plan.route_of(van.name)]


@dataclass(frozen=True, slots=True)
class _Slack:
    """How far the promises to work that drivers already have are stretched."""

    assigned_end_s: int | None = None
    starts_s: Mapping[tuple[str, str], int] | None = None
    shift_ends_s: Mapping[str, int] | None = None


def _problem(situation: Situation, road_map: RoadMap, slack: _Slack) -> Problem:
    names_by_driver, names_by_shift = names_of_vans(situation)
    jobs, shipments = [], []
    for work in situation.works.values():
        only = bound_to(work, situation, names_by_driver, names_by_shift)
        barred = frozenset(
            names_by_driver[driver] for driver in work.barred_drivers if driver in names_by_driver
        )
        ends = [_handover(end, work, situation, road_map, slack) for end in work.ends]
        if work.kind == "shipment":
            shipments.append(
                Shipment(
                    id=work.waybill,
                    pickup=ends[0],
                    delivery=ends[1],
                    size=work.size,
                    skills=work.skills,
                    priority=work.priority,
                    vehicles=only,
                    barred=barred,
                )
            )
        else:
            jobs.append(
                Job(
                    id=work.waybill,
                    place=ends[0].place,
                    kind=work.kind,
                    size=work.size,
                    service_s=ends[0].service_s,
                    windows=ends[0].windows,
                    skills=work.skills,
                    priority=work.priority,
                    vehicles=only,
                    barred=barred,
                )
            )
    return Problem(
        places=tuple((position.lon, position.lat) for position in road_map.index),
        jobs=tuple(jobs),
        shipments=tuple(shipments),
        vehicles=tuple(_vehicle(van, situation, road_map, slack) for van in situation.vans),
        matrices=road_map.matrices,
        name=f"{situation.day}",
    )


def names_of_vans(situation: Situation) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """The vehicles' names, by driver (the first one of each) and by shift."""
    by_driver: dict[UUID, str] = {}
    for van in situation.vans:
        by_driver.setdefault(van.driver_id, van.name)
    return by_driver, {van.shift_id: van.name for van in situation.vans}


def bound_to(
    work: Work,
    situation: Situation,
    names_by_driver: Mapping[UUID, str],
    names_by_shift: Mapping[UUID, str],
) -> frozenset[str] | None:
    """The one vehicle that can do it, if its parcels or a dispatcher's lock say so."""
    locked_to = names_by_shift.get(situation.locked.get(work.waybill) or new_id())
    if locked_to is not None:
        return frozenset({locked_to})
    keeper = work.holder_id
    van = situation.van_of(work.driver_id)
    if keeper is None and van and van.started and (work.at_depot or _is_begun(work, van)):
        keeper = van.driver_id  # loaded without a scan, or on the way to its pickup
    if keeper is not None and keeper in names_by_driver:
        return frozenset({names_by_driver[keeper]})
    return None


def _is_begun(work: Work, van: Van) -> bool:
    return any(waybill == work.waybill for waybill, _ in van.sequence[: van.fixed_count])


def _handover(
    end: End, work: Work, situation: Situation, road_map: RoadMap, slack: _Slack
) -> Handover:
    windows: tuple[TimeWindow, ...] = ()
    if end.start_at or end.end_at:
        start_s = seconds(situation, end.start_at) if end.start_at else 0
        end_s = seconds(situation, end.end_at) if end.end_at else OPEN_END_S
        if work.driver_id is not None:
            if slack.assigned_end_s is not None:
                end_s = slack.assigned_end_s
            elif slack.starts_s is not None:
                end_s = max(end_s, slack.starts_s.get((work.waybill, end.leg), end_s))
        windows = (TimeWindow(start_s=min(start_s, end_s), end_s=end_s),)
    return Handover(place=road_map.index[end.position], service_s=end.service_s, windows=windows)


def _vehicle(van: Van, situation: Situation, road_map: RoadMap, slack: _Slack) -> Vehicle:
    start_s, end_s = seconds(situation, van.starts_at), seconds(situation, van.ends_at)
    if slack.shift_ends_s is None:
        end_s = OPEN_END_S
    else:
        end_s = max(end_s, slack.shift_ends_s.get(van.name, end_s))
    fixed_cost, cost_per_km, cost_per_hour = COSTS[van.profile]
    return Vehicle(
        id=van.name,
        profile=van.profile,
        start_place=road_map.index[van.position],
        end_place=road_map.index[situation.depot_position],
        capacity=van.capacity,
        on_board=van.on_board,
        skills=van.skills,
        shift=TimeWindow(start_s=start_s, end_s=end_s),
        breaks=tuple(
            Break(
                id=f"break {number}",
                earliest_start_s=seconds(situation, rest.earliest_start_at),
                latest_start_s=seconds(situation, rest.latest_start_at),
                duration_s=rest.duration_s,
            )
            for number, rest in enumerate(van.breaks, 1)
        ),
        fixed_cost=0 if van.started else fixed_cost,
        cost_per_km=cost_per_km,
        cost_per_hour=cost_per_hour,
        fixed=steps_of_van(van)[: van.fixed_count],
    )


def seconds(situation: Situation, at: datetime) -> int:
    return round((at - situation.day_start_at).total_seconds())


def make_draft_run(situation: Situation, road_map: RoadMap, route: Route) -> DraftRun:
    """A solver's route as a dispatcher reads it: visits at one place that follow each other are
    one stop. What a driver who has not left yet would fetch at the depot first is simply loaded."""
    van = next(van for van in situation.vans if van.name == route.vehicle_id)
    matrix = road_map.matrices[van.profile]
    stops: list[DraftStop] = []
    here = road_map.index[van.position]
    loading = not van.started
    for visit in route.visits:
        if visit.leg in ("start", "end", "break"):
            continue
        work = situation.works[visit.id]
        end = next(end for end in work.ends if end.leg == visit.leg)
        if loading and end.fetch_from == "depot":
            continue
        loading = False
        there = road_map.index[end.position]
        if stops and stops[-1].place_id == end.place_id:
            stop = stops[-1]
            stops[-1] = msgspec.structs.replace(
                stop,
                departure_at=to_time(situation, visit.departure_s),
                visits=(*stop.visits, *_draft_visits(work, end)),
            )
        else:
            leg = int(matrix.distance_m[here, there]), int(matrix.duration_s[here, there])
            stops.append(_draft_stop(situation, visit, work, end, leg))
        here = there
    return DraftRun(
        run_id=van.run_id or new_id(),
        shift_id=van.shift_id,
        driver_id=van.driver_id,
        vehicle_id=van.vehicle_id,
        vehicle_label=van.label,
        profile=van.profile,
        starts_at=to_time(situation, route.visits[0].departure_s),
        ends_at=to_time(situation, route.visits[-1].start_s),
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        cost_minor=route.cost,
        stops=tuple(stops),
    )


def _draft_visits(work: Work, end: End) -> tuple[DraftVisit, ...]:
    """What is done in one visit: of an exchange, the old goods are taken before the new ones are
    handed over."""
    visit = DraftVisit(
        waybill=work.waybill,
        consignment_id=work.consignment_id,
        leg=end.leg,
        task_id=end.task_id,
        pickup_from=end.fetch_from,
    )
    if work.swap is None or end.leg == "pickup":
        return (visit,)
    old = DraftVisit(
        waybill=work.swap.waybill,
        consignment_id=work.swap.consignment_id,
        leg="job",
        task_id=work.swap.task_id,
        swap_of=work.waybill,
    )
    return (old, visit)


def _draft_stop(
    situation: Situation, visit: TimedVisit, work: Work, end: End, leg: tuple[int, int]
) -> DraftStop:
    """leg: metres and seconds of the way to it."""
    place = situation.places.get(end.place_id)
    return DraftStop(
        id=new_id(),
        place_id=end.place_id,
        address=place.line if place else "",
        position=end.position,
        leg_m=leg[0],
        leg_s=leg[1],
        arrival_at=to_time(situation, visit.arrival_s),
        start_at=to_time(situation, visit.start_s),
        departure_at=to_time(situation, visit.departure_s),
        locked=work.waybill in situation.locked,
        visits=_draft_visits(work, end),
    )


def to_time(situation: Situation, at_s: int) -> datetime:
    return situation.day_start_at + timedelta(seconds=at_s)
