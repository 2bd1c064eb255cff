"""The same labels in the language of label printers, ZPL II, at 203 dots per inch (8 per mm).

A printer neither wraps nor shrinks what is too long, so that is done here, with letters reckoned
wider than they are. The data of a field may hold neither `^` nor `~`, which begin commands: those,
and all beyond ASCII, travel as hexadecimal digits (^FH), read as UTF-8 (^CI28).

The printer's own font 0 holds western letters; lines with others ask for the scalable font
TT0003M_ (Swiss 721), which Zebra's printers bring along.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from server.consignments.labels import CODE_WIDTH_MM, Label
from server.kit.typeset import printed

DOTS_PER_MM = 8
WIDTH, HEIGHT = 105 * DOTS_PER_MM, 148 * DOTS_PER_MM
MARGIN = 32
INNER = WIDTH - 2 * MARGIN

WESTERN = "0"
SCALABLE = "T"
SCALABLE_FILE = "E:TT0003M_.FNT"

MODULE_DOTS = (4, 3, 2)
"""The widths of the thinnest bar to try: whole dots, from a half to a quarter of a millimetre."""

SSCC_LETTERS = 11
"""FNC1, and the identifier with the number two digits at a time."""

FNC1 = ">8"
SUBSET_C = ">;"
CODE_128_ESCAPE = (">", ">0")


class Field(NamedTuple):
    """Words in a box, in dots. sizes: the heights of letters to try, the largest first."""

    x: int
    y: int
    width: int
    lines: int
    sizes: tuple[int, ...]


FROM = Field(MARGIN, 40, 480, 1, (26, 22))
FROM_LINE = Field(MARGIN, 72, 480, 2, (20, 18))
SERVICE = Field(540, 40, WIDTH - MARGIN - 540, 2, (40, 32, 24, 20))
CONSIGNEE = Field(MARGIN, 150, INNER, 2, (52, 44, 36, 30))
PLACE = Field(MARGIN, 265, INNER, 2, (46, 40, 34, 28))
PHONE = Field(MARGIN, 372, INNER, 1, (30, 24))
NOTES = Field(MARGIN + 10, 424, INNER - 20, 4, (24, 20))
WINDOW = Field(MARGIN + 10, 542, 350, 1, (32, 26, 20, 16))
PIECE = Field(420, 542, 170, 1, (36, 28))
WEIGHT = Field(620, 542, 180, 1, (36, 28))
DEPOT = Field(270, 618, 180, 1, (28, 22, 18))
RUN = Field(460, 618, 240, 1, (28, 22, 18))
STOP = Field(710, 618, 98, 1, (40, 28, 20))
CASH = Field(280, 706, 510, 1, (56, 44, 32))
WAYBILL = Field(270, 706, 538, 1, (40, 30))
CODE_Y, CODE_HEIGHT = 790, 260
CODE_TEXT = Field(MARGIN, 1064, INNER, 1, (34, 26, 20))
SMALL_PRINT = Field(MARGIN, 1110, INNER, 1, (20,))
QR_AT, QR_DOTS = (MARGIN + 8, 606), 4


def label_zpl(labels: Sequence[Label]) -> str:
    """One format (^XA to ^XZ) for each; ASCII only."""
    return "".join(_format(label) for label in labels)


def _format(label: Label) -> str:
    commands = [
        f"^XA^CI28^CW{SCALABLE},{SCALABLE_FILE}^PA0,1,1,0^PW{WIDTH}^LL{HEIGHT}^LH0,0",
        *_rules(),
        *_words(label),
        *_codes(label),
        "^XZ",
    ]
    return "\n".join(commands) + "\n"


def _rules() -> Iterator[str]:
    for y in (136, 412, 530, 596):
        yield f"^FO{MARGIN},{y}^GB{INNER},3,3^FS"


def _words(label: Label) -> Iterator[str]:
    service = f"RETURN {label.service_level}" if label.is_return else label.service_level
    piece = f"{label.piece}/{label.pieces}"
    for field, words in (
        (FROM, label.sender),
        (FROM_LINE, label.from_line),
        (SERVICE, service),
        (CONSIGNEE, label.consignee),
        (PLACE, label.place_line),
        (PHONE, label.phone),
        (NOTES, label.notes),
        (WINDOW, label.window),
        (PIECE, piece),
        (WEIGHT, label.weight),
        (DEPOT, label.depot),
        (RUN, label.run),
        (STOP, label.stop),
        (CODE_TEXT, label.code_text),
        (SMALL_PRINT, f"{label.waybill} · {label.barcode}"),
    ):
        yield from _lines(field, words)
    if label.cash:
        yield "^FO260,690^GB548,84,84^FS"
        yield from _lines(CASH, label.cash, reverse=True)
    else:
        yield from _lines(WAYBILL, label.waybill)


def _codes(label: Label) -> Iterator[str]:
    x, y = QR_AT
    yield f"^FO{x},{y}^BQN,2,{QR_DOTS}^FH^FDQA,{escape(label.barcode)}^FS"
    if not label.is_linear:
        return
    # Without commands to change it, the printer stays in subset B: eleven modules for each letter.
    letters = len(label.barcode) if label.sscc is None else SSCC_LETTERS
    modules = 11 * (letters + 2) + 13
    fitting = [dots for dots in MODULE_DOTS if modules * dots <= CODE_WIDTH_MM * DOTS_PER_MM]
    if not fitting:
        return
    if label.sscc is not None:
        data = f"{SUBSET_C}{FNC1}00{label.sscc}"
    else:
        data = label.barcode.replace(*CODE_128_ESCAPE)
    left = (WIDTH - modules * fitting[0]) // 2
    yield f"^FO{left},{CODE_Y}^BY{fitting[0]}^BCN,{CODE_HEIGHT},N,N,N,N^FH^FD{escape(data)}^FS"


def _lines(field: Field, words: str, *, reverse: bool = False) -> Iterator[str]:
    text = printed(words).text.replace("\u200b", "")
    if not text:
        return
    size, lines = fit(text, field)
    for number, line in enumerate(lines):
        font = WESTERN if all(letter < "\u0100" for letter in line) else SCALABLE
        y = field.y + number * size * 11 // 10
        shown = "^FR" if reverse else ""
        yield f"^FO{field.x},{y}{shown}^A{font}N,{size},{size}^FH^FD{escape(line)}^FS"


def fit(text: str, field: Field) -> tuple[int, list[str]]:
    """The size of the letters, and the lines; cut with an ellipsis when nothing else helps."""
    for size in field.sizes:
        lines = _wrap(text, field.width, size)
        if len(lines) <= _room(field, size):
            return size, lines
    size = field.sizes[-1]
    lines = _wrap(text, field.width, size)[: _room(field, size)]
    last = lines[-1]
    while width_of(last + "...", size) > field.width:
        last = last[:-1]
    return size, [*lines[:-1], last.rstrip() + "..."]


def _room(field: Field, size: int) -> int:
    """Smaller letters make room for more lines."""
    return max(field.lines, field.lines * field.sizes[0] // size)


def _wrap(text: str, width: int, size: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if width_of(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def width_of(text: str, size: int) -> int:
    """In dots, no narrower than any printer's font makes it."""
    return sum(_width(letter) for letter in text) * size // 100


def _width(letter: str) -> int:
    """In hundredths of the letter's height."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 110
    if unicodedata.combining(letter):
        return 0
    if letter in "MWmw@%ÆŒæœ":
        return 95
    if letter in "iljtf.,:;'|!()[] ·":
        return 38
    return 72 if letter.isupper() else 62


def escape(data: str) -> str:
    """As the data of a field after ^FH."""
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"^~_" else f"_{byte:02X}"
        for byte in data.encode()
    )
