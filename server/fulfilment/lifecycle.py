"""The states of fulfilments, waves, tasks and shortages, and which may follow which. Pure."""

from collections import deque

from server.kit.lifecycle import Lifecycle, moves

FULFILMENT = Lifecycle(
    "The fulfilment",
    moves(
        open="on_hold picking cancelled",
        on_hold="open cancelled",
        # Back to open: a wave was given up before anything was taken off a shelf.
        picking="picked open cancelled",
        # Back to picking: goods were added, such as a substitute for what fell short.
        picked="packed picking cancelled",
        packed="ready picking cancelled",
        ready="handed_over picking cancelled",
        # Back to ready: unloaded again before the driver set off.
        handed_over="delivered delivery_failed ready",
        delivery_failed="ready returned_to_sender",
        delivered="",
        returned_to_sender="",
        # The street may know better: the parcels left before anybody there heard of it.
        cancelled="handed_over",
    ),
)

IN_THE_HOUSE = frozenset({"open", "on_hold", "picking", "picked", "packed", "ready"})
"""While in one of these, nothing of it has left."""

WAVE = Lifecycle("The pick wave", moves(open="done cancelled", done="", cancelled=""))

TASK = Lifecycle("The pick task", moves(open="done cancelled", done="", cancelled=""))

SHORTAGE = Lifecycle(
    "The shortage",
    moves(
        open="filled substituted left_out cancelled",
        filled="",
        substituted="",
        left_out="",
        cancelled="",
    ),
)


def road(state: str, wanted: str) -> tuple[str, ...]:
    """The fewest moves from `state` to `wanted`, for facts: what must have happened in between did,
    whether or not anybody scanned it. None when it is there, or cannot come there any more."""
    before: dict[str, str] = {state: state}
    waiting = deque([state])
    while waiting and wanted not in before:
        here = waiting.popleft()
        for after in sorted(FULFILMENT.moves[here]):
            if after not in before and after != "cancelled":
                before[after] = here
                waiting.append(after)
    if wanted not in before:
        return ()
    way = []
    while wanted != state:
        way.append(wanted)
        wanted = before[wanted]
    return tuple(reversed(way))
