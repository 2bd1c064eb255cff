"""python -m routing bench: what is measured, and how it is asked for."""

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from routing.formats import encode_problem

MEASURES = ("insert", "roads", "days", "figures", "table")
"""What `bench` knows besides files."""


def add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`bench FILES`, and each of MEASURES as a command of its own."""
    bench = commands.add_parser("bench", help="measure ours against each engine alone")
    bench.add_argument("problems", type=Path, nargs="+", metavar="DIR-OR-FILES")
    bench.add_argument("--budget", type=read_budget, default=10.0, metavar="SECONDS")
    bench.add_argument("--seeds", type=read_count, default=1, metavar="N")
    bench.add_argument("--engines", default="ours,pyvrp,vroom,ortools", metavar="NAMES")
    bench.add_argument(
        "--cpu-budget",
        action="store_true",
        help="count what processors work instead of the wall: for busy machines (Linux)",
    )
    bench.add_argument("--vehicles-first", action="store_true", help="save vehicles above all")
    bench.add_argument("--json", action="store_true", help="print all runs as one JSON object")
    bench.set_defaults(run=_bench)
    insertion = commands.add_parser("bench-insert", help="measure insertion: bench insert")
    insertion.add_argument("--vehicles", type=read_count, default=50)
    insertion.add_argument("--stops", type=read_count, default=1_000)
    insertion.add_argument("--count", type=read_count, default=1_000)
    insertion.add_argument("--seed", type=int, default=0)
    insertion.set_defaults(run=_bench_insert)
    tables = commands.add_parser("bench-roads", help="measure tables: bench roads")
    tables.add_argument("folder", type=Path)
    tables.add_argument("map", type=Path)
    tables.add_argument("--sizes", type=_read_counts, default="1000,2000", metavar="COUNTS")
    tables.add_argument("--seed", type=int, default=0)
    tables.set_defaults(run=_bench_roads)
    figures = commands.add_parser("bench-figures", help="what is wanted of time: bench figures")
    figures.add_argument("folder", type=Path, help="where the roads are")
    figures.add_argument("map", type=Path)
    figures.add_argument("--budgets", type=_read_budgets, default="0.5,2,10,60", metavar="SECONDS")
    figures.add_argument("--seed", type=int, default=0)
    figures.set_defaults(run=_bench_figures)
    table = commands.add_parser("bench-table", help="one table of earlier runs: bench table")
    table.add_argument("runs", type=Path, nargs="+", help="what bench --json has printed")
    table.set_defaults(run=_print_runs)
    days = commands.add_parser("bench-days", help="write made-up days: bench days")
    days.add_argument("folder", type=Path, help="where the roads are")
    days.add_argument("map", type=Path)
    days.add_argument("out", type=Path, help="the folder to write problems into")
    jobs = "100,200,300,300,600,1000"
    days.add_argument("--jobs", type=_read_counts, default=jobs, metavar="COUNTS")
    days.add_argument("--seed", type=int, default=1, help="of the first; each has the next")
    days.set_defaults(run=_make_days)


def read_budget(text: str) -> float:
    try:
        budget_s = float(text)
    except ValueError:
        budget_s = 0.0
    if not 0 < budget_s < 1e6:
        raise argparse.ArgumentTypeError(f"seconds above 0 are needed, not {text}")
    return budget_s


def read_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on is needed, not {text}")
    return int(text)


def _read_counts(text: str) -> list[int]:
    return [read_count(each) for each in text.split(",")]


def _read_budgets(text: str) -> list[float]:
    return [read_budget(each) for each in text.split(",")]


def _bench(options: argparse.Namespace) -> int:
    from routing import bench  # noqa: PLC0415 - the other commands need no engine

    engines = options.engines.split(",")
    if unknown := [name for name in engines if name not in bench.CONTENDERS]:
        known = ", ".join(bench.CONTENDERS)
        print(f"routing: there is no engine {unknown[0]!r}, only {known}", file=sys.stderr)
        return 2

    def tell(run: bench.Measured) -> None:
        print(
            f"{run.instance} {run.engine} seed {run.seed}: cost {run.cost}, {run.vehicles} "
            f"vehicles, {run.unassigned} unassigned, {run.wall_s:.2f} s, "
            f"{run.work_s:.2f} s of work",
            file=sys.stderr,
        )

    runs = bench.run_bench(
        bench.find_instances(options.problems),
        budget_s=options.budget,
        seeds=options.seeds,
        engines=engines,
        told=tell,
        is_vehicles_first=options.vehicles_first,
        counts_work=options.cpu_budget,
    )
    print(bench.encode_runs(runs).decode() if options.json else bench.format_table(runs))
    return 1 if any(run.violations for run in runs) else 0


def _bench_insert(options: argparse.Namespace) -> int:
    from routing.measure import format_measurements, measure_insertion  # noqa: PLC0415

    measured = measure_insertion(
        vehicles=options.vehicles, stops=options.stops, count=options.count, seed=options.seed
    )
    print(format_measurements([measured]))
    return 0


def _bench_roads(options: argparse.Namespace) -> int:
    from routing.days import read_addresses  # noqa: PLC0415
    from routing.measure import format_measurements, measure_tables  # noqa: PLC0415
    from routing.roads import open_roads  # noqa: PLC0415

    roads = open_roads(options.folder)
    addresses = read_addresses(options.map)
    print(format_measurements(measure_tables(roads, addresses, options.sizes, seed=options.seed)))
    roads.close()
    return 0


def _bench_figures(options: argparse.Namespace) -> int:
    from routing import measure, punctuality  # noqa: PLC0415
    from routing.days import read_addresses  # noqa: PLC0415
    from routing.roads import open_roads  # noqa: PLC0415

    is_met = True

    def tell(figure: punctuality.Figure) -> None:
        nonlocal is_met
        is_met &= figure.is_met
        print(punctuality.format_figure(figure), flush=True)

    insertion = measure.measure_insertion(vehicles=50, stops=1_000, count=1_000, seed=options.seed)
    tell(punctuality.judge_insertion(insertion))
    with closing(open_roads(options.folder)) as roads:
        sizes = list(punctuality.LONGEST_TABLE_MS)
        addresses = read_addresses(options.map)
        for size, one in zip(
            sizes, measure.measure_tables(roads, addresses, sizes, seed=options.seed), strict=True
        ):
            tell(punctuality.judge_table(one, size))
    town = punctuality.make_town(options.seed)
    tell(punctuality.measure_cancelling(town, 10))
    for figure in punctuality.measure_budgets(town, options.budgets, seed=options.seed):
        tell(figure)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load {load} on {os.cpu_count()} cores")
    return 0 if is_met else 1


def _print_runs(options: argparse.Namespace) -> int:
    from routing import bench  # noqa: PLC0415

    runs = [run for path in options.runs for run in bench.decode_runs(path.read_bytes(), path)]
    print(bench.format_table(runs))
    return 1 if any(run.violations for run in runs) else 0


def _make_days(options: argparse.Namespace) -> int:
    from routing.days import make_day, read_addresses  # noqa: PLC0415
    from routing.roads import open_roads  # noqa: PLC0415

    roads = open_roads(options.folder)
    addresses = read_addresses(options.map)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed, jobs in enumerate(options.jobs, options.seed):
        problem = make_day(addresses, roads, jobs=jobs, seed=seed)
        path = options.out / f"day-{jobs}-{seed}.json"
        path.write_bytes(encode_problem(problem))
        print(f"{path}: {len(problem.work)} pieces of work, {len(problem.vehicles)} vehicles")
    roads.close()
    return 0
