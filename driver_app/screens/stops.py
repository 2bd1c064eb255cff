"""How a stop is told in a line or two: on today's page, in the whole run, on its own page."""

from driver_app.core.evidence import NO_EVIDENCE, list_missing
from driver_app.core.progress import TaskState
from driver_app.core.view import RunView, StopView, TaskView
from driver_app.screens.page import clock_time, money
from driver_app.texts import Speaker
from server.protocol.to_driver import ManifestStop

TONES: dict[TaskState, str] = {
    "assigned": "idle",
    "accepted": "primary",
    "en_route": "primary",
    "arrived": "primary",
    "declined": "idle",
    "cancelled": "idle",
    "failed": "warn",
    "completed": "good",
}
ICONS = {"delivery": "delivery", "pickup": "pickup", "return_pickup": "return"}
STATE_ICONS = {"completed": "check", "failed": "alert", "cancelled": "close", "declined": "close"}


def number_of(run: RunView, stop_id: str) -> int:
    """The stop's place in the run, from 1."""
    return next(n for n, stop in enumerate(run.stops, start=1) if stop.stop.id == stop_id)


def name_of(stop: ManifestStop) -> str:
    return f"{stop.place_name}, {stop.address}" if stop.place_name else stop.address


def icon_of(stop: StopView) -> str:
    if stop.state in STATE_ICONS:
        return STATE_ICONS[stop.state]
    kinds = {task.task.kind for task in stop.tasks}
    return "exchange" if len(kinds) > 1 else ICONS[kinds.pop()]


def describe_time(say: Speaker, stop: ManifestStop) -> str:
    text = say("stop.eta", time=clock_time(stop.planned_arrival_at))
    if stop.eta_from_at and stop.eta_until_at:
        start, end = clock_time(stop.eta_from_at), clock_time(stop.eta_until_at)
        text = say("stop.eta_between", start=start, end=end)
    if stop.window_start_at and stop.window_end_at:
        start, end = clock_time(stop.window_start_at), clock_time(stop.window_end_at)
        text += " · " + say("stop.window", start=start, end=end)
    elif stop.window_end_at:
        text += " · " + say("stop.late", end=clock_time(stop.window_end_at))
    return text


def describe_work(say: Speaker, stop: StopView) -> str:
    """What to do there: `Delivery · 2 parcels`."""
    parts = []
    for kind in dict.fromkeys(task.task.kind for task in stop.tasks):
        count = sum(len(task.task.parcels) for task in stop.tasks if task.task.kind == kind)
        parts.append(f"{say(f'kind.{kind}')} · {count_parcels(say, count)}")
    cash: dict[str, int] = {}
    for task in stop.tasks:
        if task.task.cash_minor:
            cash[task.task.currency] = cash.get(task.task.currency, 0) + task.task.cash_minor
    parts += [say("stop.cash", amount=money(minor, currency)) for currency, minor in cash.items()]
    return " · ".join(parts)


def describe_line(say: Speaker, stop: StopView) -> str:
    """Under the address, in a list."""
    state = say("stop.not_sent") if any(task.waiting for task in stop.tasks) else ""
    if stop.finished:
        return " · ".join(filter(None, (say(f"state.{stop.state}"), state)))
    return f"{describe_eta(stop.stop)} · {describe_work(say, stop)}"


def describe_eta(stop: ManifestStop) -> str:
    """When the driver will be there: as it was forecast, else as it was planned."""
    if stop.eta_from_at is None or stop.eta_until_at is None:
        return clock_time(stop.planned_arrival_at)
    start, end = clock_time(stop.eta_from_at), clock_time(stop.eta_until_at)
    return start if start == end else f"{start}–{end}"


def describe_proof(say: Speaker, task: TaskView) -> str:
    """The parts that must be there."""
    needed = list_missing(task.task, NO_EVIDENCE, (), "required")
    return ", ".join(say(f"proof.{part}") for part in needed)


def count_parcels(say: Speaker, count: int) -> str:
    return say("stop.parcel") if count == 1 else say("stop.parcels", count=count)


def is_exchange(stop: StopView) -> bool:
    """New goods are brought and old ones taken for them, at one door."""
    kinds = {task.task.kind for task in stop.tasks}
    return {"delivery", "return_pickup"} <= kinds
