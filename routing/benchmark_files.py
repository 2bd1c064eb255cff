"""Reads Solomon, Gehring & Homberger and Li & Lim files.

They use the rounding of the DIMACS challenge: distances are floor(10 x Euclid) and all times are
ten times those of the file, so one second stands for a tenth of the file's unit, and a plan costs
its distance. Solomon's files are those of Gehring & Homberger with a hundred customers.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from routing.problem import (
    Handover,
    Job,
    Matrix,
    Position,
    Problem,
    Shipment,
    TimeWindow,
    Vehicle,
)
from routing.problem_errors import BadFile

TENTHS = 10
PROFILE = "plane"


def is_number(word: str) -> bool:
    """Whether the word is a decimal number."""
    return re.fullmatch(r"-?\d+(\.\d+)?", word) is not None


def read_homberger(lines: list[list[str]], name: str) -> Problem:
    """Read id, x, y, demand, ready, due and service of each customer; the first is the depot."""
    heading = next((i for i, line in enumerate(lines) if line[0].upper() == "NUMBER"), None)
    rows = [line for line in lines if len(line) == 7 and all(map(is_number, line))]
    if heading is None or len(lines) <= heading + 1 or not rows:
        raise BadFile("The vehicles or the customers are missing.")
    fleet = _read_numbers(lines[heading + 1], at_least=2)
    table = [_read_numbers(row, at_least=7) for row in rows]
    jobs = tuple(
        Job(
            id=str(round(row[0])),
            place=index,
            size=(round(row[3]),),
            service_s=round(row[6] * TENTHS),
            windows=(_read_window(row[4], row[5]),),
        )
        for index, row in enumerate(table)
        if index
    )
    return _assemble(name or lines[0][0], table, fleet, jobs=jobs)


def read_li_lim(lines: list[list[str]], name: str) -> Problem:
    """Read the same and the siblings: each delivery row names its pickup, and the reverse."""
    table = [_read_numbers(line, at_least=9) for line in lines[1:]]
    place_of = {round(row[0]): index for index, row in enumerate(table)}
    shipments = []
    for index, row in enumerate(table):
        if not index or row[7] != 0:
            continue
        delivery = place_of.get(round(row[8]))
        if not delivery:
            raise BadFile(f"Pickup {round(row[0])} has no delivery {round(row[8])}.")
        sides = [
            Handover(
                place=place,
                service_s=round(table[place][6] * TENTHS),
                windows=(_read_window(table[place][4], table[place][5]),),
            )
            for place in (index, delivery)
        ]
        shipments.append(
            Shipment(
                id=str(round(row[0])), pickup=sides[0], delivery=sides[1], size=(round(row[3]),)
            )
        )
    if not shipments:
        raise BadFile("It has no pickups.")
    fleet = _read_numbers(lines[0], at_least=2)
    return _assemble(name, table, fleet, shipments=tuple(shipments))


def _read_numbers(line: list[str], *, at_least: int) -> list[float]:
    if len(line) < at_least or not all(map(is_number, line[:at_least])):
        raise BadFile(f"A line with {at_least} numbers was expected, not {' '.join(line)!r}.")
    return [float(word) for word in line[:at_least]]


def _read_window(ready: float, due: float) -> TimeWindow:
    return TimeWindow(start_s=round(ready * TENTHS), end_s=round(due * TENTHS))


def _assemble(name: str, table: list[list[float]], fleet: list[float], **work: Any) -> Problem:
    places = tuple((row[1], row[2]) for row in table)
    vehicles = tuple(
        Vehicle(
            id=f"v{number}",
            profile=PROFILE,
            start_place=0,
            end_place=0,
            capacity=(round(fleet[1]),),
            shift=_read_window(table[0][4], table[0][5]),
            cost_per_km=1000,
        )
        for number in range(1, round(fleet[0]) + 1)
    )
    matrices: Mapping[str, Matrix] = {PROFILE: measure_plane(places)}
    return Problem(places=places, vehicles=vehicles, matrices=matrices, name=name, **work)


def measure_plane(places: tuple[Position, ...]) -> Matrix:
    """Return floor(10 x Euclid) between all places, as duration and as distance."""
    points = np.array(places, dtype=np.float64)
    exact = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))
    tenths = np.floor(exact * TENTHS + 1e-9).astype(np.int32)
    return Matrix(duration_s=tenths, distance_m=tenths)
