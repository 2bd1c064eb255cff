"""Makes up rich courier days on real addresses and roads, to measure the planner by.

The same map, numbers and seed give the same day. Every rule of a courier's day occurs: two
capacities, skills, one or two windows, priorities, optional work, shipments with a longest ride,
return pickups, breaks, reloads, overtime, territories, and stops that are under way already.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean

import osmium

from routing.plan import Plan
from routing.problem import (
    Break,
    Depot,
    Handover,
    Job,
    Matrix,
    Position,
    Preference,
    Problem,
    Shipment,
    TimeWindow,
    Vehicle,
)
from routing.repair import fill, repair
from routing.roads import Roads, find_cut_off

HOUR_S = 3_600
OPENS_S, CLOSES_S = 6 * HOUR_S, 20 * HOUR_S
JOBS_PER_VEHICLE = 33
ENDLESS_S = 1e12


def read_addresses(map_path: Path) -> list[Position]:
    """Return where the map has a house number, at a door or a building, in the order of the map."""
    found: list[Position] = []
    things = osmium.FileProcessor(str(map_path)).with_locations()
    for thing in things.with_filter(osmium.filter.KeyFilter("addr:housenumber")):
        spots: list[osmium.osm.Location] = []
        if isinstance(thing, osmium.osm.Node):
            spots = [thing.location]
        elif isinstance(thing, osmium.osm.Way):
            spots = [node.location for node in thing.nodes if node.location.valid()]
        if spots:
            lon, lat = fmean(spot.lon for spot in spots), fmean(spot.lat for spot in spots)
            found.append((round(lon, 6), round(lat, 6)))
    return found


def make_day(addresses: Sequence[Position], roads: Roads, *, jobs: int, seed: int) -> Problem:
    """Return a day of about so many pieces of work, some of them shipments."""
    random = Random(seed)
    places = _choose_places(random, addresses, roads, jobs + jobs // 10 + 1)
    profiles: list[str] = [name for name in ("car", "bicycle") if name in roads.profiles]
    matrices: dict[str, Matrix] = {profile: roads.table(places, profile) for profile in profiles}
    fleet = _make_fleet(random, max(2, jobs // JOBS_PER_VEHICLE), profiles)
    names = [vehicle.id for vehicle in fleet]
    count = jobs // 10
    shipments = tuple(
        _make_shipment(random, k, jobs + 1 + k if jobs + 1 + k < len(places) else 1, k + 1)
        for k in range(count)
    )
    problem = Problem(
        places=tuple(places),
        jobs=tuple(_make_job(random, k, names) for k in range(count + 1, jobs + 1)),
        shipments=shipments,
        vehicles=fleet,
        matrices=matrices,
        name=f"day {jobs} {seed}",
        depots=(
            Depot(
                id="depot",
                place=0,
                windows=(TimeWindow(start_s=OPENS_S, end_s=CLOSES_S),),
                loading_s=900,
            ),
        ),
    )
    return _begin_some(random, problem)


def _choose_places(
    random: Random, addresses: Sequence[Position], roads: Roads, count: int
) -> list[Position]:
    """Choose addresses that roads connect in every way of travelling."""
    places = random.choices(addresses, k=count)
    for _ in range(3):
        cut_off = {
            place
            for profile in sorted(roads.profiles & {"car", "bicycle"})
            for place in find_cut_off(roads.table(places, profile))
        }
        if not cut_off:
            break
        for place in cut_off:
            places[place] = random.choice(addresses)
    return places


def _make_fleet(random: Random, count: int, profiles: list[str]) -> tuple[Vehicle, ...]:
    fleet = []
    for k in range(count):
        is_bicycle = "bicycle" in profiles and k % 5 == 4
        begins_s = random.choice([7, 7, 8, 9]) * HOUR_S
        lunch = Break(
            id="lunch",
            earliest_start_s=11 * HOUR_S + 1800,
            latest_start_s=13 * HOUR_S,
            duration_s=1800,
            paid=False,
        )
        coffee = Break(
            id="coffee",
            earliest_start_s=15 * HOUR_S,
            latest_start_s=16 * HOUR_S,
            duration_s=900,
        )
        skills = {skill for skill in ("cold", "lift") if random.random() < 0.5}
        fleet.append(
            Vehicle(
                id=f"{'bike' if is_bicycle else 'van'} {k + 1}",
                profile="bicycle" if is_bicycle else "car",
                start_place=0,
                end_place=0,
                capacity=(80_000, 300_000) if is_bicycle else (600_000, 4_000_000),
                skills=frozenset(skills | ({"cold", "lift"} if k == 0 else set())),
                shift=TimeWindow(start_s=begins_s, end_s=begins_s + 9 * HOUR_S),
                breaks=(lunch, coffee) if k % 3 else (lunch,),
                fixed_cost=1_000 if is_bicycle else 2_000,
                cost_per_km=10 if is_bicycle else 60,
                cost_per_hour=3_000,
                overtime_s=0 if is_bicycle else HOUR_S,
                overtime_cost_per_hour=1_500,
                max_reloads=2 if is_bicycle else 1,
                reload_at=frozenset({"depot"}),
                max_distance_m=60_000 if is_bicycle else None,
            )
        )
    return tuple(fleet)


def _draw_windows(random: Random) -> tuple[TimeWindow, ...]:
    kind = random.random()
    if kind < 0.3:
        return ()
    if kind < 0.4:
        morning = TimeWindow(start_s=8 * HOUR_S, end_s=10 * HOUR_S)
        return (morning, TimeWindow(start_s=16 * HOUR_S, end_s=18 * HOUR_S))
    length_s = random.choice([2, 4, 4]) * HOUR_S
    start_s = random.randrange(8 * HOUR_S, 18 * HOUR_S - length_s, HOUR_S // 2)
    return (TimeWindow(start_s=start_s, end_s=start_s + length_s),)


def _draw_size(random: Random) -> tuple[int, int]:
    return random.randint(200, 25_000), random.randint(1_000, 80_000)


def _draw_skills(random: Random) -> frozenset[str]:
    drawn = random.random()
    return frozenset({"cold"} if drawn < 0.08 else {"lift"} if drawn < 0.12 else ())


def _make_job(random: Random, place: int, vehicles: list[str]) -> Job:
    kind = random.random()
    is_pickup, is_service = kind < 0.15, 0.15 <= kind < 0.18
    liked = frozenset(random.sample(vehicles, max(1, len(vehicles) // 4)))
    return Job(
        id=f"job {place}",
        place=place,
        kind="pickup" if is_pickup else "service" if is_service else "delivery",
        size=() if is_service else _draw_size(random),
        service_s=random.choice([90, 120, 180, 300]),
        windows=_draw_windows(random),
        skills=_draw_skills(random),
        priority=random.choice([0] * 9 + [10]),
        prize=1_500 if random.random() < 0.03 else None,
        preferences=(Preference(vehicles=liked, cost=50),) if random.random() < 0.2 else (),
    )


def _make_shipment(random: Random, number: int, origin: int, target: int) -> Shipment:
    start_s = random.randrange(8 * HOUR_S, 16 * HOUR_S, HOUR_S // 2)
    return Shipment(
        id=f"ride {number + 1}",
        pickup=Handover(
            place=origin,
            service_s=180,
            windows=(TimeWindow(start_s=start_s, end_s=start_s + 2 * HOUR_S),),
        ),
        delivery=Handover(place=target, service_s=120),
        size=_draw_size(random),
        max_ride_s=random.choice([None, HOUR_S, 2 * HOUR_S]),
    )


def _begin_some(random: Random, problem: Problem) -> Problem:
    """Let every fifth vehicle be under way with its first stops of some plan."""
    early = replace(problem, jobs=tuple(j for j in problem.jobs if j.prize is None))
    plan: Plan = fill(early, repair(early, {}), until=ENDLESS_S)
    vehicles = []
    for k, vehicle in enumerate(problem.vehicles):
        route = plan.route_of(vehicle.id)
        held = route.steps[: random.randint(1, 3)] if route and k % 5 == 0 else ()
        vehicles.append(replace(vehicle, fixed=tuple(s for s in held if s.leg == "job")))
    return replace(problem, vehicles=tuple(vehicles))
