"""Problems and plans survive our JSON; benchmark files are read as their authors meant them."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.checks import violations
from routing.formats import (
    BadFile,
    decode_plan,
    decode_problem,
    encode_plan,
    encode_problem,
    read_problem,
)
from routing.plan import Plan, Unassigned
from routing.problem import ProblemError
from routing.repair import fill, repair
from routing.solve import solve
from tests.routing.cities import draw_problem, make_line_street

BENCHMARKS = Path(__file__).parents[2].parent / "shared" / "benchmarks"


def make_homberger_file(customers: int, seed: int = 4) -> bytes:
    random = Random(seed)
    rows = ["0 70 70 0 0 2000 0"]
    for k in range(1, customers + 1):
        ready = random.randrange(0, 1000)
        rows.append(
            f"{k} {random.randrange(140)} {random.randrange(140)} {random.randint(1, 30)} "
            f"{ready} {ready + random.randint(100, 800)} 10"
        )
    head = "made\n\nVEHICLE\nNUMBER CAPACITY\n 40 200\n\nCUSTOMER\nCUST NO. XCOORD. YCOORD. DEMAND"
    return "\n".join([f"{head} READY DUE SERVICE", "", *rows]).encode()


LI_LIM = b"""2\t200\t1
0\t0\t0\t0\t0\t1000\t0\t0\t0
1\t3\t4\t10\t0\t500\t90\t0\t2
2\t6\t8\t-10\t50\t900\t90\t1\t0
"""


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_problems_and_plans_survive_json(seed: int) -> None:
    problem = draw_problem(Random(seed))
    assert decode_problem(encode_problem(problem)) == problem
    plan = fill(problem, repair(problem, {}), until=float("inf"))
    assert decode_plan(encode_plan(plan)) == plan


def test_homberger_distances_are_tenths_rounded_down() -> None:
    problem = read_problem(make_homberger_file(2), "two")
    matrix = problem.matrices["plane"]
    (x1, y1), (x2, y2) = problem.places[:2]
    assert matrix.distance_m[0, 1] == int(10 * ((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5 + 1e-9)
    assert problem.jobs[0].service_s == 100
    assert len(problem.vehicles) == 40
    assert problem.vehicles[0].shift.end_s == 20_000


def test_a_homberger_problem_is_solved_and_costs_its_distance() -> None:
    problem = read_problem(make_homberger_file(60), "made up")
    plan = solve(problem, budget_s=0.5)
    assert violations(problem, plan) == []
    assert plan.unassigned == ()
    assert plan.cost == sum(route.distance_m for route in plan.routes)


def test_li_lim_rows_become_shipments() -> None:
    [shipment] = read_problem(LI_LIM).shipments
    assert (shipment.pickup.place, shipment.delivery.place, shipment.size) == (1, 2, (10,))
    assert shipment.delivery.windows[0].start_s == 500
    assert solve(read_problem(LI_LIM), budget_s=0.3).cost == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "neither our JSON nor"),
        (b"\xff\xfe", "neither JSON nor plain text"),
        (b"{}", "missing required field"),
        (b'{"places": [[0, 0]], "jobs": [{"id": "a", "place": 7}]}', "a is at place 7"),
        (
            b'{"places": [], "jobs": [{"id": "a", "place": 0, "service_s": -1}]}',
            "service_s of a is -1",
        ),
        (
            b'{"places": [[1,1]],"matrices":{"car":{"duration_s":[[0,1]],"distance_m":[[0]]}}}',
            "car",
        ),
        (b"VEHICLE\nNUMBER CAPACITY\n", "are missing"),
        (b"2 200 1\n0 0 0 0 0 1000 0 0 0\n1 3 4 10 0 500 90 0 9\n", "has no delivery 9"),
        (b"2 200 1\n0 0 zero\n", "with 9 numbers"),
    ],
)
def test_bad_input_is_told_in_one_sentence(text: bytes, said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_problem(text)
    assert said in str(caught.value)


def test_a_bad_plan_file_is_told() -> None:
    with pytest.raises(BadFile, match="not a problem or plan"):
        decode_plan(b'{"routes": 3}')


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "routing", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_command_line_solves_and_checks(tmp_path: Path) -> None:
    problem_path, plan_path = tmp_path / "street.json", tmp_path / "plan.json"
    problem_path.write_bytes(encode_problem(make_line_street()))
    solved = run_command("solve", problem_path, "--budget", "0.3")
    assert solved.returncode == 0, solved.stderr
    plan_path.write_text(solved.stdout)
    assert run_command("check", problem_path, plan_path).returncode == 0
    nothing = Plan(
        routes=(), unassigned=(Unassigned(id="door1", code="window", sentence="Too late."),)
    )
    plan_path.write_bytes(encode_plan(nothing))
    checked = run_command("check", problem_path, plan_path)
    assert checked.returncode == 1
    assert "door2: its job is accounted for 0 times" in checked.stdout


def test_command_line_says_bad_input_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("what is this")
    for arguments in (
        ("solve", tmp_path / "bad"),
        ("solve", tmp_path / "missing"),
        ("check", tmp_path / "bad", tmp_path / "bad"),
        ("roads", "build", tmp_path / "missing", tmp_path / "roads"),
        ("roads", "table", "1,2", "--folder", tmp_path),
    ):
        done = run_command(*arguments)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("routing: ")


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="no benchmark files beside the repository")
@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*/*_2_*.txt")), ids=lambda p: p.stem)
def test_real_benchmark_files_are_read(path: Path) -> None:
    problem = read_problem(path.read_bytes(), path.stem)
    assert len(problem.places) >= 201
    assert len(problem.jobs) + 2 * len(problem.shipments) == len(problem.places) - 1
