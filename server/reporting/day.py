"""One day of the company, as it really went."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, and_, case, func, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals import service as arrivals
from server.consignments.models import Consignment, Proof
from server.dispatch.models import ExceptionRecord, Plan, Run, StreetFact, Task
from server.kit.outbox import OutboxReaction
from server.live.models import DriverCommand
from server.orders.models import Order
from server.returns.models import Return
from server.tracking import service as tracking
from server.tracking.models import FixRow

ETA_LEAD_S = 1800
OPEN_TASK = ("unassigned", "assigned", "accepted", "declined", "en_route", "arrived")


class Unassigned(msgspec.Struct, frozen=True, kw_only=True):
    """A task that no run has, and why, in the planner's words."""

    task_id: str
    waybill: str
    code: str
    sentence: str


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """orders, consignments, returned: made in the period. The rest: what came of them.

    delivered: consignments that reached their consignee. failed: those that did not, after an
    attempt. open: those in no final state yet. still_open: first attempts at tasks that are neither
    done nor failed nor among `unassigned`; a next attempt belongs to another day.
    on_time_share: of the completed deliveries with a window, those done inside it; None without.
    planned_km: what the runs were to drive; driven_km: what the fixes show.
    duplicates_absorbed: commands and fixes that came again and had no second effect.
    eta_arrivals: arrivals of which a window had been told half an hour before. eta_coverage: the
    share of those windows that held; they promise 0.8. eta_bias_s: how much later than likely the
    drivers came, on average; eta_width_s: the mean width of the windows; eta_pinball_s: their loss.
    """

    orders: int
    orders_by_state: dict[str, int]
    consignments: int
    delivered: int
    failed: int
    returned: int
    open: int
    still_open: int
    unassigned: list[Unassigned]
    on_time_share: float | None
    planned_km: float
    driven_km: float
    fixes_stored: int
    fixes_rejected: dict[str, int]
    proofs: int
    returns: int
    unannounced_returns: int
    exceptions: dict[str, int]
    commands: int
    commands_rejected: dict[str, int]
    duplicates_absorbed: int
    unfinished_reactions: int
    eta_arrivals: int
    eta_coverage: float | None
    eta_bias_s: float | None
    eta_width_s: float | None
    eta_pinball_s: float | None


async def report_day(session: AsyncSession, *, since: datetime, until: datetime) -> DayReport:
    """The figures of `since` to `until`, from facts of that time."""
    by_state = await _counts(
        session,
        select(Order.state, func.count()).where(_within(Order.captured_at, since, until)),
    )
    consignments = await _counts(
        session,
        select(_outcome(), func.count())
        .select_from(Consignment)
        .where(_within(Consignment.created_at, since, until)),
    )
    rejections = await tracking.fix_rejections(session, since=since, until=until)
    driven = await tracking.driven_m(session, since=since, until=until)
    commands = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(DriverCommand.repeats), 0)).where(
                _within(DriverCommand.received_at, since, until)
            )
        )
    ).one()
    unassigned = await _unassigned(session, since, until)
    eta = await _eta_quality(session, since, until)
    open_tasks = await _count(
        session,
        select(func.count()).where(
            _within(Task.created_at, since, until),
            Task.state.in_(OPEN_TASK),
            Task.attempt == 1,
            Task.consignment_id.not_in(_homeward()),
            Task.id.not_in([UUID(each.task_id) for each in unassigned]),
        ),
    )
    planned_m = select(func.coalesce(func.sum(Run.distance_m), 0)).where(
        _within(Run.published_at, since, until)
    )
    return DayReport(
        orders=sum(by_state.values()),
        orders_by_state=by_state,
        consignments=sum(consignments.values()),
        delivered=consignments.get("delivered", 0),
        failed=consignments.get("failed", 0),
        returned=consignments.get("returned", 0),
        open=consignments.get("open", 0),
        still_open=open_tasks,
        unassigned=unassigned,
        on_time_share=await _on_time_share(session, since, until),
        planned_km=round(await _count(session, planned_m) / 1000, 1),
        driven_km=round(sum(driven.values()) / 1000, 1),
        fixes_stored=await _count(
            session, select(func.count()).where(_within(FixRow.taken_at, since, until))
        ),
        fixes_rejected={reason: n for reason, n in rejections.items() if reason != "duplicate"},
        proofs=await _count(
            session, select(func.count()).where(_within(Proof.received_at, since, until))
        ),
        returns=await _count(
            session, select(func.count()).where(_within(Return.created_at, since, until))
        ),
        unannounced_returns=await _count(
            session,
            select(func.count()).where(
                _within(Return.created_at, since, until),
                Return.announced.is_(False),
                Return.kind == "asked",
            ),
        ),
        exceptions=await _counts(
            session,
            select(ExceptionRecord.kind, func.count()).where(
                _within(ExceptionRecord.raised_at, since, until)
            ),
        ),
        commands=commands[0],
        commands_rejected=await _counts(
            session,
            select(DriverCommand.reject_code, func.count()).where(
                _within(DriverCommand.received_at, since, until),
                DriverCommand.reject_code.is_not(None),
            ),
        ),
        duplicates_absorbed=int(commands[1]) + rejections.get("duplicate", 0),
        unfinished_reactions=await _count(
            session, select(func.count()).where(OutboxReaction.done_at.is_(None))
        ),
        eta_arrivals=eta.arrivals if eta else 0,
        eta_coverage=eta.held_share if eta else None,
        eta_bias_s=eta.bias_s if eta else None,
        eta_width_s=eta.width_s if eta else None,
        eta_pinball_s=eta.pinball_s if eta else None,
    )


async def _eta_quality(
    session: AsyncSession, since: datetime, until: datetime
) -> arrivals.ForecastQuality | None:
    found = await arrivals.score_forecasts(session, since=since, until=until)
    return next((each for each in found if each.lead_s == ETA_LEAD_S), None)


def _within(moment: Any, since: datetime, until: datetime) -> Any:
    """From `since` on and before `until`, so that days beside each other share nothing."""
    return and_(moment >= since, moment < until)


def _homeward() -> Any:
    """The consignments that bring home to their senders what nobody took: another day's work."""
    return select(Return.consignment_id).where(
        Return.kind == "to_sender", Return.consignment_id.is_not(None)
    )


def _outcome() -> Any:
    """What became of a consignment, in the words of the report."""
    came_back = or_(
        and_(
            Consignment.kind == "return",
            Consignment.state.in_(("collected", "at_depot", "returning", "returned", "delivered")),
        ),
        Consignment.id.in_(_homeward()),
    )
    return case(
        (came_back, "returned"),
        # Partly delivered is delivered: what came back of it is in its custody chain.
        (or_(Consignment.state == "delivered", _has_task("completed", "delivery")), "delivered"),
        (_has_task("failed"), "failed"),
        (Consignment.state.in_(("refused", "lost", "damaged")), "failed"),
        (Consignment.state == "cancelled", "cancelled"),
        else_="open",
    )


def _has_task(state: str, kind: str | None = None) -> Any:
    query = select(Task.id).where(Task.consignment_id == Consignment.id, Task.state == state)
    if kind is not None:
        query = query.where(Task.kind == kind)
    return query.correlate(Consignment).exists()


async def _on_time_share(session: AsyncSession, since: datetime, until: datetime) -> float | None:
    """On time is who is at the door before the window closes and done after it has opened."""
    came_at = (
        select(func.min(StreetFact.occurred_at))
        .where(StreetFact.task_id == Task.id, StreetFact.kind == "ArriveAtTasks")
        .correlate(Task)
        .scalar_subquery()
    )
    in_time = and_(
        func.coalesce(came_at, Task.finished_at) <= Task.window_end_at,
        or_(Task.window_start_at.is_(None), Task.finished_at >= Task.window_start_at),
    )
    done, punctual = (
        await session.execute(
            select(func.count(), func.count().filter(in_time)).where(
                Task.kind == "delivery",
                Task.state == "completed",
                Task.window_end_at.is_not(None),
                _within(Task.finished_at, since, until),
            )
        )
    ).one()
    return round(punctual / done, 4) if done else None


async def _unassigned(session: AsyncSession, since: datetime, until: datetime) -> list[Unassigned]:
    """What the newest published plan of each depot left, as far as it is still in no run."""
    plans = await session.scalars(
        select(Plan)
        .where(_within(Plan.published_at, since, until))
        .ext(distinct_on(Plan.depot_id))
        .order_by(Plan.depot_id, Plan.published_at.desc())
    )
    left = [msgspec.convert(each, Unassigned) for plan in plans for each in plan.unassigned]
    waiting = set(
        await session.scalars(
            select(Task.id).where(
                Task.id.in_([UUID(each.task_id) for each in left]), Task.state == "unassigned"
            )
        )
    )
    return [each for each in left if UUID(each.task_id) in waiting]


async def _count(session: AsyncSession, query: Select[Any]) -> int:
    return int((await session.execute(query)).scalar_one())


async def _counts(session: AsyncSession, query: Select[Any, int]) -> dict[str, int]:
    """Rows of (name, count), one for each name."""
    rows = await session.execute(query.group_by(text("1")).order_by(text("1")))
    return {row[0]: row[1] for row in rows}
