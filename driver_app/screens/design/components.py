"""What screens are made of. How each looks is in components.kv."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kivy.factory import Factory
from kivy.graphics import Color
from kivy.graphics import Line as Stroke
from kivy.lang import Builder
from kivy.properties import (
    BooleanProperty,
    ListProperty,
    NumericProperty,
    ObjectProperty,
    OptionProperty,
    StringProperty,
)
from kivy.uix.anchorlayout import AnchorLayout
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.image import Image
from kivy.uix.recycleview import RecycleView
from kivy.uix.scrollview import ScrollView
from kivy.uix.stacklayout import StackLayout
from kivy.uix.widget import Widget

from driver_app.screens.design.lettering import Icon, Txt
from driver_app.screens.design.theme import theme
from driver_app.texts.script import to_drawn

Act = Callable[[], Any]
REST_MS = 600_000
"""So long a finger may rest without pressing what is under it: until it is lifted."""


class Column(BoxLayout):
    """One below the other, as high as its content."""

    def add(self, *widgets: Widget) -> None:
        for widget in widgets:
            self.add_widget(widget)


class Row(BoxLayout):
    """One beside the other, from the side on which lines begin."""

    def add(self, *widgets: Widget) -> None:
        for widget in widgets:
            self.add_widget(widget)

    def do_layout(self, *given: Any) -> None:
        super().do_layout(*given)
        if theme.rtl:
            for child in self.children:
                child.x = self.x + self.right - child.right


class Card(Column):
    """A group. active: where the driver is. tone: a colour's name, when it tells of a state."""

    active = BooleanProperty(False)
    tone = StringProperty("surface")


class TouchCard(ButtonBehavior, Card):
    """A group that opens something."""


class Touched(ButtonBehavior, AnchorLayout):
    """act: what a tap does.

    repeats: whether the second of two quick taps counts too. A glove that bounces must not do what
    the next page offers at the same place.
    """

    act = ObjectProperty(None, allownone=True)
    repeats = BooleanProperty(False)

    def on_touch_down(self, touch: Any) -> bool:
        if touch.is_double_tap and not self.repeats and self.collide_point(*touch.pos):
            return True
        return bool(super().on_touch_down(touch))

    def on_release(self) -> None:
        if self.act is not None:
            self.act()


class Action(Touched):
    """A large button. kind: primary (one on a page), soft, plain, danger; off does nothing."""

    said = StringProperty("")
    icon = StringProperty("")
    kind = OptionProperty("primary", options=("primary", "soft", "plain", "danger", "off"))
    small = BooleanProperty(False)
    ink = StringProperty("on_primary")
    ground = ListProperty([0, 0, 0, 0])

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.fbind("kind", self._paint)
        self.fbind("state", self._paint)
        self._paint()

    def _paint(self, *_: object) -> None:
        self.ink = {
            "primary": "on_primary", "soft": "primary", "plain": "ink", "danger": "bad",
            "off": "ink_2",
        }[self.kind]  # fmt: skip
        ground = {"primary": "primary", "soft": "primary_soft", "off": "idle_soft"}
        colour = theme.colour(ground.get(self.kind, "surface"))
        if self.state == "down" and self.kind != "off":
            colour = [0.8 * part + 0.2 * 0.5 for part in colour[:3]] + [1]
        self.ground = colour

    def on_release(self) -> None:
        if self.kind != "off":
            super().on_release()


class IconAction(Touched):
    """A button that a picture explains."""

    icon = StringProperty("")
    tone = StringProperty("ink")


class Chip(Row):
    """A state in a word or two, as wide as its words if there is room."""

    said = StringProperty("")
    icon = StringProperty("")
    tone = StringProperty("idle")

    def fit(self, room: float) -> None:
        label = self.ids.label
        text = label.measure(to_drawn(self.said)) + theme.space("xl") + theme.space("xs")
        self.width = min(room, text + (theme.text("body") * 1.15 if self.icon else 0))


class Chips(StackLayout):
    """Chips in a line, or in several."""

    def add(self, *chips: Chip) -> None:
        for chip in chips:
            self.add_widget(chip)
            chip.fit(self.width)

    def on_width(self, _: Widget, width: float) -> None:
        for chip in self.children:
            chip.fit(width)


class Pick(Touched):
    """A line of a list that opens or chooses something."""

    said = StringProperty("")
    detail = StringProperty("")
    icon = StringProperty("")
    end_icon = StringProperty("")
    tone = StringProperty("ink")
    chosen = BooleanProperty(False)
    fixed_height = NumericProperty(0)


class Field(Column):
    """Typed text: the keyboard, or a hardware scanner, which types too."""

    label = StringProperty("")
    text = StringProperty("")
    input_type = StringProperty("text")

    def __init__(self, *, entered: Callable[[str], Any] | None = None, **given: Any) -> None:
        self.register_event_type("on_entered")
        super().__init__(**given)
        self._entered = entered

    def on_entered(self) -> None:
        if self._entered is not None:
            self._entered(self.text)


class DoorPhoto(Image):
    """A picture as high as the stop's address and time together; decoded only while it is shown."""


class Bar(Widget):
    """How much of it is done."""

    share = NumericProperty(0.0)


class TopBar(Row):
    """Where one is, and the way back."""

    def show(self, title: str, *, back: Act | None, actions: tuple[IconAction, ...] = ()) -> None:
        self.clear_widgets()
        if back is not None:
            self.add(IconAction(icon="back", act=back))
        else:
            self.add(Widget(size_hint=(None, None), size=(theme.space("xs"), 1)))
        self.add(Txt(said=title, size_of="heading", bold=True, least_height=theme.target))
        self.add(*actions)


class NumberPad(GridLayout):
    """Digits as large as the thumb: no keyboard slides in, and gloves can stay on.

    changed: is told the digits so far.
    """

    def __init__(self, *, digits_max: int, changed: Callable[[str], Any], **given: Any) -> None:
        super().__init__(**given)
        self.digits = ""
        self._max = digits_max
        self._changed = changed
        for key in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "backspace"):
            if key == "":
                self.add_widget(Widget(size_hint_y=None, height=theme.target))
            elif key == "backspace":
                self.add_widget(
                    Action(kind="plain", icon="backspace", act=self.take_back, repeats=True)
                )
            else:
                press = partial(self.press, key)
                self.add_widget(Action(kind="plain", said=key, act=press, repeats=True))

    def press(self, digit: str) -> None:
        self._set((self.digits + digit)[: self._max])

    def take_back(self) -> None:
        self._set(self.digits[:-1])

    def _set(self, digits: str) -> None:
        self.digits = digits
        self._changed(digits)


class SignaturePad(Widget):
    """A finger's line. strokes: points in shares of the pad, from its upper left corner."""

    def __init__(self, *, changed: Act, **given: Any) -> None:
        super().__init__(**given)
        self.strokes: list[list[tuple[float, float]]] = []
        self._changed = changed
        self.bind(pos=self._draw, size=self._draw)

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return bool(super().on_touch_down(touch))
        touch.grab(self)
        self.strokes.append([self._share(touch)])
        return True

    def on_touch_move(self, touch: Any) -> bool:
        if touch.grab_current is not self:
            return False
        self.strokes[-1].append(self._share(touch))
        self._draw()
        return True

    def on_touch_up(self, touch: Any) -> bool:
        if touch.grab_current is not self:
            return False
        touch.ungrab(self)
        self._draw()
        self._changed()
        return True

    def clear(self) -> None:
        self.strokes = []
        self._draw()
        self._changed()

    def _share(self, touch: Any) -> tuple[float, float]:
        across, down = (touch.x - self.x) / self.width, (self.top - touch.y) / self.height
        return min(max(across, 0.0), 1.0), min(max(down, 0.0), 1.0)

    def _draw(self, *_: object) -> None:
        self.canvas.after.clear()
        with self.canvas.after:
            Color(0.06, 0.09, 0.16, 1)
            for stroke in self.strokes:
                points = [
                    edge
                    for across, down in stroke
                    for edge in (self.x + across * self.width, self.top - down * self.height)
                ]
                Stroke(points=points, width=theme.space("xs") / 2, cap="round", joint="round")


class TapsAtOnce:
    """A scrolling list, beside ScrollView, in which a tap counts as soon as the finger is lifted.

    Kivy lets a finger that rests press what is under it, so that a slow start of scrolling ends as
    a tap; and it tells of a tap only 0.2 s later, when what was touched may be gone.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(scroll_timeout=REST_MS, **given)  # type: ignore[call-arg]

    def on_scroll_stop(self, touch: Any, check_children: bool = True) -> bool:
        held = touch.ud.get(self._get_uid())  # type: ignore[attr-defined]
        tapped = held is not None and held["mode"] == "unknown"
        if tapped:
            held["mode"] = "tapped"
        stopped = super().on_scroll_stop(touch, check_children)  # type: ignore[misc]
        if tapped and not held["user_stopped"]:
            self.simulate_touch_down(touch)  # type: ignore[attr-defined]
            self._do_touch_up(touch)  # type: ignore[attr-defined]
        return bool(stopped)


class Scroll(TapsAtOnce, ScrollView):
    """Scrolls, except where a finger writes."""

    def on_touch_down(self, touch: Any) -> bool:
        if self.collide_point(*touch.pos):
            touch.push()
            touch.apply_transform_2d(self.to_local)
            pads = (pad for pad in self.walk() if isinstance(pad, SignaturePad))
            taken = any(pad.collide_point(*touch.pos) and pad.on_touch_down(touch) for pad in pads)
            touch.pop()
            if taken:
                return True
        return bool(super().on_touch_down(touch))


class Rows(TapsAtOnce, RecycleView):
    """A long list that is drawn only where it is seen."""


for component in (
    Column, Row, Card, TouchCard, Action, IconAction, Chips, Chip, Pick, Field, DoorPhoto, Bar,
    TopBar, NumberPad, SignaturePad, Scroll, Rows, Txt, Icon,
):  # fmt: skip
    if component.__name__ not in Factory.classes:
        Factory.register(component.__name__, cls=component)
Builder.load_file(str(Path(__file__).with_name("components.kv")))
