"""Facts of dispatch."""

from uuid import UUID

from server.kit.outbox import Event


class ManifestChanged(Event, frozen=True):
    """A driver's phone needs its manifest anew."""

    driver_id: UUID
    version: int


class PlanPublished(Event, frozen=True):
    """The runs of a plan are on their way to the drivers."""

    plan_id: UUID


class TaskChanged(Event, frozen=True):
    """A task moved because of a driver, a cancellation or the end of a run. What a publication
    assigns is told once, by PlanPublished or ManifestChanged."""

    task_id: UUID
    consignment_id: UUID
    stop_id: UUID | None
    run_id: UUID | None
    driver_id: UUID | None
    state: str
    outcome_code: str | None


class ExceptionRaised(Event, frozen=True):
    """Something waits for a person."""

    exception_id: UUID
    kind: str
