"""Today: the next stop, what comes then, and what needs the driver. The whole run is one tap away.

Also the whole run: a list that is drawn only where it is seen.
"""

from typing import Any

from kivy.factory import Factory
from kivy.lang import Builder

from driver_app.core.news import find_offer
from driver_app.core.view import RunView, StopView
from driver_app.screens.design.components import Bar, Card, Chip, Chips, IconAction, Pick, Row
from driver_app.screens.design.lettering import Txt
from driver_app.screens.design.theme import theme
from driver_app.screens.page import Page, clock_time
from driver_app.screens.stops import (
    describe_line,
    describe_time,
    describe_work,
    icon_of,
    name_of,
    number_of,
)
from driver_app.texts.script import wrap

SOON = 4
"""So many stops after the next are on the first page."""

Builder.load_string(
    """
<RunList@Rows>:
    viewclass: "Pick"
    bar_width: dp(4)
    RecycleBoxLayout:
        orientation: "vertical"
        key_size: "row_size"
        default_size: None, theme.target
        default_size_hint: 1, None
        size_hint_y: None
        height: self.minimum_height
        spacing: theme.space("s")
        padding: theme.space("l")
"""
)


class TodayPage(Page):
    def build(self, run: RunView) -> None:
        self._build_bar(run)
        if run.manifest is None or not run.stops:
            self._build_calls(run)
            self.add(self.banner(self.say("today.no_run"), "idle", "info"))
            self._build_foot(run)
            return
        self._show_offer(run)
        done, total = run.finished_stops, len(run.stops)
        self.add(
            Txt(said=self.say("today.progress", done=done, all=total), tone="ink_2"),
            Bar(share=done / total),
        )
        self._offer_loading(run)
        if run.next_stop is None:
            depot = run.manifest.depot.name if run.manifest.depot else ""
            self.add(self.banner(self.say("today.all_done", depot=depot), "good", "check"))
            self._build_calls(run)
        else:
            # In the rain the next door comes first; what calls stands right below it.
            self.add(self._show_next(run, run.next_stop))
            self._build_calls(run)
            coming = [s for s in run.stops if not s.finished and s is not run.next_stop]
            if coming:
                self.add(self.heading(self.say("today.coming")))
                self.add(*(stop_line(self, run, stop) for stop in coming[:SOON]))
        self.add(
            Pick(
                said=self.say("today.all", count=total),
                detail=self.say("today.finished", count=done),
                end_icon="right",
                act=lambda: self.app.open(RunPage),
            ),
            Pick(
                said=self.say("today.unannounced"),
                icon="return",
                end_icon="right",
                act=self._take_return,
            ),
        )
        self._build_foot(run)

    def _build_bar(self, run: RunView) -> None:
        from driver_app.screens.settings import SettingsPage  # noqa: PLC0415

        title = run.manifest.driver_name if run.manifest else self.say("today.title")
        menu = IconAction(icon="menu", act=lambda: self.app.open(SettingsPage))
        self.title(title, actions=(menu,), home=True)
        chips = Chips()
        chips.add(link_chip(self, run))
        if run.shift == "break":
            chips.add(self.chip(self.say("today.on_break"), "warn", "coffee"))
        self.add(chips)

    def _build_calls(self, run: RunView) -> None:
        """What the driver must see before anything else."""
        from driver_app.screens.news import (  # noqa: PLC0415
            AttentionPage,
            ChangesPage,
            MessagesPage,
            has_unread,
        )

        if run.needs_attention:
            text = self.say("today.attention", count=len(run.needs_attention))
            self.add(self.banner(text, "bad", "alert", lambda: self.app.open(AttentionPage)))
        if self.app.driver.list_changes():
            text = self.say("today.changed")
            self.add(self.banner(text, "warn", "sync", lambda: self.app.open(ChangesPage)))
        if unread := has_unread(run, self.app.store.get_setting("read_notice")):
            text = f"{self.say('today.message')}: {unread.text}"
            self.add(self.banner(text, "primary", "message", lambda: self.app.open(MessagesPage)))

    def _show_offer(self, run: RunView) -> None:
        from driver_app.screens.offer import OfferPage  # noqa: PLC0415

        if offer := find_offer(run, self.app.clock()):
            self.shown_until = offer.until
            text = self.say("today.offer", time=clock_time(offer.until))
            self.add(self.banner(text, "bad", "bell", lambda: self.app.open(OfferPage)))

    def _show_next(self, run: RunView, stop: StopView) -> Card:
        from driver_app.screens.stop import StopPage  # noqa: PLC0415

        card = Factory.TouchCard(active=True)
        card.bind(on_release=lambda _: self.app.open(StopPage, stop_id=stop.stop.id))
        row = Row()
        row.add(
            Txt(said=name_of(stop.stop), size_of="title", bold=True, pos_hint={"center_y": 0.5}),
            Factory.Icon(name="right", tone="primary", pos_hint={"center_y": 0.5}),
        )
        number = number_of(run, stop.stop.id)
        chips = Chips()
        chips.add(
            self.chip(f"{self.say('today.next')} · {number}", "primary"),
            self.chip(self.say(f"state.{stop.state}")),
        )
        card.add(
            chips,
            row,
            Txt(said=describe_time(self.say, stop.stop)),
            Txt(said=describe_work(self.say, stop), tone="ink_2"),
        )
        return card  # type: ignore[no-any-return]

    def _offer_loading(self, run: RunView) -> None:
        from driver_app.screens.load import LoadPage, parcels_to_load  # noqa: PLC0415

        if run.finished_stops or run.shift != "on":
            return
        if set(parcels_to_load(run)) - run.loaded_barcodes:
            self.add(
                Pick(
                    said=self.say("today.load"),
                    icon="barcode",
                    end_icon="right",
                    act=lambda: self.app.open(LoadPage),
                )
            )

    def _build_foot(self, run: RunView) -> None:
        from driver_app.screens.debrief import DebriefPage  # noqa: PLC0415
        from driver_app.screens.shift import ShiftPage  # noqa: PLC0415
        from driver_app.screens.stop import StopPage  # noqa: PLC0415

        if run.shift == "off":
            self.add_foot(
                self.button(
                    self.say("today.start_shift"), "start", lambda: self.app.open(ShiftPage)
                )
            )
            return
        if run.shift == "break":
            self.add_foot(self.button(self.say("today.end_break"), "start", self._end_break))
            return
        if run.next_stop is None:
            self.add_foot(
                self.button(self.say("today.debrief"), "finish", lambda: self.app.open(DebriefPage))
            )
            return
        stop_id = run.next_stop.stop.id
        self.add_foot(
            self.button(
                self.say("today.next"), "forward", lambda: self.app.open(StopPage, stop_id=stop_id)
            )
        )

    def _end_break(self) -> None:
        self.act(lambda: self.app.driver.set_shift("break_end", position=self.app.position()))
        self.refresh()

    def _take_return(self) -> None:
        from driver_app.screens.door import ReturnPage  # noqa: PLC0415

        self.app.open(ReturnPage)


class RunPage(Page):
    """All stops: what is still to do first, then what is done."""

    def build(self, run: RunView) -> None:
        from driver_app.screens.stop import StopPage  # noqa: PLC0415

        self.title(self.say("today.all", count=len(run.stops)))
        ordered = sorted(enumerate(run.stops, start=1), key=lambda each: each[1].finished)
        rows: list[dict[str, Any]] = [
            {
                "said": f"{number}. {name_of(stop.stop)}",
                "detail": describe_line(self.say, stop),
                "icon": icon_of(stop),
                "end_icon": "right",
                "tone": "ink_2" if stop.finished else "ink",
                "act": lambda stop_id=stop.stop.id: self.app.open(StopPage, stop_id=stop_id),
            }
            for number, stop in ordered
        ]
        self._measure(rows)
        if not hasattr(self, "_list"):
            self._list = Factory.RunList()
            self.remove_widget(self.scroll)
            self.add_widget(self._list, index=1)
        self._list.data = rows

    def _measure(self, rows: list[dict[str, Any]]) -> None:
        """Each row as high as its lines: the list knows its length before it has drawn them."""
        icons = theme.text("title") * 1.1 * 1.15 * 2
        room = self.app.room.width - icons - theme.space("m") * 4 - theme.space("l") * 2
        said, detail = Txt(), Txt(size_of="small")
        line = 1.35
        for row in rows:
            lines = len(wrap(row["said"], room, said.measure)) * theme.text("body")
            less = len(wrap(row["detail"], room, detail.measure)) * theme.text("small")
            height = (lines + less) * line + theme.space("m") * 2 + theme.space("xs")
            row["fixed_height"] = max(float(theme.target), height)
            row["row_size"] = (None, row["fixed_height"])


def stop_line(page: Page, run: RunView, stop: StopView) -> Pick:
    from driver_app.screens.stop import StopPage  # noqa: PLC0415

    return Pick(
        said=f"{number_of(run, stop.stop.id)}. {name_of(stop.stop)}",
        detail=describe_line(page.say, stop),
        icon=icon_of(stop),
        end_icon="right",
        act=lambda: page.app.open(StopPage, stop_id=stop.stop.id),
    )


def link_chip(page: Page, run: RunView) -> Chip:
    """Never says that all is sent while anything is not."""
    count = len(run.on_its_way)
    if run.link == "none":
        text = page.say("link.offline")
        if count:
            text += " · " + page.say("link.waiting", count=count)
        return page.chip(text, "warn", "offline")
    if count:
        return page.chip(page.say("link.sending", count=count), "primary", "waiting")
    if run.full_photos:
        return page.chip(page.say("link.full", count=run.full_photos), "good", "waiting")
    return page.chip(page.say("link.online"), "good", "sent")
