"""What the bench prints: runs of several sittings in one table, figures beside what is wanted."""

from dataclasses import replace
from pathlib import Path

import pytest

from routing.__main__ import main
from routing.bench import Measured, encode_runs, format_table
from routing.punctuality import Figure, format_figure, measure_budgets, measure_cancelling
from tests.routing.cities import make_line_street

RUN = Measured(
    instance="r1",
    engine="ours",
    seed=0,
    budget_s=10.0,
    wall_s=9.9,
    work_s=19.0,
    cost=1_000,
    vehicles=9,
    unassigned=0,
    violations=(),
    priority_missed=0,
    load=1.5,
    trace=(),
)
PYVRP = replace(RUN, engine="pyvrp", cost=1_010, load=0.2)
VROOM = replace(RUN, engine="vroom", cost=990, vehicles=8)


def test_runs_of_several_sittings_become_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_bytes(encode_runs([RUN, PYVRP, VROOM]))
    second.write_bytes(encode_runs([replace(one, instance="c1") for one in (RUN, PYVRP)]))
    assert main(["bench", "table", str(first), str(second)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 5 + 3 + 2
    assert "ours / pyvrp: geometric mean 0.9901, worst 0.9901 on r1 (2 of 2 " in lines[6]
    assert "the best single engine: geometric mean 1.0001, worst 1.0101 on r1 " in lines[8]
    assert lines[9] == "more vehicles than the fewest: r1"
    assert lines[10] == "load 0.2 to 1.5 before the runs"


def test_an_engine_that_leaves_work_undone_is_not_called_better() -> None:
    lazy = replace(VROOM, unassigned=1)
    table = format_table([RUN, PYVRP, lazy])
    assert "ours / vroom" not in table
    assert "the best single engine: geometric mean 0.9901" in table
    assert "more vehicles than the fewest: nowhere" in table


def test_the_same_instance_with_another_budget_is_another_row() -> None:
    table = format_table([RUN, replace(RUN, budget_s=60.0, cost=900)])
    assert "r1 10 s" in table
    assert "r1 60 s" in table


def test_a_broken_plan_and_a_file_without_runs_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.json"
    path.write_bytes(encode_runs([replace(RUN, violations=("Too late.",))]))
    assert main(["bench", "table", str(path)]) == 1
    path.write_bytes(b'{"jobs": []}')
    assert main(["bench", "table", str(path)]) == 2
    assert "holds no runs" in capsys.readouterr().err


def test_figures_stand_beside_what_is_wanted() -> None:
    [figure] = measure_budgets(make_line_street(), [0.5], seed=0)
    assert figure.most == 0.725
    assert figure.is_met == (figure.measured <= 0.725)
    missed = format_figure(Figure(what="wait", measured=3.0, most=2.0, unit="s"))
    assert "MISSED" in missed
    assert " met " in format_figure(Figure(what="wait", measured=2.0, most=2.0, unit="s"))


def test_cancelling_is_measured_with_a_plan_at_hand() -> None:
    figure = measure_cancelling(make_line_street(), 1)
    assert 0 < figure.measured < 10_000
    assert figure.note.endswith("there 1 times")
