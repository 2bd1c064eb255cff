"""Loading the van: what is on board, what is missing, and what does not belong there."""

from driver_app.core.view import RunView
from driver_app.screens.design.components import Bar, Field
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page

SHOWN = 25
"""Of what is missing: more than anybody reads, and quickly drawn after each scan."""


def parcels_to_load(run: RunView) -> dict[str, str]:
    """Barcode -> address of what is brought today, apart from what is picked up on the way."""
    collected = {
        parcel.barcode
        for stop in run.stops
        for task in stop.tasks
        if task.task.kind != "delivery"
        for parcel in task.task.parcels
    }
    return {
        parcel.barcode: stop.stop.address
        for stop in run.stops
        for task in stop.tasks
        if task.task.kind == "delivery" and task.state != "cancelled"
        for parcel in task.task.parcels
        if parcel.barcode not in collected
    }


class LoadPage(Page):
    keeps_still = True

    def build(self, run: RunView) -> None:
        self.title(self.say("load.title"))
        wanted = parcels_to_load(run)
        done = len(set(wanted) & run.loaded_barcodes)
        text = self.say("load.count", done=done, all=len(wanted))
        self.add(Txt(said=text, size_of="title", bold=True))
        self.add(Bar(share=done / len(wanted) if wanted else 1.0))
        self.field = Field(label=self.say("proof.type_barcode"), entered=self._take_barcode)
        self.add(self.field)
        missing = {code: place for code, place in wanted.items() if code not in run.loaded_barcodes}
        if missing:
            self.add(self.heading(self.say("load.missing")))
            # The last stop's parcels go in first.
            for barcode, place in list(reversed(missing.items()))[:SHOWN]:
                self.add(Txt(said=place), Txt(said=barcode, size_of="small", tone="ink_2"))
            if len(missing) > SHOWN:
                self.add(Txt(said=self.say("load.more", count=len(missing) - SHOWN), tone="ink_2"))
        else:
            self.add(self.banner(self.say("load.complete"), "good", "check"))
        self.add_foot(self.button(self.say("load.camera"), "barcode", self._scan))

    def _scan(self) -> None:
        self.app.device.scanner.scan(
            lambda barcode: self.app.soon(lambda: self._take_barcode(barcode or ""))
        )

    def _take_barcode(self, typed: str) -> None:
        barcode = typed.strip()
        if not barcode:
            return
        run = self.app.driver.view()
        if barcode in run.loaded_barcodes:
            self.app.tell(self.say("load.twice", barcode=barcode))
        elif barcode not in parcels_to_load(run):
            self.app.tell(self.say("load.unknown", barcode=barcode))
        elif self.act(lambda: self.app.driver.scan([barcode], "load", self.app.position())):
            self.refresh()
        self.field.ids.entry.focus = True
