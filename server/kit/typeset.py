"""Papers: a Typst template of a room, filled with data, becomes a PDF.

Data travels as JSON, never as part of the template, so whatever a person typed is printed as it is
and never obeyed. The same data gives the same bytes. In the template: `#let data =
json(bytes(sys.inputs.data))`.

The fonts are ours (DejaVu Sans) and those that Typst brings, never the machine's, so that a paper
looks the same everywhere. They hold Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian and Georgian;
a letter of another script is printed as an empty box.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

FONTS_DIR = Path(__file__).parent / "fonts"

LONGEST_WORD = 24
"""Letters of a word that still fits any line of a paper."""

_JOINERS = "\u200c\u200d"
_ZERO_WIDTH_SPACE = "\u200b"

# Typst works without Python's lock; more papers at once than this would starve everything else.
_setters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="typeset")


class Printed(msgspec.Struct, frozen=True):
    """A line of text for a template. rtl: whether it is read from right to left."""

    text: str
    rtl: bool = False


async def typeset(template: Path, data: Any) -> bytes:
    """The PDF. data: whatever msgspec can write as JSON.

    Raises
    ------
    typst.TypstError
        When the template is wrong; no data can make it so.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_setters, _typeset, template, msgspec.json.encode(data))


def printed(text: str, *, longest_word: int = LONGEST_WORD) -> Printed:
    """A person's words made ready for paper: on one line, without characters that only control
    how others are shown, and with no word that could not be broken.

    longest_word: in letters; a longer one may be broken anywhere.
    """
    shown = "".join(
        letter
        for letter in " ".join(text.split())
        if letter in _JOINERS or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
    )
    directions = (unicodedata.bidirectional(letter) for letter in shown)
    first = next((each for each in directions if each in ("L", "R", "AL")), "L")
    words = (
        word if len(word) <= longest_word else _ZERO_WIDTH_SPACE.join(word)
        for word in shown.split(" ")
    )
    return Printed(" ".join(words), first != "L")


def _typeset(template: Path, data: bytes) -> bytes:
    pdf = typst.compile(
        template,
        root=template.parent,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": data.decode()},
        timestamp=0,
    )
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _fonts() -> typst.Fonts:
    """Read once: looking for fonts takes longer than setting a page."""
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS_DIR])
