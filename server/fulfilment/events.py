"""What happened on the way from an order to its parcels."""

from uuid import UUID

from server.kit.outbox import Event


class FulfilmentMoved(Event, frozen=True, kw_only=True):
    """state: what it is in now."""

    fulfilment_id: UUID
    order_id: UUID
    state: str


class PickingGivenUp(Event, frozen=True, kw_only=True):
    """Nothing of a fulfilment was taken off a shelf after all."""

    order_id: UUID


class StockCame(Event, frozen=True, kw_only=True):
    """There may be enough of a SKU for those who wait for it.

    after: the order that was tried last; those that came in before it have had their turn.
    """

    account_id: UUID
    sku: str
    after: UUID | None = None


class PickFellShort(Event, frozen=True, kw_only=True):
    """Units were not on their shelf. elsewhere: how many of them come from another one; lacking:
    how many nobody has."""

    fulfilment_id: UUID
    order_id: UUID
    sku: str
    missing: int
    elsewhere: int
    lacking: int
