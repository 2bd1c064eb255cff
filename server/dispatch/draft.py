"""The draft of a plan: runs that a dispatcher may still change, kept as one document.

A stop's visits name tasks; one without a task is a handover that publishing makes a task of.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from server.kit.geo import Position


class DraftVisit(msgspec.Struct, frozen=True, kw_only=True):
    """pickup_from: of a handover without a task yet, where the parcels are fetched.
    swap_of: of the old goods of an exchange, the waybill of those that are brought for them; both
        are one piece of work under that name."""

    waybill: str
    consignment_id: UUID
    leg: Literal["job", "pickup", "delivery"]
    task_id: UUID | None
    pickup_from: Literal["depot", "vehicle"] | None = None
    swap_of: str | None = None


class DraftStop(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    place_id: UUID
    address: str
    position: Position
    leg_m: int
    leg_s: int = 0
    arrival_at: datetime
    start_at: datetime
    departure_at: datetime
    locked: bool
    visits: tuple[DraftVisit, ...]


class DraftRun(msgspec.Struct, frozen=True, kw_only=True):
    """run_id: of the published run that it would change, or the id that a new one would get."""

    run_id: UUID
    shift_id: UUID
    driver_id: UUID
    vehicle_id: UUID
    vehicle_label: str
    profile: str
    starts_at: datetime
    ends_at: datetime
    distance_m: int
    duration_s: int
    cost_minor: int
    stops: tuple[DraftStop, ...]


class DraftPlan(msgspec.Struct, frozen=True, kw_only=True):
    runs: tuple[DraftRun, ...]

    @property
    def task_ids(self) -> set[UUID]:
        return {
            visit.task_id
            for run in self.runs
            for stop in run.stops
            for visit in stop.visits
            if visit.task_id is not None
        }


def to_document(draft: DraftPlan) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(draft)
    return document


def from_document(document: dict[str, Any]) -> DraftPlan:
    return msgspec.convert(document, DraftPlan)
