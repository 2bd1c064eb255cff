"""The states of an order and which may follow which. Pure."""

from server.kit.lifecycle import Lifecycle, moves

ORDER = Lifecycle(
    "The order",
    moves(
        draft="received cancelled",
        received="accepted on_hold cancelled",
        accepted="on_hold processing cancelled",
        on_hold="received accepted cancelled",
        processing="in_fulfilment cancelled",
        in_fulfilment="shipped cancelled",
        shipped="delivered",
        delivered="completed",
        completed="",
        cancelled="",
    ),
)

ROAD = (
    "draft",
    "received",
    "accepted",
    "processing",
    "in_fulfilment",
    "shipped",
    "delivered",
    "completed",
)
"""The states of an order that meets no obstacle, in their order."""

UNTIL_SHIPPED = frozenset(state for state in ORDER.moves if ORDER.allows(state, "cancelled"))
"""While it is in one of these, an order may be amended or cancelled."""


def steps(state: str, wanted: str) -> tuple[str, ...]:
    """The moves along the road from `state` to `wanted`; none when it is there or further, or has
    left the road (on hold, cancelled)."""
    if state not in ROAD:
        return ()
    return ROAD[ROAD.index(state) + 1 : ROAD.index(wanted) + 1]
