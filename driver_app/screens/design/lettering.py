"""Labels in any script: joined, ordered and wrapped here, because Kivy's renderer does not."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from kivy.core.text import Label as TextImage
from kivy.lang import Builder
from kivy.properties import NumericProperty, OptionProperty, StringProperty
from kivy.uix.label import Label

from driver_app.screens.design.theme import ARABIC, LATIN, theme
from driver_app.texts.script import (
    LINES_KEPT,
    begins_right,
    is_right_to_left,
    to_drawn,
    turn_lines,
    wrap,
)

Builder.load_string(
    """
<Txt>:
    color: theme.colour(self.tone)
    font_size: theme.text(self.size_of)
    halign: self.align or theme.start
    valign: "middle"
    size_hint_y: None
    height: max(self.texture_size[1], self.least_height)
<Icon>:
    font_name: "Icons"
    font_size: theme.text("title") * 1.1
    color: theme.colour(self.tone)
    size_hint: None, None
    size: self.font_size * 1.15, self.font_size * 1.15
"""
)


@cache
def renderer_shapes() -> bool:
    """Whether this build of the renderer orders and joins Arabic itself (with HarfBuzz, which
    some builds for Android have): then it would turn our lines round once more."""

    def width(text: str) -> float:
        return float(TextImage(font_name=ARABIC, font_size=40).get_extents(text)[0])

    return abs(width("ببب") - 3 * width("ب")) > width("ب") / 2


@lru_cache(LINES_KEPT)
def measure(text: str, font_name: str, font_size: float, *, bold: bool) -> float:
    """How wide this is drawn, in pixels."""
    image = TextImage(font_name=font_name, font_size=font_size, bold=bold)
    return float(image.get_extents(text)[0])


def drawn(lines: Sequence[str], *, right_to_left: bool) -> list[str]:
    """What to give to the renderer for these lines of one text that goes in that direction."""
    if not right_to_left:
        return [to_drawn(line, right_to_left=False) for line in lines]
    return [
        turned[::-1] if is_right_to_left(line) and renderer_shapes() else turned
        for line, turned in zip(lines, turn_lines(lines), strict=True)
    ]


class Txt(Label):
    """A piece of text that is never cut: it wraps, and grows downwards.

    said: the text as it is read. size_of: role of type. tone: name of a colour.
    """

    said = StringProperty("")
    size_of = OptionProperty("body", options=("small", "body", "heading", "title", "display"))
    tone = StringProperty("ink")
    align = StringProperty("")
    least_height = NumericProperty(0)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name in ("said", "width", "font_size", "bold", "size_hint_x"):
            self.fbind(name, self._set_text)
        self._set_text()

    def _set_text(self, *_: object) -> None:
        width = None if self.size_hint_x is None and self.width == 0 else self.width
        if is_right_to_left(self.said):
            self.font_name = ARABIC
            lines = wrap(self.said, self.width, self.measure) if width else [self.said]
            whole = theme.rtl or begins_right(self.said)
            self.text = "\n".join(drawn(lines, right_to_left=whole))
        else:
            self.font_name = LATIN
            self.text = self.said
        self.text_size = (width, None)

    def measure(self, text: str) -> float:
        """How wide this is drawn, in pixels."""
        return measure(text, self.font_name, self.font_size, bold=self.bold)

    def is_cut(self) -> bool:
        """Whether a word is wider than the label, or a line is outside of it."""
        font = ARABIC if is_right_to_left(self.said) else LATIN
        widest = max(
            (
                measure(to_drawn(word), font, self.font_size, bold=self.bold)
                for word in self.said.split()
            ),
            default=0,
        )
        return bool(widest > self.width + 1 or self.texture_size[1] > self.height + 1)


class Icon(Label):
    """A picture from the font of icons."""

    tone = StringProperty("ink_2")
    name = StringProperty("")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.fbind("name", self._set_icon)
        self._set_icon()

    def _set_icon(self, *_: object) -> None:
        self.text = theme.icon(self.name) if self.name else ""
