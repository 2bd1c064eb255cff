"""Whatever stays unassigned has a reason that a dispatcher can act on."""

from dataclasses import replace

import pytest

from routing.explain import explain
from routing.problem import (
    UNREACHABLE,
    Break,
    Handover,
    Job,
    Matrix,
    Problem,
    Shipment,
    Step,
    TimeWindow,
)
from routing.repair import repair
from routing.solve import solve
from tests.routing.cities import HOUR_S, make_line_street


def only_reason(problem: Problem) -> tuple[str, str]:
    [left] = solve(problem, budget_s=0.2).unassigned
    return left.code, left.sentence


def with_job(**changes: object) -> Problem:
    job = replace(Job(id="job", place=3, size=(1,)), **changes)  # type: ignore[arg-type]
    return replace(make_line_street(), jobs=(job,))


def with_van(**changes: object) -> Problem:
    problem = with_job()
    van = replace(problem.vehicles[0], **changes)  # type: ignore[arg-type]
    return replace(problem, vehicles=(van,))


def with_cut_road() -> Problem:
    problem = with_job()
    matrix = problem.matrices["car"]
    duration_s = matrix.duration_s.copy()
    duration_s[3, :] = UNREACHABLE
    cut = Matrix(duration_s=duration_s, distance_m=matrix.distance_m)
    return replace(problem, matrices={"car": cut})


def with_shipment() -> Problem:
    ride = Shipment(id="ride", pickup=Handover(place=1), delivery=Handover(place=3), max_ride_s=199)
    return replace(make_line_street(), jobs=(), shipments=(ride,))


NOON = Break(id="noon", earliest_start_s=100, latest_start_s=200, duration_s=60)


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (with_job(skills=frozenset({"cold"})), "skills", "No vehicle has cold."),
        (with_job(barred=frozenset({"van"})), "vehicle", "is allowed"),
        (with_job(size=(3,)), "too_heavy", "larger than any vehicle"),
        (with_job(windows=(TimeWindow(start_s=0, end_s=299),)), "window", "window closes"),
        (with_cut_road(), "unreachable", "No road leads there"),
        (with_van(shift=TimeWindow(start_s=0, end_s=599)), "shift", "end within its shift"),
        (with_van(max_distance_m=5000), "distance", "longer than it may be"),
        (with_van(max_duration_s=599), "duration", "longer than it may last"),
        (with_van(max_stops=0), "stops", "as many visits as it may"),
        (with_shipment(), "ride", "longer than it may"),
        (
            replace(
                with_van(breaks=(NOON,), shift=TimeWindow(start_s=0, end_s=659)), name="no rest"
            ),
            "shift",
            "end within its shift",
        ),
    ],
)
def test_the_binding_reason_is_found(problem: Problem, code: str, said: str) -> None:
    found, sentence = only_reason(problem)
    assert found == code
    assert said in sentence


def test_skills_that_nobody_has_together_are_named_together() -> None:
    problem = with_job(skills=frozenset({"cold", "lift"}))
    van = problem.vehicles[0]
    fleet = (
        replace(van, id="a", skills=frozenset({"cold"})),
        replace(van, id="b", skills=frozenset({"lift"})),
    )
    code, sentence = only_reason(replace(problem, vehicles=fleet))
    assert (code, sentence) == ("skills", "No vehicle has cold and lift together.")


def test_work_that_collides_with_other_work_is_told_apart_from_a_full_van() -> None:
    exactly = (TimeWindow(start_s=HOUR_S, end_s=HOUR_S),)
    problem = make_line_street()
    jobs = tuple(replace(job, windows=exactly) for job in problem.jobs[:2])
    code, sentence = only_reason(replace(problem, jobs=jobs))
    assert code == "no_time"
    assert sentence.endswith("van.")


def test_work_that_has_a_place_is_not_said_to_have_none() -> None:
    problem = make_line_street()
    van = replace(problem.vehicles[0], capacity=(3,))
    problem = replace(problem, vehicles=(van,))
    unfinished = repair(problem, {"van": [Step(id="door1")]})
    explained = explain(problem, unfinished)
    assert {one.code for one in explained.unassigned} == {"out_of_time"}
    assert all("van has room for it" in one.sentence for one in explained.unassigned)
