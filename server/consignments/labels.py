"""Labels of parcels: an A6 page each, with what a driver reads and what a scanner reads.

Whatever does not fit is made smaller, and if it still does not fit it ends with an ellipsis: a
label never hides that something is missing. Where the goods go and who drives them is known to
rooms above, which bring it in `Label`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import zint

from server.kit.typeset import printed, typeset

TEMPLATE = Path(__file__).parent / "labels.typ"

WIDEST_MODULE_MM = 0.5
NARROWEST_MODULE_MM = 0.25
"""Below this a hand scanner begins to fail on a thermal printer's edges."""

LONGEST_LINE_CODE = 60
"""Letters; longer ones would be too thin in any case."""

CODE_WIDTH_MM = 86
"""Between the quiet zones."""

WORDS = (
    "consignee",
    "place_line",
    "phone",
    "notes",
    "service_level",
    "window",
    "sender",
    "from_line",
    "cash",
    "depot",
    "run",
    "stop",
    "weight",
    "barcode",
    "waybill",
)
"""What of a label is a person's words, or as long as they like."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed on one parcel. weight_g: 0 when unknown. cash: the amount to be collected, as
    it is to be read, such as "12.50 EUR". sscc: then the line code is GS1-128, else Code 128.

    access: how to get in; instructions: what the sender asked for. from_line: where the sender is.
    """

    barcode: str
    waybill: str
    piece: int
    pieces: int
    consignee: str
    place_line: str
    phone: str = ""
    extra: str = ""
    access: str = ""
    instructions: str = ""
    service_level: str = ""
    window: str = ""
    weight_g: int = 0
    sender: str = ""
    from_line: str = ""
    cash: str = ""
    depot: str = ""
    run: str = ""
    stop: str = ""
    is_return: bool = False
    sscc: str | None = None

    @property
    def weight(self) -> str:
        return f"{self.weight_g / 1000:.1f} kg" if self.weight_g else ""

    @property
    def notes(self) -> str:
        return " · ".join(each for each in (self.extra, self.access, self.instructions) if each)

    @property
    def is_linear(self) -> bool:
        """Whether the barcode can be a line code at all; a QR code holds any text."""
        if self.sscc is not None:
            return True
        plain = self.barcode.isascii() and self.barcode.isprintable()
        return plain and 1 <= len(self.barcode) <= LONGEST_LINE_CODE

    @property
    def code_text(self) -> str:
        """What stands below the line code for people."""
        return self.barcode if self.sscc is None else f"(00) {self.sscc}"


class Drawing(msgspec.Struct, frozen=True):
    """A barcode as SVG, to be drawn this wide. modules: its width in thinnest bars."""

    svg: str
    modules: int
    module_mm: float
    width_mm: float


async def label_pdf(labels: Sequence[Label]) -> bytes:
    """One A6 page for each."""
    return await typeset(TEMPLATE, [_page(label) for label in labels])


def _page(label: Label) -> dict[str, Any]:
    return {name: printed(getattr(label, name)) for name in WORDS} | {
        "piece": f"{label.piece}/{label.pieces}",
        "is_return": label.is_return,
        "code": line_code(label),
        "code_text": printed(label.code_text),
        "qr": _draw(zint.Symbology.QRCODE, label.barcode, module_mm=WIDEST_MODULE_MM),
    }


def line_code(label: Label) -> Drawing | None:
    """GS1-128 or Code 128; None when its bars would be too thin to be read."""
    if not label.is_linear:
        return None
    if label.sscc is not None:
        return _draw(zint.Symbology.GS1_128, f"[00]{label.sscc}")
    drawing = _draw(zint.Symbology.CODE128, label.barcode)
    return drawing if drawing.width_mm <= CODE_WIDTH_MM else None


def _draw(symbology: zint.Symbology, text: str, *, module_mm: float | None = None) -> Drawing:
    symbol = zint.Symbol()
    symbol.symbology = symbology
    symbol.show_text = False
    symbol.outfile = "barcode.svg"  # only its ending counts: it stays in memory
    symbol.output_options = zint.OutputOptions.BARCODE_MEMORY_FILE
    symbol.encode(text)
    symbol.print()
    assert symbol.memfile is not None
    if module_mm is None:
        fitting_mm = CODE_WIDTH_MM / symbol.width
        module_mm = min(WIDEST_MODULE_MM, max(NARROWEST_MODULE_MM, fitting_mm))
    svg = bytes(symbol.memfile).decode()
    return Drawing(svg, symbol.width, module_mm, symbol.width * module_mm)
