"""What others tell the driver, and what is offered, read out of the run on the phone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from driver_app.core.view import RunView, StopView
from server.protocol.from_driver import SendMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message. by_driver: the driver wrote it."""

    at: datetime
    text: str
    by_driver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An urgent job that waits for an answer until `until`."""

    stop: StopView
    task_ids: tuple[str, ...]
    until: datetime


def list_heard(run: RunView) -> tuple[Line, ...]:
    """What the office wrote, newest first."""
    lines = [Line(at=notice.received_at, text=notice.message) for notice in run.notices]
    for message in run.manifest.messages if run.manifest else ():
        lines.append(Line(at=message.said_at, text=message.text))
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True))


def list_said(run: RunView, written: Sequence[SendMessage]) -> tuple[Line, ...]:
    """Both sides, newest first."""
    own = [Line(at=each.occurred_at, text=each.text, by_driver=True) for each in written]
    return tuple(sorted([*list_heard(run), *own], key=lambda line: line.at, reverse=True))


def find_offer(run: RunView, now: datetime) -> Offer | None:
    """The one that runs out first, with all its tasks, also those at another stop."""
    waiting = [
        (task.task.answer_by_at, stop, task.task.id)
        for stop in run.stops
        for task in stop.tasks
        if task.task.answer_by_at is not None
        and task.state == "assigned"
        and task.task.answer_by_at > now
    ]
    if not waiting:
        return None
    until, stop, _ = min(waiting, key=lambda each: each[0])
    tasks = tuple(task_id for at, _, task_id in waiting if at == until)
    return Offer(stop=stop, task_ids=tasks, until=until)
