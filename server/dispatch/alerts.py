"""What a dispatcher should hear of while a run is driven, before a customer calls.

An alert is an exception that is raised once for each time that something is so, and that settles by
itself when it is over. One that a person settles sooner stays settled.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
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
GPS_CURES: dict[str | None, str] = {
    "denied": "The app may not use the location. Let the driver allow it in the settings.",
    "off": "Location was switched off. Let the driver switch it on.",
}
ONCE = datetime.min.replace(tzinfo=UTC)


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """stop_id, geofence_id: what it is about; neither: the whole run. since: when this time of it
    began; ONCE: it is said only once."""

    kind: str
    sentence: str
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
            sentence=each.sentence,
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
            sentence = "The promised time has passed. Call the customer, or agree on a new time."
            found.append(Alert(kind="late", sentence=sentence, stop_id=stop.id))
        elif will_be_missed(stop.closes_at, window.likely_at):
            sentence = (
                "The driver will probably come after the promised time. Tell the customer, move the"
                " stop forward or give it to another run."
            )
            found.append(Alert(kind="will_be_late", sentence=sentence, stop_id=stop.id))
    return found


def _standing(run: RunTimes, now: datetime) -> list[Alert]:
    here = run.here
    since = here.turned_to_at if here else None
    if here is None or since is None or run.resting_since is not None:
        return []
    if now - since < max(STANDS_AFTER, timedelta(seconds=STANDS_TIMES * here.serve_s)):
        return []
    sentence = "The driver has been at this stop unusually long. Call the driver."
    return [Alert(kind="stands_too_long", sentence=sentence, stop_id=here.id, since=since)]


def _silence(run: RunTimes, now: datetime) -> list[Alert]:
    seen_at = run.seen.received_at if run.seen else None
    beat_at = run.sign.heartbeat_at if run.sign else None
    heard = [at for at in (seen_at, beat_at) if at is not None]
    if not heard:
        return []
    if now - max(heard) >= SILENT_AFTER:
        sentence = f"The phone has not been heard of for a while. {_why_silent(run.sign)}"
        return [Alert(kind="phone_silent", sentence=sentence, since=max(heard))]
    # Who rests is not followed.
    rested_until = [end for _, end in run.rests if end is not None]
    known = [at for at in (seen_at or run.last_left_at, *rested_until) if at is not None]
    if beat_at is None or run.resting_since is not None or not known:
        return []
    if now - max(known) < SILENT_AFTER:
        return []
    sentence = f"The phone is on, but does not say where it is. {_why_nowhere(run.sign)}"
    return [Alert(kind="no_position", sentence=sentence, since=max(known))]


def _why_nowhere(sign: SignOfLife | None) -> str:
    gps = sign.gps if sign else None
    if gps in GPS_CURES:
        return GPS_CURES[gps]
    if sign and sign.battery_saver:
        return "The battery saver is on. Let the driver switch it off for the app."
    return "It may have no view of the sky. Let the driver open the app and look at its GPS check."


def _why_silent(sign: SignOfLife | None) -> str:
    """What the last heartbeat makes likely, and what to do."""
    if sign is None:
        return "Call the driver: is the app open?"
    if sign.battery_percent is not None and sign.battery_percent <= BATTERY_EMPTY_PERCENT:
        return "Its battery was nearly empty. Call the driver: charge it in the vehicle."
    if sign.gps in GPS_CURES:
        return GPS_CURES[sign.gps]
    if sign.network == "none":
        return "It had no network. Its work is kept, and comes when there is network again."
    if sign.battery_saver:
        return "The battery saver was on and may have stopped the app. Let the driver open it."
    return "The app was probably closed. Let the driver open it."


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
            sentence=alert.sentence,
            stop_id=str(alert.stop_id or ""),
            geofence_id=str(alert.geofence_id or ""),
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
