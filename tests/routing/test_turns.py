"""Who searches when, and what a budget counts."""

import os
from dataclasses import replace
from pathlib import Path
from time import monotonic, process_time, sleep

import pytest

from routing import turns
from routing.bench import run_bench
from routing.engines import Offers, Sequences, pyvrp
from routing.engines.pyvrp_scope import MOST_WORK_TOLD_BY_START
from routing.formats import encode_problem
from routing.mend import find_waiting
from routing.portfolio import ALL_ENGINES
from routing.problem import Problem
from routing.repair import repair
from routing.solve import solve
from routing.stopwatch import STOPWATCH, counting_work, now_s, read_work_s
from routing.turns import Turns
from tests.routing.cities import make_line_street
from tests.routing.test_portfolio import make_day_with_breaks, make_plain_day

ON_LINUX = pytest.mark.skipif(not Path("/proc").exists(), reason="Linux alone tells who worked")


def take_turns(problem: Problem, *, for_s: float) -> Turns:
    """Of all engines on two lanes, from now on."""
    began_s = monotonic()
    return Turns(problem, engines=ALL_ENGINES, began_s=began_s, until_s=began_s + for_s, lanes=2)


@pytest.mark.parametrize("make", [make_plain_day, make_day_with_breaks])
def test_what_pyvrp_finds_alone_in_one_go_is_looked_for_in_one_go(make: object) -> None:
    run = take_turns(make(60), for_s=100)  # type: ignore[operator]
    steady = run.choose(0, 0)
    assert steady is not None
    assert steady.engine == "joint"
    assert steady.seconds_s >= 95
    begin = run.choose(1, 0)
    assert begin is not None
    assert begin.engine == "vroom"


@pytest.mark.parametrize(("count", "first_s"), [(60, 35), (MOST_WORK_TOLD_BY_START + 1, 100)])
def test_where_a_plan_tells_more_of_the_rules_the_first_lane_begins_anew_from_one(
    count: int, first_s: float
) -> None:
    day = make_day_with_breaks(count)
    late = tuple(replace(vehicle, overtime_s=3_600) for vehicle in day.vehicles)
    run = take_turns(replace(day, vehicles=late), for_s=100)
    first, second = run.choose(0, 0), run.choose(0, 1)
    assert first is not None
    assert second is not None
    assert (first.engine, second.engine) == ("joint", "joint")
    assert first.seconds_s == pytest.approx(first_s, rel=0.1)
    assert second.seconds_s == pytest.approx(100, rel=0.1)


def test_vroom_begins_only_where_it_can_answer_in_its_share_of_the_time() -> None:
    for count, engine in ((60, "vroom"), (600, "joint")):
        run = take_turns(make_day_with_breaks(count), for_s=10)
        begin = run.choose(1, 0)
        assert begin is not None
        assert begin.engine == engine


def test_a_large_problem_is_searched_as_a_whole_before_it_is_cut() -> None:
    run = take_turns(make_plain_day(400), for_s=12)
    whole = run.choose(0, 0)
    assert whole is not None
    assert 5 <= whole.seconds_s <= 6
    assert run.find_cutting_s() == 0
    run.cut_from_s = run.began_s
    assert run.find_cutting_s() > 11
    run.drop("joint")
    rest = run.choose(0, 1)
    assert rest is not None
    assert rest.engine == "ortools"
    assert rest.seconds_s > 11
    assert run.find_cutting_s() == 0


def test_a_large_problem_with_much_time_is_never_cut() -> None:
    run = take_turns(make_plain_day(400), for_s=24)
    whole = run.choose(0, 0)
    assert whole is not None
    assert whole.seconds_s >= 23
    assert run.cut_from_s == run.until_s


def test_on_one_core_the_second_lane_leaves_it_to_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "count_cores", lambda: 1)
    run = take_turns(make_day_with_breaks(60), for_s=100)
    assert run.choose(1, 0) is not None
    assert run.choose(1, 1) is None


def test_what_a_search_has_so_far_is_offered_while_it_goes_on() -> None:
    problem = make_plain_day(60)
    offered: list[Sequences] = []
    found = pyvrp.improve(
        problem, {}, budget_s=1.5, seed=1, improved=lambda _: None, offer=offered.append
    )
    assert found is not None
    assert 1 <= len(offered) <= 5
    assert not repair(problem, offered[-1]).unassigned


def test_nobody_is_offered_anything_who_did_not_ask() -> None:
    assert not Offers(None, now_s() - 1).is_due()


def test_work_that_nobody_may_do_does_not_wait_for_room() -> None:
    problem = make_line_street()
    jobs = (
        replace(problem.jobs[0], skills=frozenset({"cold"})),
        replace(problem.jobs[1], prize=5),
        *problem.jobs[2:],
    )
    problem = replace(problem, jobs=jobs)
    waiting = find_waiting(problem, repair(problem, {}))
    assert [work.id for work in waiting] == [job.id for job in jobs[2:]]


@ON_LINUX
def test_counted_work_stands_still_while_nobody_works() -> None:
    with counting_work(1):
        began_s = now_s()
        sleep(0.2)
        assert now_s() - began_s < 0.1
        until_s = process_time() + 0.2
        while process_time() < until_s:
            pass
        assert now_s() - began_s >= 0.19
    assert abs(now_s() - monotonic()) < 1


@ON_LINUX
def test_a_time_is_told_to_a_helper_by_its_own_work() -> None:
    assert STOPWATCH.translate(7.0, os.getpid()) == 7.0
    with counting_work(1):
        until_s = STOPWATCH.translate(now_s() + 3, os.getpid())
        assert abs(until_s - read_work_s(os.getpid()) - 3) < 0.1


@ON_LINUX
def test_every_engine_gets_the_work_that_was_promised_and_not_more(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_bytes(encode_problem(make_plain_day(100)))
    names = ["ours", "pyvrp"]
    runs = run_bench(
        [path], budget_s=2, seeds=1, engines=names, told=lambda _: None, counts_work=True
    )
    together, alone = (run.work_s for run in runs)
    assert 1.6 <= alone <= 2 * 1.05 + 0.3
    assert alone < together <= 2 * (2 * 1.05 + 0.3)
    assert all(run.unassigned == 0 and not run.violations for run in runs)


@ON_LINUX
@pytest.mark.parametrize("make", [make_plain_day, make_day_with_breaks])
def test_one_thread_and_one_seed_give_one_plan(make: object) -> None:
    problem = make(30)  # type: ignore[operator]
    with counting_work(1):  # a busy machine would not let it come to its last step
        first = solve(problem, budget_s=4, seed=3, threads=1)
        assert solve(problem, budget_s=4, seed=3, threads=1) == first
    assert first.trace
    assert first.unassigned == ()
