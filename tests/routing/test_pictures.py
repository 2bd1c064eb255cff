"""Plans for maps and for eyes, and the commands that print them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from routing.__main__ import main
from routing.formats import encode_plan, encode_problem, schema_of
from routing.pictures import draw_svg, encode_geojson
from routing.plan import Plan
from routing.problem import Problem
from routing.roads import HaversineRoads
from routing.solve import put_vehicles_first, solve
from tests.routing.cities import make_line_street

SCHEMAS = Path(__file__).parents[2] / "routing" / "schemas"


@pytest.fixture(scope="module")
def planned() -> tuple[Problem, Plan]:
    problem = make_line_street()
    return problem, solve(problem, budget_s=0.2)


@pytest.fixture
def files(planned: tuple[Problem, Plan], tmp_path: Path) -> tuple[str, str]:
    problem, plan = planned
    (tmp_path / "day.json").write_bytes(encode_problem(problem))
    (tmp_path / "plan.json").write_bytes(encode_plan(plan))
    return str(tmp_path / "day.json"), str(tmp_path / "plan.json")


def test_geojson_has_a_line_for_each_run_and_a_point_for_each_stop(
    planned: tuple[Problem, Plan],
) -> None:
    collection = json.loads(encode_geojson(*planned))
    shapes = [feature["geometry"]["type"] for feature in collection["features"]]
    assert shapes == ["LineString", "Point", "Point", "Point"]
    line, first, _, left = collection["features"]
    assert len(line["geometry"]["coordinates"]) == 4
    assert (first["properties"]["rank"], first["properties"]["vehicle"]) == (1, "van")
    assert left["properties"]["unassigned"] == "all_full"


def test_a_picture_shows_lines_stops_leftovers_and_a_legend(planned: tuple[Problem, Plan]) -> None:
    picture = draw_svg(*planned)
    tree = ElementTree.fromstring(picture)
    tags = [part.tag.rsplit("}", 1)[1] for part in tree]
    counts = (tags.count("polyline"), tags.count("circle"), tags.count("path"))
    assert counts == (1, 2, 1)
    assert "van: 2 visits, 4.0 km" in picture
    assert "NaN" not in draw_svg(planned[0], Plan(routes=()))


def test_roads_without_a_way_are_drawn_straight(planned: tuple[Problem, Plan]) -> None:
    # these places are metres, which no map knows
    assert draw_svg(*planned, HaversineRoads()) == draw_svg(*planned)


def test_plot_geojson_and_explain_are_commands(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.svg"
    assert main(["plot", *files, "--out", str(out)]) == 0
    assert out.read_text().startswith("<svg")
    assert main(["geojson", *files]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "FeatureCollection"
    assert main(["explain", *files]) == 0
    told = capsys.readouterr().out
    assert "full: van." in told
    assert "Without the rule 'capacity': van" in told
    assert main(["explain", *files, "nobody"]) == 2
    assert main(["explain", *files, "--rules", "0.2"]) == 0
    assert "Without the rule 'capacity': " in capsys.readouterr().out


@pytest.mark.parametrize("what", ["problem", "plan"])
def test_the_published_schema_is_that_of_the_code(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads(json.dumps(schema_of(what)))  # type: ignore[arg-type]
    assert json.loads((SCHEMAS / f"{what}.json").read_text()) == schema
    assert main(["schema", what]) == 0
    assert json.loads(capsys.readouterr().out) == schema


def test_vehicles_first_outweighs_everything_that_a_vehicle_saves() -> None:
    problem = make_line_street()
    first = put_vehicles_first(problem)
    plan = solve(problem, budget_s=0.2)
    assert first.vehicles[0].fixed_cost > plan.cost
