"""What lies over a page for a moment: a question, or a sentence."""

from collections.abc import Callable
from typing import Any

from kivy.clock import Clock as Frames
from kivy.lang import Builder
from kivy.uix.anchorlayout import AnchorLayout
from kivy.uix.widget import Widget

from driver_app.screens.design.components import Action, Card
from driver_app.screens.design.lettering import Txt

READ_S = 4.0

Builder.load_string(
    """
<Dialog>:
    anchor_y: "bottom"
    padding: theme.space("l")
    canvas.before:
        Color:
            rgba: 0, 0, 0, .6
        Rectangle:
            pos: self.pos
            size: self.size
<Toast>:
    anchor_y: "top"
    padding: theme.space("m")
"""
)


class Dialog(AnchorLayout):
    """A question at the thumb. Everything below waits."""

    def __init__(
        self,
        text: str,
        yes: str,
        no: str,
        deed: Callable[[], Any],
        room: Widget,
        *,
        danger: bool,
    ) -> None:
        super().__init__()
        self._room = room

        def do() -> None:
            self.close()
            deed()

        card = Card()
        card.add(
            Txt(said=text, size_of="heading"),
            Action(said=yes, kind="danger" if danger else "primary", act=do),
            Action(said=no, kind="plain", act=self.close),
        )
        self.add_widget(card)
        room.add_widget(self)

    def close(self) -> None:
        self._room.remove_widget(self)

    def on_touch_down(self, touch: Any) -> bool:
        super().on_touch_down(touch)
        return True


class Toast(AnchorLayout):
    """A sentence that goes by itself, or when it is touched."""

    def __init__(self, text: str, remove: Callable[[Widget], Any]) -> None:
        super().__init__()
        self._remove = remove
        card = Card(tone="warn")
        card.add(Txt(said=text, tone="warn", bold=True))
        self.add_widget(card)
        self._card = card
        Frames.schedule_once(lambda _: remove(self), READ_S)

    def on_touch_down(self, touch: Any) -> bool:
        if self._card.collide_point(*touch.pos):
            self._remove(self)
            return True
        return False
