"""Says what is wrong with a plan.

The gate that every plan passes before anybody sees it. It shares no code with the engines or with
`routing.schedule`: it knows the rules only from the docstrings of `routing.problem` and
`routing.plan`, and recomputes every number. Repairing a plan does not belong here.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from math import floor

from routing.plan import Plan, Route, Visit
from routing.problem import UNREACHABLE, Job, Leg, Problem, TimeWindow, Vehicle, Work

WORK_LEGS = ("job", "pickup", "delivery")
STOP_LEGS = (*WORK_LEGS, "reload")


def violations(problem: Problem, plan: Plan) -> list[str]:
    """Return a sentence for every rule that the plan breaks; an empty list means it is sound."""
    found = list(_check_coverage(problem, plan))
    for route in plan.routes:
        vehicle = problem.vehicle_by_id.get(route.vehicle_id)
        if vehicle is None:
            found.append(f"{route.vehicle_id}: no such vehicle")
        else:
            found += [f"{vehicle.id}: {wrong}" for wrong in _check_route(problem, vehicle, route)]
    total = sum(route.cost for route in plan.routes)
    if plan.cost != total:
        found.append(f"the plan says it costs {plan.cost}, its routes cost {total}")
    return found


def _check_coverage(problem: Problem, plan: Plan) -> Iterator[str]:
    for vehicle_id, count in Counter(route.vehicle_id for route in plan.routes).items():
        if count > 1:
            yield f"{vehicle_id}: has {count} routes"
    routed = {route.vehicle_id for route in plan.routes}
    for vehicle in problem.vehicles:
        if vehicle.fixed and vehicle.id not in routed:
            yield f"{vehicle.id}: its fixed visits are missing"
    done = Counter(
        (visit.id, visit.leg)
        for route in plan.routes
        for visit in route.visits
        if visit.leg in WORK_LEGS
    )
    left = Counter(one.id for one in plan.unassigned)
    expected: set[tuple[str, str]] = set()
    for work in problem.work:
        legs: tuple[Leg, ...] = ("job",) if isinstance(work, Job) else ("pickup", "delivery")
        for leg in legs:
            expected.add((work.id, leg))
            times = done[work.id, leg] + left[work.id]
            if times != 1:
                yield f"{work.id}: its {leg} is accounted for {times} times"
    for visit_id, leg in done:
        if (visit_id, leg) not in expected:
            yield f"{visit_id}: there is no such {leg}"
    for work_id in left:
        if not any(work_id == known for known, _ in expected):
            yield f"{work_id}: is unassigned but not in the problem"


def _check_route(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    legs = [visit.leg for visit in route.visits]
    if (
        len(legs) < 2
        or legs[0] != "start"
        or legs[-1] != "end"
        or legs.count("start") != 1
        or legs.count("end") != 1
    ):
        yield "must begin with one start and finish with one end"
        return
    if any(visit.leg in STOP_LEGS and not _knows(problem, visit) for visit in route.visits):
        yield "visits what the problem does not know"
        return
    yield from _check_places(problem, vehicle, route)
    yield from _check_clock(problem, vehicle, route)
    yield from _check_driving(problem, vehicle, route)
    yield from _check_breaks(vehicle, route)
    yield from _check_work(problem, vehicle, route)
    yield from _check_loads(problem, vehicle, route)


def _knows(problem: Problem, visit: Visit) -> bool:
    if visit.leg == "reload":
        return visit.id in problem.depot_by_id
    known = problem.job_by_id if visit.leg == "job" else problem.shipment_by_id
    return visit.id in known


def _check_places(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    for visit in route.visits:
        match visit.leg:
            case "start":
                expected, owner = vehicle.start_place, vehicle.id
            case "end":
                expected, owner = vehicle.end_place, vehicle.id
            case "job":
                expected, owner = problem.job_by_id[visit.id].place, visit.id
            case "pickup":
                expected, owner = problem.shipment_by_id[visit.id].pickup.place, visit.id
            case "delivery":
                expected, owner = problem.shipment_by_id[visit.id].delivery.place, visit.id
            case "reload":
                depot = problem.depot_by_id[visit.id]
                expected, owner = depot.place, depot.id
            case "break":
                continue
        if visit.place != expected:
            yield f"{visit.leg} {visit.id} is at place {visit.place}, not {expected}"
        if visit.id != owner:
            yield f"its {visit.leg} is that of {visit.id}"


def _check_clock(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    fixed = {(step.id, step.leg) for step in vehicle.fixed}
    for visit in route.visits:
        if visit.start_s < visit.arrival_s:
            yield f"{visit.leg} {visit.id} starts before the vehicle arrives"
        if visit.leg == "break":
            continue
        service_s, windows = _read_duty(problem, vehicle, visit)
        if visit.departure_s - visit.start_s != service_s:
            yield f"{visit.leg} {visit.id} does not last {service_s} s"
        if windows and not any(w.start_s <= visit.start_s <= w.end_s for w in windows):
            is_late_fact = (visit.id, visit.leg) in fixed and visit.start_s > windows[-1].end_s
            if not is_late_fact:
                yield f"{visit.leg} {visit.id} starts at {visit.start_s}, outside its windows"
    start_s, end_s = route.visits[0].start_s, route.visits[-1].start_s
    if start_s < vehicle.shift.start_s:
        yield f"starts at {start_s}, before its shift"
    if end_s > vehicle.shift.end_s + vehicle.overtime_s:
        yield f"ends at {end_s}, after its shift and overtime"
    if route.duration_s != end_s - start_s:
        yield f"says it lasts {route.duration_s} s, not {end_s - start_s} s"
    if vehicle.max_duration_s is not None and end_s - start_s > vehicle.max_duration_s:
        yield f"lasts {end_s - start_s} s, longer than it may"


def _read_duty(
    problem: Problem, vehicle: Vehicle, visit: Visit
) -> tuple[int, tuple[TimeWindow, ...]]:
    """Return how long the visit must last and in which windows it may start."""
    if visit.leg == "reload":
        depot = problem.depot_by_id[visit.id]
        return depot.loading_s, depot.windows
    if visit.leg in ("start", "end"):
        for depot in problem.depots:
            if visit.leg == "start" and depot.place == vehicle.start_place and not vehicle.fixed:
                return depot.loading_s, depot.windows
            if visit.leg == "end" and depot.place == vehicle.end_place:
                return 0, depot.windows
        return 0, ()
    if visit.leg == "job":
        job = problem.job_by_id[visit.id]
        return job.service_s, job.windows
    if visit.leg in ("pickup", "delivery"):
        shipment = problem.shipment_by_id[visit.id]
        side = shipment.pickup if visit.leg == "pickup" else shipment.delivery
        return side.service_s, side.windows
    return 0, ()


def _check_driving(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    matrix = problem.matrices[vehicle.profile]
    distance_m = 0
    previous = route.visits[0]
    rests: list[Visit] = []
    for visit in route.visits[1:]:
        if visit.leg == "break":
            rests.append(visit)
            continue
        travel_s = 0
        if previous.place is not None and visit.place is not None:
            travel_s = int(matrix.duration_s[previous.place, visit.place])
            leg_m = int(matrix.distance_m[previous.place, visit.place])
            if UNREACHABLE in (travel_s, leg_m):
                yield f"no road leads from place {previous.place} to place {visit.place}"
            distance_m += leg_m
        yield from _follow_clock(previous, rests, visit, travel_s)
        previous, rests = visit, []
    if route.distance_m != distance_m:
        yield f"says it is {route.distance_m} m long, not {distance_m} m"
    if vehicle.max_distance_m is not None and distance_m > vehicle.max_distance_m:
        yield f"is {distance_m} m long, longer than it may be"
    cost = _price(problem, vehicle, route, distance_m)
    if route.cost != cost:
        yield f"says it costs {route.cost}, not {cost}"


def _price(problem: Problem, vehicle: Vehicle, route: Route, distance_m: int) -> int:
    hours = Fraction(route.visits[-1].start_s - route.visits[0].start_s, 3600)
    unpaid = {rest.id for rest in vehicle.breaks if not rest.paid}
    unpaid_s = sum(
        visit.departure_s - visit.start_s
        for visit in route.visits
        if visit.leg == "break" and visit.id in unpaid
    )
    overtime_s = max(0, route.visits[-1].start_s - vehicle.shift.end_s)
    exact = (
        vehicle.fixed_cost
        + Fraction(vehicle.cost_per_km * distance_m, 1000)
        + vehicle.cost_per_hour * (hours - Fraction(unpaid_s, 3600))
        + vehicle.overtime_cost_per_hour * Fraction(overtime_s, 3600)
        + vehicle.cost_per_squared_hour * hours * hours
    )
    done = {visit.id for visit in route.visits if visit.leg in WORK_LEGS}
    wishes = [
        wish.cost
        for work in problem.work
        if work.id in done
        for wish in work.preferences
        if vehicle.id not in wish.vehicles
    ]
    return floor(exact + Fraction(1, 2)) + sum(wishes)


def _follow_clock(
    previous: Visit, rests: list[Visit], visit: Visit, travel_s: int
) -> Iterator[str]:
    """Drive from one visit to the next, resting whenever a break begins."""
    clock_s, left_s = previous.departure_s, travel_s
    arrival_s = clock_s if left_s == 0 else None
    for rest in rests:
        if rest.start_s < clock_s:
            yield f"break {rest.id} begins before {previous.leg} {previous.id} is over"
            return
        if arrival_s is None and rest.start_s - clock_s >= left_s:
            arrival_s = clock_s + left_s
        left_s -= min(left_s, rest.start_s - clock_s)
        clock_s = rest.departure_s
    if arrival_s is None:
        arrival_s = clock_s + left_s
    if visit.arrival_s != arrival_s:
        yield (
            f"{visit.leg} {visit.id} is reached at {arrival_s}, "
            f"not at {visit.arrival_s} as the plan says"
        )
    if visit.start_s < clock_s:
        yield f"{visit.leg} {visit.id} starts before a break is over"


def _check_breaks(vehicle: Vehicle, route: Route) -> Iterator[str]:
    taken = {visit.id: visit for visit in route.visits if visit.leg == "break"}
    if len(taken) != sum(visit.leg == "break" for visit in route.visits):
        yield "takes a break twice"
    start_s, end_s = route.visits[0].start_s, route.visits[-1].start_s
    for rest in vehicle.breaks:
        visit = taken.pop(rest.id, None)
        if visit is None:
            over_before = rest.earliest_start_s + rest.duration_s <= start_s
            may_follow = end_s <= rest.latest_start_s
            if not over_before and not may_follow:
                yield f"leaves out break {rest.id}"
        elif not rest.earliest_start_s <= visit.start_s <= rest.latest_start_s:
            yield f"takes break {rest.id} at {visit.start_s}, when it may not"
        elif visit.departure_s - visit.start_s != rest.duration_s:
            yield f"break {rest.id} does not last {rest.duration_s} s"
    for unknown in taken:
        yield f"takes a break {unknown} that it does not have"


def _check_work(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    stops = [(visit.id, visit.leg) for visit in route.visits if visit.leg in STOP_LEGS]
    fixed = [(step.id, step.leg) for step in vehicle.fixed]
    if stops[: len(fixed)] != fixed:
        yield "does not do its fixed visits first"
    yield from _check_reloads(vehicle, stops)
    order = [(work_id, leg) for work_id, leg in stops if leg != "reload"]
    if vehicle.max_stops is not None and len(order) > vehicle.max_stops:
        yield f"has {len(order)} visits, more than {vehicle.max_stops}"
    for work_id, leg in order:
        work: Work = problem.job_by_id[work_id] if leg == "job" else problem.shipment_by_id[work_id]
        if (work_id, leg) in fixed or (work_id, "pickup") in fixed:
            continue
        missing = work.skills - vehicle.skills
        if missing:
            yield f"{work_id} needs {', '.join(sorted(missing))}"
        if vehicle.id in work.barred or (
            work.vehicles is not None and vehicle.id not in work.vehicles
        ):
            yield f"{work_id} may not be done by this vehicle"
    yield from _check_rides(problem, route)


def _check_rides(problem: Problem, route: Route) -> Iterator[str]:
    picked: dict[str, Visit] = {}
    delivered: set[str] = set()
    for visit in route.visits:
        if visit.leg == "pickup":
            picked[visit.id] = visit
        elif visit.leg == "delivery":
            delivered.add(visit.id)
            if visit.id not in picked:
                yield f"delivers {visit.id} before picking it up"
                continue
            limit_s = problem.shipment_by_id[visit.id].max_ride_s
            ride_s = visit.start_s - picked[visit.id].departure_s
            if limit_s is not None and ride_s > limit_s:
                yield f"{visit.id} rides for {ride_s} s, longer than {limit_s} s"
    for work_id in picked.keys() - delivered:
        yield f"picks up {work_id} and never delivers it"


def _check_reloads(vehicle: Vehicle, stops: list[tuple[str, Leg]]) -> Iterator[str]:
    fixed = vehicle.fixed
    for depot_id, leg in stops[len(fixed) :]:
        if leg == "reload" and depot_id not in vehicle.reload_at:
            yield f"reloads at {depot_id}, where it may not"
    reloads = sum(leg == "reload" for _, leg in stops)
    if reloads > max(vehicle.max_reloads, sum(step.leg == "reload" for step in fixed)):
        yield f"reloads {reloads} times, more than {vehicle.max_reloads}"


def _check_loads(problem: Problem, vehicle: Vehicle, route: Route) -> Iterator[str]:
    """Follow what is on board: each trip begins with all deliveries that it makes."""
    trips: list[list[Visit]] = [[]]
    for visit in route.visits:
        if visit.leg == "reload":
            trips.append([])
        trips[-1].append(visit)
    load = [0] * len(vehicle.capacity)
    for k, amount in enumerate(vehicle.on_board):
        load[k] += amount
    for trip in trips:
        brought = [problem.job_by_id[visit.id] for visit in trip if visit.leg == "job"]
        for job in brought:
            if job.kind == "delivery":
                load = [load[k] + amount for k, amount in enumerate(job.size)] or load
        yield from _check_trip(problem, vehicle, trip, load)
        for job in brought:
            if job.kind == "pickup":
                load = [load[k] - amount for k, amount in enumerate(job.size)] or load


def _check_trip(
    problem: Problem, vehicle: Vehicle, trip: list[Visit], load: list[int]
) -> Iterator[str]:
    for visit in trip:
        sign, size = 0, ()  # type: tuple[int, tuple[int, ...]]
        if visit.leg == "job":
            job = problem.job_by_id[visit.id]
            sign, size = (-1 if job.kind == "delivery" else 1), job.size
        elif visit.leg in ("pickup", "delivery"):
            sign = 1 if visit.leg == "pickup" else -1
            size = problem.shipment_by_id[visit.id].size
        for k, amount in enumerate(size):
            load[k] += sign * amount
        if visit.load != tuple(load):
            yield f"carries {tuple(load)} after {visit.leg} {visit.id}, not {visit.load}"
        if any(held > limit for held, limit in zip(load, vehicle.capacity, strict=True)):
            yield f"carries {tuple(load)} after {visit.leg} {visit.id}, more than it can"
