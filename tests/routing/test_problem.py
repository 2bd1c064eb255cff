"""A problem that contradicts itself cannot be made."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from routing.problem import (
    BadFixedWork,
    BadMatrix,
    BadSize,
    BadWindows,
    Break,
    DuplicateId,
    Handover,
    Job,
    Matrix,
    NumberOutOfRange,
    Problem,
    ProblemError,
    Shipment,
    Step,
    TimeWindow,
    UnknownReference,
)
from tests.routing.cities import make_line_street

STREET = make_line_street()
VAN = STREET.vehicles[0]


def with_job(**changes: object) -> Problem:
    job = replace(STREET.jobs[0], **changes)  # type: ignore[arg-type]
    return replace(STREET, jobs=(job, *STREET.jobs[1:]))


def with_van(**changes: object) -> Problem:
    return replace(STREET, vehicles=(replace(VAN, **changes),))  # type: ignore[arg-type]


def window(start_s: int, end_s: int) -> TimeWindow:
    return TimeWindow(start_s=start_s, end_s=end_s)


def rest(name: str, earliest_s: int) -> Break:
    return Break(id=name, earliest_start_s=earliest_s, latest_start_s=earliest_s, duration_s=1)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: window(2, 1), BadWindows, "from 2 to 1"),
        (lambda: with_job(windows=(window(0, 5), window(5, 9))), BadWindows, "overlap"),
        (lambda: with_job(id="door2"), DuplicateId, "door2 occurs twice"),
        (lambda: with_job(place=9), UnknownReference, "at place 9; there are 4"),
        (lambda: with_job(service_s=-1), NumberOutOfRange, "service_s of door1 is -1"),
        (lambda: with_job(priority=101), NumberOutOfRange, "priority of door1 is 101"),
        (lambda: with_job(size=(-1,)), NumberOutOfRange, "size of door1"),
        (lambda: with_job(size=(1, 1)), BadSize, "2 sizes for 1 capacities"),
        (lambda: with_job(kind="service"), BadSize, "carries nothing"),
        (lambda: with_job(vehicles=frozenset({"x"})), UnknownReference, "names the vehicle x"),
        (lambda: with_van(profile="boat"), UnknownReference, "'boat', which is missing"),
        (lambda: with_van(cost_per_km=-1), NumberOutOfRange, "cost_per_km"),
        (lambda: with_van(on_board=(1, 2)), BadSize, "Vehicle van"),
        (lambda: with_van(breaks=(rest("b", 9), rest("a", 1))), BadWindows, "not in order"),
        (lambda: with_van(breaks=(rest("a", 1), rest("a", 9))), DuplicateId, "a occurs twice"),
        (lambda: with_van(fixed=(Step(id="x"),)), BadFixedWork, "holds job x"),
        (lambda: with_van(fixed=(Step(id="door1"),) * 2), BadFixedWork, "held by van and van"),
        (lambda: replace(STREET, vehicles=(VAN, VAN)), DuplicateId, "van occurs twice"),
        (lambda: replace(STREET, places=STREET.places[:4] * 2), BadMatrix, "4 rows for 8 places"),
        (
            lambda: Matrix(
                duration_s=np.zeros((1, 2), np.int32), distance_m=np.zeros((1, 1), np.int32)
            ),
            BadMatrix,
            "shape",
        ),
        (
            lambda: Matrix(duration_s=np.ones((1, 1)), distance_m=np.ones((1, 1))),  # type: ignore[arg-type]
            BadMatrix,
            "float",
        ),
    ],
)
def test_nonsense_is_refused_with_its_reason(
    make: Callable[[], object], error: type[ProblemError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        make()
    assert str(caught.value).startswith(str(error.__doc__))


def test_fixed_deliveries_need_their_pickup_before_them() -> None:
    box = Shipment(id="box", pickup=Handover(place=1), delivery=Handover(place=2))
    pickup, delivery = Step(id="box", leg="pickup"), Step(id="box", leg="delivery")
    with pytest.raises(BadFixedWork, match="before fetching"):
        replace(with_van(), shipments=(box,), vehicles=(replace(VAN, fixed=(delivery, pickup)),))
    held = replace(VAN, fixed=(pickup, delivery))
    assert replace(STREET, shipments=(box,), vehicles=(held,)).find_work("box") == box


def test_a_problem_cannot_be_changed_behind_its_checks() -> None:
    with pytest.raises(ValueError, match="read-only"):
        STREET.matrices["car"].duration_s[0, 1] = 5
    with pytest.raises(UnknownReference):
        STREET.find_work("nobody")
    assert with_job() == STREET
    assert isinstance(STREET.jobs[0], Job)


def test_importing_the_problem_loads_neither_numpy_nor_an_engine() -> None:
    code = (
        "import sys, routing.problem, routing.plan;"
        "print([m for m in ('numpy', 'ortools', 'osrm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
