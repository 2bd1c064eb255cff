"""The life cycles of tasks, plans and runs."""

from server.kit.lifecycle import Lifecycle, moves

TASK = Lifecycle(
    "The task",
    moves(
        # A phone that was offline may tell of the end first, and of a task that is not its own
        # any more, so ends are reachable from everywhere.
        unassigned="assigned completed failed cancelled",
        assigned="accepted declined en_route arrived completed failed unassigned cancelled",
        accepted="declined en_route arrived completed failed unassigned cancelled",
        declined="unassigned",
        en_route="arrived completed failed unassigned cancelled",
        arrived="completed failed unassigned cancelled",
        completed="",
        failed="",
        cancelled="",
    ),
)

PLAN = Lifecycle(
    "The plan",
    moves(
        queued="solving discarded failed",
        solving="draft queued discarded failed",  # queued: the inputs changed while it was solved
        draft="published discarded",
        published="",
        discarded="",
        failed="",
    ),
)

RUN = Lifecycle(
    "The run",
    moves(draft="published", published="started closed", started="closed", closed=""),
)

FINAL = ("completed", "failed", "cancelled")
PROGRESS = ("unassigned", "assigned", "accepted", "en_route", "arrived")
"""The order in which a driver gets on with a task."""

UNDER_WAY = ("en_route", "arrived")


def gets_on(state: str, wanted: str) -> bool:
    """Whether a report of `wanted` is news for a task in `state`, not a late echo."""
    return state in PROGRESS and PROGRESS.index(wanted) > PROGRESS.index(state)
