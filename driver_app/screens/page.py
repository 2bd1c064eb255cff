"""What all pages share: a bar with the way back, a scrolling body, and a foot for the thumb."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kivy.factory import Factory
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from driver_app.core.errors import PhoneError
from driver_app.core.view import RunView
from driver_app.screens.design.components import (
    Action,
    Card,
    Chip,
    IconAction,
    Row,
)
from driver_app.screens.design.lettering import Txt

if TYPE_CHECKING:
    from driver_app.screens.app import PostriderApp


class Page(BoxLayout):
    """One page. `build` fills it; it is called again whenever what is shown may have changed.

    What the driver has entered lives in attributes of the page, so a new `build` loses nothing.
    """

    shown_until: datetime | None = None
    """When what is shown is over by itself: then it is built anew."""
    keeps_still = False
    """While the driver enters something, what the background writes does not rebuild the page."""

    def __init__(self, app: "PostriderApp", **given: Any) -> None:
        self.app = app
        self.say = app.say
        self.given = given
        super().__init__()
        # Kept here, because `ids` holds them only as long as they are on the page.
        parts = (self.ids[name].__self__ for name in ("top", "scroll", "body", "foot"))
        self.bar, self.scroll, self.body, self.foot = parts
        self.open(**given)

    def open(self, *_: Any, **given: Any) -> None:
        """Take what the page is about."""

    def build(self, run: RunView) -> None:
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what is now; the scrolling stays where it is."""
        scroll, body = self.scroll, self.body
        from_top = (1 - scroll.scroll_y) * max(body.height - scroll.height, 0)
        body.clear_widgets()
        self.foot.clear_widgets()
        self.shown_until = None
        self.build(self.app.driver.view())
        room = body.height - scroll.height
        scroll.scroll_y = 1 - min(from_top / room, 1) if room > 0 else 1

    # What pages are built of

    def title(self, text: str, *, actions: tuple[IconAction, ...] = (), home: bool = False) -> None:
        self.bar.show(text, back=None if home else self.app.back, actions=actions)

    def add(self, *widgets: Widget) -> None:
        for widget in widgets:
            self.body.add_widget(widget)

    def add_foot(self, *widgets: Widget) -> None:
        for widget in widgets:
            self.foot.add_widget(widget)

    def heading(self, text: str) -> Txt:
        return Txt(said=text, size_of="heading", bold=True)

    def banner(
        self, text: str, tone: str, icon: str, act: Callable[[], Any] | None = None
    ) -> Widget:
        """Something to know; with `act`, something to touch."""
        row = Row()
        row.add(Factory.Icon(name=icon, tone=tone, pos_hint={"center_y": 0.5}))
        row.add(Txt(said=text, tone=tone, bold=True, pos_hint={"center_y": 0.5}))
        if act is None:
            card = Card(tone=tone)
        else:
            card = Factory.TouchCard(tone=tone)
            card.bind(on_release=lambda _: act())
            row.add(Factory.Icon(name="right", tone=tone, pos_hint={"center_y": 0.5}))
        card.add(row)
        return card

    def choose(
        self, options: Iterable[tuple[str, str]], chosen: str, choose: Callable[[str], Any]
    ) -> Iterable[Widget]:
        """Lines of which one is chosen: (value, text)."""

        def pick(value: str) -> None:
            choose(value)
            self.refresh()

        for value, text in options:
            yield Factory.Pick(
                said=text, chosen=value == chosen, act=lambda value=value: pick(value)
            )

    def chip(self, text: str, tone: str = "idle", icon: str = "") -> Chip:
        return Chip(said=text, tone=tone, icon=icon)

    # Acting

    def act(self, deed: Callable[[], Any]) -> bool:
        """Do it; what the phone refuses is said on the page. True when it was done."""
        try:
            deed()
        except PhoneError as error:
            self.app.tell(self.say.explain(error))
            return False
        return True

    def button(
        self, text: str, icon: str, deed: Callable[[], Any], kind: str = "primary"
    ) -> Action:
        return Action(said=text, icon=icon, kind=kind, act=deed)


def clock_time(moment: datetime) -> str:
    """As the clock on the wall shows it."""
    return f"{moment.astimezone():%H:%M}"


def money(minor: int, currency: str) -> str:
    """4250 EUR -> 42.50 EUR. Currencies without minor units have none here either."""
    digits = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "TND": 3}
    places = digits.get(currency, 2)
    return f"{minor / 10**places:.{places}f} {currency}".strip()
