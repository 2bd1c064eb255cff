"""Measures the planner against each engine alone, on the same problems, seeds and budget.

The runs alternate, so that a busy machine disturbs all alike, and each says for how long processors
worked for it; where others take the processors, let the budget count that instead of the wall.
Plans are compared in the order of `routing.plan.measure_objective`.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median
from time import monotonic

import msgspec

from routing.checks import violations
from routing.engines import EngineName
from routing.formats import read_problem
from routing.plan import Progress, measure_objective
from routing.problem import Problem, ProblemError
from routing.solve import put_vehicles_first, solve
from routing.stopwatch import counting_work

OURS = "ours"
BEST_SINGLE = "the best single engine"
LANES = 2
CONTENDERS: dict[str, tuple[EngineName, ...] | None] = {
    OURS: None,
    "pyvrp": ("pyvrp",),
    "vroom": ("vroom",),
    "ortools": ("ortools",),
}


class NotRuns(ProblemError):
    """This file holds no runs that `bench --json` has printed."""

    code = "routing.not_runs"


class NothingToMeasure(ProblemError):
    """There is no problem file at this place."""

    code = "routing.nothing_to_measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run.

    `work_s` is for how long processors worked for it, all processes together; `unassigned` counts
    work, `violations` are the checker's sentences; `load` is how many processes wanted a processor
    in the minute before it.
    """

    instance: str
    engine: str
    seed: int
    budget_s: float
    wall_s: float
    work_s: float
    cost: int
    vehicles: int
    unassigned: int
    violations: tuple[str, ...]
    priority_missed: int
    load: float
    trace: tuple[Progress, ...]

    @property
    def objective(self) -> tuple[int, int, int]:
        return self.priority_missed, self.unassigned, self.cost


def find_instances(paths: Iterable[Path]) -> list[Path]:
    """Return the files, and of folders all .txt and .json files below; raises NothingToMeasure."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.suffix in (".txt", ".json"))
        found += inside if path.is_dir() else [path]
    if not found:
        raise NothingToMeasure(", ".join(map(str, paths)))
    return found


def run_bench(
    files: Sequence[Path],
    *,
    budget_s: float,
    seeds: int,
    engines: Sequence[str],
    told: Callable[[Measured], None],
    is_vehicles_first: bool = False,
    counts_work: bool = False,
) -> list[Measured]:
    """Run all engines on all files and seeds in turn, telling each run as it ends.

    With `counts_work` the budget is of seconds for which processors worked, twice as many for the
    joint search, which has two at a time.
    """
    problems = [(path.stem, read_problem(path.read_bytes(), path.stem)) for path in files]
    if is_vehicles_first:
        problems = [(name, put_vehicles_first(problem)) for name, problem in problems]
    runs = []
    for seed in range(seeds):
        for name, problem in problems:
            for engine in engines:
                run = _measure(name, problem, engine, seed, budget_s, counts_work=counts_work)
                told(run)
                runs.append(run)
    return runs


def _measure(
    name: str, problem: Problem, engine: str, seed: int, budget_s: float, *, counts_work: bool
) -> Measured:
    alone = CONTENDERS[engine]
    load = os.getloadavg()[0]
    worked_s, began_s = _read_work_s(), monotonic()
    with counting_work(1 if alone else LANES) if counts_work else nullcontext():
        plan = solve(problem, budget_s=budget_s, seed=seed, engines=alone, threads=LANES)
    wall_s, worked_s = monotonic() - began_s, _read_work_s() - worked_s
    priority_missed, unassigned, cost = measure_objective(problem, plan)
    return Measured(
        instance=name,
        engine=engine,
        seed=seed,
        budget_s=budget_s,
        wall_s=round(wall_s, 3),
        work_s=round(worked_s, 2),
        cost=cost,
        vehicles=len(plan.routes),
        unassigned=unassigned,
        violations=tuple(violations(problem, plan)),
        priority_missed=priority_missed,
        load=round(load, 1),
        trace=plan.trace,
    )


def _read_work_s() -> float:
    """Return for how long processors worked for us and for processes of ours that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def encode_runs(runs: Sequence[Measured]) -> bytes:
    """Return one JSON object with all `runs`."""
    return msgspec.json.encode({"runs": runs, "cores": os.cpu_count()})


@dataclass(frozen=True, slots=True)
class _Runs:
    runs: list[Measured]


def decode_runs(data: bytes, path: Path) -> list[Measured]:
    """Return the runs of what `encode_runs` made; raises NotRuns."""
    try:
        return msgspec.json.decode(data, type=_Runs).runs
    except msgspec.DecodeError as error:
        raise NotRuns(f"{path}: {error}") from None


def format_table(runs: Sequence[Measured]) -> str:
    """Return medians over seeds, gaps to the best of all, ratios to each engine and verdicts.

    The best single engine of an instance is the one whose median is best there.
    """
    engines = list(dict.fromkeys(run.engine for run in runs))
    by_both: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    several_budgets = len({run.budget_s for run in runs}) > 1
    for run in runs:
        name = f"{run.instance} {run.budget_s:g} s" if several_budgets else run.instance
        by_both[name, run.engine].append(run)
    instances = list(dict.fromkeys(name for name, _ in by_both))
    lines = [
        f"{'instance':<18}{'engine':<9}{'cost':>10}{'gap %':>8}{'vehicles':>10}{'left':>6}"
        f"{'wall s':>8}{'work s':>8}  checker"
    ]
    ratios: dict[str, dict[str, float]] = defaultdict(dict)
    more_vehicles: list[str] = []
    for instance in instances:
        groups = {e: by_both[instance, e] for e in engines if by_both[instance, e]}
        best = min(run.objective for group in groups.values() for run in group)
        lines += [_format_group(instance, group, best) for group in groups.values()]
        ours = groups.pop(OURS, [])
        if not (ours and groups):
            continue
        for engine, theirs in groups.items():
            if _are_comparable(ours, theirs):
                ratios[engine][instance] = _median_cost(ours) / _median_cost(theirs)
        single = min(groups.values(), key=_rank)
        if _are_comparable(ours, single):
            ratios[BEST_SINGLE][instance] = _median_cost(ours) / _median_cost(single)
        as_complete = [group for group in groups.values() if _rank(group)[:2] <= _rank(ours)[:2]]
        if any(_median_vehicles(group) < _median_vehicles(ours) for group in as_complete):
            more_vehicles.append(instance)
    lines += [_summarise(engine, values, len(instances)) for engine, values in ratios.items()]
    if ratios:
        lines.append(f"more vehicles than the fewest: {', '.join(more_vehicles) or 'nowhere'}")
    loads = [run.load for run in runs]
    lines.append(f"load {min(loads):.1f} to {max(loads):.1f} before the runs")
    return "\n".join(lines)


def _format_group(instance: str, group: Sequence[Measured], best: tuple[int, int, int]) -> str:
    """Return the line of one engine; costs say something only where all is done that can be."""
    cost = _median_cost(group)
    left = median(run.unassigned for run in group)
    gap = f"{100 * (cost / best[2] - 1):8.2f}" if best[2] and left <= best[1] else f"{'-':>8}"
    broken = sum(len(run.violations) for run in group)
    return (
        f"{instance:<18}{group[0].engine:<9}{cost:>10.0f}{gap}"
        f"{_median_vehicles(group):>10.0f}{left:>6.0f}"
        f"{max(run.wall_s for run in group):>8.2f}"
        f"{median(run.work_s for run in group):>8.2f}  {broken or 'sound'}"
    )


def _median_cost(group: Sequence[Measured]) -> float:
    return median(run.cost for run in group)


def _median_vehicles(group: Sequence[Measured]) -> float:
    return median(run.vehicles for run in group)


def _rank(group: Sequence[Measured]) -> tuple[float, float, float]:
    missed = median(run.priority_missed for run in group)
    return missed, median(run.unassigned for run in group), _median_cost(group)


def _are_comparable(ours: Sequence[Measured], theirs: Sequence[Measured]) -> bool:
    """Costs say something only about plans that leave the same work undone."""
    left = {(run.priority_missed, run.unassigned) for run in (*ours, *theirs)}
    return len(left) == 1 and all(run.cost for run in theirs)


def _summarise(engine: str, ratios: Mapping[str, float], of: int) -> str:
    mean = exp(sum(map(log, ratios.values())) / len(ratios))
    worst = max(ratios, key=lambda instance: ratios[instance])
    return (
        f"ours / {engine}: geometric mean {mean:.4f}, worst {ratios[worst]:.4f} on {worst} "
        f"({len(ratios)} of {of} instances comparable)"
    )
