"""What can be wrong with an order, each with what to do about it."""

from server.kit.errors import Conflict, Invalid, NotFound


class UnknownOrder(NotFound):
    """There is no order {order_id}. Look for it at /api/orders."""

    code = "orders.unknown_order"


class AlreadyShipped(Conflict):
    """Order {number} is {state}: it can be amended or cancelled no more, only returned."""

    code = "orders.already_shipped"


class OrderIsCancelled(Conflict):
    """Order {number} is cancelled. Send a new order instead."""

    code = "orders.cancelled"


class NoSuchHold(Conflict):
    """Order {number} has no {kind} hold to release. Look at its holds."""

    code = "orders.no_such_hold"


class OrderChanged(Conflict):
    """You amend version {expected_version}, but the order is at version {version} and {changed}
    changed since. Look at it again, then repeat with the new version."""

    code = "orders.changed"


class OrderNumberTaken(Conflict):
    """Your order number {external_id!r} already belongs to order {number} with other content. Amend
    that order, or send another number."""

    code = "orders.number_taken"


class NothingOrdered(Invalid):
    """Give at least one order line or parcel."""

    code = "orders.nothing_ordered"


class ConsignorMissing(Invalid):
    """A courier booking needs a consignor: say who hands it over, and where."""

    code = "orders.consignor_missing"


class ConsignorOfGoods(Invalid):
    """Goods leave from the depot. Leave out consignor and pickup window, or book a courier."""

    code = "orders.consignor_of_goods"


class LinesOfCourier(Invalid):
    """A courier booking has parcels, no order lines. Leave out the lines, or order goods."""

    code = "orders.lines_of_courier"


class HalfWindow(Invalid):
    """Give both the start and the end of the window, or neither."""

    code = "orders.half_window"


class WindowEndsBeforeStart(Invalid):
    """The window must end after it starts."""

    code = "orders.window_ends_before_start"


class WindowInThePast(Invalid):
    """The window ended already, at {window_end_at}. Give one that ends in the future."""

    code = "orders.window_in_the_past"


class WindowTooFar(Invalid):
    """The window starts more than {max_days} days from now. Book it closer to the day."""

    code = "orders.window_too_far"


class PickupAfterDelivery(Invalid):
    """The pickup window must start before the delivery window ends."""

    code = "orders.pickup_after_delivery"


class PinMissing(Invalid):
    """The proof demands a PIN, so give one, of 4 to 8 digits."""

    code = "orders.pin_missing"


class UnknownServiceLevel(Invalid):
    """There is no service level {service_level!r}. Take one of: {known}."""

    code = "orders.unknown_service_level"


class CutOffAfterWindow(Invalid):
    """The window must start before it ends, and the cut-off for the same day must lie before that
    end."""

    code = "orders.cut_off_after_window"


class PickingBegan(Conflict):
    """The goods of order {number} are being picked: its lines stand fast now. Cancel it, or send
    another order."""

    code = "orders.picking_began"


class UnknownOrderLine(Invalid):
    """Order {number} has not so much at position {position}. Look at its lines again."""

    code = "orders.unknown_line"


class NothingSplitOff(Invalid):
    """Say which lines or parcels go into the second order."""

    code = "orders.nothing_split_off"


class NothingLeft(Invalid):
    """Of order {number} nothing would be left, or less cash than none. Split off less."""

    code = "orders.nothing_left"


class NotAlike(Conflict):
    """These orders cannot be merged: {difference}."""

    code = "orders.not_alike"


class ReplacesGoods(Conflict):
    """Order {number} replaces goods that come back: what it brings is what was agreed. Cancel the
    exchange and make another one."""

    code = "orders.replaces_goods"


class HeldOrder(Conflict):
    """Order {number} is on hold ({kind}). Release it before it is merged."""

    code = "orders.held"


class NotYetAccepted(Conflict):
    """Order {number} is not accepted yet. Wait a moment, then repeat."""

    code = "orders.not_yet_accepted"


class TooManyLines(Conflict):
    """Together they have more than {max_lines} lines or {max_parcels} parcels."""

    code = "orders.too_many_lines"


class QuoteIsOpen(Conflict):
    """Order {number} is only a quote so far. Accept it first."""

    code = "orders.quote_is_open"


class NotAQuote(Conflict):
    """Order {number} was never a quote; there is nothing to accept."""

    code = "orders.not_a_quote"


class QuoteOver(Conflict):
    """The quote {number} has expired or was cancelled. Ask for a new one."""

    code = "orders.quote_over"


class QuoteTooLate(Invalid):
    """A quote must expire in the future, and before its delivery window closes."""

    code = "orders.quote_too_late"


class NothingToBlock(Invalid):
    """This is no {kind} that an order could have."""

    code = "orders.nothing_to_block"


class AlreadyBlocked(Conflict):
    """The {kind} {value} is on the block list already."""

    code = "orders.already_blocked"


class UnknownBlock(NotFound):
    """There is no entry {block_id} on the block list. Look at /api/blocked-consignees."""

    code = "orders.unknown_block"


class BadRule(Invalid):
    """This rule cannot be used: {reason}. Write it like FREQ=WEEKLY;BYDAY=MO,TH."""

    code = "orders.bad_rule"


class UnknownTimezone(Invalid):
    """There is no timezone {timezone}. Name one such as Europe/Vaduz."""

    code = "orders.unknown_timezone"


class UnknownStandingOrder(NotFound):
    """There is no standing order {standing_id}. Look at /api/standing-orders."""

    code = "orders.unknown_standing_order"


class NotOneOfItsDays(Invalid):
    """Nothing is to come on {day}. Skip one of its next days."""

    code = "orders.not_one_of_its_days"


class TooManySkipped(Conflict):
    """{max_skipped} days are skipped already. End it, or begin a new one with another rule."""

    code = "orders.too_many_skipped"


class UnknownPreference(NotFound):
    """There is no preference {preference_id}, or it was forgotten."""

    code = "orders.unknown_preference"


class AccountMissing(Invalid):
    """Say in `account` whose consignee it is; you may ask for any."""

    code = "orders.account_missing"
