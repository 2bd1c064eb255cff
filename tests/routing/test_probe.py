"""A plan asked why: which rules bind, what they cost, why a stop is where it is."""

from dataclasses import replace

from routing.plan import Plan
from routing.probe import explain_choice, find_binding, price_rules
from routing.problem import Job, Problem, Step, TimeWindow
from routing.repair import repair
from tests.routing.cities import HOUR_S, make_line_street


def plan_with(problem: Problem, **sequences: str) -> Plan:
    return repair(
        problem, {van: [Step(id=name) for name in ids.split()] for van, ids in sequences.items()}
    )


def test_each_rule_that_alone_keeps_work_out_is_found() -> None:
    problem = make_line_street()
    plan = plan_with(problem, van="door1 door2")
    [binding] = find_binding(problem, plan, "door3")
    # two kilometres, 200 s of driving and 60 s at the door more
    assert (binding.rule, binding.vehicle_id, binding.added_cost) == ("capacity", "van", 460)
    early = (TimeWindow(start_s=0, end_s=10),)
    jobs = (*problem.jobs[:2], replace(problem.jobs[2], size=(), windows=early))
    problem = replace(problem, jobs=jobs)
    assert [one.rule for one in find_binding(problem, plan, "door3")] == ["windows"]
    cold = replace(jobs[2], skills=frozenset({"cold"}))
    both = replace(problem, jobs=(*jobs[:2], cold))
    assert find_binding(both, plan, "door3") == ()  # neither alone would help


def test_rules_have_the_price_that_planning_without_them_saves() -> None:
    problem = make_line_street()
    late = (TimeWindow(start_s=2 * HOUR_S, end_s=3 * HOUR_S),)
    van = replace(problem.vehicles[0], capacity=(3,))
    jobs = (replace(problem.jobs[0], windows=late), *problem.jobs[1:])
    by_noon = (TimeWindow(start_s=0, end_s=HOUR_S),)
    jobs = (jobs[0], jobs[1], replace(jobs[2], windows=by_noon))
    problem = replace(problem, vehicles=(van,), jobs=jobs)
    plan = plan_with(problem, van="door3 door2 door1")
    prices = price_rules(problem, plan, budget_s=0.6)
    assert [price.rule for price in prices] == ["windows", "capacity", "shift"]
    assert prices[0].saved > 2000
    assert prices[1].saved == 0


def test_why_a_stop_is_on_its_run_names_the_next_best_and_its_price() -> None:
    problem = make_line_street()
    van = problem.vehicles[0]
    fleet = (
        van,
        replace(van, id="other", start_place=3, end_place=3),
        replace(van, id="bare", capacity=(0,)),
    )
    problem = replace(problem, vehicles=fleet)
    plan = plan_with(problem, van="door1 door2", other="door3")
    why = explain_choice(problem, plan, "door1")
    assert why is not None
    assert why.vehicle_id == "van"
    [choice] = why.others
    # to door1 and back the other drives 4 km, 400 s; here it lies on the way
    assert (choice.vehicle_id, choice.dearer) == ("other", 400 + 400)
    assert why.impossible == ("Vehicle bare would carry (1,) of (0,).",)
    assert explain_choice(problem, plan, "nothing") is None


def test_a_job_alone_on_its_van_is_explained_too() -> None:
    problem = replace(make_line_street(), jobs=(Job(id="only", place=1, size=(1,)),))
    plan = plan_with(problem, van="only")
    why = explain_choice(problem, plan, "only")
    assert why is not None
    assert (why.vehicle_id, why.others, why.impossible) == ("van", (), ())
