"""Gives a sequence of visits its times, or says why it cannot be driven.

This is the one place that turns an order of visits into clock times: engines, insertion and a
dispatcher's own moves all come through here. Which order is best does not belong here.

Loading at a depot is part of the start. The times are those of the earliest possible end; then the
vehicle leaves as late as it can without ending later. A vehicle with fixed visits is at work
already and leaves when its shift starts. Finding them is exact, except that a longest ride on a
route with breaks is met greedily.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from routing.halts import Halt, halt_at, halt_of
from routing.plan import Route, Visit, price_route, price_wishes
from routing.problem import UNREACHABLE, Problem, Step, Vehicle, Work
from routing.rests import can_rest_after, cross_gap, place_breaks
from routing.rules import Violation, check_membership, check_rules, in_minutes, load_after_each
from routing.timing import Label, Timing

MOST_LATER_STARTS = 16


def schedule_route(
    problem: Problem, vehicle: Vehicle, steps: Sequence[Step]
) -> Route | tuple[Violation, ...]:
    """Time a sequence of visits for a vehicle.

    Parameters
    ----------
    problem, vehicle : the vehicle must be one of the problem's
    steps : the visits in order, without start, end and breaks

    Returns
    -------
    The route with its earliest times, or every rule found broken (at least one).
    """
    wrong = check_membership(problem, vehicle, steps)
    if wrong:
        return wrong
    wrong = check_rules(problem, vehicle, steps)
    if wrong:
        return wrong
    itinerary = Itinerary(problem, vehicle, steps)
    timing = itinerary.find_times()
    return itinerary.make_route(timing) if isinstance(timing, Timing) else timing


class Itinerary:
    """A sequence of visits that keeps `routing.rules`, with everything its times depend on."""

    def __init__(
        self,
        problem: Problem,
        vehicle: Vehicle,
        steps: Sequence[Step],
        halts: Sequence[Halt] | None = None,
    ) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.steps = tuple(steps)
        self.halts = halts or [
            halt_of(problem, step, fixed=index < len(vehicle.fixed))
            for index, step in enumerate(steps)
        ]
        self.breaks = vehicle.breaks
        self.loading = halt_at(problem.loading_depot(vehicle))
        self.arriving = halt_at(problem.find_depot(vehicle.end_place))
        inner: list[int | None] = [halt.place for halt in self.halts]
        self.places = [vehicle.start_place, *inner, vehicle.end_place]
        matrix = problem.matrix_of(vehicle)
        duration_s, distance_m = matrix.duration_s, matrix.distance_m
        self.travel_s: list[int] = []
        self.distance_m = 0
        for origin, target in pairwise(self.places):
            if origin is None or target is None:
                self.travel_s.append(0)
            else:
                self.travel_s.append(int(duration_s[origin, target]))
                leg_m = int(distance_m[origin, target])
                self.distance_m += leg_m
                if leg_m >= UNREACHABLE:
                    self.travel_s[-1] = UNREACHABLE
        self.wishes_cost = 0
        self.rides: list[tuple[int, int, int]] = []
        for index, step in enumerate(self.steps):
            if step.leg == "job":
                work: Work = problem.job_by_id[step.id]
            elif step.leg == "pickup":
                work = problem.shipment_by_id[step.id]
                if work.max_ride_s is not None:
                    delivery = self.steps.index(Step(id=step.id, leg="delivery"))
                    self.rides.append((index, delivery, work.max_ride_s))
            else:
                continue
            if work.preferences:
                self.wishes_cost += price_wishes(vehicle, work)

    def find_times(self) -> "Timing | tuple[Violation, ...]":
        """Return the best times, or why there are none."""
        wrong = self._check_distance()
        if wrong:
            return (wrong,)
        vehicle = self.vehicle
        best = self._time_from(vehicle.shift.start_s)
        if isinstance(best, Violation):
            return (best,)
        if vehicle.fixed:
            return (self._too_long(best),) if self._is_too_long(best) else best
        best = self._leave_late(best)
        candidate: Timing | Violation = best
        for _ in range(MOST_LATER_STARTS):
            if isinstance(candidate, Violation) or not self._idle_s(candidate):
                break
            candidate = self._time_from(candidate.departure_s + 1)
            if isinstance(candidate, Timing):
                candidate = self._leave_late(candidate)
                if self._rank(candidate) < self._rank(best):
                    best = candidate
        return (self._too_long(best),) if self._is_too_long(best) else best

    def _check_distance(self) -> Violation | None:
        vehicle = self.vehicle
        for index, travel_s in enumerate(self.travel_s):
            if travel_s >= UNREACHABLE:
                near = self.steps[min(index, len(self.steps) - 1)].id if self.steps else vehicle.id
                sentence = (
                    f"No road leads from place {self.places[index]} to {self.places[index + 1]}."
                )
                return Violation(id=near, code="unreachable", sentence=sentence)
        if vehicle.max_distance_m is not None and self.distance_m > vehicle.max_distance_m:
            sentence = (
                f"{self.distance_m} m are more than the {vehicle.max_distance_m} m "
                f"of vehicle {vehicle.id}."
            )
            return Violation(id=vehicle.id, code="distance", sentence=sentence)
        return None

    def _is_too_long(self, timing: Timing) -> bool:
        limit_s = self.vehicle.max_duration_s
        return limit_s is not None and timing.end_s - timing.departure_s > limit_s

    def _too_long(self, timing: Timing) -> Violation:
        lasts_min = in_minutes(timing.end_s - timing.departure_s)
        sentence = (
            f"Vehicle {self.vehicle.id} would be out for {lasts_min} min, longer than it may."
        )
        return Violation(id=self.vehicle.id, code="duration", sentence=sentence)

    def _rank(self, timing: Timing) -> tuple[bool, int, int]:
        return self._is_too_long(timing), self.price(timing), timing.end_s

    def price(self, timing: Timing) -> int:
        taken = self.breaks[timing.taken[0] : timing.taken[-1]]
        return self.wishes_cost + price_route(
            self.vehicle,
            self.distance_m,
            timing.end_s - timing.departure_s,
            unpaid_s=sum(rest.duration_s for rest in taken if not rest.paid),
            overtime_s=max(0, timing.end_s - self.vehicle.shift.end_s),
        )

    def _idle_s(self, timing: Timing) -> int:
        """Return the waiting inside the route; without any, leaving later gains nothing."""
        busy_s = sum(self.travel_s) + sum(halt.service_s for halt in self.halts)
        busy_s += sum(rest.duration_s for rest in self.breaks[timing.taken[0] : timing.taken[-1]])
        busy_s += self.loading.service_s if self.loading else 0
        return timing.end_s - timing.departure_s - busy_s

    def _time_from(self, departure_s: int) -> Timing | Violation:
        """Return the earliest times when leaving then, longest rides respected.

        A pickup is put off as long as its ride is too long. Times only ever grow, so this ends.
        """
        not_before_s: dict[int, int] = {}
        while True:
            timing = self._run_forward(departure_s, not_before_s)
            if isinstance(timing, Violation):
                late = next((i for i in not_before_s if self.steps[i].id == timing.id), None)
                if late is not None or not_before_s:
                    return self._ride_too_long(timing.id if late is not None else None)
                return timing
            settled = True
            for pickup, delivery, limit_s in self.rides:
                left_s = timing.starts_s[pickup] + self.halts[pickup].service_s
                excess_s = timing.starts_s[delivery] - left_s - limit_s
                if excess_s > 0:
                    settled = False
                    not_before_s[pickup] = timing.starts_s[pickup] + excess_s
            if settled:
                return timing

    def _ride_too_long(self, work_id: str | None) -> Violation:
        name = work_id or self.steps[self.rides[0][0]].id
        sentence = f"{name} would be on vehicle {self.vehicle.id} for longer than it may."
        return Violation(id=name, code="ride", sentence=sentence)

    def _run_forward(self, departure_s: int, not_before_s: Mapping[int, int]) -> Timing | Violation:
        labels = self._labels_at_start(departure_s)
        if not labels:
            assert self.loading
            return self._too_late(self.loading, departure_s)
        breaks, count = self.breaks, len(self.breaks)
        for index, halt in enumerate(self.halts):
            floor_s = not_before_s.get(index)
            travel_s = self.travel_s[index]
            following: dict[int, Label] = {}
            for label in labels:
                for taken in range(label.taken, count + 1):
                    ready_s = cross_gap(label.departure_s, travel_s, breaks[label.taken : taken])
                    if ready_s is None:
                        break
                    if floor_s is not None and floor_s > ready_s:
                        ready_s = floor_s
                    start_s = halt.begin(ready_s)
                    if start_s is None:
                        break
                    leaves_s = start_s + halt.service_s
                    held = following.get(taken)
                    if held is None or start_s < held.start_s:
                        following[taken] = Label(taken, start_s, leaves_s, label)
                    if taken < count and leaves_s <= breaks[taken].earliest_start_s:
                        break  # resting after this visit is no later
            if not following:
                arrival_s = min(label.departure_s for label in labels) + travel_s
                return self._too_late(halt, arrival_s)
            in_time = [
                label
                for label in following.values()
                if label.taken == count or label.departure_s <= breaks[label.taken].latest_start_s
            ]
            if not in_time:
                return self._no_rest()
            labels = in_time
        return self._finish(labels)

    def _labels_at_start(self, departure_s: int) -> list[Label]:
        """A break may be over before the vehicle leaves, or is loaded."""
        labels = self._load(0, departure_s)
        over_s: int | None = None
        for taken, rest in enumerate(self.breaks, 1):
            start_s = rest.earliest_start_s
            if over_s is not None and over_s > start_s:
                start_s = over_s
            if start_s > rest.latest_start_s:
                break
            over_s = start_s + rest.duration_s
            labels += self._load(taken, max(departure_s, over_s))
        return labels

    def _load(self, taken: int, at_s: int) -> list[Label]:
        if self.loading is None:
            return [Label(taken, at_s, at_s, None)]
        begin_s = self.loading.begin(at_s)
        if begin_s is None:
            return []
        return [Label(taken, begin_s, begin_s + self.loading.service_s, None)]

    def _finish(self, labels: list[Label]) -> Timing | Violation:
        best: Label | None = None
        earliest_s: int | None = None
        for label in labels:
            for taken in range(label.taken, len(self.breaks) + 1):
                end_s = cross_gap(
                    label.departure_s, self.travel_s[-1], self.breaks[label.taken : taken]
                )
                if end_s is not None and self.arriving:
                    end_s = self.arriving.begin(end_s)
                if end_s is None:
                    break
                earliest_s = end_s if earliest_s is None else min(earliest_s, end_s)
                if not can_rest_after(end_s, self.breaks[taken:]):
                    continue
                if best is None or end_s < best.start_s:
                    best = Label(taken, end_s, end_s, label)
        vehicle = self.vehicle
        if earliest_s is None and self.arriving and self.arriving.windows:
            reached_s = min(label.departure_s for label in labels) + self.travel_s[-1]
            if reached_s > self.arriving.windows[-1].end_s:
                return self._too_late(self.arriving, reached_s)
        if best is None and (earliest_s is None or earliest_s <= vehicle.latest_end_s):
            return self._no_rest()
        if best is None or best.start_s > vehicle.latest_end_s:
            ready_s = best.start_s if best else earliest_s or 0  # which is known without a best
            late_min = in_minutes(ready_s - vehicle.latest_end_s)
            sentence = f"Vehicle {vehicle.id} would end {late_min} min after its shift ends."
            return Violation(id=vehicle.id, code="shift", sentence=sentence)
        chain: list[Label] = []
        link: Label | None = best
        while link is not None:
            chain.append(link)
            link = link.previous
        chain.reverse()
        return Timing(
            chain[0].start_s,
            [label.start_s for label in chain[1:-1]],
            best.start_s,
            [label.taken for label in chain],
        )

    def _no_rest(self) -> Violation:
        sentence = f"Vehicle {self.vehicle.id} would find no time for its breaks."
        return Violation(id=self.vehicle.id, code="break", sentence=sentence)

    def _too_late(self, halt: Halt, arrival_s: int) -> Violation:
        late_min = in_minutes(arrival_s - halt.windows[-1].end_s)
        sentence = (
            f"Vehicle {self.vehicle.id} would reach {halt.step.id} "
            f"{late_min} min after its last window closes."
        )
        return Violation(id=halt.step.id, code="window", sentence=sentence)

    def _leave_late(self, timing: Timing) -> Timing:
        """Return the times of leaving as late as possible without ending later."""
        latest_s = timing.end_s
        for index in reversed(range(len(self.travel_s))):
            rests = self.breaks[timing.taken[index] : timing.taken[index + 1]]
            limit_s = latest_s
            for rest in reversed(rests):
                limit_s = min(limit_s - rest.duration_s, rest.latest_start_s)
            driving_s = self.travel_s[index] + sum(rest.duration_s for rest in rests)
            limit_s = min(limit_s, latest_s - driving_s)
            if index:
                halt = self.halts[index - 1]
                latest_s = halt.latest_like(timing.starts_s[index - 1], limit_s - halt.service_s)
            elif self.loading:
                by_s = limit_s - self.loading.service_s
                latest_s = self.loading.latest_like(timing.departure_s, by_s)
            else:
                latest_s = limit_s
        if latest_s <= timing.departure_s:
            return timing
        later = self._time_from(latest_s)
        if isinstance(later, Timing) and later.end_s == timing.end_s:
            return later
        return timing

    def make_route(self, timing: Timing) -> Route:
        """Turn times into visits."""
        vehicle = self.vehicle
        loads = load_after_each(self.problem, vehicle, self.steps)
        visits = [
            Visit(
                id=vehicle.id,
                leg="start",
                place=vehicle.start_place,
                arrival_s=timing.departure_s,
                start_s=timing.departure_s,
                departure_s=timing.departure_s + (self.loading.service_s if self.loading else 0),
                load=loads[0],
            )
        ]
        for index, travel_s in enumerate(self.travel_s):
            is_end = index == len(self.halts)
            begin_s = timing.end_s if is_end else timing.starts_s[index]
            rests = self.breaks[timing.taken[index] : timing.taken[index + 1]]
            left_s, origin = visits[-1].departure_s, visits[-1].place
            starts_s = place_breaks(left_s, travel_s, begin_s, rests)
            driven_s, clock_s, arrival_s = 0, left_s, None
            for rest, rest_s in zip(rests, starts_s, strict=True):
                if arrival_s is None and driven_s + rest_s - clock_s >= travel_s:
                    arrival_s = clock_s + travel_s - driven_s
                driven_s += rest_s - clock_s
                clock_s = rest_s + rest.duration_s
                place = self.places[index + 1] if arrival_s is not None else None
                visits.append(
                    Visit(
                        id=rest.id,
                        leg="break",
                        place=origin if rest_s == left_s and travel_s else place,
                        arrival_s=rest_s,
                        start_s=rest_s,
                        departure_s=clock_s,
                        load=loads[index],
                    )
                )
                left_s = clock_s if driven_s == 0 else left_s
            if arrival_s is None:
                arrival_s = clock_s + travel_s - driven_s
            step = None if is_end else self.steps[index]
            visits.append(
                Visit(
                    id=step.id if step else vehicle.id,
                    leg=step.leg if step else "end",
                    place=self.places[index + 1],
                    arrival_s=arrival_s,
                    start_s=begin_s,
                    departure_s=begin_s if is_end else begin_s + self.halts[index].service_s,
                    load=loads[min(index + 1, len(loads) - 1)],
                )
            )
        duration_s = timing.end_s - timing.departure_s
        return Route(
            vehicle_id=vehicle.id,
            visits=tuple(visits),
            distance_m=self.distance_m,
            duration_s=duration_s,
            cost=self.price(timing),
        )
