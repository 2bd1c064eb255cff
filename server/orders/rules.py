"""What makes an order sensible, and which window it is promised. Pure."""

from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from server.orders.errors import (
    ConsignorMissing,
    ConsignorOfGoods,
    HalfWindow,
    LinesOfCourier,
    NothingOrdered,
    PickupAfterDelivery,
    PinMissing,
    QuoteTooLate,
    WindowEndsBeforeStart,
    WindowInThePast,
    WindowTooFar,
)
from server.orders.order import OrderDraft, Quote

MAX_DAYS_AHEAD = 366

WINDOWS = (
    "window_start_at",
    "window_end_at",
    "pickup_window_start_at",
    "pickup_window_end_at",
)


class Promise(Protocol):
    """What a service level says about time; see models.ServiceLevel."""

    cut_off_local: time
    days_after: int
    window_start_local: time
    window_end_local: time
    within_s: int | None


def promised_window(
    promise: Promise, *, now: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """The window of an order that comes in `now`, with days counted in the company's zone."""
    local = now.astimezone(zone)
    late = local.time() > promise.cut_off_local
    day = local.date() + timedelta(days=promise.days_after + late)
    start = max(datetime.combine(day, promise.window_start_local, zone), now)
    end = datetime.combine(day, promise.window_end_local, zone)
    if promise.within_s:
        end = min(end, start + timedelta(seconds=promise.within_s))
    return start.astimezone(now.tzinfo), end.astimezone(now.tzinfo)


def fill_pickup_window(draft: OrderDraft, *, now: datetime, zone: ZoneInfo) -> OrderDraft:
    """A courier booking that says nothing else is collected on the day of its delivery window."""
    if draft.kind != "courier" or draft.pickup_window_end_at or draft.pickup_window_start_at:
        return draft
    assert draft.window_start_at and draft.window_end_at
    day = draft.window_start_at.astimezone(zone).date()
    start = max(now, datetime.combine(day, time(0), zone)).astimezone(now.tzinfo)
    return msgspec.structs.replace(
        draft, pickup_window_start_at=start, pickup_window_end_at=draft.window_end_at
    )


def check_content(draft: OrderDraft) -> None:
    """Refuse an order that contradicts itself."""
    if not draft.lines and not draft.parcels:
        raise NothingOrdered(field="parcels")
    if draft.kind == "courier":
        if draft.consignor is None:
            raise ConsignorMissing(field="consignor")
        if draft.lines:
            raise LinesOfCourier(field="lines")
    elif draft.consignor or draft.pickup_window_start_at or draft.pickup_window_end_at:
        raise ConsignorOfGoods(field="consignor")
    if draft.proof.pin == "required" and not draft.pin:
        raise PinMissing(field="pin")


def check_quote(draft: OrderDraft, quote: Quote | None, *, now: datetime) -> None:
    """Refuse an offer that is over already, or stands longer than it can be kept."""
    if quote is None:
        return
    assert draft.window_end_at
    if not now < quote.expires_at <= draft.window_end_at:
        raise QuoteTooLate(field="expires_at")


def check_windows(draft: OrderDraft, *, now: datetime) -> None:
    """Refuse windows that nobody could keep."""
    start, end = draft.window_start_at, draft.window_end_at
    pickup_start, pickup_end = draft.pickup_window_start_at, draft.pickup_window_end_at
    _check_window(start, end, "window_end_at", now)
    _check_window(pickup_start, pickup_end, "pickup_window_end_at", now)
    if end and pickup_start and pickup_start >= end:
        raise PickupAfterDelivery(field="pickup_window_start_at")


def _check_window(start: datetime | None, end: datetime | None, field: str, now: datetime) -> None:
    if start is None and end is None:
        return
    if start is None or end is None:
        raise HalfWindow(field=field)
    if end <= start:
        raise WindowEndsBeforeStart(field=field)
    if end <= now:
        raise WindowInThePast(field=field, window_end_at=end)
    if start > now + timedelta(days=MAX_DAYS_AHEAD):
        raise WindowTooFar(field=field, max_days=MAX_DAYS_AHEAD)
