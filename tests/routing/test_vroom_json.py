"""VROOM's users bring their problems along and get answers that they can read."""

import json

import pytest

from routing.checks import violations
from routing.formats import read_problem
from routing.problem_errors import BadFile
from routing.solve import solve
from routing.vroom_json import encode_vroom

GRID = [[0, 100, 200], [100, 0, 100], [200, 100, 0]]


def make_problem(**changes: object) -> bytes:
    problem = {
        "vehicles": [
            {
                "id": 7,
                "start_index": 0,
                "end_index": 0,
                "capacity": [4],
                "skills": [1, 14],
                "time_window": [0, 5_000],
                "breaks": [{"id": 1, "time_windows": [[300, 400]], "service": 60}],
                "description": "what we do not know is let through",
            }
        ],
        "jobs": [
            {"id": 1, "location_index": 1, "service": 30, "setup": 5, "delivery": [1]},
            {"id": 2, "location_index": 2, "pickup": [1], "skills": [14], "priority": 50},
            {"id": 3, "location_index": 2, "delivery": [9]},
        ],
        "shipments": [
            {
                "pickup": {"id": 4, "location_index": 1, "service": 10},
                "delivery": {"id": 5, "location_index": 2, "time_windows": [[0, 2_000]]},
                "amount": [2],
            }
        ],
        "matrices": {"car": {"durations": GRID}},
    }
    return json.dumps(problem | changes).encode()


def test_a_problem_of_vroom_is_planned_and_answered_in_its_own_words() -> None:
    problem = read_problem(make_problem(), "theirs")
    assert [job.id for job in problem.jobs] == ["job 1", "job 2", "job 3"]
    assert problem.jobs[0].service_s == 35
    assert (problem.jobs[1].kind, problem.jobs[1].priority) == ("pickup", 50)
    plan = solve(problem, budget_s=0.3)
    assert violations(problem, plan) == []
    answer = json.loads(encode_vroom(problem, plan))
    assert answer["code"] == 0
    assert [(one["id"], one["type"]) for one in answer["unassigned"]] == [(3, "job")]
    [route] = answer["routes"]
    assert (route["vehicle"], route["cost"]) == (7, 400)  # seconds of driving, as VROOM counts
    order = [(step["type"], step.get("id")) for step in route["steps"]]
    assert order[0] == ("start", None)
    assert ("break", 1) in order
    assert order.index(("pickup", 4)) < order.index(("delivery", 5))
    assert answer["summary"]["routes"] == 1
    assert route["duration"] + route["service"] + route["waiting_time"] == (
        route["steps"][-1]["arrival"] - route["steps"][0]["arrival"]
    )


def test_without_matrices_the_places_are_measured() -> None:
    vehicles = [{"id": 1, "start": [9.5, 47.1], "speed_factor": 2.0}]
    jobs = [{"id": 1, "location": [9.51, 47.1]}, {"id": 2, "location": [9.51, 47.1]}]
    text = make_problem(vehicles=vehicles, jobs=jobs, shipments=[], matrices={})
    problem = read_problem(text)
    assert problem.places == ((9.51, 47.1), (9.5, 47.1))
    [matrix] = problem.matrices.values()
    assert matrix.distance_m[0, 1] / matrix.duration_s[0, 1] == pytest.approx(
        2 * 40 / 3.6, rel=0.02
    )
    assert solve(problem, budget_s=0.3).unassigned == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jobs": [{"id": 1, "location_index": 9}]}, "$.jobs[0]"),
        ({"jobs": [{"id": 1, "location": [9, 47]}]}, "location_index is missing"),
        ({"jobs": [{"id": "x", "location_index": 1}]}, "Expected `int`"),
        (
            {"jobs": [{"id": 1, "location_index": 1, "pickup": [1], "delivery": [1]}]},
            "brings and fetches",
        ),
        ({"matrices": {}}, "a location is needed"),
        ({"matrices": {"bike": {"durations": GRID}}}, "No matrix for 'car'"),
        ({"matrices": {"car": {"durations": [[0, 1, 2], [1], [2]]}}}, "$.matrices.car"),
        ({"vehicles": [{"id": 1, "start_index": 0, "speed_factor": 0}]}, "speed_factor"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_path(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_problem(make_problem(**changes))
    assert said in str(caught.value)
