"""The ways of a return and of an exchange. Pure."""

from server.kit.lifecycle import Lifecycle, moves

RETURN = Lifecycle(
    "The return",
    moves(
        requested="approved declined cancelled expired",
        # Straight to received when the goods are simply brought to the counter.
        approved="booked received cancelled expired",
        # Or when nobody scanned the parcels at the door.
        booked="collected received cancelled expired",
        collected="received",
        received="inspected",
        inspected="resolved",
        resolved="",
        declined="",
        # Goods that come all the same are here: that is a fact.
        cancelled="collected received",
        expired="collected received",
    ),
)

OVER = frozenset({"resolved", "declined", "cancelled", "expired"})

GIVEN_UP = OVER - {"resolved"}
"""The states in which no goods are expected any more, nor have come."""

BY_CUSTODY = {"collected": "collected", "loaded": "collected", "at_depot": "received"}
"""What the state of its consignment says about the return."""

EXCHANGE = Lifecycle(
    "The exchange",
    moves(
        created="reserved cancelled",
        # Reserved for as long as the return waits for approval.
        reserved="awaiting_payment released cancelled",
        awaiting_payment="released cancelled",
        released="completed cancelled",
        completed="",
        cancelled="",
    ),
)
