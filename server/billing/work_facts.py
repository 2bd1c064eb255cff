"""What of a consignment is over and has to be paid for, and the facts by which it is priced.

Read from consignments and dispatch afresh each time, so that news may come twice and in any order.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.price_facts import Facts, ParcelFacts, Spot, Wait
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, StoryEntry
from server.dispatch import service as dispatch
from server.dispatch.service import DepotView, DoorVisit
from server.places import service as places
from server.places.service import PlaceView

IN_VAIN = frozenset(
    (
        "not_home",
        "closed",
        "no_access",
        "bad_address",
        "not_ready",
        "nothing_to_collect",
        "refused",
        "wrong_pin",
        "no_cash",
        "underage",
    )
)
"""Outcome codes of attempts that failed through no fault of ours."""

BACK = ("collected", "at_depot", "returned")
"""States of a return whose goods have come into our hands."""


class WorkDone(msgspec.Struct, frozen=True, kw_only=True):
    """source: names the fact, the same whenever it is read again."""

    source: str
    consignment: ConsignmentView
    facts: Facts


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a consignment."""

    consignment: ConsignmentView
    visits: list[DoorVisit]
    story: tuple[StoryEntry, ...]
    depot: DepotView | None
    places: dict[UUID, PlaceView]
    cash_minor: int

    def reached(self, *states: str) -> datetime | None:
        """When the consignment came to one of these states; None when it is in none of them."""
        if self.consignment.state not in states:
            return None
        times = [entry.occurred_at for entry in self.story if entry.state in states]
        return max(times, default=None)

    def done(self, *kinds: str) -> list[DoorVisit]:
        return [each for each in self.visits if each.state == "completed" and each.kind in kinds]


async def read_work(session: AsyncSession, consignment_id: UUID) -> list[WorkDone]:
    """Every piece of work of a consignment that is over.

    Raises
    ------
    UnknownConsignment
    """
    scene = await _read_scene(session, consignment_id)
    prefix = f"consignment:{consignment_id}"
    works = [
        _work(scene, f"task:{visit.task_id}:attempt", "attempt", visit.finished_at, [visit])
        for visit in scene.visits
        if visit.state == "failed" and visit.outcome_code in IN_VAIN
    ]
    if scene.consignment.kind == "return":
        visits = scene.done("return_pickup")
        if over_at := _end(visits) or scene.reached(*BACK):
            works.append(_work(scene, f"{prefix}:return", "return", over_at, visits))
        return works
    brought_back_at = scene.reached("returned")
    over_at = _end(scene.done("delivery")) or scene.reached("delivered") or brought_back_at
    if over_at:
        visits = scene.done("pickup", "delivery")
        works.append(_work(scene, f"{prefix}:delivery", "delivery", over_at, visits))
    if brought_back_at:
        works.append(_work(scene, f"{prefix}:return", "return", brought_back_at, []))
    return works


def _end(visits: list[DoorVisit]) -> datetime | None:
    return max((visit.finished_at for visit in visits), default=None)


async def _read_scene(session: AsyncSession, consignment_id: UUID) -> Scene:
    consignment = await consignments.get_consignment(session, consignment_id)
    visits = await dispatch.visits_of(session, consignment_id)
    depot_ids = [consignment.origin_depot_id, *(visit.depot_id for visit in visits)]
    depot_id = next((each for each in depot_ids if each is not None), None)
    depot = await dispatch.get_depot(session, depot_id) if depot_id is not None else None
    place_ids = {consignment.consignor.place_id, consignment.consignee.place_id}
    if depot is not None:
        place_ids.add(depot.place_id)
    reports = await dispatch.cash_reports(session, consignment_id=consignment_id)
    return Scene(
        consignment=consignment,
        visits=visits,
        story=await consignments.story(session, consignment_id),
        depot=depot,
        places=await places.get_places(session, [each for each in place_ids if each is not None]),
        cash_minor=max(sum(report.amount_minor for report in reports), 0),
    )


def _work(
    scene: Scene,
    source: str,
    work: Literal["delivery", "return", "attempt"],
    done_at: datetime,
    visits: list[DoorVisit],
) -> WorkDone:
    consignment = scene.consignment
    origin = _spot(scene, consignment.consignor.place_id)
    destination = _spot(scene, consignment.consignee.place_id)
    if work == "return" and consignment.kind != "return":  # back to the sender
        origin, destination = destination, origin
    return WorkDone(
        source=source,
        consignment=consignment,
        facts=Facts(
            work=work,
            done_at=done_at,
            timezone=_timezone(scene),
            origin=origin,
            destination=destination,
            road_m=next((each.straight_m for each in visits if each.straight_m is not None), None),
            parcels=tuple(
                ParcelFacts(weight_g=parcel.weight_g, volume_ml=parcel.volume_ml)
                for parcel in consignment.parcels
            ),
            stops=max(len(visits), 1),
            attempt=visits[0].attempt if work == "attempt" else 0,
            waits=tuple(
                Wait(where=visit.kind.replace("_", " "), waited_s=_waited_s(visit.begun_at, visit))
                for visit in visits
                if visit.begun_at is not None
            ),
            cash_minor=scene.cash_minor if work == "delivery" else 0,
            cash_currency=consignment.currency,
        ),
    )


def _waited_s(begun_at: datetime, visit: DoorVisit) -> int:
    return round((visit.finished_at - begun_at).total_seconds())


def _timezone(scene: Scene) -> str:
    zones = [visit.timezone for visit in scene.visits]
    return zones[-1] if zones else (scene.depot.timezone if scene.depot else "UTC")


def _spot(scene: Scene, place_id: UUID | None) -> Spot:
    """A party without a place is the depot."""
    if place_id is None and scene.depot is not None:
        place_id = scene.depot.place_id
    place = scene.places.get(place_id) if place_id is not None else None
    if place is None:
        return Spot()
    return Spot(country=place.country, postcode=place.postcode, position=place.position)
