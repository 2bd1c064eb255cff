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
