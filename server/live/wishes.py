"""What the customer behind a tracking link may still decide: another day, where the parcel is left,
what the courier should know; and afterwards what they thought of it.

Only as long as it helps: a day until the goods leave the depot, a place until the courier is on
the way to this very door. A wish goes into the consignment, so planners and the phone see it where
they look anyway.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentChanges, ConsignmentView
from server.dispatch import service as dispatch
from server.kit import clock
from server.kit.errors import Conflict, Invalid
from server.live.models import CustomerWish, DeliveryRating
from server.live.self_service import BY, WindowGone, offered_windows
from server.places import service as places
from server.places.service import PickupPointView

Place = Literal["door", "safe_place", "neighbour", "pickup_point"]
DETAIL_MAX = 100
NOTE_MAX = 300
AT_THE_DEPOT = ("announced", "at_depot")
ON_ITS_WAY = (*AT_THE_DEPOT, "collected", "loaded", "out_for_delivery", "attempted")

TOLD = {
    "door": "",
    "safe_place": "The customer allows leaving it at: {detail}",
    "neighbour": "The customer allows handing it to: {detail}",
    "pickup_point": "The customer fetches it at the pickup point: {detail}",
}
"""What the driver reads."""


class TooLateToChange(Conflict):
    """This can no longer be changed: the courier is about to come."""

    code = "too_late"


class NothingSaid(Invalid):
    """Say which place, or which neighbour."""

    code = "nothing_said"


class NoPointChosen(Invalid):
    """Choose one of the pickup points."""

    code = "no_point_chosen"


class NotYetDelivered(Conflict):
    """A delivery can be rated once it has been made."""

    code = "not_delivered"


class NoStars(Invalid):
    """Choose one to five stars."""

    code = "no_stars"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """place: where it may be left. window: only one that the customer chose."""

    place: Place
    detail: str
    note: str
    window: tuple[datetime, datetime] | None
    wished_at: datetime
    pickup_point_id: UUID | None = None


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen now. windows: none when the day is settled. places: "door" alone when
    somebody must take it in person. points: near the door; none once the goods are on the road."""

    windows: tuple[tuple[datetime, datetime], ...]
    places: tuple[Place, ...]
    wish: Wish | None
    points: tuple[PickupPointView, ...] = ()

    @property
    def is_open(self) -> bool:
        return bool(self.windows or self.places)


async def read_choices(session: AsyncSession, token: str, zone: ZoneInfo) -> Choices:
    """What the holder of the link may decide.

    Raises
    ------
    TrackingLinkUnknown
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    consignment = await consignments.get_consignment(session, consignment_id)
    return await _choices_of(session, consignment, zone)


async def make_wish(
    session: AsyncSession, token: str, fields: Mapping[str, str], zone: ZoneInfo
) -> Wish:
    """Take what the form says; the last one counts, and the same one twice changes nothing.

    fields: window (the beginning of an offered one, or nothing), place, detail, note, point (the
    id of an offered pickup point).

    Raises
    ------
    TrackingLinkUnknown, TooLateToChange, NothingSaid, NoPointChosen, WindowGone
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    if not (await read_choices(session, token, zone)).is_open:
        raise TooLateToChange
    nothing = ConsignmentChanges()
    consignment = await consignments.amend_consignment(session, consignment_id, nothing, by=BY)
    choices = await _choices_of(session, consignment, zone)  # again, now that it is locked
    if not choices.is_open:
        raise TooLateToChange
    window = _chosen_window(choices, fields.get("window", ""))
    place = _chosen_place(choices, fields.get("place", "door"))
    point = _chosen_point(choices, fields.get("point", "")) if place == "pickup_point" else None
    detail = _one_line(fields.get("detail", ""), DETAIL_MAX) if place != "door" else ""
    if point is not None:
        detail = f"{point.name}, {point.line}"
    if place != "door" and not detail:
        raise NothingSaid
    wish = Wish(
        place=place,
        detail=detail,
        note=_one_line(fields.get("note", ""), NOTE_MAX),
        window=window or (choices.wish.window if choices.wish else None),
        wished_at=clock.now(),
        pickup_point_id=point.id if point else None,
    )
    before = await _sender_said(session, consignment, choices.wish)
    home_id = await home_of(session, consignment)
    changes = ConsignmentChanges(instructions=_instructions(before, wish))
    goes_to_id = point.place_id if point else home_id
    if goes_to_id != consignment.consignee.place_id:
        consignee = msgspec.structs.replace(consignment.consignee, place_id=goes_to_id)
        changes = msgspec.structs.replace(changes, consignee=consignee)
    if window:
        changes = msgspec.structs.replace(
            changes, window_start_at=window[0], window_end_at=window[1]
        )
    await consignments.amend_consignment(session, consignment_id, changes, by=BY)
    await _keep(session, consignment_id, wish, before, home_id)
    return wish


async def rate(session: AsyncSession, token: str, fields: Mapping[str, str]) -> None:
    """Keep what the customer thought of the delivery; the last word counts.

    fields: stars (1 to 5), comment.

    Raises
    ------
    TrackingLinkUnknown, NotYetDelivered, NoStars
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    consignment = await consignments.get_consignment(session, consignment_id)
    if consignment.state != "delivered" or consignment.kind == "return":
        raise NotYetDelivered
    if fields.get("stars") not in {"1", "2", "3", "4", "5"}:
        raise NoStars
    values = {
        "stars": int(fields["stars"]),
        "comment": _one_line(fields.get("comment", ""), NOTE_MAX),
        "rated_at": clock.now(),
    }
    await session.execute(
        insert(DeliveryRating)
        .values(consignment_id=consignment_id, **values)
        .on_conflict_do_update(index_elements=["consignment_id"], set_=values)
    )


class CustomerSaid(msgspec.Struct, frozen=True, kw_only=True):
    """For the people of the company."""

    wish: Wish | None
    stars: int | None
    comment: str


async def what_customer_said(session: AsyncSession, consignment_id: UUID) -> CustomerSaid:
    """The wish and the rating of one consignment.

    Raises
    ------
    UnknownConsignment
    """
    await consignments.get_consignment(session, consignment_id)
    wish = await session.get(CustomerWish, consignment_id)
    rating = await session.get(DeliveryRating, consignment_id)
    return CustomerSaid(
        wish=_wish_of(wish) if wish else None,
        stars=rating.stars if rating else None,
        comment=rating.comment if rating else "",
    )


async def stars_of(session: AsyncSession, consignment_id: UUID) -> int | None:
    rating = await session.get(DeliveryRating, consignment_id)
    return rating.stars if rating else None


async def _choices_of(
    session: AsyncSession, consignment: ConsignmentView, zone: ZoneInfo
) -> Choices:
    row = await session.get(CustomerWish, consignment.id, populate_existing=True)
    wish = _wish_of(row) if row else None
    closed = Choices(windows=(), places=(), wish=wish)
    if consignment.kind == "return" or consignment.state not in ON_ITS_WAY:
        return closed
    progress = await dispatch.stop_progress(session, consignment.id)
    if progress is not None and progress.is_active_or_next:
        return closed
    is_settled = consignment.state not in AT_THE_DEPOT or (
        progress is not None
        and progress.run_id is not None
        and (await dispatch.get_run(session, progress.run_id)).state != "published"
    )
    if _needs_a_person(consignment):
        left_at: tuple[Place, ...] = ("door",)
    elif is_settled and wish is not None and wish.place == "pickup_point":
        left_at = ()  # it is on the road to the point: there is no door to leave it at any more
    else:
        left_at = ("door", "safe_place", "neighbour")
    points: tuple[PickupPointView, ...] = ()
    if left_at != ("door",) and not is_settled:
        points = await _points_near(session, await home_of(session, consignment))
        left_at = (*left_at, "pickup_point") if points else left_at
    return Choices(
        windows=() if is_settled else offered_windows(clock.now(), zone),
        places=left_at,
        wish=wish,
        points=points,
    )


async def _points_near(session: AsyncSession, home_id: UUID | None) -> tuple[PickupPointView, ...]:
    home = (await places.get_places(session, [home_id])).get(home_id) if home_id else None
    if home is None or home.position is None:
        return ()
    return tuple(await places.pickup_points_near(session, home.position))


async def home_of(session: AsyncSession, consignment: ConsignmentView) -> UUID | None:
    """The consignee's own place, also while the parcel is to go to a pickup point. A sender who has
    given another address since then counts."""
    at_id = consignment.consignee.place_id
    row = await session.get(CustomerWish, consignment.id)
    if row is None or row.pickup_point_id is None or row.home_place_id is None:
        return at_id
    point = await places.get_pickup_point(session, row.pickup_point_id)
    return row.home_place_id if at_id == point.place_id else at_id


def _needs_a_person(consignment: ConsignmentView) -> bool:
    """A PIN, a signature, cash or old goods in exchange are not to be had from a shed."""
    return bool(
        consignment.has_pin
        or consignment.cash_minor
        or consignment.linked_consignment_id
        or "required" in (consignment.proof.signature, consignment.proof.pin)
    )


def _chosen_window(choices: Choices, start: str) -> tuple[datetime, datetime] | None:
    if not start:
        return None
    for window in choices.windows:
        if window[0].isoformat() == start:
            return window
    raise WindowGone


def _chosen_place(choices: Choices, place: str) -> Place:
    for each in choices.places:
        if each == place:
            return each
    raise TooLateToChange


def _chosen_point(choices: Choices, point_id: str) -> PickupPointView:
    for each in choices.points:
        if str(each.id) == point_id:
            return each
    raise NoPointChosen


async def _sender_said(
    session: AsyncSession, consignment: ConsignmentView, wish: Wish | None
) -> str:
    """The instructions without the customer's earlier wish; those of a sender who has changed
    them since are new altogether."""
    row = await session.get(CustomerWish, consignment.id)
    if row is None or wish is None:
        return consignment.instructions
    added = _instructions(row.instructions_before, wish)
    return (
        row.instructions_before if consignment.instructions == added else consignment.instructions
    )


def _instructions(before: str, wish: Wish) -> str:
    told = [before, TOLD[wish.place].format(detail=wish.detail)]
    if wish.note:
        told.append(f"The customer says: {wish.note}")
    return "\n".join(line for line in told if line)


async def _keep(
    session: AsyncSession, consignment_id: UUID, wish: Wish, before: str, home_id: UUID | None
) -> None:
    start_at, end_at = wish.window or (None, None)
    values = {
        "place": wish.place,
        "detail": wish.detail,
        "note": wish.note,
        "instructions_before": before,
        "pickup_point_id": wish.pickup_point_id,
        "home_place_id": home_id,
        "window_start_at": start_at,
        "window_end_at": end_at,
        "wished_at": wish.wished_at,
    }
    await session.execute(
        insert(CustomerWish)
        .values(consignment_id=consignment_id, **values)
        .on_conflict_do_update(index_elements=["consignment_id"], set_=values)
    )


def _wish_of(row: CustomerWish) -> Wish:
    window = None
    if row.window_start_at and row.window_end_at:
        window = (row.window_start_at, row.window_end_at)
    place = next(each for each in get_args(Place) if each == row.place)
    return Wish(
        place=place,
        detail=row.detail,
        note=row.note,
        window=window,
        wished_at=row.wished_at,
        pickup_point_id=row.pickup_point_id,
    )


def _one_line(text: str, most: int) -> str:
    """Without what no line of text has."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:most]
