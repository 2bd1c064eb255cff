"""Plans: asking for one, looking at it, giving it up. Making it is the planner's work, putting it
into force that of `publishing`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.draft import DraftPlan, DraftRun, from_document
from server.dispatch.inputs import Change, day_bounds, find_depot
from server.dispatch.lifecycle import PLAN
from server.dispatch.models import Plan
from server.dispatch.staleness import changes_since
from server.kit import clock
from server.kit.errors import Invalid, NotFound
from server.kit.ids import new_id

DEFAULT_BUDGET_S = 20.0
LONGEST_BUDGET_S = 600.0


class UnknownPlan(NotFound):
    """There is no plan {plan_id}."""

    code = "dispatch.unknown_plan"


class DayIsPast(Invalid):
    """{day} is over at this depot. Plan today or a later day."""

    code = "dispatch.day_is_past"


class BadBudget(Invalid):
    """A plan may take more than 0 and at most 600 seconds."""

    code = "dispatch.bad_budget"


class UnassignedWork(msgspec.Struct, frozen=True, kw_only=True):
    """Work that no run does: a code for programs, a sentence for people."""

    task_id: UUID
    waybill: str
    code: str
    sentence: str


class PlanProgress(msgspec.Struct, frozen=True, kw_only=True):
    elapsed_s: float
    unassigned: int
    cost_minor: int


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """changes: what is not as it was when the plan was made; with any, it cannot be published."""

    id: UUID
    depot_id: UUID
    day: date
    state: str
    input_version: int
    budget_s: float
    requested_by: str
    requested_at: datetime
    progress: PlanProgress | None
    runs: tuple[DraftRun, ...]
    unassigned: tuple[UnassignedWork, ...]
    changes: tuple[Change, ...]
    failure: str | None
    published_at: datetime | None


async def request_plan(
    session: AsyncSession,
    *,
    depot_id: UUID,
    day: date,
    budget_s: float = DEFAULT_BUDGET_S,
    seed: int = 0,
    keep_locks_of: UUID | None = None,
    by: str,
) -> PlanView:
    """Put a plan into the planner's queue.

    budget_s: how long the solver may search.
    keep_locks_of: a plan of the same depot and day whose locked stops stay with their drivers.
    """
    depot = await find_depot(session, depot_id)
    if day_bounds(depot, day)[1] <= clock.now():
        raise DayIsPast(day=day)
    if not 0 < budget_s <= LONGEST_BUDGET_S:
        raise BadBudget
    if keep_locks_of is not None:
        earlier = await find_plan(session, keep_locks_of)
        if (earlier.depot_id, earlier.day) != (depot_id, day):
            raise UnknownPlan(plan_id=keep_locks_of)
    plan = Plan(
        id=new_id(),
        depot_id=depot_id,
        day=day,
        state="queued",
        input_version=depot.input_version,
        budget_s=budget_s,
        seed=seed,
        keep_locks_of=keep_locks_of,
        requested_by=by,
        requested_at=clock.now(),
        attempts=0,
        unassigned=[],
    )
    session.add(plan)
    await session.flush()
    return await plan_view(session, plan)


async def get_plan(session: AsyncSession, plan_id: UUID) -> PlanView:
    return await plan_view(session, await find_plan(session, plan_id))


async def list_plans(
    session: AsyncSession,
    *,
    depot_id: UUID | None = None,
    day: date | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[PlanView]:
    """Newest first."""
    query = select(Plan).order_by(Plan.id.desc()).limit(limit)
    if depot_id is not None:
        query = query.where(Plan.depot_id == depot_id)
    if day is not None:
        query = query.where(Plan.day == day)
    if after is not None:
        query = query.where(Plan.id < after)
    return [await plan_view(session, plan) for plan in (await session.scalars(query)).all()]


async def discard_plan(session: AsyncSession, plan_id: UUID) -> PlanView:
    """Give up a plan that is waiting, being solved or a draft. A planner that is at work on it
    notices within a second and stops. Discarding it twice is fine."""
    plan = await lock_plan(session, plan_id)
    if plan.state != "discarded":
        PLAN.check(plan.state, "discarded")
        plan.state = "discarded"
        plan.finished_at = clock.now()
    return await plan_view(session, plan)


async def find_plan(session: AsyncSession, plan_id: UUID) -> Plan:
    plan = await session.get(Plan, plan_id)
    if plan is None:
        raise UnknownPlan(plan_id=plan_id)
    return plan


async def lock_plan(session: AsyncSession, plan_id: UUID) -> Plan:
    plan = await session.get(Plan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None:
        raise UnknownPlan(plan_id=plan_id)
    return plan


async def plan_view(session: AsyncSession, plan: Plan) -> PlanView:
    changes: Sequence[Change] = ()
    draft = from_document(plan.draft) if plan.draft else DraftPlan(runs=())
    if plan.state in ("draft", "published"):
        changes = await changes_since(session, plan.depot_id, plan.day, plan.input_version, draft)
    return PlanView(
        id=plan.id,
        depot_id=plan.depot_id,
        day=plan.day,
        state=plan.state,
        input_version=plan.input_version,
        budget_s=plan.budget_s,
        requested_by=plan.requested_by,
        requested_at=plan.requested_at,
        progress=msgspec.convert(plan.progress, PlanProgress) if plan.progress else None,
        runs=draft.runs,
        unassigned=tuple(msgspec.convert(each, UnassignedWork) for each in plan.unassigned),
        changes=tuple(changes),
        failure=plan.failure,
        published_at=plan.published_at,
    )


def to_unassigned(items: Sequence[UnassignedWork]) -> list[Any]:
    document: list[Any] = msgspec.to_builtins(items)
    return document
