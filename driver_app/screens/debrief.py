"""The end of the day: parcels go back, cash is handed in, and nothing is forgotten on the phone."""

from driver_app.core.view import RunView
from driver_app.screens.design.components import Chips, Field
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, money


class DebriefPage(Page):
    keeps_still = True

    def build(self, run: RunView) -> None:
        self.title(self.say("debrief.title"))
        day = self.app.driver.debrief()
        chips = Chips()
        chips.add(self.chip(self.say("debrief.done", count=day.done), "good", "check"))
        if day.failed:
            chips.add(self.chip(self.say("debrief.failed", count=day.failed), "warn", "alert"))
        if day.open:
            chips.add(self.chip(self.say("debrief.open", count=day.open), "bad", "clock"))
        self.add(chips)
        for currency, minor in day.cash_minor.items():
            text = self.say("debrief.cash", amount=money(minor, currency))
            self.add(self.banner(text, "good", "cash"))
        if not day.cash_minor:
            self.add(Txt(said=self.say("debrief.no_cash"), tone="ink_2"))
        count = len(day.on_board) + day.without_barcode
        if count:
            self.add(self.heading(self.say("debrief.on_board", count=count)))
            self.add(*(Txt(said=barcode) for barcode in day.on_board))
            self.field = Field(label=self.say("debrief.scan_back"), entered=self._bring_back)
            self.add(
                self.field, self.button(self.say("load.camera"), "barcode", self._scan, "soft")
            )
        else:
            self.add(self.banner(self.say("debrief.none_on_board"), "good", "truck"))
        if run.on_its_way:
            text = self.say("debrief.waiting", count=len(run.on_its_way))
            self.add(self.banner(text, "warn", "waiting"))
        if run.shift != "off":
            self.add_foot(self.button(self.say("shift.end"), "end", self._end))

    def _scan(self) -> None:
        self.app.device.scanner.scan(
            lambda barcode: self.app.soon(lambda: self._bring_back(barcode or ""))
        )

    def _bring_back(self, typed: str) -> None:
        barcode = typed.strip()
        if barcode and self.act(
            lambda: self.app.driver.scan([barcode], "unload", self.app.position())
        ):
            self.refresh()

    def _end(self) -> None:
        left = self.app.driver.debrief().open
        if left:
            text = self.say("shift.end_ask", count=left)
            self.app.ask(text, self._end_shift, danger=True)
        else:
            self._end_shift()

    def _end_shift(self) -> None:
        if self.act(lambda: self.app.driver.set_shift("end", position=self.app.position())):
            self.app.go_home()
