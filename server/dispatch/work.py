"""What there is to do, as the planner sees it: one piece of work per consignment.

Made from open tasks, their consignments and places; pure once those are read. A courier booking is
one piece with two ends on one vehicle. Why something cannot be planned is said here too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from server.consignments.service import ConsignmentView
from server.dispatch.lifecycle import UNDER_WAY
from server.dispatch.models import Task
from server.dispatch.tasks import HANDOVER_S, holder_of
from server.kit.geo import Position
from server.places.service import PlaceView

WorkKind = Literal["delivery", "pickup", "shipment"]
Leg = Literal["job", "pickup", "delivery"]

USUAL, EXPRESS, LATE, ASSIGNED = 20, 50, 60, 80
"""Priorities: what drivers have already is given up last, what waits longest comes next."""

OBSTACLES = {
    "needs_pin": "Its address was not found to the house. Give the place a pin.",
    "in_vehicle": "Its parcels are in the vehicle of a driver who has no run today.",
    "half_done": "Its delivery was reported, its pickup was not.",
    "pickup_first": "It has not been picked up, and no pickup is open.",
}


@dataclass(frozen=True, slots=True)
class End:
    """One visit of a piece of work. task_id: None for a handover that has no task yet, then
    fetch_from says where the parcels are."""

    leg: Leg
    task_id: UUID | None
    place_id: UUID
    position: Position
    service_s: int
    start_at: datetime | None = None
    end_at: datetime | None = None
    fetch_from: Literal["depot", "vehicle"] | None = None


@dataclass(frozen=True, slots=True)
class OldGoods:
    """What is taken at the door for what is brought there: the other leg of an exchange."""

    waybill: str
    consignment_id: UUID
    task_id: UUID


@dataclass(frozen=True, slots=True)
class Work:
    """waybill: its name. size: grams, millilitres, parcels.

    swap: the other leg of an exchange, done in the same visit.

    holder_id: the driver who carries it, so that nobody else can bring it. at_depot: it is still
    in the depot. driver_id: in whose run it is.
    """

    waybill: str
    consignment_id: UUID
    kind: WorkKind
    ends: tuple[End, ...]
    size: tuple[int, int, int]
    skills: frozenset[str]
    priority: int
    at_depot: bool
    holder_id: UUID | None
    driver_id: UUID | None
    barred_drivers: frozenset[UUID]
    swap: OldGoods | None = None


@dataclass(frozen=True, slots=True)
class NotPlannable:
    """Work that cannot be planned yet, and why."""

    task_id: UUID
    waybill: str
    code: str

    @property
    def sentence(self) -> str:
        return OBSTACLES[self.code]


def group_work(
    tasks: Iterable[Task],
    consignments: Mapping[UUID, ConsignmentView],
    places: Mapping[UUID, PlaceView],
    *,
    day_start_at: datetime,
) -> tuple[list[Work], list[NotPlannable]]:
    """Put the open tasks of each consignment together, in the order of the tasks."""
    by_consignment: dict[UUID, list[Task]] = {}
    for task in tasks:
        by_consignment.setdefault(task.consignment_id, []).append(task)
    works: list[Work] = []
    obstacles = []
    for consignment_id, group in by_consignment.items():
        made = _make_work(group, consignments[consignment_id], places, day_start_at)
        if isinstance(made, NotPlannable):
            obstacles.append(made)
        else:
            works.append(made)
    return _join_swaps(works, by_consignment, consignments), obstacles


def _join_swaps(
    works: list[Work],
    tasks: Mapping[UUID, list[Task]],
    consignments: Mapping[UUID, ConsignmentView],
) -> list[Work]:
    """Both legs of an exchange that are still to do at one door as one piece of work.

    A van has room for the larger of the two on its way there; on its way back what was taken lies
    where that lay which was brought.
    """
    by_consignment = {work.consignment_id: work for work in works}
    joined = dict(by_consignment)
    for brings in works:
        other_id = consignments[brings.consignment_id].linked_consignment_id
        takes = by_consignment.get(other_id) if other_id else None
        if takes is None or takes.kind != "pickup" or brings.kind == "pickup":
            continue
        if not _meet(brings, takes, tasks[takes.consignment_id]):
            continue
        (old,) = takes.ends
        assert old.task_id is not None  # it was made of its task
        door = replace(brings.ends[-1], service_s=brings.ends[-1].service_s + old.service_s)
        joined[brings.consignment_id] = replace(
            brings,
            ends=(*brings.ends[:-1], door),
            size=_larger(brings.size, takes.size),
            skills=brings.skills | takes.skills,
            priority=max(brings.priority, takes.priority),
            barred_drivers=brings.barred_drivers | takes.barred_drivers,
            swap=OldGoods(takes.waybill, takes.consignment_id, old.task_id),
        )
        del joined[takes.consignment_id]
    return list(joined.values())


def _meet(brings: Work, takes: Work, its_tasks: list[Task]) -> bool:
    """Whether one driver can still do both in one visit."""
    if brings.ends[-1].place_id != takes.ends[0].place_id:
        return False
    under_way = any(task.state in UNDER_WAY for task in its_tasks)
    return not under_way or takes.driver_id == brings.driver_id


def _larger(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])


def _make_work(
    tasks: list[Task],
    consignment: ConsignmentView,
    places: Mapping[UUID, PlaceView],
    day_start_at: datetime,
) -> Work | NotPlannable:
    by_kind = {task.kind: task for task in tasks}
    holder_id = holder_of(consignment)

    def refuse(code: str) -> NotPlannable:
        return NotPlannable(tasks[0].id, consignment.waybill, code)

    if any(places[task.place_id].needs_pin for task in tasks):
        return refuse("needs_pin")
    pickup, delivery = by_kind.get("pickup"), by_kind.get("delivery")
    collects = by_kind.get("return_pickup")
    kind: WorkKind
    ends: tuple[End, ...]
    if collects is not None:
        kind, ends = "pickup", (_end("job", collects, places, day_start_at),)
    elif pickup is not None and delivery is not None:
        kind = "shipment"
        ends = (
            _end("pickup", pickup, places, day_start_at),
            _end("delivery", delivery, places, day_start_at),
        )
        if pickup.pickup_from == "vehicle":
            holder_id = None  # whoever takes it over brings it
    elif delivery is not None:
        kind, ends = "delivery", (_end("job", delivery, places, day_start_at),)
        states = {parcel.state for parcel in consignment.parcels}
        if holder_id is None and consignment.kind == "courier" and states == {"announced"}:
            return refuse("pickup_first")
    else:
        return refuse("half_done")
    late = any(task.attempt > 1 or _is_overdue(task, day_start_at) for task in tasks)
    priority = LATE if late else EXPRESS if consignment.service_level == "express" else USUAL
    assigned = tasks[0].driver_id
    return Work(
        waybill=consignment.waybill,
        consignment_id=consignment.id,
        kind=kind,
        ends=ends,
        size=size_of(consignment),
        skills=frozenset(consignment.skills),
        priority=ASSIGNED if assigned else priority,
        at_depot=kind == "delivery" and holder_id is None,
        holder_id=holder_id,
        driver_id=assigned,
        barred_drivers=frozenset(driver for task in tasks for driver in task.barred_drivers),
    )


def _is_overdue(task: Task, day_start_at: datetime) -> bool:
    return task.window_end_at is not None and task.window_end_at <= day_start_at


def _end(leg: Leg, task: Task, places: Mapping[UUID, PlaceView], day_start_at: datetime) -> End:
    """What is overdue since an earlier day may be done at any time of this one."""
    position = places[task.place_id].position
    assert position is not None  # a place that needs no pin has one
    overdue = _is_overdue(task, day_start_at)
    return End(
        leg=leg,
        task_id=task.id,
        place_id=task.place_id,
        position=position,
        service_s=task.service_s,
        start_at=None if overdue else task.window_start_at,
        end_at=None if overdue else task.window_end_at,
    )


def with_handover(
    work: Work, place_id: UUID, position: Position, fetch_from: Literal["depot", "vehicle"]
) -> Work:
    """The same delivery for a driver who is on the road and must fetch the parcels first."""
    (door,) = work.ends
    fetch = End("pickup", None, place_id, position, HANDOVER_S, fetch_from=fetch_from)
    ends = (fetch, replace(door, leg="delivery"))
    return replace(work, kind="shipment", ends=ends, holder_id=None)


def without_deadline(work: Work) -> Work:
    """The same, better late than never."""
    return replace(work, ends=tuple(replace(end, end_at=None) for end in work.ends))


def size_of(consignment: ConsignmentView) -> tuple[int, int, int]:
    parcels = consignment.parcels
    return (
        sum(parcel.weight_g for parcel in parcels),
        sum(parcel.volume_ml for parcel in parcels),
        len(parcels),
    )
