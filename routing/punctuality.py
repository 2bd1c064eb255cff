"""Measures how the planner keeps its time: budgets on the wall, and how soon it is cancelled.

`python -m routing bench figures` prints it, beside insertion and tables, against what is wanted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from routing.measure import Measurement, make_full_day
from routing.problem import Problem
from routing.process import Solving
from routing.solve import solve

LATE_SHARE, LATE_S = 0.05, 0.2
"""How much longer than its budget solving may take: a share of it, and seconds."""

LONGEST_INSERTION_MS = 5.0
LONGEST_CANCELLING_MS = 200.0
LONGEST_TABLE_MS = {1_000: 1_000.0, 2_000: 4_000.0}
VEHICLES, STOPS = 20, 400
"""Of the town whose plan budgets and cancelling are measured with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something measured beside the most that it may be; both in `unit`."""

    what: str
    measured: float
    most: float
    unit: str
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.measured <= self.most


def make_town(seed: int) -> Problem:
    """Return a town with windows, breaks, skills and capacities, none of it planned yet."""
    problem, _ = make_full_day(VEHICLES, STOPS, seed)
    return problem


def measure_budgets(problem: Problem, budgets_s: Sequence[float], *, seed: int) -> Iterator[Figure]:
    """Solve within each budget and see how long that takes on the wall."""
    for budget_s in budgets_s:
        began_s = monotonic()
        plan = solve(problem, budget_s=budget_s, seed=seed)
        took_s = monotonic() - began_s
        yield Figure(
            what=f"solve {len(problem.work)} pieces in {budget_s:g} s",
            measured=round(took_s, 2),
            most=round(budget_s * (1 + LATE_SHARE) + LATE_S, 3),
            unit="s",
            note=f"cost {plan.cost}, {len(plan.unassigned)} left",
        )


def measure_cancelling(problem: Problem, count: int) -> Figure:
    """Cancel searches at different moments after their first plan, and see how long that takes."""
    took_ms: list[float] = []
    kept = 0
    for number in range(count):
        solving = Solving(problem, budget_s=600, seed=number)
        while solving.poll() is None:
            sleep(0.01)
        sleep(0.37 * number % 2)  # engines start, search, and answer meanwhile
        asked_at_s = monotonic()
        solving.cancel()
        took_ms.append(1_000 * (monotonic() - asked_at_s))
        kept += solving.best is not None
    return Figure(
        what=f"cancel, slowest of {count}",
        measured=round(max(took_ms), 1),
        most=LONGEST_CANCELLING_MS,
        unit="ms",
        note=f"the best plan so far was there {kept} times",
    )


def judge_insertion(measured: Measurement) -> Figure:
    """Return what is wanted of insertion beside what was measured."""
    return Figure(
        what=f"{measured.what}, p99 of {measured.count}",
        measured=measured.wall.p99_ms,
        most=LONGEST_INSERTION_MS,
        unit="ms",
        note=f"p50 {measured.wall.p50_ms} ms; {measured.note}",
    )


def judge_table(measured: Measurement, size: int) -> Figure:
    """Return what is wanted of a table of so many places beside what was measured."""
    return Figure(
        what=f"{measured.what}, slowest of {measured.count}",
        measured=measured.wall.most_ms,
        most=LONGEST_TABLE_MS[size],
        unit="ms",
        note=measured.note,
    )


def format_figure(figure: Figure) -> str:
    """Return one line of the table for people."""
    verdict = "met" if figure.is_met else "MISSED"
    return (
        f"{figure.what:<52}{figure.measured:>9} {figure.unit:<3} of{figure.most:>8} "
        f"{figure.unit:<3} {verdict:<7} {figure.note}"
    )
