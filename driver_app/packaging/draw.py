"""Draws the app's icon and the picture that is shown while it starts: a parcel on its way."""

from pathlib import Path

from PIL import Image, ImageDraw

from driver_app.screens.design.tokens import LIGHT

ICON_PX = 512
SPLASH_PX = 1024
SOFTER = 4
"""Drawn so many times larger, for soft edges."""
SHOWN = 0.66
"""Of an adaptive icon, Android shows at least this much from the middle."""


def draw_pictures(folder: Path) -> None:
    whole = Image.new("RGBA", (ICON_PX, ICON_PX), LIGHT.primary)
    mark = draw_mark(ICON_PX, share=0.62)
    whole.alpha_composite(mark)
    rounded = Image.new("L", (ICON_PX * SOFTER,) * 2, 0)
    corner = ICON_PX * SOFTER * 0.22
    ImageDraw.Draw(rounded).rounded_rectangle((0, 0, *rounded.size), corner, fill=255)
    whole.putalpha(rounded.resize(whole.size))
    whole.save(folder / "icon.png")
    draw_mark(ICON_PX, share=0.62 * SHOWN).save(folder / "icon-foreground.png")
    Image.new("RGB", (ICON_PX, ICON_PX), LIGHT.primary).save(folder / "icon-background.png")
    splash = Image.new("RGBA", (SPLASH_PX, SPLASH_PX), LIGHT.primary)
    splash.alpha_composite(draw_mark(SPLASH_PX, share=0.36))
    splash.convert("RGB").save(folder / "presplash.png")


def draw_mark(size_px: int, *, share: float) -> Image.Image:
    """A white parcel whose tape is an arrow to the next door, `share` of the picture wide."""
    large = size_px * SOFTER
    picture = Image.new("RGBA", (large, large), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    side = large * share
    left, top = (large - side) / 2, (large - side * 0.86) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        """A point in shares of the parcel, from its upper left corner."""
        return left + side * x, top + side * 0.86 * y

    draw.rounded_rectangle((*at(0, 0), *at(1, 1)), side * 0.09, fill="white")
    tape = LIGHT.primary
    draw.rectangle((*at(0, 0.27), *at(1, 0.31)), fill=tape)
    draw.polygon([at(0.24, 0.56), at(0.55, 0.56), at(0.55, 0.45), at(0.80, 0.64),
                  at(0.55, 0.83), at(0.55, 0.72), at(0.24, 0.72)], fill=tape)  # fmt: skip
    return picture.resize((size_px, size_px), Image.Resampling.LANCZOS)
