"""One stop: how to get there and in, whom to call, what to do, and the next step of it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from kivy.uix.widget import Widget

from driver_app.core.progress import FINISHED
from driver_app.core.view import RunView, StopView, TaskView
from driver_app.screens.afterwards import CostPage, EvidencePage
from driver_app.screens.design.components import Card, Chips, Column, DoorPhoto, Pick, Row
from driver_app.screens.design.lettering import Txt
from driver_app.screens.design.theme import theme
from driver_app.screens.door import FailPage, ReturnPage
from driver_app.screens.page import Page, clock_time, money
from driver_app.screens.proof import ProofPage
from driver_app.screens.stops import (
    ICONS,
    STATE_ICONS,
    TONES,
    count_parcels,
    describe_proof,
    describe_time,
    is_exchange,
    name_of,
    number_of,
)


class StopPage(Page):
    def open(self, stop_id: str) -> None:
        self.stop_id = stop_id

    def build(self, run: RunView) -> None:
        stop = next((each for each in run.stops if each.stop.id == self.stop_id), None)
        if stop is None:
            self.title("")
            self.add(self.banner(self.say("stop.gone"), "warn", "info"))
            return
        self.title(self.say("stop.title", number=number_of(run, self.stop_id)))
        self.add(
            Txt(said=name_of(stop.stop), size_of="title", bold=True),
            Txt(said=describe_time(self.say, stop.stop), tone="ink_2"),
        )
        if stop.state == "arrived" and (since := self._here_since(stop)):
            self.add(Txt(said=since, bold=True))
        if stop.stop.locked:
            self.add(self.banner(self.say("stop.locked"), "idle", "lock"))
        if is_exchange(stop):
            self.add(self.banner(self.say("stop.exchange"), "primary", "exchange"))
        if stop.stop.access_note:
            card = Card(tone="warn")
            card.add(
                Txt(said=self.say("stop.access"), size_of="small", tone="warn", bold=True),
                Txt(said=stop.stop.access_note),
            )
            self.add(card)
        self._build_photos(stop)
        self._build_contacts(stop)
        for task in stop.tasks:
            self.add(self._show_task(task, alone=len(stop.tasks) == 1))
        self._build_more(stop)
        self._build_foot(stop)

    def _build_photos(self, stop: StopView) -> None:
        """Of the door at earlier visits, as far as the phone has them."""
        found = [path for name in stop.stop.photos if (path := self.app.doors.find(name))]
        if found:
            row = Row()
            row.add(*(DoorPhoto(source=str(path)) for path in found))
            about = Txt(said=self.say("stop.door"), size_of="small", tone="ink_2")
            self.add(about, row)

    def _build_contacts(self, stop: StopView) -> None:
        contacts = {
            task.task.contact_phone: task.task.contact_name
            for task in stop.tasks
            if task.task.contact_phone
        }
        handover = self.app.device.handover
        for number, name in contacts.items():
            # Large text needs the whole width.
            row = Row() if theme.text_scale == 1.0 else Column()
            row.add(
                self.button(
                    self.say("stop.call"), "phone", partial(handover.call, number), "plain"
                ),
                self.button(
                    self.say("stop.write"), "message", partial(handover.write, number), "plain"
                ),
            )
            self.add(Txt(said=name, bold=True), row)

    def _show_task(self, task: TaskView, *, alone: bool) -> Card:
        card = Card()
        row = Chips()
        row.add(
            self.chip(self.say(f"kind.{task.task.kind}"), "idle", ICONS[task.task.kind]),
            self.chip(
                self.say(f"state.{task.state}"),
                TONES[task.state],
                STATE_ICONS.get(task.state, ""),
            ),
        )
        if task.waiting:
            row.add(self.chip(self.say("stop.not_sent"), "warn", "waiting"))
        card.add(row)
        if task.task.contact_name:
            card.add(Txt(said=task.task.contact_name, size_of="heading", bold=True))
        if task.overruled:
            card.add(Txt(said=self.say("stop.overruled"), tone="bad", bold=True))
        if task.task.instructions:
            card.add(Txt(said=task.task.instructions))
        card.add(Txt(said=count_parcels(self.say, len(task.task.parcels)), bold=True))
        for parcel in task.task.parcels:
            weight = f"{parcel.weight_g / 1000:.1f} kg" if parcel.weight_g else ""
            about = " · ".join(filter(None, (parcel.description, parcel.barcode, weight)))
            card.add(Txt(said=about, size_of="small", tone="ink_2"))
        if task.task.cash_minor:
            amount = money(task.task.cash_minor, task.task.currency)
            card.add(self.banner(self.say("stop.cash", amount=amount), "good", "cash"))
        needed = describe_proof(self.say, task)
        if needed and task.state not in FINISHED:
            card.add(Txt(said=self.say("stop.needed", parts=needed), size_of="small"))
        if task.state not in FINISHED:
            self._offer(task, card.add if not alone else self.add_foot)
        return card

    def _offer(self, task: TaskView, add: Callable[[Widget], Any]) -> None:
        """At the door each task has its own two ends: at the thumb, unless there are several."""
        task_id = task.task.id
        if task.state != "arrived":
            return
        add(
            self.button(
                self.say("act.fail"),
                "alert",
                lambda: self.app.open(FailPage, task_id=task_id),
                "plain",
            )
        )
        add(
            self.button(
                self.say(f"act.{task.task.kind}"),
                ICONS[task.task.kind],
                lambda: self.app.open(ProofPage, task_id=task_id),
            )
        )

    def _here_since(self, stop: StopView) -> str:
        """Waiting is paid by the minute: the driver sees that it counts."""
        times = [self.app.driver.here_since(task.task.id) for task in stop.tasks]
        since = min(filter(None, times), default=None)
        if since is None:
            return ""
        minutes = int((self.app.clock() - since).total_seconds() // 60)
        self.shown_until = since + timedelta(minutes=minutes + 1)
        return self.say("stop.since", time=clock_time(since), minutes=minutes)

    def _build_more(self, stop: StopView) -> None:
        first = stop.tasks[0].task.id
        for task in stop.tasks:
            if task.state in ("completed", "failed"):
                self.add(
                    Pick(
                        said=self.say("stop.add_evidence"),
                        detail=task.task.contact_name if len(stop.tasks) > 1 else "",
                        icon="camera",
                        end_icon="right",
                        act=partial(self.app.open, EvidencePage, task_id=task.task.id),
                    )
                )
        self.add(
            Pick(
                said=self.say("stop.cost"),
                icon="cash",
                end_icon="right",
                act=lambda: self.app.open(CostPage, at_task_id=first),
            )
        )
        self.add(
            Pick(
                said=self.say("stop.return_here"),
                icon="return",
                end_icon="right",
                act=lambda: self.app.open(ReturnPage, at_task_id=first),
            )
        )
        open_tasks = [task.task.id for task in stop.tasks if task.state not in FINISHED]
        if open_tasks and stop.state in ("assigned", "accepted"):
            self.add(
                Pick(
                    said=self.say("stop.decline"),
                    icon="close",
                    act=lambda: self.app.ask(
                        self.say("stop.decline_ask"), lambda: self._decline(open_tasks), danger=True
                    ),
                )
            )

    def _build_foot(self, stop: StopView) -> None:
        if stop.finished or stop.state == "arrived":
            return
        place = stop.stop
        self.add_foot(
            self.button(
                self.say("stop.navigate"),
                "navigate",
                lambda: self.app.device.handover.navigate(place.lon, place.lat, place.address),
                "soft",
            )
        )
        open_tasks = [task.task.id for task in stop.tasks if task.state not in FINISHED]
        driver = self.app.driver
        if stop.state in ("assigned", "accepted"):
            self.add_foot(
                self.button(
                    self.say("stop.set_off"),
                    "truck",
                    lambda: self._do(lambda: driver.start(open_tasks, self.app.position())),
                )
            )
        elif stop.state == "en_route":
            self.add_foot(
                self.button(
                    self.say("stop.arrived"),
                    "place",
                    lambda: self._do(lambda: driver.arrive(open_tasks, self.app.position())),
                )
            )

    def _do(self, deed: object) -> None:
        assert callable(deed)
        if self.act(deed):
            self.refresh()

    def _decline(self, task_ids: list[str]) -> None:
        for task_id in task_ids:
            self.act(
                partial(self.app.driver.decline, task_id, "declined_by_driver", self.app.position())
            )
        self.app.go_home()
