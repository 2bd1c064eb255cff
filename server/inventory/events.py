"""Facts about stock."""

from uuid import UUID

from server.kit.outbox import Event


class StockReceived(Event, frozen=True, kw_only=True):
    """Goods came from a supplier."""

    sku_id: UUID
    location_id: UUID
    quantity: int


class StockAllocated(Event, frozen=True, kw_only=True):
    """Stock was set aside for an order; with `backordered`, not all that it needs."""

    order_id: UUID
    allocation_ids: tuple[UUID, ...]
    backordered: bool


class StockReleased(Event, frozen=True, kw_only=True):
    """Stock that was set aside for an order is free again."""

    order_id: UUID
    allocation_ids: tuple[UUID, ...]


class StockPicked(Event, frozen=True, kw_only=True):
    """Goods of an order were taken off their shelf."""

    order_id: UUID
    allocation_ids: tuple[UUID, ...]


class StockShipped(Event, frozen=True, kw_only=True):
    """Goods of an order left for the customer."""

    order_id: UUID
    allocation_ids: tuple[UUID, ...]


class StockAdjusted(Event, frozen=True, kw_only=True):
    """A count or a correction found `change` units more, or fewer when negative."""

    sku_id: UUID
    location_id: UUID
    change: int
    reason: str


class StockReturned(Event, frozen=True, kw_only=True):
    """Goods of a return line came in for inspection."""

    return_line_id: UUID
    sku_id: UUID
    quantity: int


class ReturnedStockDecided(Event, frozen=True, kw_only=True):
    """disposition: restock, quarantine, scrap or vendor."""

    return_line_id: UUID
    sku_id: UUID
    quantity: int
    disposition: str


class BackorderFilled(Event, frozen=True, kw_only=True):
    """Stock came for an order that waited for it. remaining: what it still waits for."""

    order_id: UUID
    sku_id: UUID
    quantity: int
    remaining: int


class HoldExpired(Event, frozen=True, kw_only=True):
    hold_id: UUID


class StockRanLow(Event, frozen=True, kw_only=True):
    """The free units of a SKU fell to its reorder point or below."""

    sku_id: UUID
    account_id: UUID
    free: int
    reorder_point: int


class StockRanOut(Event, frozen=True, kw_only=True):
    """Nothing of a SKU can be promised any more."""

    sku_id: UUID
    account_id: UUID
