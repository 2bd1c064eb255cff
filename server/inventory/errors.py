"""What can be wrong with stock, each with what to do about it."""

from server.kit.errors import Conflict, Invalid, NotFound


class UnknownSku(NotFound):
    """There is no SKU {sku}. Look for it at /api/skus, or create it there."""

    code = "inventory.unknown_sku"


class UnknownLocation(NotFound):
    """There is no location {location_id}. Look for it at /api/locations."""

    code = "inventory.unknown_location"


class UnknownLot(NotFound):
    """SKU {sku} has no lot {lot!r}. Receive it first."""

    code = "inventory.unknown_lot"


class UnknownHold(NotFound):
    """There is no hold {hold_id}. Place a new one."""

    code = "inventory.unknown_hold"


class UnknownAllocation(NotFound):
    """There is no allocation {allocation_id}. Look at the allocations of the order."""

    code = "inventory.unknown_allocation"


class UnknownPurchaseNote(NotFound):
    """There is no purchase note {note_id}. Look for it at /api/purchase-notes."""

    code = "inventory.unknown_purchase_note"


class UnknownReturnedGoods(NotFound):
    """Nothing was received for return line {return_line_id}. Receive it before its inspection."""

    code = "inventory.unknown_returned_goods"


class UnknownAccountForSku(Invalid):
    """There is no account {account_id} to keep this for. Give the id of one of /api/accounts."""

    code = "inventory.unknown_account"


class SkuCodeTaken(Conflict):
    """The account has a SKU {sku} already. Change that one, or choose another code."""

    code = "inventory.sku_taken"


class LocationTaken(Conflict):
    """There is a location {path} already. Choose another code."""

    code = "inventory.location_taken"


class PurchaseNumberTaken(Conflict):
    """The account has a purchase note {number!r} already. Choose another number."""

    code = "inventory.purchase_number_taken"


class NotEnoughStock(Conflict):
    """There is not enough of {skus}. Order less, or wait for new stock."""

    code = "inventory.not_enough_stock"


class NotEnoughHere(Conflict):
    """{path} has only {free} free units of {sku}. Count it, or take from another location."""

    code = "inventory.not_enough_here"


class CountedBelowAllocated(Conflict):
    """{allocated} units of {sku} at {path} are allocated to orders, more than were counted. Release
    those orders' allocations first, then count again."""

    code = "inventory.counted_below_allocated"


class AlreadyPicked(Conflict):
    """Goods of this order are picked already. Put them back on their shelf first."""

    code = "inventory.already_picked"


class MoreThanOrdered(Conflict):
    """The purchase note expects {expected} more units of {sku}, not {quantity}. Receive the rest
    without a note, or correct the number."""

    code = "inventory.more_than_ordered"


class NotOnPurchaseNote(Invalid):
    """SKU {sku} is not on this purchase note. Receive it without the note."""

    code = "inventory.not_on_purchase_note"


class HoldOver(Conflict):
    """This hold was used or released already. Place a new one."""

    code = "inventory.hold_over"


class ReturnedOtherwise(Conflict):
    """Return line {return_line_id} was received already, as {quantity} of another kind."""

    code = "inventory.returned_otherwise"


class AlreadyDecided(Conflict):
    """The goods of return line {return_line_id} went to {state} already."""

    code = "inventory.already_decided"


class BadParent(Invalid):
    """A {kind} cannot lie there. Its parent may be: {allowed}."""

    code = "inventory.bad_parent"


class NotAShelf(Invalid):
    """Goods cannot be put or taken at {path} this way. Name a location of a warehouse or a van."""

    code = "inventory.not_a_shelf"


class SameLocation(Invalid):
    """The goods are at {path} already. Name another location."""

    code = "inventory.same_location"


class NotSellable(Invalid):
    """Restocked goods go to a location that orders are filled from; {path} is none."""

    code = "inventory.not_sellable"


class NotQuarantine(Invalid):
    """Goods in doubt go to a location of kind quarantine; {path} is none."""

    code = "inventory.not_quarantine"


class KitHasNoStock(Invalid):
    """{sku} is a kit: it has no stock of its own. Name its components."""

    code = "inventory.kit_has_no_stock"


class BadKit(Invalid):
    """A component of a kit is another SKU of the account that is no kit; {sku} is not."""

    code = "inventory.bad_kit"


class LotNeeded(Invalid):
    """{sku} is kept by lots. Say which one."""

    code = "inventory.lot_needed"


class NoLots(Invalid):
    """{sku} is not kept by lots. Leave the lot out."""

    code = "inventory.no_lots"


class LotExpiresOtherwise(Conflict):
    """Lot {lot!r} of {sku} is known to expire on {expires_on}. Check the label."""

    code = "inventory.lot_expires_otherwise"


class SerialsNeeded(Invalid):
    """{sku} is kept by serial numbers. Give {quantity} different ones."""

    code = "inventory.serials_needed"


class NoSerials(Invalid):
    """{sku} is not kept by serial numbers. Leave them out."""

    code = "inventory.no_serials"


class SerialElsewhere(Conflict):
    """Not all of these serial numbers of {sku} are free at {path}. Scan them again."""

    code = "inventory.serial_elsewhere"


class HoldInThePast(Invalid):
    """The hold would end at {expires_at}, which has passed. Give a later time."""

    code = "inventory.hold_in_the_past"


class PickedTooMany(Invalid):
    """Allocation {allocation_id} asks for {quantity} units, not for {picked}. Pick fewer."""

    code = "inventory.picked_too_many"


class NoChange(Invalid):
    """An adjustment by 0 units changes nothing. Say how many were found, or lost with a minus."""

    code = "inventory.no_change"
