"""Proof of what was done at the door: exactly what the manifest asks for."""

from typing import Any, Literal, get_args

from driver_app.core.driver import Evidence, File
from driver_app.core.evidence import list_missing
from driver_app.core.outcomes import SUCCESSES
from driver_app.core.view import RunView
from driver_app.device.picture import draw_strokes
from driver_app.screens.design.components import Action, Field, NumberPad, Pick, SignaturePad
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, money
from driver_app.screens.photos import PhotoRow
from server.protocol.from_driver import ParcelOutcome
from server.protocol.to_driver import ManifestTask

Outcome = Literal["delivered", "collected", "refused", "damaged", "missing"]
PIN_DIGITS_MAX = 8
CASH_DIGITS_MAX = 8


class ProofPage(Page):
    keeps_still = True

    def open(self, task_id: str) -> None:
        self.task_id = task_id
        self.photos = PhotoRow(self)
        self.outcome = ""
        self.name = ""
        self.note = ""
        self.age_checked = False
        self.scans: set[str] = set()
        self.parcels: dict[str, Outcome] = {}
        self.signature = SignaturePad(changed=lambda: None)
        self.pin = Txt(size_of="display", bold=True, align="center", least_height=1)
        self.pin_pad = NumberPad(digits_max=PIN_DIGITS_MAX, changed=self._show_pin)
        self.cash = Txt(size_of="display", bold=True, align="center")
        self.cash_pad = NumberPad(
            digits_max=CASH_DIGITS_MAX, changed=lambda digits: self._show_cash(int(digits or 0))
        )
        self.cash_minor: int | None = None
        self.counts_cash = False

    def build(self, run: RunView) -> None:
        found = run.find_task(self.task_id)
        if found is None:
            self.title("")
            self.add(self.banner(self.say("stop.gone"), "warn", "info"))
            return
        task = found.task
        self.task = task
        for kept in (self.signature, self.pin, self.pin_pad, self.cash, self.cash_pad):
            if kept.parent:
                kept.parent.remove_widget(kept)
        self.title(self.say(f"proof.title.{task.kind}", name=task.contact_name or task.waybill))
        successes = SUCCESSES[task.kind]
        self.outcome = self.outcome or successes[0]
        if task.cash_minor:
            self._build_cash(task)
        if len(successes) > 1:
            self.add(self.heading(self.say("proof.who")))
            options = ((code, self.say(f"outcome.{code}")) for code in successes)
            self.add(
                *self.choose(options, self.outcome, lambda code: setattr(self, "outcome", code))
            )
        if task.proof.age_check != "off":
            self._head("age_check", task)
            self.add(
                Pick(said=self.say("proof.age_seen"), chosen=self.age_checked, act=self._check_age)
            )
        if task.proof.scan != "off":
            self._build_scan(task)
        if task.proof.photo != "off":
            self._head("photo", task)
            self.add(self.photos.widget())
        if task.proof.name != "off":
            field = Field(label=self._describe("name", task), text=self.name)
            field.bind(text=lambda _, text: setattr(self, "name", text))
            self.add(field)
        if task.proof.pin != "off":
            self._head("pin", task)
            self.add(self.pin, self.pin_pad)
        if task.proof.signature != "off":
            self._head("signature", task)
            clear = Action(
                said=self.say("proof.clear"), kind="plain", small=True, act=self.signature.clear
            )
            self.add(self.signature, clear)
        self._build_parcels(task)
        note = Field(label=self.say("proof.note"), text=self.note)
        note.bind(text=lambda _, text: setattr(self, "note", text))
        self.add(note)
        self.add_foot(self.button(self.say("proof.finish"), "check", self._finish))

    def _head(self, part: str, task: ManifestTask) -> None:
        self.add(self.heading(self._describe(part, task)))

    def _describe(self, part: str, task: ManifestTask) -> str:
        demand = getattr(task.proof, part)
        return f"{self.say(f'proof.{part}')} ({self.say(f'proof.{demand}')})"

    def _check_age(self) -> None:
        self.age_checked = not self.age_checked
        self.refresh()

    # Cash

    def _build_cash(self, task: ManifestTask) -> None:
        due = money(task.cash_minor, task.currency)
        self.add(
            self.heading(self.say("proof.cash")), Txt(said=self.say("proof.cash_due", amount=due))
        )
        self.add(
            Pick(
                said=self.say("proof.cash_full", amount=due),
                icon="cash",
                chosen=not self.counts_cash and self.cash_minor == task.cash_minor,
                act=lambda: self._set_cash(task.cash_minor, counts=False),
            ),
            Pick(
                said=self.say("proof.cash_other"),
                chosen=self.counts_cash,
                act=lambda: self._set_cash(int(self.cash_pad.digits or 0), counts=True),
            ),
        )
        if self.counts_cash:
            self.add(self.cash, self.cash_pad)

    def _set_cash(self, minor: int, *, counts: bool) -> None:
        self.counts_cash = counts
        self._show_cash(minor)
        self.refresh()

    def _show_cash(self, minor: int) -> None:
        self.cash_minor = minor
        self.cash.said = money(minor, self.task.currency)

    def _show_pin(self, digits: str) -> None:
        self.pin.said = digits

    # Parcels

    def _build_scan(self, task: ManifestTask) -> None:
        self._head("scan", task)
        here = {parcel.barcode for parcel in task.parcels}
        text = self.say("proof.scanned", done=len(here & self.scans), all=len(here))
        self.add(Txt(said=text, tone="good" if here <= self.scans else "ink", bold=True))
        self.add(
            self.button(self.say("load.camera"), "barcode", self._scan, "soft"),
            Field(label=self.say("proof.type_barcode"), entered=self._take_barcode),
        )

    def _scan(self) -> None:
        def scanned(barcode: str | None) -> None:
            self.app.soon(lambda: self._take_barcode(barcode or ""))

        self.app.device.scanner.scan(scanned)

    def _take_barcode(self, typed: str) -> None:
        barcode = typed.strip()
        if not barcode:
            return
        if barcode in {parcel.barcode for parcel in self.task.parcels}:
            self.scans.add(barcode)
            self.refresh()
        else:
            self.app.tell(self.say("proof.not_here", barcode=barcode))

    def _build_parcels(self, task: ManifestTask) -> None:
        """One tap goes on to the next outcome: most doors need none."""
        if len(task.parcels) < 2 and task.kind == "delivery":
            return
        self.add(self.heading(self.say("proof.parcels")))
        for parcel in task.parcels:
            outcome = self.parcels.get(parcel.barcode, self._usual)
            self.add(
                Pick(
                    said=parcel.description or parcel.barcode,
                    detail=f"{parcel.barcode} · {self.say(f'parcel.{outcome}')}",
                    icon="check" if outcome == self._usual else "alert",
                    tone="ink" if outcome == self._usual else "bad",
                    end_icon="sync",
                    act=lambda barcode=parcel.barcode: self._next_outcome(barcode),
                )
            )

    @property
    def _usual(self) -> Outcome:
        return "delivered" if self.task.kind == "delivery" else "collected"

    def _next_outcome(self, barcode: str) -> None:
        other = ("refused", "damaged", "missing")
        choices = [each for each in get_args(Outcome) if each == self._usual or each in other]
        now = choices.index(self.parcels.get(barcode, self._usual))
        self.parcels[barcode] = choices[(now + 1) % len(choices)]
        self.refresh()

    # The end

    def evidence(self) -> Evidence:
        signed = self.signature.strokes
        return Evidence(
            photos=self.photos.files(),
            signature=File(content=draw_strokes(signed), content_type="image/png")
            if signed
            else None,
            recipient_name=self.name.strip() or None,
            pin=self.pin_pad.digits or None,
            scans=tuple(sorted(self.scans)),
            age_checked=self.age_checked if self.task.proof.age_check != "off" else None,
            note=self.note.strip() or None,
        )

    def _finish(self) -> None:
        evidence, parcels = self.evidence(), self._outcomes()
        required = list_missing(self.task, evidence, parcels, "required")
        if self.task.cash_minor and self.cash_minor is None:
            required.append("cash")
        if required:
            self.app.tell(self.say("stop.needed", parts=self._name(required)))
            return
        if warned := list_missing(self.task, evidence, parcels, "warned"):
            text = self.say("proof.missing_ask", parts=self._name(warned))
            self.app.ask(text, lambda: self._complete(evidence, parcels))
            return
        self._complete(evidence, parcels)

    def _name(self, parts: list[str]) -> str:
        return ", ".join(self.say(f"proof.{part}") for part in parts)

    def _outcomes(self) -> tuple[ParcelOutcome, ...]:
        return tuple(
            ParcelOutcome(barcode=barcode, outcome=outcome)
            for barcode, outcome in sorted(self.parcels.items())
            if outcome != self._usual
        )

    def _complete(self, evidence: Evidence, parcels: tuple[ParcelOutcome, ...]) -> None:
        def deed() -> Any:
            return self.app.driver.complete(
                self.task_id,
                self.outcome,
                evidence,
                parcels=parcels,
                cash_minor=self.cash_minor,
                position=self.app.position(),
            )

        if self.act(deed):
            self.photos.forget()
            self.app.after_task(self.task_id)
