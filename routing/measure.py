"""Measures what the planner does besides planning: insertion, and tables of roads.

`python -m routing bench insert` and `python -m routing bench roads` print what comes from here.
Times are given on the wall and of the processor: on a busy machine only the latter says something.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import atan2, ceil
from pathlib import Path
from random import Random
from time import perf_counter, process_time

import numpy as np

from routing.insert import Inserter, NoPlace
from routing.plan import Plan
from routing.problem import Break, Job, Matrix, Position, Problem, Step, TimeWindow, Vehicle
from routing.repair import repair
from routing.roads import Roads, find_cut_off

HOUR_S = 3_600
TOWN_M = 20_000
SPEED_M_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, milliseconds."""

    p50_ms: float
    p99_ms: float
    most_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    what: str
    count: int
    wall: Spread
    processor: Spread
    note: str = ""
    load: tuple[float, float, float]


def measure_insertion(*, vehicles: int, stops: int, count: int, seed: int) -> Measurement:
    """Ask where urgent jobs would go in a plan that has windows, breaks, skills and capacities."""
    problem, plan = make_full_day(vehicles, stops, seed)
    random = Random(seed + 1)
    began_s = perf_counter()
    inserter = Inserter(problem, plan)
    list(inserter.tables())
    ready_ms = 1_000 * (perf_counter() - began_s)
    placed = 0

    def ask() -> None:
        nonlocal placed
        start_s = random.randrange(0, 8 * HOUR_S)
        urgent = Job(
            id="urgent",
            place=random.randrange(1, stops + 1),
            size=(1, 5),
            service_s=180,
            windows=(TimeWindow(start_s=start_s, end_s=start_s + 2 * HOUR_S),),
            skills=frozenset({"cold"} if random.random() < 0.1 else ()),
        )
        placed += not isinstance(inserter.find(urgent, most=3), NoPlace)

    wall, processor = _time(ask, count)
    note = f"{placed} of {count} placed; the plan was made ready in {ready_ms:.1f} ms"
    return Measurement(
        what=f"insert into {len(plan.routes)} routes with {stops} stops",
        count=count,
        wall=wall,
        processor=processor,
        note=note,
        load=os.getloadavg(),
    )


def make_full_day(vehicles: int, stops: int, seed: int) -> tuple[Problem, Plan]:
    """Return a made-up town with a plan that serves it all, each window around its stop's time."""
    random = Random(seed)
    places = [(random.uniform(0, TOWN_M), random.uniform(0, TOWN_M)) for _ in range(stops + 1)]
    points = np.array(places)
    distance_m = np.ceil(np.sqrt(((points[:, None] - points) ** 2).sum(-1))).astype(np.int32)
    matrix = Matrix(duration_s=distance_m // SPEED_M_S, distance_m=distance_m)
    lunch = Break(
        id="lunch",
        earliest_start_s=3 * HOUR_S,
        latest_start_s=5 * HOUR_S,
        duration_s=1_800,
        paid=False,
    )
    fleet = tuple(
        Vehicle(
            id=f"van {k}",
            start_place=0,
            end_place=0,
            capacity=(60, 400),
            skills=frozenset({"cold"} if k % 3 == 0 else ()),
            shift=TimeWindow(start_s=0, end_s=10 * HOUR_S),
            breaks=(lunch,),
            fixed_cost=2_000,
            cost_per_km=60,
            cost_per_hour=3_000,
        )
        for k in range(vehicles)
    )
    middle = TOWN_M / 2
    order = sorted(
        range(1, stops + 1), key=lambda k: atan2(places[k][1] - middle, places[k][0] - middle)
    )
    jobs = tuple(Job(id=f"stop {k}", place=k, size=(1, 5), service_s=180) for k in order)
    problem = Problem(
        places=tuple(places), jobs=jobs, vehicles=fleet, matrices={"car": matrix}, name="town"
    )
    each = -(-stops // vehicles)
    sequences = {
        van.id: [Step(id=job.id) for job in jobs[k * each : (k + 1) * each]]
        for k, van in enumerate(fleet)
    }
    loose = repair(problem, sequences)
    start_s = {visit.id: visit.start_s for route in loose.routes for visit in route.visits}
    timed = tuple(
        replace(
            job,
            windows=(
                TimeWindow(
                    start_s=start_s[job.id] - random.randrange(600, 2 * HOUR_S),
                    end_s=start_s[job.id] + random.randrange(600, 2 * HOUR_S),
                ),
            ),
        )
        for job in jobs
        if job.id in start_s
    )
    bound = replace(problem, jobs=timed)
    return bound, repair(bound, sequences)


def measure_tables(
    roads: Roads, addresses: Sequence[Position], sizes: Sequence[int], *, seed: int
) -> list[Measurement]:
    """Measure tables between random addresses of the map, and what the process holds."""
    random = Random(seed)
    found = []
    for size in sizes:
        positions = [
            (lon + random.uniform(-1e-4, 1e-4), lat + random.uniform(-1e-4, 1e-4))
            for lon, lat in random.choices(addresses, k=size)
        ]
        tables: list[Matrix] = []

        def ask(positions: list[Position] = positions, tables: list[Matrix] = tables) -> None:
            tables[:] = [roads.table(positions)]

        process_id = getattr(roads, "process_id", None)
        wall, processor = _time(ask, 3, process_id)
        held = _read_memory_mb(process_id)
        cut_off = len(find_cut_off(tables[0]))
        found.append(
            Measurement(
                what=f"table of {size} places",
                count=3,
                wall=wall,
                processor=processor,
                note=f"{cut_off} cut off; the process with the roads holds {held} MB",
                load=os.getloadavg(),
            )
        )
    return found


def _read_memory_mb(process_id: int | None) -> int:
    """Return what a process holds in memory at most so far; 0 where the system does not tell."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def _read_processor_s(process_id: int | None) -> float:
    """Return how long a process has kept the processor busy; 0 where the system does not tell."""
    stat = Path(f"/proc/{process_id}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _time(
    ask: Callable[[], None], count: int, helper_id: int | None = None
) -> tuple[Spread, Spread]:
    """Time a question; the processor's time includes that of a helper process."""
    wall, processor = [], []
    for _ in range(count):
        wall_s, busy_s = perf_counter(), process_time() + _read_processor_s(helper_id)
        ask()
        wall.append(perf_counter() - wall_s)
        processor.append(process_time() + _read_processor_s(helper_id) - busy_s)
    return _spread(wall), _spread(processor)


def _spread(seconds: list[float]) -> Spread:
    ordered = [round(1_000 * one, 2) for one in sorted(seconds)]
    last = len(ordered) - 1
    return Spread(p50_ms=ordered[last // 2], p99_ms=ordered[ceil(0.99 * last)], most_ms=ordered[-1])


def format_measurements(measured: Sequence[Measurement]) -> str:
    """Return the measurements as lines for people."""
    lines = []
    for one in measured:
        lines.append(f"{one.what}, {one.count} times ({one.note})")
        for name, spread in (("wall", one.wall), ("processor", one.processor)):
            lines.append(
                f"  {name:<10} p50 {spread.p50_ms:8.2f} ms  p99 {spread.p99_ms:8.2f} ms  "
                f"most {spread.most_ms:8.2f} ms"
            )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return "\n".join([*lines, f"load {load} on {os.cpu_count()} cores"])
