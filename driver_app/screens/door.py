"""At the door, otherwise: it did not work, or somebody hands over a return unannounced."""

from driver_app.core.driver import Evidence
from driver_app.core.outcomes import FAILURES
from driver_app.core.view import RunView
from driver_app.screens.design.components import Field, Pick
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page
from driver_app.screens.photos import PhotoRow
from driver_app.screens.stops import count_parcels
from server.protocol.from_driver import HandedOverParcel


class FailPage(Page):
    keeps_still = True

    def open(self, task_id: str) -> None:
        self.task_id = task_id
        self.outcome = ""
        self.note = ""
        self.photos = PhotoRow(self)

    def build(self, run: RunView) -> None:
        self.title(self.say("fail.title"))
        found = run.find_task(self.task_id)
        if found is None:
            self.add(self.banner(self.say("stop.gone"), "warn", "info"))
            return
        codes = FAILURES[found.task.kind]
        options = ((code, self.say(f"outcome.{code}")) for code in codes)
        self.add(*self.choose(options, self.outcome, lambda code: setattr(self, "outcome", code)))
        self.add(Txt(said=self.say("fail.photo"), tone="ink_2"), self.photos.widget())
        note = Field(label=self.say("proof.note"), text=self.note)
        note.bind(text=lambda _, text: setattr(self, "note", text))
        self.add(note)
        kind = "danger" if self.outcome else "off"
        self.add_foot(self.button(self.say("fail.report"), "alert", self._report, kind))

    def _report(self) -> None:
        evidence = Evidence(photos=self.photos.files(), note=self.note.strip() or None)
        if self.act(
            lambda: self.app.driver.fail(
                self.task_id, self.outcome, evidence, position=self.app.position()
            )
        ):
            self.photos.forget()
            self.app.after_task(self.task_id)


class ReturnPage(Page):
    keeps_still = True

    def open(self, at_task_id: str | None = None) -> None:
        self.at_task_id = at_task_id
        self.parcels: list[HandedOverParcel] = []
        self.described = ""
        self.reason = ""
        self.photos = PhotoRow(self)

    def build(self, run: RunView) -> None:
        self.title(self.say("return.title"))
        self.add(Txt(said=self.say("return.intro"), tone="ink_2"))
        self.add(
            self.button(self.say("load.camera"), "barcode", self._scan, "soft"),
            Field(label=self.say("proof.type_barcode"), entered=self._take_barcode),
        )
        described = Field(label=self.say("return.describe"), text=self.described)
        described.bind(text=lambda _, text: setattr(self, "described", text))
        self.add(described, self.button(self.say("return.add"), "plus", self._describe, "plain"))
        for parcel in self.parcels:
            self.add(
                Pick(
                    said=parcel.barcode or parcel.description,
                    detail=self.say("app.remove"),
                    icon="return",
                    end_icon="delete",
                    act=lambda parcel=parcel: self._remove(parcel),
                )
            )
        reason = Field(label=self.say("return.reason"), text=self.reason)
        reason.bind(text=lambda _, text: setattr(self, "reason", text))
        self.add(reason, self.photos.widget())
        count = count_parcels(self.say, len(self.parcels))
        kind = "primary" if self.parcels else "off"
        self.add_foot(self.button(self.say("return.take", count=count), "return", self._take, kind))

    def _scan(self) -> None:
        self.app.device.scanner.scan(
            lambda barcode: self.app.soon(lambda: self._take_barcode(barcode or ""))
        )

    def _take_barcode(self, typed: str) -> None:
        barcode = typed.strip()
        if barcode and barcode not in {parcel.barcode for parcel in self.parcels}:
            self.parcels.append(HandedOverParcel(barcode=barcode))
            self.refresh()

    def _describe(self) -> None:
        if self.described.strip():
            self.parcels.append(HandedOverParcel(description=self.described.strip()))
            self.described = ""
            self.refresh()

    def _remove(self, parcel: HandedOverParcel) -> None:
        self.parcels.remove(parcel)
        self.refresh()

    def _take(self) -> None:
        evidence = Evidence(photos=self.photos.files())
        if self.act(
            lambda: self.app.driver.collect_return(
                self.parcels,
                at_task_id=self.at_task_id,
                reason=self.reason.strip(),
                evidence=evidence,
                position=self.app.position(),
            )
        ):
            self.photos.forget()
            self.app.back()
