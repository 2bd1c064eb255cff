"""What can be wrong with a return or an exchange, each with what to do about it."""

from server.kit.errors import Conflict, Invalid, NotFound


class UnknownReturn(NotFound):
    """There is no return {return_id}, or it is not yours."""

    code = "returns.unknown"


class UnknownReturnLine(NotFound):
    """There is no return line {line_id}, or it is not yours."""

    code = "returns.unknown_line"


class UnknownPhoto(NotFound):
    """This return has no photo {sha256}."""

    code = "returns.unknown_photo"


class UnknownDifference(NotFound):
    """There is no difference {difference_id}."""

    code = "returns.unknown_difference"


class UnknownExchange(NotFound):
    """There is no exchange {exchange_id}, or it is not yours."""

    code = "returns.unknown_exchange"


class NothingWentOut(NotFound):
    """No goods went out for the order {order_id}, or it is not yours."""

    code = "returns.nothing_went_out"


class NothingToReturn(Conflict):
    """Nothing of consignment {waybill} can be returned: it was not delivered, or all that was is
    on its way back already."""

    code = "returns.nothing_to_return"


class NotReturnable(Conflict):
    """The parcel {barcode!r} was not delivered with consignment {waybill}, or is on its way back
    already."""

    code = "returns.not_returnable"


class TooManyUnits(Conflict):
    """Of line {order_line} ({sku}) {free} units can still come back, not {quantity}: the others
    were not delivered, or are on their way back already."""

    code = "returns.too_many_units"


class NotInOrder(Invalid):
    """The order has no line {order_line}. Name one of those that were delivered."""

    code = "returns.not_in_order"


class NotDoorToDepot(Conflict):
    """Consignment {waybill} was delivered to no address from which it could be collected."""

    code = "returns.no_address"


class WhichGoods(Invalid):
    """Say which goods come back: give either consignment_id or order_id."""

    code = "returns.which_goods"


class UnknownReason(Invalid):
    """There is no reason {reason!r}. Choose one of /api/return-reasons."""

    code = "returns.unknown_reason"


class ReturnWindowOver(Conflict):
    """For this reason ({reason}) goods can be returned within {window_days} days after their
    delivery, which was on {delivered_on}. Ask the office if you think they should be taken."""

    code = "returns.window_over"


class PhotoNeeded(Invalid):
    """For this reason ({reason}) send a photo of the goods, so that we can see it."""

    code = "returns.photo_needed"


class PhotoNotSent(Invalid):
    """There is no file {sha256} yet. Send it to /api/returns/photos first."""

    code = "returns.photo_not_sent"


class NotAPhoto(Invalid):
    """This file is no photo that we can show. Send a JPEG, PNG or WebP."""

    code = "returns.not_a_photo"


class AlreadyCounted(Conflict):
    """Line {number} was counted already, as {quantity} units. Settle the difference instead."""

    code = "returns.already_counted"


class NotCounted(Conflict):
    """Line {number} was not counted yet, or nothing of it came. Receive the goods first."""

    code = "returns.not_counted"


class AlreadyInspected(Conflict):
    """Line {number} was inspected already: {disposition}."""

    code = "returns.already_inspected"


class MoreThanReceived(Invalid):
    """Only {received} units of line {number} came, not {quantity}."""

    code = "returns.more_than_received"


class FeeTooHigh(Invalid):
    """A fee of {fee_minor} is more than what would be paid back, {refund_minor}."""

    code = "returns.fee_too_high"


class DifferenceSettled(Conflict):
    """This difference was settled by {settled_by}."""

    code = "returns.difference_settled"


class PriceUnknown(Conflict):
    """Nobody said what {sku} costs, so the difference cannot be reckoned. Give unit_price_minor,
    or make a return and an order instead."""

    code = "returns.price_unknown"


class NothingDue(Conflict):
    """This exchange waits for no payment; it is {state}."""

    code = "returns.nothing_due"


class PaidOtherwise(Conflict):
    """This exchange was settled already: {settlement}, {reference}."""

    code = "returns.paid_otherwise"
