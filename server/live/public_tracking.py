"""What anyone who has the link may know about one consignment, and nothing else.

No names, no telephone numbers, no addresses but the town, nobody else's stops; the courier's
position only while this stop is the one they are at or drive to, and then only roughly.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, StoryEntry
from server.dispatch import service as dispatch
from server.dispatch.service import StopProgress
from server.kit import clock
from server.kit.geo import Position, haversine_m
from server.places import service as places
from server.places.service import SKETCH_WIDTH, PlaceView, Sketch
from server.tracking import service as tracking

Step = Literal[
    "announced", "on_the_way_to_depot", "at_depot", "on_the_road", "attempted", "delivered",
    "refused", "damaged", "lost", "returning", "returned", "cancelled",
]  # fmt: skip

STEPS: dict[str, Step] = {
    "announced": "announced",
    "collected": "on_the_way_to_depot",
    "at_depot": "at_depot",
    "loaded": "on_the_road",
    "out_for_delivery": "on_the_road",
    "attempted": "attempted",
    "delivered": "delivered",
    "refused": "refused",
    "damaged": "damaged",
    "lost": "lost",
    "returning": "returning",
    "returned": "returned",
    "cancelled": "cancelled",
}
"""State of a consignment -> what it means to the one who waits for it."""

OVER: tuple[Step, ...] = ("delivered", "refused", "lost", "returned", "cancelled")
FRESH_FIX = timedelta(minutes=5)
REACHES_M = (400, 800, 1_600, 3_200, 6_400)
"""How far a sketch may reach from the door: a few sizes, so that it seldom changes."""


class Milestone(msgspec.Struct, frozen=True):
    step: Step
    occurred_at: datetime


class StreetView(msgspec.Struct, frozen=True):
    """door, courier: pixels of the sketch. courier_at: when the courier was there."""

    sketch: Sketch
    door: tuple[int, int]
    courier: tuple[int, int] | None = None
    courier_at: datetime | None = None


class PublicView(msgspec.Struct, frozen=True, kw_only=True):
    """expected_from_at, expected_until_at: when the courier comes, by the plan if is_planned, else
    what was agreed; None when that has passed (is_late). is_next: the courier is at this stop or
    drives to it."""

    step: Step
    is_return: bool
    is_over: bool
    town: str
    expected_from_at: datetime | None = None
    expected_until_at: datetime | None = None
    is_planned: bool = False
    is_late: bool = False
    stops_before: int | None = None
    is_next: bool = False
    milestones: tuple[Milestone, ...] = ()
    streets: StreetView | None = None
    seen_at: datetime


async def public_view(session: AsyncSession, token: str) -> PublicView:
    """The consignment behind a link, as its holder may see it.

    Raises
    ------
    TrackingLinkUnknown
        For a link that never was, has ended, or was revoked: all the same.
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    consignment = (await consignments.get_consignments(session, [consignment_id]))[consignment_id]
    story = await consignments.story(session, consignment_id)
    place = await _door_of(session, consignment)
    step = STEPS[consignment.state]
    is_over = step in OVER or (consignment.kind == "return" and step != "announced")
    progress = None if is_over else await dispatch.stop_progress(session, consignment_id)
    now = clock.now()
    from_at, until_at = consignment.window_start_at, consignment.window_end_at
    is_planned = progress is not None and progress.eta_from_at is not None
    if progress is not None and progress.eta_from_at is not None:
        from_at, until_at = max(progress.eta_from_at, now), progress.eta_until_at
    is_late = not is_over and until_at is not None and until_at <= now
    has_window = not is_over and not is_late
    return PublicView(
        step=step,
        is_return=consignment.kind == "return",
        is_over=is_over,
        town=place.city if place else "",
        expected_from_at=from_at if has_window else None,
        expected_until_at=until_at if has_window else None,
        is_planned=is_planned,
        is_late=is_late,
        stops_before=progress.stops_before if progress else None,
        is_next=progress is not None and progress.is_active_or_next,
        milestones=milestones_of(story),
        streets=await _streets(session, place, progress),
        seen_at=now,
    )


def milestones_of(story: Sequence[StoryEntry]) -> tuple[Milestone, ...]:
    """The story without who, where and why; what follows itself is told once."""
    told = [(STEPS[entry.state], entry.occurred_at) for entry in story if not entry.conflicting]
    return tuple(Milestone(*next(same)) for _, same in groupby(told, key=lambda each: each[0]))


async def _door_of(session: AsyncSession, consignment: ConsignmentView) -> PlaceView | None:
    """Where the courier comes to: of a return that is the sender."""
    party = consignment.consignor if consignment.kind == "return" else consignment.consignee
    if party.place_id is None:
        return None
    return (await places.get_places(session, [party.place_id])).get(party.place_id)


async def _streets(
    session: AsyncSession, place: PlaceView | None, progress: StopProgress | None
) -> StreetView | None:
    if progress is None or progress.run_id is None or place is None or place.position is None:
        return None
    door = place.position
    seen = await _courier(session, progress.driver_id) if progress.is_active_or_next else None
    if seen is None:
        sketch = await places.sketch_streets(session, door, half_m=REACHES_M[0])
        return StreetView(sketch, sketch.pixel_of(door))
    position, taken_at = seen
    away_m = haversine_m(door, position)
    half_m = next((reach_m for reach_m in REACHES_M if reach_m > 1.1 * away_m), REACHES_M[-1])
    sketch = await places.sketch_streets(session, door, half_m=half_m)
    x, y = sketch.pixel_of(position)
    is_inside = 0 <= x <= SKETCH_WIDTH and 0 <= y <= SKETCH_WIDTH
    return StreetView(
        sketch,
        sketch.pixel_of(door),
        (x, y) if is_inside else None,
        taken_at if is_inside else None,
    )


async def _courier(
    session: AsyncSession, driver_id: UUID | None
) -> tuple[Position, datetime] | None:
    """Where the courier is, to about a hundred metres; None when that is not known right now."""
    if driver_id is None:
        return None
    for live in await tracking.latest_positions(session, [driver_id]):
        if clock.now() - live.taken_at <= FRESH_FIX:
            return Position(round(live.position.lon, 3), round(live.position.lat, 3)), live.taken_at
    return None
