"""Solving in a child process: results, progress, errors and cancelling."""

import asyncio
from dataclasses import replace
from time import monotonic

import pytest

from routing.checks import violations
from routing.formats import read_problem
from routing.plan import Progress
from routing.problem import Step
from routing.process import Solving, SolvingCancelled, SolvingUnfinished
from routing.repair import FixedWorkImpossible
from tests.routing.cities import make_line_street
from tests.routing.test_formats import make_homberger_file


async def test_the_loop_stays_free_while_a_plan_is_made() -> None:
    told: list[Progress] = []
    with Solving(make_line_street(), budget_s=1, progress=told.append) as solving:
        plan = await asyncio.to_thread(solving.result)
        assert solving.done
        assert solving.result() == plan
    assert violations(make_line_street(), plan) == []
    assert told
    assert solving.poll() == told[-1]


def test_cancelling_ends_a_long_search_at_once() -> None:
    solving = Solving(read_problem(make_homberger_file(150), "made up"), budget_s=600)
    with pytest.raises(SolvingUnfinished):
        solving.result(timeout_s=0)
    while solving.poll() is None:
        assert not solving.done
    asked_at_s = monotonic()
    solving.cancel()
    took_s = monotonic() - asked_at_s
    assert took_s < 2  # 0.02 s on a free machine; the search itself would take ten minutes
    assert solving.done
    with pytest.raises(SolvingCancelled):
        solving.result()


def test_what_goes_wrong_in_the_child_reaches_the_caller_as_it_is() -> None:
    problem = make_line_street()
    heavy = replace(problem.jobs[0], size=(9,))
    van = replace(problem.vehicles[0], fixed=(Step(id="door1"),))
    problem = replace(problem, jobs=(heavy,), vehicles=(van,))
    with Solving(problem, budget_s=1) as solving, pytest.raises(FixedWorkImpossible) as caught:
        solving.result()
    assert str(caught.value).count("cannot be driven") == 1
