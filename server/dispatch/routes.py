"""Planning and the day's work over HTTP, for dispatchers."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service
from server.dispatch.breakdown import Reassignment
from server.dispatch.draft_edits import MoveEffect
from server.dispatch.exception_routes import EXCEPTION_ROUTES
from server.dispatch.fleet_routes import FLEET_ROUTES, MAY_CHANGE, MAY_READ
from server.dispatch.geofence_routes import GEOFENCE_ROUTES
from server.dispatch.lifespan import ROADS, LazyRoads
from server.dispatch.message_routes import MESSAGE_ROUTES
from server.dispatch.planning import DEFAULT_BUDGET_S, LONGEST_BUDGET_S, PlanView
from server.dispatch.pool import PoolItem
from server.dispatch.progress import RunView
from server.dispatch.run_edits import Manner, RunChange
from server.dispatch.tasks import TaskView
from server.dispatch.trip_routes import get_trips
from server.dispatch.urgent import InsertedWork
from server.dispatch.warehouse_routes import WAREHOUSE_ROUTES
from server.dispatch.way import RunWay
from server.identity.access import Principal
from server.kit.geo import Position
from server.kit.inputs import Lat, Limit, Lon
from server.kit.paging import cut_page

AnswerWithin = Annotated[int | None, QueryParameter(ge=30, le=3600)]


class NewPlan(msgspec.Struct, forbid_unknown_fields=True):
    """budget_s: how long the solver may search. keep_locks_of: a plan whose locked stops stay."""

    depot_id: UUID
    day: date
    budget_s: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_BUDGET_S)] = DEFAULT_BUDGET_S
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    keep_locks_of: UUID | None = None


class StopMove(msgspec.Struct, forbid_unknown_fields=True):
    """to_index: before which stop of that shift's run, from 0, the moved one not counted."""

    to_shift_id: UUID
    to_index: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class RunMove(msgspec.Struct, forbid_unknown_fields=True):
    """stop_ids: none means all that is left. accept_late: break promises for it. only_look: say
    what it would do, and change nothing."""

    to_shift_id: UUID
    stop_ids: Annotated[list[UUID], msgspec.Meta(max_length=500)] = []
    accept_late: bool = False
    only_look: bool = False


class RunSwap(msgspec.Struct, forbid_unknown_fields=True):
    """accept_late, only_look: as of a move."""

    with_run_id: UUID
    accept_late: bool = False
    only_look: bool = False


class StopLock(msgspec.Struct, forbid_unknown_fields=True):
    locked: bool


class Repeat(msgspec.Struct, forbid_unknown_fields=True):
    day: date


class Breakdown(msgspec.Struct, forbid_unknown_fields=True):
    """Where the van stands; without it, where it was last seen."""

    lon: Lon | None = None
    lat: Lat | None = None


class PlanPage(msgspec.Struct):
    items: list[PlanView]
    next: UUID | None


class RunPage(msgspec.Struct):
    items: list[RunView]
    next: UUID | None


@get("/api/depots/{depot_id:uuid}/pool", guards=[MAY_READ])
async def get_pool(
    depot_id: FromPath[UUID], day: FromQuery[date], session: NamedDependency[AsyncSession]
) -> list[PoolItem]:
    """What waits for a run on that day, and why some of it cannot be planned."""
    return await service.read_pool(session, depot_id, day)


@post("/api/plans", guards=[MAY_CHANGE], status_code=202)
async def request_plan(
    data: JSONBody[NewPlan],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> PlanView:
    """The plan is made in the background: look at GET /api/plans/{id} until it is a draft."""
    return await service.request_plan(session, **msgspec.structs.asdict(data), by=principal.label)


@get("/api/plans", guards=[MAY_READ])
async def list_plans(
    session: NamedDependency[AsyncSession],
    *,
    depot_id: FromQuery[UUID | None] = None,
    day: FromQuery[date | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> PlanPage:
    """Newest first."""
    items = await service.list_plans(
        session, depot_id=depot_id, day=day, limit=limit + 1, after=after
    )
    return PlanPage(*cut_page(items, limit))


@get("/api/plans/{plan_id:uuid}", guards=[MAY_READ])
async def get_plan(plan_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> PlanView:
    return await service.get_plan(session, plan_id)


@post(
    ["/api/plans/{plan_id:uuid}/cancel", "/api/plans/{plan_id:uuid}/discard"],
    guards=[MAY_CHANGE],
    status_code=200,
)
async def discard_plan(plan_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> PlanView:
    """Stop making it, or throw the draft away."""
    return await service.discard_plan(session, plan_id)


@post("/api/plans/{plan_id:uuid}/publish", guards=[MAY_CHANGE], status_code=200)
async def publish_plan(
    plan_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> PlanView:
    """Send its runs to the drivers. 409 dispatch.stale_plan when the inputs have changed."""
    return await service.publish_plan(session, plan_id, by=principal.label)


@patch("/api/plans/{plan_id:uuid}/stops/{stop_id:uuid}", guards=[MAY_CHANGE])
async def lock_stop(
    plan_id: FromPath[UUID],
    stop_id: FromPath[UUID],
    data: JSONBody[StopLock],
    session: NamedDependency[AsyncSession],
) -> PlanView:
    """Keep a stop with its driver, or let it go again."""
    return await service.lock_stop(session, plan_id, stop_id, locked=data.locked)


@post(
    "/api/plans/{plan_id:uuid}/stops/{stop_id:uuid}/move",
    guards=[MAY_CHANGE],
    status_code=200,
    dependencies=ROADS,
)
async def move_stop(
    plan_id: FromPath[UUID],
    stop_id: FromPath[UUID],
    data: JSONBody[StopMove],
    session: NamedDependency[AsyncSession],
    roads: NamedDependency[LazyRoads],
) -> PlanView:
    """Move a stop by hand; refused with the reasons when it cannot be done there."""
    return await service.move_stop(
        session,
        plan_id,
        stop_id,
        to_shift_id=data.to_shift_id,
        to_index=data.to_index,
        roads=await roads.get(),
    )


@get(
    "/api/plans/{plan_id:uuid}/stops/{stop_id:uuid}/effects",
    guards=[MAY_READ],
    dependencies=ROADS,
)
async def list_move_effects(
    plan_id: FromPath[UUID],
    stop_id: FromPath[UUID],
    shift_id: FromQuery[UUID],
    session: NamedDependency[AsyncSession],
    roads: NamedDependency[LazyRoads],
) -> tuple[MoveEffect, ...]:
    """What moving a stop would do, for every place in that shift's run. Nothing is changed."""
    return await service.read_move_effects(
        session, plan_id, stop_id, to_shift_id=shift_id, roads=await roads.get()
    )


@post("/api/runs/{run_id:uuid}/moves", guards=[MAY_CHANGE], status_code=200, dependencies=ROADS)
async def move_stops(
    run_id: FromPath[UUID],
    data: JSONBody[RunMove],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    roads: NamedDependency[LazyRoads],
) -> RunChange:
    """Give stops of a run that is in force, or all that is left of it, to another driver."""
    how = Manner(by=principal.label, accept_late=data.accept_late, only_look=data.only_look)
    return await service.move_stops(
        session,
        run_id,
        data.stop_ids,
        to_shift_id=data.to_shift_id,
        roads=await roads.get(),
        how=how,
    )


@post("/api/runs/{run_id:uuid}/swap", guards=[MAY_CHANGE], status_code=200, dependencies=ROADS)
async def swap_runs(
    run_id: FromPath[UUID],
    data: JSONBody[RunSwap],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    roads: NamedDependency[LazyRoads],
) -> RunChange:
    """Give each of two drivers what is left of the other's run."""
    how = Manner(by=principal.label, accept_late=data.accept_late, only_look=data.only_look)
    return await service.swap_runs(
        session, run_id, with_run_id=data.with_run_id, roads=await roads.get(), how=how
    )


@get("/api/runs", guards=[MAY_READ])
async def list_runs(
    session: NamedDependency[AsyncSession],
    *,
    depot_id: FromQuery[UUID | None] = None,
    day: FromQuery[date | None] = None,
    driver_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> RunPage:
    """Newest first."""
    items = await service.list_runs(
        session, depot_id=depot_id, day=day, driver_id=driver_id, limit=limit + 1, after=after
    )
    return RunPage(*cut_page(items, limit))


@get("/api/runs/{run_id:uuid}", guards=[MAY_READ])
async def get_run(run_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> RunView:
    return await service.get_run(session, run_id)


@get("/api/runs/{run_id:uuid}/way", guards=[MAY_READ], dependencies=ROADS)
async def get_way(
    run_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    roads: NamedDependency[LazyRoads],
) -> RunWay:
    """The roads that it takes, as GeoJSON."""
    return await service.find_way(session, run_id, roads=await roads.get())


@post(
    "/api/runs/{run_id:uuid}/breakdown",
    guards=[MAY_CHANGE],
    status_code=200,
    dependencies=ROADS,
)
async def report_breakdown(
    run_id: FromPath[UUID],
    data: JSONBody[Breakdown],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    roads: NamedDependency[LazyRoads],
) -> Reassignment:
    """Give the rest of a driver's day to the other runs."""
    known = data.lon is not None and data.lat is not None
    position = Position(data.lon or 0.0, data.lat or 0.0) if known else None
    return await service.reassign_run(
        session, run_id, roads=await roads.get(), position=position, by=principal.label
    )


@post(
    "/api/consignments/{consignment_id:uuid}/urgent",
    guards=[MAY_CHANGE],
    status_code=200,
    dependencies=ROADS,
)
async def insert_urgent(
    consignment_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    roads: NamedDependency[LazyRoads],
    *,
    answer_within_s: AnswerWithin = None,
) -> InsertedWork:
    """Put it into the cheapest run of today; says which one and what becomes late.

    answer_within_s: only offer it to that driver, and take it back without an answer until then.
    """
    return await service.insert_urgent(
        session,
        consignment_id,
        roads=await roads.get(),
        answer_within_s=answer_within_s,
        by=principal.label,
    )


@get("/api/consignments/{consignment_id:uuid}/tasks", guards=[MAY_READ])
async def list_tasks(
    consignment_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> list[TaskView]:
    return await service.list_tasks(session, consignment_id)


@post("/api/tasks/{task_id:uuid}/repeat", guards=[MAY_CHANGE], status_code=201)
async def repeat_task(
    task_id: FromPath[UUID], data: JSONBody[Repeat], session: NamedDependency[AsyncSession]
) -> TaskView:
    """Let a failed task be tried again on a day."""
    return await service.repeat_task(session, task_id, day=data.day)


ROUTES = [
    *FLEET_ROUTES,
    *WAREHOUSE_ROUTES,
    get_pool,
    request_plan,
    list_plans,
    get_plan,
    discard_plan,
    publish_plan,
    lock_stop,
    move_stop,
    list_move_effects,
    move_stops,
    swap_runs,
    list_runs,
    get_run,
    get_way,
    report_breakdown,
    insert_urgent,
    list_tasks,
    repeat_task,
    *EXCEPTION_ROUTES,
    get_trips,
    *GEOFENCE_ROUTES,
    *MESSAGE_ROUTES,
]
