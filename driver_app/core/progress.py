"""How far a task is, and what each command does to that. Pure; the view and the outbox share it.

A task only ever goes forward. So the furthest of what the server says, what the server has
acknowledged, and what still waits on the phone is the truth to show; a manifest that was made
before the server heard of the last tap does not undo it on the screen.
"""

from typing import Any, Literal

from server.protocol.from_driver import (
    AcceptTasks,
    AddEvidence,
    ArriveAtTasks,
    CompleteTask,
    DeclineTask,
    FailTask,
    StartTasks,
)

TaskState = Literal[
    "assigned", "accepted", "en_route", "arrived", "declined", "cancelled", "failed", "completed"
]

ORDER: tuple[TaskState, ...] = (
    "assigned",
    "accepted",
    "en_route",
    "arrived",
    "declined",
    "cancelled",
    "failed",
    "completed",
)
"""Later wins: work done at the door outlives a cancellation that the driver had not heard of."""

FINISHED: frozenset[TaskState] = frozenset({"declined", "cancelled", "failed", "completed"})
CLOSED_BY_DRIVER: frozenset[TaskState] = frozenset({"declined", "failed", "completed"})

_STATE_AFTER: dict[type, TaskState] = {
    AcceptTasks: "accepted",
    StartTasks: "en_route",
    ArriveAtTasks: "arrived",
    DeclineTask: "declined",
    FailTask: "failed",
    CompleteTask: "completed",
}


def find_tasks(body: Any) -> tuple[str, ...]:
    """The tasks that a command is about; none for scans, shifts and unannounced returns."""
    if isinstance(body, AcceptTasks | StartTasks | ArriveAtTasks):
        return body.task_ids
    if isinstance(body, CompleteTask | FailTask | DeclineTask | AddEvidence):
        return (body.task_id,)
    return ()


def state_after(body: Any) -> TaskState | None:
    """The state in which the command leaves its tasks."""
    return _STATE_AFTER.get(type(body))


def further(one: TaskState, other: TaskState) -> TaskState:
    """The state that lies further on the way."""
    return max(one, other, key=ORDER.index)
