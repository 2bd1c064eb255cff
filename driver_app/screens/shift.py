"""Working time: begin with a look at the vehicle, breaks, end."""

from typing import Literal

from driver_app.core.view import RunView
from driver_app.screens.design.components import NumberPad, Pick
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, clock_time

KILOMETRE_DIGITS_MAX = 7
Change = Literal["start", "break_start", "break_end", "end"]


class ShiftPage(Page):
    keeps_still = True

    def open(self) -> None:
        self.checked = False
        self.kilometres = Txt(size_of="display", bold=True, align="center")
        self.pad = NumberPad(digits_max=KILOMETRE_DIGITS_MAX, changed=self._show_kilometres)

    def build(self, run: RunView) -> None:
        self.title(self.say("shift.title"))
        if run.manifest and run.manifest.vehicle_label:
            label = self.say("shift.vehicle", label=run.manifest.vehicle_label)
            self.add(Txt(said=label, bold=True))
        if run.shift == "off":
            self._build_start()
            return
        self.add(Txt(said=self.say("shift.not_followed"), tone="ink_2"))
        for pause in run.manifest.breaks if run.manifest else ():
            text = self.say(
                "shift.break_window",
                minutes=pause.duration_s // 60,
                start=clock_time(pause.earliest_start_at),
                end=clock_time(pause.latest_start_at),
            )
            self.add(self.banner(text, "idle", "coffee"))
        if run.shift == "on":
            self.add_foot(
                self.button(
                    self.say("shift.break"), "coffee", lambda: self._set("break_start"), "soft"
                )
            )
        else:
            self.add_foot(
                self.button(self.say("shift.end_break"), "start", lambda: self._set("break_end"))
            )
        self.add_foot(self.button(self.say("shift.end"), "end", lambda: self._end(run), "danger"))

    def _build_start(self) -> None:
        for kept in (self.kilometres, self.pad):
            if kept.parent:
                kept.parent.remove_widget(kept)
        self.add(
            Pick(
                said=self.say("shift.check"),
                detail=self.say("shift.check_detail"),
                icon="truck",
                chosen=self.checked,
                act=self._check,
            ),
            self.heading(self.say("shift.odometer")),
            self.kilometres,
            self.pad,
        )
        kind = "primary" if self.checked else "off"
        self.add_foot(
            self.button(self.say("shift.start"), "start", lambda: self._set("start"), kind)
        )

    def _check(self) -> None:
        self.checked = not self.checked
        self.refresh()

    def _show_kilometres(self, digits: str) -> None:
        self.kilometres.said = digits

    def _end(self, run: RunView) -> None:
        left = len(run.stops) - run.finished_stops
        if left:
            text = self.say("shift.end_ask", count=left)
            self.app.ask(text, lambda: self._set("end"), danger=True)
        else:
            self._set("end")

    def _set(self, change: Change) -> None:
        kilometres = int(self.pad.digits) if self.pad.digits else None
        if self.act(
            lambda: self.app.driver.set_shift(
                change, odometer_km=kilometres, position=self.app.position()
            )
        ):
            if change == "start":
                self.app.driver.take_note_of_run()
            self.app.go_home()
