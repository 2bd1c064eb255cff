"""The rules of a sequence of visits that do not depend on the clock.

Which visits belong together, who may do them, and what fits on the vehicle. Times are the matter
of `routing.schedule`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from routing.problem import Job, Problem, Step, Vehicle, Work

Load = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Why a sequence cannot be driven; `id` is the work, break or vehicle that it is about."""

    id: str
    code: str
    sentence: str


def in_minutes(duration_s: int) -> int:
    """For sentences: minutes begun count as whole ones."""
    return -(-duration_s // 60)


def may_serve(vehicle: Vehicle, work: Work) -> bool:
    """Whether skills and lists of vehicles let the vehicle do the work."""
    return (
        work.skills <= vehicle.skills
        and vehicle.id not in work.barred
        and (work.vehicles is None or vehicle.id in work.vehicles)
    )


def fixed_steps(vehicle: Vehicle) -> tuple[Step, ...]:
    """Return the least that the vehicle must do: its fixed visits, then what those still owe."""
    owed = [Step(id=step.id, leg="delivery") for step in vehicle.fixed if step.leg == "pickup"]
    return (*vehicle.fixed, *(step for step in owed if step not in vehicle.fixed))


def check_membership(
    problem: Problem, vehicle: Vehicle, steps: Sequence[Step]
) -> tuple[Violation, ...]:
    """Return what is wrong with which visits there are and in which order."""
    found: list[Violation] = []
    if tuple(steps[: len(vehicle.fixed)]) != vehicle.fixed:
        sentence = f"Vehicle {vehicle.id} must do its fixed visits first and in their order."
        found.append(Violation(id=vehicle.id, code="fixed", sentence=sentence))
    seen: set[Step] = set()
    reloads = [step for step in steps if step.leg == "reload"]
    for index, step in enumerate(steps):
        if step.leg == "reload":
            if index >= len(vehicle.fixed) and step.id not in vehicle.reload_at:
                sentence = f"Vehicle {vehicle.id} does not reload at {step.id}."
                found.append(Violation(id=step.id, code="reload", sentence=sentence))
            continue
        known = problem.job_by_id if step.leg == "job" else problem.shipment_by_id
        if step.id not in known:
            sentence = f"There is no {step.leg} {step.id} in this problem."
            found.append(Violation(id=step.id, code="unknown_work", sentence=sentence))
        elif step in seen:
            sentence = f"The {step.leg} {step.id} occurs twice."
            found.append(Violation(id=step.id, code="repeated", sentence=sentence))
        elif step.leg == "delivery" and Step(id=step.id, leg="pickup") not in seen:
            sentence = f"{step.id} is delivered without being picked up first."
            found.append(Violation(id=step.id, code="order", sentence=sentence))
        seen.add(step)
    if len(reloads) > max(vehicle.max_reloads, sum(s.leg == "reload" for s in vehicle.fixed)):
        sentence = f"Vehicle {vehicle.id} may reload {vehicle.max_reloads} times."
        found.append(Violation(id=reloads[-1].id, code="reload", sentence=sentence))
    for step in seen:
        if step.leg == "pickup" and Step(id=step.id, leg="delivery") not in seen:
            sentence = f"{step.id} is picked up but not delivered."
            found.append(Violation(id=step.id, code="order", sentence=sentence))
    return tuple(found)


def check_rules(problem: Problem, vehicle: Vehicle, steps: Sequence[Step]) -> tuple[Violation, ...]:
    """Return which rules other than those of time are broken."""
    found: list[Violation] = []

    def note(work_id: str, code: str, sentence: str) -> None:
        found.append(Violation(id=work_id, code=code, sentence=sentence))

    held = {step.id for step in vehicle.fixed}
    visits = [step for step in steps if step.leg != "reload"]
    for step in visits:
        if step.id in held:
            continue
        work = problem.find_work(step.id)
        lacking = sorted(work.skills - vehicle.skills)
        if lacking:
            note(step.id, "skills", f"Vehicle {vehicle.id} lacks {', '.join(lacking)}.")
        elif not may_serve(vehicle, work):
            note(step.id, "vehicle", f"Vehicle {vehicle.id} may not do {step.id}.")
    if vehicle.max_stops is not None and len(visits) > vehicle.max_stops:
        note(
            vehicle.id,
            "stops",
            f"{len(visits)} visits are more than the {vehicle.max_stops} of vehicle {vehicle.id}.",
        )
    for index, load in enumerate(load_after_each(problem, vehicle, steps)):
        if any(carried > limit for carried, limit in zip(load, vehicle.capacity, strict=True)):
            note(
                steps[index - 1].id if index else vehicle.id,
                "capacity",
                f"Vehicle {vehicle.id} would carry {load} of {vehicle.capacity}.",
            )
            break
    return tuple(found)


def load_after_each(problem: Problem, vehicle: Vehicle, steps: Sequence[Step]) -> list[Load]:
    """Return the load when leaving the start, then after each step.

    Deliveries are on board from the start of a trip, pickups until its end, shipments in between; a
    reload ends a trip and begins the next.
    """
    dimensions = range(len(vehicle.capacity))
    works = [None if step.leg == "reload" else problem.find_work(step.id) for step in steps]
    brought: list[list[int]] = [[0] * len(dimensions)]
    for work in works:
        if work is None:
            brought.append([0] * len(dimensions))
        elif isinstance(work, Job) and work.kind == "delivery":
            for k, amount in enumerate(work.size):
                brought[-1][k] += amount
    trips = iter(brought)
    carried = vehicle.on_board or (0,) * len(dimensions)
    load = [held + amount for held, amount in zip(carried, next(trips), strict=True)]
    collected = [0] * len(dimensions)
    loads: list[Load] = [tuple(load)]
    for step, work in zip(steps, works, strict=True):
        if work is None:
            fresh = next(trips)
            load = [load[k] - collected[k] + fresh[k] for k in dimensions]
            collected = [0] * len(dimensions)
        else:
            is_job = isinstance(work, Job)
            falls = work.kind == "delivery" if isinstance(work, Job) else step.leg == "delivery"
            for k, amount in enumerate(work.size):
                load[k] += -amount if falls else amount
                collected[k] += amount if is_job and not falls else 0
        loads.append(tuple(load))
    return loads


def tidy_reloads(steps: Sequence[Step], keep: int = 0) -> tuple[Step, ...]:
    """Leave out the reloads that nothing follows or that another follows at once, behind the first
    `keep` steps.
    """
    kept: list[Step] = []
    for step in reversed(steps[keep:]):
        if step.leg != "reload" or (kept and kept[-1].leg != "reload"):
            kept.append(step)
    if not keep and kept and kept[-1].leg == "reload":
        kept.pop()
    return (*steps[:keep], *reversed(kept))
