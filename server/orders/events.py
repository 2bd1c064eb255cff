"""Facts about orders."""

from uuid import UUID

from server.kit.outbox import Event


class OrderCaptured(Event, frozen=True, kw_only=True):
    """An order came in and is stored."""

    order_id: UUID


class OrderAmended(Event, frozen=True, kw_only=True):
    """changed: the names of the fields that are different now."""

    order_id: UUID
    changed: tuple[str, ...]


class OrderReleased(Event, frozen=True, kw_only=True):
    """An order that was on hold may go on."""

    order_id: UUID


class OrderCancelled(Event, frozen=True, kw_only=True):
    order_id: UUID
    reason: str


class OrderDelivered(Event, frozen=True, kw_only=True):
    """Everything that was ordered is at its door."""

    order_id: UUID
