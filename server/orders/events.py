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
    """code: see order.CancelCode. fee_minor: what that costs the account, in the order's
    currency."""

    order_id: UUID
    reason: str
    code: str = "other"
    fee_minor: int = 0


class OrderQuoted(Event, frozen=True, kw_only=True):
    """An order was offered: its goods should be kept until it is accepted or expires."""

    order_id: UUID


class QuoteAccepted(Event, frozen=True, kw_only=True):
    """An offer has become an order; OrderCaptured follows."""

    order_id: UUID


class QuoteExpired(Event, frozen=True, kw_only=True):
    """An offer was not accepted in time, and is cancelled."""

    order_id: UUID


class OrderDelivered(Event, frozen=True, kw_only=True):
    """Everything that was ordered is at its door."""

    order_id: UUID
