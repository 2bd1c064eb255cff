"""What a dispatcher should hear of while a run is driven, before a customer calls.

An alert is an exception that is raised once for each time that something is so, and that settles by
itself when it is over. One that a person settles sooner stays settled.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.service import Window
from server.dispatch.exceptions import raise_exception
from server.dispatch.models import ExceptionRecord, Task
from server.dispatch.promises import will_be_missed
from server.dispatch.road_alerts import Subject, movements_of
from server.dispatch.street_times import RunTimes
from server.kit import clock
from server.kit.geo import Position
from server.tracking.service import SignOfLife

SILENT_AFTER = timedelta(minutes=10)
STANDS_AFTER = timedelta(minutes=20)
STANDS_TIMES = 4
"""So many times the planned service, and STANDS_AFTER at least, is too long at a stop."""

BATTERY_EMPTY_PERCENT = 5
KINDS = (
    "late", "will_be_late", "stands_too_long", "phone_silent", "no_position", "left_route",
    "speeding", "left_stop_open", "left_depot_unstarted", "back_at_depot",
    "entered_geofence", "left_geofence",
)  # fmt: skip
GPS_FAULTS = ("denied", "off")
ONCE = datetime.min.replace(tzinfo=UTC)


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """variant, values: see exception_words. stop_id, geofence_id: what it is about; neither: the
    whole run. since: when this time of it began; ONCE: it is said only once."""

    kind: str
    variant: str | None = None
    values: Mapping[str, Any] = {}
    stop_id: UUID | None = None
    geofence_id: UUID | None = None
    since: datetime = ONCE

    @property
    def subject(self) -> Subject:
        return self.kind, str(self.stop_id or self.geofence_id or "")


def alerts_of(
    run: RunTimes,
    windows: Sequence[Window],
    line: Sequence[Position] | None,
    is_open: Collection[Subject],
    now: datetime,
) -> list[Alert]:
    """What is so now. Pure. line, is_open: see road_alerts."""
    moved = [
        Alert(
            kind=each.kind,
            variant=each.variant,
            values=each.values,
            stop_id=each.stop_id,
            geofence_id=each.geofence_id,
            since=each.since,
        )
        for each in movements_of(run, line, is_open, now)
    ]
    if run.state != "started":
        return moved
    return [*_lateness(run, windows, now), *_standing(run, now), *_silence(run, now), *moved]


def _lateness(run: RunTimes, windows: Sequence[Window], now: datetime) -> list[Alert]:
    expected = {window.stop_id: window for window in windows}
    found = []
    for stop in run.left:
        window = expected.get(stop.id)
        if stop.closes_at is None or window is None:
            continue
        if now > stop.closes_at:
            found.append(Alert(kind="late", stop_id=stop.id))
        elif will_be_missed(stop.closes_at, window.likely_at):
            found.append(Alert(kind="will_be_late", stop_id=stop.id))
    return found


def _standing(run: RunTimes, now: datetime) -> list[Alert]:
    here = run.here
    since = here.turned_to_at if here else None
    if here is None or since is None or run.resting_since is not None:
        return []
    if now - since < max(STANDS_AFTER, timedelta(seconds=STANDS_TIMES * here.serve_s)):
        return []
    return [Alert(kind="stands_too_long", stop_id=here.id, since=since)]


def _silence(run: RunTimes, now: datetime) -> list[Alert]:
    seen_at = run.seen.received_at if run.seen else None
    beat_at = run.sign.heartbeat_at if run.sign else None
    heard = [at for at in (seen_at, beat_at) if at is not None]
    if not heard:
        return []
    if now - max(heard) >= SILENT_AFTER:
        return [Alert(kind="phone_silent", variant=_why_silent(run.sign), since=max(heard))]
    # Who rests is not followed.
    rested_until = [end for _, end in run.rests if end is not None]
    known = [at for at in (seen_at or run.last_left_at, *rested_until) if at is not None]
    if beat_at is None or run.resting_since is not None or not known:
        return []
    if now - max(known) < SILENT_AFTER:
        return []
    return [Alert(kind="no_position", variant=_why_nowhere(run.sign), since=max(known))]


def _why_nowhere(sign: SignOfLife | None) -> str | None:
    if sign and sign.gps in GPS_FAULTS:
        return sign.gps
    return "saver" if sign and sign.battery_saver else None


def _why_silent(sign: SignOfLife | None) -> str | None:
    """What the last heartbeat makes likely."""
    if sign is None:
        return None
    if sign.battery_percent is not None and sign.battery_percent <= BATTERY_EMPTY_PERCENT:
        return "battery"
    if sign.gps in GPS_FAULTS:
        return sign.gps
    if sign.network == "none":
        return "network"
    return "saver" if sign.battery_saver else "closed"


async def follow_alerts(
    session: AsyncSession,
    run: RunTimes,
    windows: Sequence[Window],
    line: Sequence[Position] | None,
    now: datetime,
) -> None:
    """Raise what is new, settle what is over. line: the roads of the run, when a map knows them."""
    records = (
        await session.scalars(
            select(ExceptionRecord)
            .where(ExceptionRecord.run_id == run.run_id, ExceptionRecord.kind.in_(KINDS))
            .with_for_update()
        )
    ).all()
    is_open = {_subject(record) for record in records if record.settled_at is None}
    alerts = alerts_of(run, windows, line, is_open, now)
    so_now = {alert.subject for alert in alerts}
    for record in records:
        if record.settled_at is None and _subject(record) not in so_now:
            record.settled_at, record.settled_by = clock.now(), "system"
    for alert in alerts:
        known = [record for record in records if _subject(record) == alert.subject]
        if any(record.settled_at is None or record.raised_at > alert.since for record in known):
            continue
        raise_exception(
            session,
            alert.kind,
            task=await _task_at(session, alert.stop_id),
            depot_id=run.depot_id,
            run_id=run.run_id,
            driver_id=run.driver_id,
            variant=alert.variant,
            stop_id=str(alert.stop_id or ""),
            geofence_id=str(alert.geofence_id or ""),
            **alert.values,
        )


def _subject(record: ExceptionRecord) -> Subject:
    told = record.details
    return record.kind, str(told.get("stop_id") or told.get("geofence_id") or "")


async def _task_at(session: AsyncSession, stop_id: UUID | None) -> Task | None:
    if stop_id is None:
        return None
    first = select(Task).where(Task.stop_id == stop_id).order_by(Task.sequence, Task.id).limit(1)
    found: Task | None = await session.scalar(first)
    return found
