"""What the customer behind a tracking link may do about returns, and nothing else: see which goods
of this one consignment can come back, ask for it, and choose how they come."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import Label
from server.dispatch import service as dispatch
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.idempotency import answer_once
from server.kit.settings import Settings
from server.returns import service as returns
from server.returns.service import ReturnableGoods, ReturningGoods, ReturnReason, ReturnView

BY = "customer"
PHOTOS_MAX = 5
NOTE_MAX = 500
SLOTS = ((time(8), time(13)), (time(13), time(18)))
DAYS_OFFERED = 4
RETURNS_SHOWN = 20
SUNDAY = 6


class NothingChosen(Invalid):
    """Say of at least one article how many units come back."""

    code = "nothing_chosen"


class WindowGone(Conflict):
    """This time is no longer offered. Choose another one."""

    code = "window_gone"


class NotOfThisParcel(NotFound):
    """This parcel has no return {rma!r}."""

    code = "live.no_such_return"


class OwnReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return of these goods. pickup: when it is collected, once that is arranged."""

    rma: str
    state: str
    contents: tuple[str, ...]
    is_drop_off: bool
    pickup: tuple[datetime, datetime] | None
    refund_minor: int | None
    currency: str


class SelfService(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows."""

    goods: tuple[ReturnableGoods, ...]
    reasons: tuple[ReturnReason, ...]
    returns: tuple[OwnReturn, ...]
    windows: tuple[tuple[datetime, datetime], ...]
    can_collect: bool


async def self_service(session: AsyncSession, token: str, zone: ZoneInfo) -> SelfService:
    """The goods behind a link.

    Raises
    ------
    TrackingLinkUnknown
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    consignment = await consignments.get_consignment(session, consignment_id)
    is_return = consignment.kind == "return"
    goods = [] if is_return else await returns.returnable_of(session, consignment_id)
    own = await returns.list_returns(
        session, original_consignment_id=consignment_id, limit=RETURNS_SHOWN
    )
    return SelfService(
        goods=tuple(each for each in goods if each.free),
        reasons=tuple(await returns.list_reasons(session, consignment.account_id)),
        returns=tuple([await _own(session, each) for each in own if each.kind == "asked"]),
        windows=offered_windows(clock.now(), zone),
        can_collect=consignment.consignee.place_id is not None,
    )


async def ask(
    session: AsyncSession,
    token: str,
    fields: Mapping[str, str],
    photos: Sequence[str],
) -> ReturnView:
    """Ask for what the form says; sent twice, it is asked once.

    fields: units-<line> and reason-<line> for each line, note, key.

    Raises
    ------
    TrackingLinkUnknown, NothingChosen, and as returns.ask_for_return
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    goods = _chosen(await returns.returnable_of(session, consignment_id), fields, photos)
    note = _cleaned(fields.get("note", ""))

    async def act() -> ReturnView:
        return await returns.ask_for_return(
            session, consignment_id=consignment_id, goods=goods, reason=note, by=BY
        )

    return await answer_once(
        session,
        scope=f"return_page:{consignment_id}",
        key=_cleaned(fields.get("key", ""))[:64] or None,
        body=[goods, note],
        answer_type=ReturnView,
        act=act,
    )


async def choose_way(
    session: AsyncSession, token: str, rma: str, way: str, zone: ZoneInfo
) -> ReturnView:
    """How an approved return comes: "drop_off", or the beginning of an offered window.

    Raises
    ------
    TrackingLinkUnknown, NotOfThisParcel, WindowGone, IllegalMove, NotDoorToDepot
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    own = await returns.list_returns(
        session, original_consignment_id=consignment_id, limit=RETURNS_SHOWN
    )
    found = next((each for each in own if each.rma == rma), None)
    if found is None:
        raise NotOfThisParcel(rma=rma[:40])
    if way == "drop_off":
        return await returns.book_return(session, found.id, drop_off=True, by=BY)
    for start_at, end_at in offered_windows(clock.now(), zone):
        if start_at.isoformat() == way:
            return await returns.book_return(
                session, found.id, window_start_at=start_at, window_end_at=end_at, by=BY
            )
    raise WindowGone


async def return_labels(
    session: AsyncSession, token: str, rma: str, settings: Settings
) -> list[Label]:
    """The labels of a return that is arranged and not handed over yet. Who will fetch it is not
    the customer's to know.

    Raises
    ------
    TrackingLinkUnknown, NotOfThisParcel
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    own = await returns.list_returns(
        session, original_consignment_id=consignment_id, limit=RETURNS_SHOWN
    )
    for each in own:
        if each.rma == rma and each.state == "booked" and each.consignment_id is not None:
            labels = await dispatch.labels_of_consignments(
                session, [each.consignment_id], settings=settings
            )
            return [msgspec.structs.replace(label, run="", stop="") for label in labels]
    raise NotOfThisParcel(rma=rma[:40])


def offered_windows(now: datetime, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """Half days from tomorrow on, not on Sundays, in the company's time."""
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(1, DAYS_OFFERED + 2))
    working = [day for day in days if day.weekday() != SUNDAY][:DAYS_OFFERED]
    return tuple(
        (datetime.combine(day, start, zone), datetime.combine(day, end, zone))
        for day in working
        for start, end in SLOTS
    )


def _chosen(
    goods: Sequence[ReturnableGoods], fields: Mapping[str, str], photos: Sequence[str]
) -> tuple[ReturningGoods, ...]:
    chosen = []
    for line in goods:
        units = fields.get(f"units-{line.order_line}", "").strip()
        if units in ("", "0"):
            continue
        chosen.append(
            _checked(
                order_line=line.order_line,
                quantity=int(units) if units.isascii() and units.isdecimal() else 0,
                reason=fields.get(f"reason-{line.order_line}", ""),
                photos=photos,
            )
        )
    if not chosen:
        raise NothingChosen
    return tuple(chosen)


def _checked(**goods: Any) -> ReturningGoods:
    try:
        return msgspec.convert(goods, ReturningGoods)
    except msgspec.ValidationError as error:
        if "reason" in str(error):
            raise returns.UnknownReason(reason=goods["reason"][:40]) from None
        raise returns.TooManyUnits(
            order_line=goods["order_line"], sku="", free="", quantity=goods["quantity"]
        ) from None


def _cleaned(text: str) -> str:
    """Without what no text has; line breaks stay."""
    return "".join(each for each in text if each.isprintable() or each == "\n")[:NOTE_MAX].strip()


async def _own(session: AsyncSession, found: ReturnView) -> OwnReturn:
    coming = await _way_back(session, found.consignment_id)
    window = (coming.window_start_at, coming.window_end_at) if coming else (None, None)
    return OwnReturn(
        rma=found.rma,
        state=found.state,
        contents=tuple(
            f"{line.quantity} × {line.description or line.sku}"
            for line in found.lines
            if line.kit_line_id is None and line.quantity
        ),
        is_drop_off=coming is not None and coming.consignor.place_id is None,
        pickup=(window[0], window[1]) if window[0] and window[1] else None,
        refund_minor=found.refund_minor,
        currency=found.currency,
    )


async def _way_back(
    session: AsyncSession, consignment_id: UUID | None
) -> consignments.ConsignmentView | None:
    return await consignments.get_consignment(session, consignment_id) if consignment_id else None
