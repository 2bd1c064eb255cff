"""VROOM: many insertion heuristics and a steep local search; good plans within a second.

Given as it is: windows (several), capacities, shipments, skills and lists of vehicles (one number
for each set of vehicles), breaks, shifts, most stops, longest distance, open ends, fixed cost and
cost of metres and driving; loading and opening hours shorten the shift. Left out: longest rides and
durations, the price of waiting, overtime, reloads, preferences, prizes. Fixed visits: see
`remainder`.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np
import vroom
from vroom._vroom import VroomInputException

from routing.engines import Improved, Offer, Sequences, Take
from routing.engines.remainder import Cab, Remainder, find_remainder
from routing.problem import UNREACHABLE, Problem, Step
from routing.stopwatch import STOPWATCH

SHARE_BEFORE_TIMEOUT = 0.9
"""VROOM finishes its step when the time is over."""

QUICKEST, MOST_THOROUGH = 0, 5
LARGE = 400
"""Above so many visits the thorough levels take longer than people wait."""


def improve(
    problem: Problem,
    start: Sequences,
    *,
    budget_s: float,
    seed: int,
    improved: Improved,
    effort: int | None = None,
    offer: Offer | None = None,
    take: Take | None = None,
) -> Sequences | None:
    """Search once, from `start` if that holds more than fixed visits; nothing is left to chance.

    `effort` is VROOM's level of exploration.
    """
    remainder = find_remainder(problem, start)
    if not remainder.errands or budget_s <= 0:
        return None
    translation = _Translation(remainder)
    is_warm = any(len(start.get(v.id, ())) > len(v.fixed) for v in problem.vehicles)
    level = QUICKEST if is_warm else MOST_THOROUGH
    if len(translation.steps) > LARGE:
        level = min(level, 1 if budget_s < 30 else 3)
    if effort is not None:
        level = min(effort, MOST_THOROUGH)
    wall_s = STOPWATCH.stretch_s(SHARE_BEFORE_TIMEOUT * budget_s)
    limits = {"nb_threads": 1, "timeout": timedelta(seconds=wall_s)}
    # VROOM sees breaks more strictly than we do: it takes no start that it finds infeasible, and
    # nothing at all with breaks that it finds inconsistent; then it has no answer.
    for given in [start, {}] if is_warm else [{}]:
        with suppress(VroomInputException):
            solution = translation.make_input(given).solve(exploration_level=level, **limits)
            return translation.read(solution)
    return None


class _Translation:
    def __init__(self, remainder: Remainder) -> None:
        self.remainder = remainder
        self.steps: list[Step] = []
        self.number_of: dict[Step, int] = {}
        for errand in remainder.errands:
            for halt in errand.halts:
                self.number_of[halt.step] = len(self.steps)
                self.steps.append(halt.step)
        groups = {errand.servers for errand in remainder.errands} - {remainder.anybody}
        self.skill_of = {group: k for k, group in enumerate(sorted(groups, key=sorted))}

    def make_input(self, start: Sequences) -> Any:
        given = vroom.Input()
        problem = self.remainder.problem
        nowhere = len(problem.places)
        for profile, matrix in problem.matrices.items():
            is_cut = (matrix.duration_s >= UNREACHABLE) | (matrix.distance_m >= UNREACHABLE)
            # what takes longer than the day is out of reach; VROOM refuses much larger numbers
            too_long_s = self.remainder.horizon_s + 1
            for what, tell in (
                (np.where(is_cut, too_long_s, matrix.duration_s), given.set_durations_matrix),
                (np.where(is_cut, 0, matrix.distance_m), given.set_distances_matrix),
            ):
                grid = np.zeros((nowhere + 1, nowhere + 1), dtype=np.uint32)
                grid[:nowhere, :nowhere] = what
                tell(profile, grid)
        for index, cab in enumerate(self.remainder.cabs):
            shift = self._shift(cab)
            if shift:
                given.add_vehicle(self._make_vehicle(index, cab, start, nowhere, shift))
        for errand in self.remainder.errands:
            skills = set()
            if errand.servers in self.skill_of:
                skills = {self.skill_of[errand.servers]}
            ends = [
                (
                    self.number_of[halt.step],
                    halt.place,
                    0,
                    halt.service_s,
                    [(w.start_s, w.end_s) for w in self.remainder.windows_of(halt)],
                )
                for halt in errand.halts
            ]
            priority = errand.work.priority
            if len(ends) == 2:
                sides = [
                    vroom.ShipmentStep(
                        number, place, default_service=service_s, time_windows=windows
                    )
                    for number, place, _, service_s, windows in ends
                ]
                given.add_shipment(
                    *sides, vroom.Amount(errand.size), skills=skills, priority=priority
                )
                continue
            number, place, _, service_s, windows = ends[0]
            nothing = [0] * len(errand.size)
            given.add_job(
                vroom.Job(
                    number,
                    place,
                    default_service=service_s,
                    delivery=nothing if errand.is_collected else errand.size,
                    pickup=errand.size if errand.is_collected else nothing,
                    skills=skills,
                    priority=priority,
                    time_windows=windows,
                )
            )
        return given

    def _shift(self, cab: Cab) -> tuple[int, int] | None:
        """Return when it is loaded and when it must be back; None: its depots are closed."""
        ready_s, due_s = cab.ready_s, cab.due_s
        if cab.loading:
            if cab.loading.windows:
                begins_s = [
                    max(ready_s, w.start_s) for w in cab.loading.windows if w.end_s >= ready_s
                ]
                if not begins_s:
                    return None
                ready_s = begins_s[0]
            ready_s += cab.loading.loading_s
        if cab.arriving and cab.arriving.windows:
            due_s = min(due_s, cab.arriving.windows[-1].end_s)
        origin_s = self.remainder.origin_s
        return (ready_s - origin_s, due_s - origin_s) if ready_s <= due_s else None

    def _make_vehicle(
        self, index: int, cab: Cab, start: Sequences, nowhere: int, shift: tuple[int, int]
    ) -> Any:
        origin_s = self.remainder.origin_s
        limits: dict[str, int] = {}
        if cab.max_stops is not None:
            limits["max_tasks"] = cab.max_stops
        if cab.max_distance_m is not None:
            limits["max_distance"] = cab.max_distance_m
        if cab.max_duration_s is not None:
            limits["max_travel_time"] = cab.max_duration_s
        is_nowhere = cab.start_place is None and cab.end_place is None
        return vroom.Vehicle(
            index,
            start=nowhere if is_nowhere else cab.start_place,
            end=cab.end_place,
            profile=cab.profile,
            capacity=list(cab.room),
            skills={skill for group, skill in self.skill_of.items() if index in group},
            time_window=shift,
            breaks=[
                vroom.Break(
                    number,
                    [
                        (
                            max(rest.earliest_start_s, cab.ready_s) - origin_s,
                            rest.latest_start_s - origin_s,
                        )
                    ],
                    rest.duration_s,
                )
                for number, rest in enumerate(cab.breaks)
                if rest.latest_start_s + rest.duration_s <= cab.due_s
            ],
            costs=vroom.VehicleCosts(
                fixed=cab.fixed_cost,
                per_hour=cab.cost_per_hour,
                per_km=cab.cost_per_km,
            ),
            steps=list(self._recall_steps(cab, start)),
            **limits,
        )

    def _recall_steps(self, cab: Cab, start: Sequences) -> Iterator[Any]:
        vehicle = self.remainder.problem.vehicle_by_id[cab.vehicle_id]
        open_steps = list(islice(start.get(cab.vehicle_id, ()), len(vehicle.fixed), None))
        if not open_steps:
            return
        yield vroom.VehicleStep("start")
        for step in open_steps:
            if step.leg == "reload":
                break  # what follows is another trip, which VROOM does not know
            # a delivery whose pickup is done already was given to VROOM as a job of its own
            is_pair = step.leg == "pickup" or Step(id=step.id, leg="pickup") in self.number_of
            yield vroom.VehicleStep(
                step.leg if is_pair and step.leg != "job" else "single", self.number_of[step]
            )
        yield vroom.VehicleStep("end")

    def read(self, solution: Any) -> Sequences:
        """Return the order of visits on each vehicle."""
        table = np.asarray(solution._routes_numpy())  # the public frame costs pandas and 50 ms
        found: dict[str, tuple[Step, ...]] = {}
        for index, cab in enumerate(self.remainder.cabs):
            rows = table[table["vehicle_id"] == index]
            found[cab.vehicle_id] = tuple(
                self.steps[int(row["id"])]
                for row in rows
                if bytes(row["type"]).rstrip(b"\0") in (b"job", b"pickup", b"delivery")
            )
        return found
