"""What the app looks like, as plain values: colours, sizes, spaces, icons. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they are for. Each `x_soft` is the ground on which `x` is readable.

    ink, ink_2: what is read first, and second. line: borders. focus: the border of what is active.
    """

    ground: str
    surface: str
    line: str
    ink: str
    ink_2: str
    primary: str
    on_primary: str
    primary_soft: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    on_bad: str
    idle: str
    idle_soft: str


LIGHT = Palette(
    ground="#F2F4F7",
    surface="#FFFFFF",
    line="#D0D5DD",
    ink="#101828",
    ink_2="#475467",
    primary="#0B4FD9",
    on_primary="#FFFFFF",
    primary_soft="#E3EDFF",
    good="#05603A",
    good_soft="#D1FADF",
    warn="#7A2E0E",
    warn_soft="#FEF0C7",
    bad="#B42318",
    bad_soft="#FEE4E2",
    on_bad="#FFFFFF",
    idle="#344054",
    idle_soft="#E4E7EC",
)

DARK = Palette(
    ground="#0B0F14",
    surface="#18202A",
    line="#3A4656",
    ink="#F5F7FA",
    ink_2="#B4BFCC",
    primary="#7FB2FF",
    on_primary="#06142E",
    primary_soft="#17305A",
    good="#7BE3AC",
    good_soft="#0B3B26",
    warn="#FEC84B",
    warn_soft="#4A2F05",
    bad="#FDA29B",
    bad_soft="#55160C",
    on_bad="#2B0703",
    idle="#D0D5DD",
    idle_soft="#2A3441",
)

SUNLIGHT = Palette(
    ground="#FFFFFF",
    surface="#FFFFFF",
    line="#000000",
    ink="#000000",
    ink_2="#000000",
    primary="#00277A",
    on_primary="#FFFFFF",
    primary_soft="#FFFFFF",
    good="#003D1F",
    good_soft="#FFFFFF",
    warn="#5C1F00",
    warn_soft="#FFF3C4",
    bad="#8A0000",
    bad_soft="#FFFFFF",
    on_bad="#FFFFFF",
    idle="#000000",
    idle_soft="#E0E0E0",
)
"""High contrast: for full sun and for eyes that need it."""

PALETTES = {"light": LIGHT, "dark": DARK, "sunlight": SUNLIGHT}

TEXT_SP = {"small": 15, "body": 17, "heading": 20, "title": 24, "display": 34}
"""Sizes of type, by role, before the driver's own scale."""

SPACE_DP = {"xs": 4, "s": 8, "m": 12, "l": 16, "xl": 24}
TARGET_DP = 56
"""The least height and width of what is touched, with gloves."""
RADIUS_DP = 14

TEXT_SCALES = (1.0, 1.15, 1.3)

ICONS = {
    "account": "\uf004",
    "alert": "\uf026",
    "back": "\uf04d",
    "forward": "\uf054",
    "backspace": "\uf06e",
    "barcode": "\uf072",
    "bell": "\uf09a",
    "age": "\uf0e9",
    "camera": "\uf100",
    "cash": "\uf114",
    "check": "\uf12c",
    "down": "\uf140",
    "left": "\uf141",
    "right": "\uf142",
    "up": "\uf143",
    "clock": "\uf150",
    "close": "\uf156",
    "sent": "\uf160",
    "offline": "\uf164",
    "waiting": "\uf167",
    "coffee": "\uf176",
    "gps": "\uf1a4",
    "parcel": "\uf1a7",
    "delete": "\uf1c0",
    "pin": "\uf61c",
    "message": "\uf369",
    "finish": "\uf23c",
    "home": "\uf2dc",
    "info": "\uf2fc",
    "lock": "\uf33e",
    "start": "\uf40a",
    "end": "\uf343",
    "place": "\uf34e",
    "menu": "\uf35c",
    "minus": "\uf374",
    "plus": "\uf415",
    "navigate": "\uf390",
    "note": "\uf39e",
    "pickup": "\uf3d5",
    "delivery": "\uf3d4",
    "pen": "\uf3eb",
    "phone": "\uf3f2",
    "qr": "\uf433",
    "again": "\uf450",
    "settings": "\uf493",
    "share": "\uf497",
    "exchange": "\uf4e1",
    "sync": "\uf4e6",
    "truck": "\uf53d",
    "return": "\uf54d",
    "link": "\uf5a9",
    "storage": "\uf1b8",
}
"""Name -> code point in fonts/icons.ttf."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 reckons it: 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
