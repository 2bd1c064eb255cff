"""Facts about returns and exchanges."""

from uuid import UUID

import msgspec

from server.kit.outbox import Event


class ReturnMoved(Event, frozen=True, kw_only=True):
    """A return is in another state now."""

    return_id: UUID
    account_id: UUID | None
    state: str


class ReturnDiffered(Event, frozen=True, kw_only=True):
    """What came is not what was announced; see returns.list_differences."""

    return_id: UUID
    difference_id: UUID
    kind: str


class ResolvedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Goods that came and were inspected.

    order_line: position in the order; None for goods that were not of this order.
    unit_price_minor: at which they were sold; None when nobody said. refund_minor: for all units.
    """

    line_id: UUID
    order_line: int | None
    sku: str
    description: str
    quantity: int
    unit_price_minor: int | None
    refund_percent: int
    refund_minor: int
    disposition: str
    reason_code: str | None


class ReturnResolved(Event, frozen=True, kw_only=True):
    """All goods of a return have found their place, and it is reckoned what that costs whom.

    kind: asked, or to_sender after a delivery that did not succeed.
    currency: of all amounts; "" when nobody said a price.
    goods_minor: the sum of the lines' refunds.
    fee_minor, fee_payer: what the return costs, and whom: the consignee (it is kept back from the
        refund), the account or nobody but the company.
    credit_minor: what of goods_minor paid for a replacement (exchange_id says which).
    refund_minor: to be paid back; due_minor: to be paid by the customer because the goods were not
        worth the credit any more. Never both.
    """

    return_id: UUID
    rma: str
    kind: str
    order_id: UUID | None
    account_id: UUID | None
    consignment_id: UUID | None
    original_consignment_id: UUID | None
    exchange_id: UUID | None
    currency: str
    goods_minor: int
    fee_minor: int
    fee_payer: str
    credit_minor: int
    refund_minor: int
    due_minor: int
    lines: tuple[ResolvedLine, ...]


class ExchangeReleased(Event, frozen=True, kw_only=True):
    """The replacement may go out. settlement: how due_minor was settled: paid (see reference),
    on_account (to be charged), or none, when nothing was due."""

    exchange_id: UUID
    return_id: UUID
    order_id: UUID
    account_id: UUID
    currency: str
    due_minor: int
    settlement: str
    reference: str


class ExchangeCompleted(Event, frozen=True, kw_only=True):
    """The replacement was delivered and the return is over.

    unpaid_minor: what the old goods should have paid and did not, because they never came.
    """

    exchange_id: UUID
    return_id: UUID
    order_id: UUID
    account_id: UUID
    currency: str
    unpaid_minor: int


class ExchangeCancelled(Event, frozen=True, kw_only=True):
    """The replacement does not go out; a payment that was recorded must go back.

    paid_minor: what had been paid for the difference.
    """

    exchange_id: UUID
    return_id: UUID
    order_id: UUID
    account_id: UUID
    currency: str
    paid_minor: int
