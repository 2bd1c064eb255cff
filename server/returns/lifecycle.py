"""The way of a return. Pure."""

from server.kit.lifecycle import Lifecycle, moves

RETURN = Lifecycle(
    "The return",
    moves(
        requested="approved declined cancelled expired",
        approved="booked cancelled expired",
        # Straight to received when nobody scanned the parcels at the door.
        booked="collected received cancelled expired",
        collected="received",
        received="inspected",
        inspected="resolved",
        resolved="",
        declined="",
        cancelled="",
        expired="",
    ),
)

OVER = frozenset(state for state in RETURN.states if RETURN.is_final(state))

BY_CUSTODY = {"collected": "collected", "loaded": "collected", "at_depot": "received"}
"""What the state of its consignment says about the return."""
