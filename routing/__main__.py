"""python -m routing: planning, checking, explaining, drawing and roads from the command line.

Problems are our JSON, VROOM's JSON, Solomon, Gehring & Homberger or Li & Lim files. Exit code 0:
well; 1: the plan breaks rules; 2: the input is no good, said in one line. See README.md beside.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from routing.bench_commands import MEASURES, add_bench, read_budget
from routing.checks import violations
from routing.formats import (
    decode_plan,
    encode_plan,
    read_problem,
    schema_of,
)
from routing.plan import Plan, Progress
from routing.problem import Position, Problem, ProblemError
from routing.road_errors import RoadsError
from routing.vroom_json import encode_vroom


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bench"] and given[1:2] and given[1] in MEASURES:
        given[:2] = [f"bench-{given[1]}"]
    options = _make_parser().parse_args(given)
    try:
        code: int = options.run(options)
    except (ProblemError, RoadsError) as error:
        print(f"routing: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"routing: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    return code


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m routing", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    solve = commands.add_parser("solve", help="plan a problem and print the plan as JSON")
    solve.add_argument("problem", type=Path)
    solve.add_argument("--budget", type=read_budget, default=10.0, metavar="SECONDS")
    solve.add_argument("--seed", type=int, default=0)
    solve.add_argument("--start", type=Path, metavar="PLAN", help="a plan to begin with")
    form = solve.add_mutually_exclusive_group()
    form.add_argument("--summary", action="store_true", help="print a summary instead")
    form.add_argument("--vroom", action="store_true", help="answer a VROOM problem as VROOM does")
    solve.add_argument("--vehicles-first", action="store_true", help="save vehicles above all")
    solve.add_argument("--roads", type=Path, metavar="FOLDER", help="for VROOM without matrices")
    solve.set_defaults(run=_solve)
    check = commands.add_parser("check", help="say which rules a plan breaks")
    check.add_argument("problem", type=Path)
    check.add_argument("plan", type=Path)
    check.set_defaults(run=_check)
    _add_views(commands)
    add_bench(commands)
    roads = commands.add_parser("roads", help="import a map, or ask it").add_subparsers(
        required=True, metavar="build | table | route"
    )
    build = roads.add_parser("build", help="turn an OSM file into a folder with roads")
    build.add_argument("map", type=Path)
    build.add_argument("folder", type=Path)
    build.add_argument("--profiles", default="car,bicycle", metavar="NAMES")
    build.set_defaults(run=_build_roads)
    for name, run in (("table", _print_table), ("route", _print_route)):
        ask = roads.add_parser(name, help=f"print the {name} of some positions as JSON")
        ask.add_argument("positions", nargs="+", type=_read_position, metavar="LON,LAT")
        ask.add_argument("--folder", type=Path, help="roads; without them straight lines")
        ask.add_argument("--profile", default="car")
        ask.set_defaults(run=run)
    return parser


def _add_views(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    why = commands.add_parser("explain", help="say what keeps work out, or why it is on its run")
    why.add_argument("problem", type=Path)
    why.add_argument("plan", type=Path)
    why.add_argument("work", nargs="*", help="ids; none means all that is unassigned")
    why.add_argument(
        "--rules",
        type=read_budget,
        metavar="SECONDS",
        help="instead, what each kind of rule costs: plan once more without it, all in that time",
    )
    why.set_defaults(run=_explain)
    for name, run, words in (
        ("plot", _plot, "draw a plan as SVG"),
        ("geojson", _print_geojson, "print a plan as GeoJSON"),
    ):
        draw = commands.add_parser(name, help=words)
        draw.add_argument("problem", type=Path)
        draw.add_argument("plan", type=Path)
        draw.add_argument("--roads", type=Path, metavar="FOLDER", help="to follow the roads")
        if name == "plot":
            draw.add_argument("--out", type=Path, default=Path("plan.svg"))
        draw.set_defaults(run=run)
    schema = commands.add_parser("schema", help="print the JSON Schema of our JSON")
    schema.add_argument("what", choices=("problem", "plan"))
    schema.set_defaults(run=_print_schema)


def _read_position(text: str) -> Position:
    lon, lat = text.split(",")
    return float(lon), float(lat)


def _solve(options: argparse.Namespace) -> int:
    from routing.roads import open_roads  # noqa: PLC0415 - the other commands need no engine
    from routing.solve import put_vehicles_first, solve  # noqa: PLC0415

    roads = open_roads(options.roads)
    problem = read_problem(options.problem.read_bytes(), options.problem.stem, roads)
    roads.close()
    if options.vehicles_first:
        problem = put_vehicles_first(problem)
    start = decode_plan(options.start.read_bytes()) if options.start else None
    plan = solve(
        problem, budget_s=options.budget, seed=options.seed, start=start, progress=_print_progress
    )
    if options.summary:
        print(_summarise(problem, plan))
    else:
        print((encode_vroom(problem, plan) if options.vroom else encode_plan(plan)).decode())
    return 0


def _print_progress(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(
            f"\r{progress.elapsed_s:6.1f} s: cost {progress.cost}, "
            f"{progress.unassigned} unassigned ",
            end="",
            file=sys.stderr,
        )


def _summarise(problem: Problem, plan: Plan) -> str:
    lines = [
        f"{problem.name or 'problem'}: cost {plan.cost}, {len(plan.routes)} routes, "
        f"{len(plan.unassigned)} of {len(problem.work)} unassigned"
    ]
    for route in plan.routes:
        lines.append(
            f"  {route.vehicle_id}: {len(route.steps)} visits, {route.distance_m} m, "
            f"{route.duration_s} s, cost {route.cost}"
        )
    lines += [f"  {one.id}: {one.sentence}" for one in plan.unassigned]
    return "\n".join(lines)


def _check(options: argparse.Namespace) -> int:
    problem = read_problem(options.problem.read_bytes(), options.problem.stem)
    found = violations(problem, decode_plan(options.plan.read_bytes()))
    print("\n".join(found) or "The plan is sound.")
    return 1 if found else 0


def _read_both(options: argparse.Namespace) -> tuple[Problem, Plan]:
    problem = read_problem(options.problem.read_bytes(), options.problem.stem)
    return problem, decode_plan(options.plan.read_bytes())


def _explain(options: argparse.Namespace) -> int:
    from routing.explain import explain  # noqa: PLC0415
    from routing.probe import explain_choice, find_binding, price_rules  # noqa: PLC0415

    problem, plan = _read_both(options)
    if options.rules is not None:
        for price in price_rules(problem, plan, budget_s=options.rules):
            more_done = price.with_rule[1] - price.without[1]
            what = f"{more_done} more done" if more_done else f"{price.saved} cheaper"
            print(f"Without the rule {price.rule!r}: {what}.")
        return 0
    told = {one.id: one.sentence for one in explain(problem, plan).unassigned}
    for work_id in options.work or told:
        problem.find_work(work_id)
        why = explain_choice(problem, plan, work_id)
        if why:
            print(f"{work_id} is with {why.vehicle_id}.")
            for other in why.others:
                print(f"  With {other.vehicle_id} it would cost {other.dearer} more.")
            print("".join(f"  {sentence}\n" for sentence in why.impossible), end="")
            continue
        print(f"{work_id}: {told.get(work_id, 'It is not in the plan.')}")
        for one in find_binding(problem, plan, work_id):
            print(f"  Without the rule {one.rule!r}: {one.vehicle_id}, for {one.added_cost}.")
    return 0


def _plot(options: argparse.Namespace) -> int:
    from routing.pictures import draw_svg  # noqa: PLC0415
    from routing.roads import open_roads  # noqa: PLC0415

    problem, plan = _read_both(options)
    roads = open_roads(options.roads) if options.roads else None
    options.out.write_text(draw_svg(problem, plan, roads))
    if roads:
        roads.close()
    return 0


def _print_geojson(options: argparse.Namespace) -> int:
    from routing.pictures import encode_geojson  # noqa: PLC0415
    from routing.roads import open_roads  # noqa: PLC0415

    problem, plan = _read_both(options)
    roads = open_roads(options.roads) if options.roads else None
    print(encode_geojson(problem, plan, roads).decode())
    if roads:
        roads.close()
    return 0


def _print_schema(options: argparse.Namespace) -> int:
    print(msgspec.json.format(msgspec.json.encode(schema_of(options.what)), indent=2).decode())
    return 0


def _build_roads(options: argparse.Namespace) -> int:
    from routing.roads import build_roads  # noqa: PLC0415 - planning needs no roads

    build_roads(options.map, options.folder, options.profiles.split(","), progress=print)
    return 0


def _print_table(options: argparse.Namespace) -> int:
    from routing.roads import open_roads  # noqa: PLC0415

    roads = open_roads(options.folder)
    matrix = roads.table(options.positions, options.profile)
    answer = {
        "source": roads.source,
        "duration_s": matrix.duration_s.tolist(),
        "distance_m": matrix.distance_m.tolist(),
    }
    roads.close()
    print(msgspec.json.encode(answer).decode())
    return 0


def _print_route(options: argparse.Namespace) -> int:
    from routing.roads import open_roads  # noqa: PLC0415

    roads = open_roads(options.folder)
    route = roads.route(options.positions, options.profile)
    roads.close()
    print(msgspec.json.encode(route).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
