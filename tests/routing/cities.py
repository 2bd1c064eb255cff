"""Small made-up cities for the tests: places on a plane, driven at 10 m/s."""

from dataclasses import replace
from random import Random

import numpy as np

from routing.problem import (
    UNREACHABLE,
    Break,
    Depot,
    Handover,
    Job,
    JobKind,
    Matrix,
    Preference,
    Problem,
    Shipment,
    Step,
    TimeWindow,
    Vehicle,
)
from routing.repair import FixedWorkImpossible, repair

HOUR_S = 3600


def drive_matrix(places: list[tuple[float, float]], speed_m_s: float = 10.0) -> Matrix:
    """Straight lines between places given in metres."""
    points = np.array(places, dtype=np.float64).reshape(-1, 2)
    distance_m = np.ceil(np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))).astype(np.int32)
    return Matrix(
        duration_s=np.ceil(distance_m / speed_m_s).astype(np.int32), distance_m=distance_m
    )


def make_line_street() -> Problem:
    """Depot at 0, doors 1, 2 and 3 km along one street; a van with room for two parcels."""
    places = [(0.0, 0.0), (1000.0, 0.0), (2000.0, 0.0), (3000.0, 0.0)]
    return Problem(
        places=tuple(places),
        jobs=tuple(Job(id=f"door{k}", place=k, size=(1,), service_s=60) for k in (1, 2, 3)),
        vehicles=(
            Vehicle(
                id="van",
                start_place=0,
                end_place=0,
                capacity=(2,),
                shift=TimeWindow(start_s=0, end_s=8 * HOUR_S),
                cost_per_km=100,
                cost_per_hour=3600,
            ),
        ),
        matrices={"car": drive_matrix(places)},
        name="line street",
    )


def draw_windows(random: Random, most: int = 2) -> tuple[TimeWindow, ...]:
    count = random.choice([0, 0, 1, 1, *range(most + 1)])
    edges = sorted(random.sample(range(0, 8 * HOUR_S, 300), 2 * count))
    return tuple(
        TimeWindow(start_s=a, end_s=b) for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def draw_skills(random: Random) -> frozenset[str]:
    return frozenset(skill for skill in ("cold", "lift") if random.random() < 0.15)


def draw_vehicle(random: Random, number: int, places: int) -> Vehicle:
    shift = TimeWindow(
        start_s=random.choice([0, HOUR_S, 2 * HOUR_S]),
        end_s=random.choice([5, 7, 9]) * HOUR_S,
    )
    breaks = []
    if random.random() < 0.5:
        earliest_s = random.randrange(2 * HOUR_S, 4 * HOUR_S)
        breaks.append(
            Break(
                id="lunch",
                earliest_start_s=earliest_s,
                latest_start_s=earliest_s + random.choice([0, 900, HOUR_S]),
                duration_s=random.choice([600, 1800]),
                paid=random.choice([True, False]),
            )
        )
        if random.random() < 0.4:
            breaks.append(
                Break(
                    id="coffee",
                    earliest_start_s=earliest_s + HOUR_S,
                    latest_start_s=earliest_s + 3 * HOUR_S,
                    duration_s=900,
                )
            )
    return Vehicle(
        id=f"v{number}",
        profile=random.choice(["car", "bicycle"]),
        start_place=random.choice([0, 0, 0, None, random.randrange(places)]),
        end_place=random.choice([0, 0, 0, None, random.randrange(places)]),
        capacity=(random.randint(5, 20), random.randint(50, 200)),
        on_board=random.choice([(), (1, 5)]),
        skills=draw_skills(random) | draw_skills(random) | draw_skills(random),
        shift=shift,
        breaks=tuple(breaks),
        fixed_cost=random.choice([0, 1000]),
        cost_per_km=random.choice([0, 30, 100]),
        cost_per_hour=random.choice([0, 0, 1500]),
        cost_per_squared_hour=random.choice([0, 0, 100]),
        overtime_s=random.choice([0, 0, HOUR_S]),
        overtime_cost_per_hour=random.choice([0, 2000]),
        max_reloads=random.choice([0, 1, 2]),
        reload_at=frozenset(random.choice([[], ["hall"], ["hall", "yard"]])),
        max_stops=random.choice([None, None, 6]),
        max_distance_m=random.choice([None, None, 30_000]),
        max_duration_s=random.choice([None, None, 4 * HOUR_S]),
    )


def draw_problem(random: Random, *, most_jobs: int = 12, most_shipments: int = 4) -> Problem:
    """A rich problem: every rule occurs, work that nobody can do included."""
    count = random.randint(2, 15)
    places = [(random.uniform(0, 5000), random.uniform(0, 5000)) for _ in range(count)]
    vehicles = [draw_vehicle(random, k, count) for k in range(random.randint(1, 3))]
    names = [vehicle.id for vehicle in vehicles]

    def size() -> tuple[int, ...]:
        return random.choice([(), (random.randint(0, 4), random.randint(0, 60))])

    def wishes() -> tuple[Preference, ...]:
        liked = frozenset(random.sample(names, 1))
        return random.choice([(), (), (Preference(vehicles=liked, cost=random.randint(1, 500)),)])

    def only() -> frozenset[str] | None:
        return random.choice([None, None, None, frozenset(random.sample(names, 1))])

    jobs = []
    for k in range(random.randint(0, most_jobs)):
        kinds: list[JobKind] = ["delivery", "delivery", "pickup", "service"]
        kind = random.choice(kinds)
        jobs.append(
            Job(
                id=f"j{k}",
                place=random.randrange(count),
                kind=kind,
                size=() if kind == "service" else size(),
                service_s=random.choice([0, 120, 600]),
                windows=draw_windows(random),
                skills=draw_skills(random),
                priority=random.choice([0, 0, 10, 100]),
                prize=random.choice([None, None, None, random.randint(0, 1000)]),
                preferences=wishes(),
                vehicles=only(),
                barred=random.choice([frozenset(), frozenset(random.sample(names, 1))]),
            )
        )

    def side() -> Handover:
        return Handover(
            place=random.randrange(count),
            service_s=random.choice([0, 120]),
            windows=draw_windows(random),
        )

    shipments = [
        Shipment(
            id=f"s{k}",
            pickup=side(),
            delivery=side(),
            size=size(),
            skills=draw_skills(random),
            priority=random.choice([0, 50]),
            prize=random.choice([None, None, 600]),
            preferences=wishes(),
            max_ride_s=random.choice([None, 900, HOUR_S]),
            vehicles=only(),
        )
        for k in range(random.randint(0, most_shipments))
    ]
    car, bicycle = drive_matrix(places), drive_matrix(places, 4.0)
    if random.random() < 0.2:
        duration_s = car.duration_s.copy()
        duration_s[:, -1] = duration_s[-1, :] = UNREACHABLE
        duration_s[-1, -1] = 0
        car = Matrix(duration_s=duration_s, distance_m=car.distance_m)
    problem = Problem(
        places=tuple(places),
        jobs=tuple(jobs),
        shipments=tuple(shipments),
        vehicles=tuple(vehicles),
        matrices={"car": car, "bicycle": bicycle},
        depots=(
            Depot(
                id="hall",
                place=0,
                windows=random.choice([(), draw_windows(random)]),
                loading_s=random.choice([0, 600]),
            ),
            Depot(id="yard", place=1, loading_s=300),
        ),
    )
    return lock_some(random, problem) if random.random() < 0.4 else problem


def lock_some(random: Random, problem: Problem) -> Problem:
    """Fix the first visits of each vehicle in some order that can be driven."""
    steps: list[Step] = [Step(id=job.id) for job in problem.jobs]
    for shipment in problem.shipments:
        steps += [Step(id=shipment.id, leg="pickup"), Step(id=shipment.id, leg="delivery")]
    dealt: dict[str, list[Step]] = {vehicle.id: [] for vehicle in problem.vehicles}
    owner: dict[str, str] = {}
    for step in steps:
        dealt[owner.setdefault(step.id, random.choice(sorted(dealt)))].append(step)
    plan = repair(problem, dealt)
    vehicles = []
    for vehicle in problem.vehicles:
        route = plan.route_of(vehicle.id)
        held = route.steps[: random.randint(0, 3)] if route else ()
        vehicles.append(replace(vehicle, fixed=held))
    locked = replace(problem, vehicles=tuple(vehicles))
    try:
        repair(locked, {})
    except FixedWorkImpossible:
        return problem
    return locked
