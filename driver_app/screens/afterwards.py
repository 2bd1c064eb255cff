"""Beside the work: photos that are added later, and what the driver has paid."""

from driver_app.core.view import RunView
from driver_app.screens.design.components import Field, NumberPad
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, money
from driver_app.screens.photos import PhotoRow
from driver_app.screens.stops import name_of
from server.protocol.from_driver import CostKind

COSTS: tuple[CostKind, ...] = ("parking", "toll", "ferry", "fuel", "other")
CURRENCIES = ("EUR", "CHF", "GBP", "USD")
AMOUNT_DIGITS_MAX = 7


class EvidencePage(Page):
    """Photos of what was reported already: more may be wanted than was thought of at the door."""

    keeps_still = True

    def open(self, task_id: str) -> None:
        self.task_id = task_id
        self.photos = PhotoRow(self)

    def build(self, run: RunView) -> None:
        self.title(self.say("evidence.title"))
        if stop := run.find_stop_of(self.task_id):
            self.add(Txt(said=name_of(stop.stop), size_of="heading", bold=True))
        self.add(Txt(said=self.say("evidence.intro"), tone="ink_2"), self.photos.widget())
        kind = "primary" if self.photos.shots else "off"
        self.add_foot(self.button(self.say("evidence.add"), "check", self._add, kind))

    def _add(self) -> None:
        files = self.photos.files()
        if self.act(lambda: self.app.driver.add_evidence(self.task_id, files, self.app.position())):
            self.photos.forget()
            self.app.back()


class CostPage(Page):
    """Parking, a ferry: what for, how much, and the receipt."""

    keeps_still = True

    def open(self, at_task_id: str | None = None) -> None:
        self.at_task_id = at_task_id
        self.kind: CostKind = "parking"
        self.note = ""
        self.photos = PhotoRow(self)
        self.amount = Txt(size_of="display", bold=True, align="center")
        self.pad = NumberPad(digits_max=AMOUNT_DIGITS_MAX, changed=lambda _: self._show_amount())

    def build(self, run: RunView) -> None:
        for kept in (self.amount, self.pad):
            if kept.parent:
                kept.parent.remove_widget(kept)
        self.title(self.say("cost.title"))
        self.currency = self.app.store.get_setting("cost_currency") or self._usual_currency(run)
        self.done = self.button(self.say("cost.report"), "cash", self._report)
        self._show_amount()
        self.add(self.amount, self.pad)
        options = ((each, each) for each in dict.fromkeys((self.currency, *CURRENCIES)))
        self.add(self.heading(self.say("cost.kind")))
        kinds = ((kind, self.say(f"cost.{kind}")) for kind in COSTS)
        self.add(*self.choose(kinds, self.kind, self._choose_kind))
        self.add(self.photos.widget())
        note = Field(label=self.say("proof.note"), text=self.note)
        note.bind(text=lambda _, text: setattr(self, "note", text))
        self.add(note, self.heading(self.say("cost.currency")))
        self.add(*self.choose(options, self.currency, self._choose_currency))
        self.add_foot(self.done)

    def _usual_currency(self, run: RunView) -> str:
        known = (task.task.currency for stop in run.stops for task in stop.tasks)
        return next(filter(None, known), CURRENCIES[0])

    def _choose_kind(self, kind: str) -> None:
        self.kind = next(each for each in COSTS if each == kind)

    def _choose_currency(self, currency: str) -> None:
        self.app.store.put_setting("cost_currency", currency)

    def _show_amount(self) -> None:
        paid_minor = int(self.pad.digits or 0)
        self.amount.said = money(paid_minor, self.currency)
        self.done.kind = "primary" if paid_minor else "off"

    def _report(self) -> None:
        if self.act(
            lambda: self.app.driver.report_cost(
                self.kind,
                int(self.pad.digits or 0),
                self.currency,
                at_task_id=self.at_task_id,
                note=self.note.strip(),
                receipts=self.photos.files(),
                position=self.app.position(),
            )
        ):
            self.photos.forget()
            self.app.back()
