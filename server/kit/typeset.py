"""Papers: a Typst template of a room, filled with data, becomes a PDF.

Data travels as JSON, never as part of the template, so whatever a person typed is printed as it is
and never obeyed. The same data gives the same bytes. In the template: `#let data =
json(bytes(sys.inputs.data))`.

The fonts are ours (DejaVu Sans) and those that Typst brings, so that a paper looks the same
everywhere. They hold Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian and Devanagari.
Only a paper with other letters may use the machine's fonts beside them; where those lack them too,
it says so in words, such as [Thai letters], and never shows empty boxes.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import typst

FONTS_DIR = Path(__file__).parent / "fonts"

LONGEST_WORD = 24
"""Letters of a word that still fits any line of a paper."""

MOST_TRIES = 6
"""How often letters that lack a shape are looked for; naming some can bring others to light."""

LAST_WESTERN = "\u024f"
"""The last letter of those that every font of ours holds."""

Standard = Literal["a-2b", "a-3b"]

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
    return await loop.run_in_executor(_setters, set_in_type, template, data)


def set_in_type(template: Path, data: Any, *, standard: Standard = "a-2b", at: int = 0) -> bytes:
    """The same in this thread. standard: a PDF/A, since it allows no letter without a shape, so
    that we hear of each. at: the time that the PDF bears, in seconds since 1970."""
    words = msgspec.to_builtins(data)
    compiled = partial(_compile, template, standard=standard, at=at)
    try:
        return compiled(words, _our_fonts())
    except typst.TypstError as error:
        _shapeless(error)
    words = _each_text(words, partial(name_letters, lacking=_lacking_here))
    for _ in range(MOST_TRIES):
        try:
            return compiled(words, _all_fonts())
        except typst.TypstError as error:
            found = _shapeless(error)
        _lacking_here.update(each for each in found if len(each) == 1)
        words = _each_text(words, partial(name_letters, lacking=found))
    return compiled(_each_text(words, _only_western), _our_fonts())


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


def name_letters(text: str, *, lacking: Iterable[str]) -> str:
    """The text with the name of their script in the place of letters that have no shape here; a
    western letter only loses the marks that it cannot bear."""
    wholes = []
    for each in sorted(lacking, key=len, reverse=True):
        if each[0] <= LAST_WESTERN:
            text = text.replace(each, each[0])
        elif each in text:
            wholes.append(re.escape(each))
    if not wholes:
        return text
    letter = f"(?:{'|'.join(wholes)})"
    return re.sub(f"{letter}(?:[ {_ZERO_WIDTH_SPACE}]*{letter})*", _name, text)


def _name(run: re.Match[str]) -> str:
    scripts = dict.fromkeys(map(_script_of, run[0]))
    named = " and ".join(script for script in scripts if script)
    return f"[{named} letters]" if named else "[symbol]"


def _script_of(letter: str) -> str:
    """As Unicode names it; "" for what is no letter."""
    if unicodedata.category(letter)[0] != "L":
        return ""
    first = unicodedata.name(letter, "unknown").split()[0]
    return first if first == "CJK" else first.capitalize()


def _only_western(text: str) -> str:
    return name_letters(text, lacking={each for each in text if each > LAST_WESTERN})


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _each_text(each, change) for name, each in value.items()}
        case list():
            return [_each_text(each, change) for each in value]
    return value


def _shapeless(error: typst.TypstError) -> set[str]:
    """The letters, each with its marks, for which no font has a shape; every other complaint is
    the template's."""
    found = re.findall(r'the text `"(.*?)"` could not be displayed', error.diagnostic)
    if not found:
        raise error
    return {
        re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), each) for each in found
    }


def _compile(
    template: Path, words: Any, fonts: typst.Fonts, *, standard: Standard, at: int
) -> bytes:
    pdf = typst.compile(
        template,
        root=template.parent,
        font_paths=fonts,
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=[standard],
        sys_inputs={"data": msgspec.json.encode(words).decode()},
        timestamp=at,
    )
    assert isinstance(pdf, bytes)  # one PDF, as asked
    return pdf


_lacking_here: set[str] = set()
"""Letters that were looked for in vain, so that the next paper is set at once."""


@cache
def _our_fonts() -> typst.Fonts:
    """Read once: looking for fonts takes longer than setting a page."""
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS_DIR])


@cache
def _all_fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True, font_paths=[FONTS_DIR])
