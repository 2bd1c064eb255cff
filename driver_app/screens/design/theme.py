"""The tokens as they are now: palette, text size, direction and hand. `theme` in every .kv file.

A change takes effect when the pages are built anew, which the app does at once.
"""

from dataclasses import fields
from pathlib import Path

from kivy.core.text import LabelBase
from kivy.core.window import Window
from kivy.lang import global_idmap
from kivy.metrics import dp, sp
from kivy.utils import get_color_from_hex

from driver_app.screens.design.tokens import (
    ICONS,
    PALETTES,
    RADIUS_DP,
    SPACE_DP,
    TARGET_DP,
    TEXT_SP,
    Palette,
)

FONTS = Path(__file__).parent / "fonts"
ARABIC = "Arabic"
LATIN = "Roboto"

LabelBase.register("Icons", str(FONTS / "icons.ttf"))
LabelBase.register(ARABIC, "data/fonts/DejaVuSans.ttf", fn_bold=str(FONTS / "DejaVuSans-Bold.ttf"))

Colour = list[float]


class Theme:
    """One for the whole app: `theme.ink` is a colour, `theme.m` a space in pixels."""

    def __init__(self) -> None:
        self.rtl = False
        self.left_handed = False
        self.text_scale = 1.0
        self.palette = "light"
        self._colours: dict[str, Colour] = {}
        self.apply()

    def apply(
        self,
        *,
        palette: str = "light",
        text_scale: float = 1.0,
        rtl: bool = False,
        left_handed: bool = False,
    ) -> None:
        self.rtl, self.left_handed = rtl, left_handed
        self.palette, self.text_scale = palette, text_scale
        colours = PALETTES[palette]
        self._colours = {
            field.name: get_color_from_hex(getattr(colours, field.name))
            for field in fields(Palette)
        }
        Window.clearcolor = self._colours["ground"]

    def __getattr__(self, name: str) -> Colour:
        try:
            return self._colours[name]
        except KeyError:
            raise AttributeError(name) from None

    def colour(self, name: str) -> Colour:
        return self._colours[name]

    def text(self, role: str) -> float:
        """The size of type of this role, in pixels."""
        return float(sp(TEXT_SP[role] * self.text_scale))

    def space(self, name: str) -> float:
        return float(dp(SPACE_DP[name]))

    @property
    def target(self) -> float:
        return float(dp(TARGET_DP))

    @property
    def radius(self) -> float:
        return float(dp(RADIUS_DP))

    @property
    def edge(self) -> float:
        """The width of borders: what the ground does not set apart, a line must."""
        return float(dp(2 if self.palette == "sunlight" else 1))

    @property
    def start(self) -> str:
        """The side on which lines begin."""
        return "right" if self.rtl else "left"

    def icon(self, name: str) -> str:
        """An icon that points along the line is turned in a line from right to left."""
        turned = {"back": "forward", "forward": "back", "left": "right", "right": "left"}
        return ICONS[turned.get(name, name) if self.rtl else name]


theme = Theme()
global_idmap["theme"] = theme
