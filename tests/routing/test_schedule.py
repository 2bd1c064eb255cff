"""A sequence of visits gets its times, or every reason why it cannot be driven."""

from dataclasses import replace
from itertools import permutations

from routing.plan import Route
from routing.problem import Break, Handover, Job, Problem, Shipment, Step, TimeWindow
from routing.schedule import schedule_route
from tests.routing.cities import HOUR_S, make_line_street


def time_route(problem: Problem, *ids: str) -> Route:
    timed = schedule_route(problem, problem.vehicles[0], [Step(id=one) for one in ids])
    assert isinstance(timed, Route), timed
    return timed


def codes(problem: Problem, *steps: Step) -> set[str]:
    timed = schedule_route(problem, problem.vehicles[0], steps)
    assert not isinstance(timed, Route)
    return {violation.code for violation in timed}


def with_windows(problem: Problem, **windows: tuple[int, int]) -> Problem:
    jobs = tuple(
        replace(job, windows=(TimeWindow(start_s=windows[job.id][0], end_s=windows[job.id][1]),))
        if job.id in windows
        else job
        for job in problem.jobs
    )
    return replace(problem, jobs=jobs)


def test_the_van_leaves_as_late_as_it_can_and_waits_only_where_it_must() -> None:
    problem = with_windows(make_line_street(), door1=(0, 500), door2=(2000, 3000))
    route = time_route(problem, "door1", "door2")
    assert [(v.arrival_s, v.start_s, v.departure_s) for v in route.visits] == [
        (400, 400, 400),
        (500, 500, 560),
        (660, 2000, 2060),
        (2260, 2260, 2260),
    ]
    assert (route.duration_s, route.distance_m) == (1860, 4000)


def test_a_later_window_is_chosen_when_it_makes_the_route_cheaper() -> None:
    problem = with_windows(make_line_street(), door2=(2 * HOUR_S, 2 * HOUR_S))
    early_or_late = (TimeWindow(start_s=0, end_s=600), TimeWindow(start_s=7000, end_s=7100))
    door1 = replace(problem.jobs[0], windows=early_or_late)
    problem = replace(problem, jobs=(door1, *problem.jobs[1:]))
    assert time_route(problem, "door1", "door2").visits[1].start_s == 7040


def test_a_break_on_the_road_delays_the_arrival_and_one_while_waiting_does_not() -> None:
    tea = Break(id="tea", earliest_start_s=50, latest_start_s=50, duration_s=300)
    problem = make_line_street()
    van = replace(problem.vehicles[0], breaks=(tea,))
    on_road = with_windows(replace(problem, vehicles=(van,)), door1=(0, 400))
    moved = replace(on_road, vehicles=(replace(van, fixed=(Step(id="door1"),)),))
    route = time_route(moved, "door1")  # fixed work: leaves at once
    assert [(v.leg, v.place, v.arrival_s) for v in route.visits] == [
        ("start", 0, 0),
        ("break", None, 50),
        ("job", 1, 400),
        ("end", 0, 560),
    ]
    waiting = with_windows(moved, door1=(450, 500))
    later = replace(tea, latest_start_s=400)
    waiting = replace(waiting, vehicles=(replace(moved.vehicles[0], breaks=(later,)),))
    route = time_route(waiting, "door1")
    assert [(v.leg, v.place, v.start_s) for v in route.visits[1:3]] == [
        ("break", 1, 100),
        ("job", 1, 450),
    ]


def test_a_pickup_is_put_off_so_that_the_ride_is_short_enough() -> None:
    meal = Shipment(
        id="meal",
        pickup=Handover(place=1),
        delivery=Handover(place=2, windows=(TimeWindow(start_s=5000, end_s=6000),)),
        max_ride_s=150,
    )
    problem = replace(make_line_street(), shipments=(meal,))
    van = replace(problem.vehicles[0], start_place=None, end_place=None)
    problem = replace(problem, vehicles=(van,))
    steps = [Step(id="meal", leg="pickup"), Step(id="meal", leg="delivery")]
    route = schedule_route(problem, van, steps)
    assert isinstance(route, Route)
    assert [visit.start_s for visit in route.visits] == [4900, 4900, 5000, 5000]
    assert route.visits[0].place is None


def test_every_way_to_be_wrong_has_its_code() -> None:
    problem = make_line_street()
    one, two, three = (Step(id=job.id) for job in problem.jobs)
    assert codes(problem, one, two, three) == {"capacity"}
    assert codes(problem, one, one) == {"repeated"}
    assert codes(problem, Step(id="nowhere")) == {"unknown_work"}
    assert codes(with_windows(problem, door3=(0, 299)), three) == {"window"}

    def codes_of_van(*steps: Step, **changes: object) -> set[str]:
        van = replace(problem.vehicles[0], **changes)  # type: ignore[arg-type]
        return codes(replace(problem, vehicles=(van,)), *steps)

    assert codes_of_van(one, two, max_stops=1) == {"stops"}
    assert codes_of_van(two, max_distance_m=3999) == {"distance"}
    assert codes_of_van(two, max_duration_s=459) == {"duration"}
    assert codes_of_van(two, shift=TimeWindow(start_s=0, end_s=459)) == {"shift"}
    assert codes_of_van(two, fixed=(one,)) == {"fixed"}
    noon = Break(id="noon", earliest_start_s=150, latest_start_s=210, duration_s=60)
    tied = replace(problem.jobs[1], windows=(TimeWindow(start_s=200, end_s=200),))
    busy = replace(problem, jobs=(problem.jobs[0], tied, problem.jobs[2]))
    van = replace(busy.vehicles[0], breaks=(noon,), shift=TimeWindow(start_s=0, end_s=460))
    assert codes(replace(busy, vehicles=(van,)), two) == {"break"}


def test_windows_decide_which_orders_can_be_driven() -> None:
    problem = with_windows(make_line_street(), door1=(700, 900), door2=(300, 500), door3=(100, 320))
    van = replace(problem.vehicles[0], capacity=(3,))
    problem = replace(problem, vehicles=(van,))
    drivable = [
        order
        for order in permutations(("door1", "door2", "door3"))
        if isinstance(schedule_route(problem, van, [Step(id=one) for one in order]), Route)
    ]
    assert drivable == [("door3", "door2", "door1")]


def test_open_ends_cost_no_travel() -> None:
    problem = make_line_street()
    van = replace(problem.vehicles[0], start_place=None, end_place=None)
    problem = replace(problem, vehicles=(van,))
    route = time_route(problem, "door1", "door2")
    assert (route.distance_m, route.duration_s) == (1000, 220)
    assert isinstance(problem.find_work("door1"), Job)
