"""Right-to-left lines for a renderer that draws code points from left to right, one by one.

Kivy's renderer neither joins Arabic letters nor orders them. So both happen here: each letter is
put into its joined form, and each line into the order in which it is drawn. Enough of Unicode's
bidirectional algorithm for what a driver reads: one paragraph, Arabic and Hebrew with numbers,
Latin names and brackets inside; no explicit embeddings.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

_FORMS: dict[str, dict[str, str]] = {}
"""Letter -> form (isolated, final, initial, medial) -> the code point that is drawn."""
_LIGATURES: dict[str, dict[str, str]] = {}


def _read_forms() -> None:
    for code in range(0xFE80, 0xFEFD):
        kind, *parts = unicodedata.decomposition(chr(code)).split()
        letters = "".join(chr(int(part, 16)) for part in parts)
        table = _FORMS if len(letters) == 1 else _LIGATURES
        table.setdefault(letters, {})[kind.strip("<>")] = chr(code)


_read_forms()

_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_NUMBER = {"EN", "AN"}
_RIGHT = {"R", "AL"}


LINES_KEPT = 4096
"""Of what was found out about a line: the pages of a day say the same ones again and again."""


@lru_cache(LINES_KEPT)
def is_right_to_left(text: str) -> bool:
    """Whether anything in it is written from right to left."""
    return any(unicodedata.bidirectional(letter) in _RIGHT for letter in text)


def join_letters(text: str) -> str:
    """Each Arabic letter in the form that its neighbours ask for; the order stays."""
    joined: list[str] = []
    position = 0
    while position < len(text):
        letters = text[position : position + 2]
        if letters not in _LIGATURES:
            letters = text[position]
        forms = _LIGATURES.get(letters) or _FORMS.get(letters)
        if forms is None:
            joined.append(letters)
        else:
            before = _joins_after(_neighbour(text, position - 1, -1))
            after = _joins_before(_neighbour(text, position + len(letters), 1))
            joined.append(_choose(forms, before=before, after=after))
        position += len(letters)
    return "".join(joined)


@lru_cache(LINES_KEPT)
def to_drawn(line: str, *, right_to_left: bool | None = None) -> str:
    """One line in the order in which it is drawn from left to right; plain Latin is untouched.

    right_to_left: how the text goes as a whole; else as it begins. In one that begins in Latin,
    such as `Deliver to ...`, only the words from right to left are turned.
    """
    if not is_right_to_left(line):
        return line
    if begins_right(line) if right_to_left is None else right_to_left:
        return _turn(line)
    parts, done = [], 0
    for start, end in _find_turned(line):
        parts += [line[done:start], _turn(line[start:end])]
        done = end
    return "".join([*parts, line[done:]])


def begins_right(line: str) -> bool:
    """Whether the first letter that has a direction runs from right to left."""
    kinds = (unicodedata.bidirectional(letter) for letter in line)
    return next((kind in _RIGHT for kind in kinds if kind == "L" or kind in _RIGHT), False)


def _find_turned(line: str) -> list[tuple[int, int]]:
    """Where in a line from left to right something runs the other way: from its first letter to
    its last, or to the number that belongs to it."""
    found: list[tuple[int, int]] = []
    start = None
    for index, letter in enumerate(line):
        kind = unicodedata.bidirectional(letter)
        if kind == "L":
            start = None
        elif kind in _RIGHT and start is None:
            start = index
            found.append((start, index + 1))
        elif start is not None and (kind in _RIGHT or kind in _NUMBER):
            found[-1] = (start, index + 1)
    return found


def turn_lines(lines: Sequence[str]) -> list[str]:
    """Lines of one text from right to left, each in the order in which it is drawn. Which way a
    number runs is settled by the whole text: an address that is wrapped stays one."""
    joined = [join_letters(line) for line in lines]
    rightward = _directions(" ".join(joined))
    turned, start = [], 0
    for letters in joined:
        turned.append(_order(letters, rightward[start : start + len(letters)]))
        start += len(letters) + 1
    return turned


def _turn(line: str) -> str:
    return turn_lines([line])[0]


def _order(letters: str, directions: Sequence[bool]) -> str:
    runs: list[tuple[bool, str]] = []
    for letter, rightward in zip(letters, directions, strict=True):
        if runs and runs[-1][0] == rightward:
            runs[-1] = (rightward, runs[-1][1] + letter)
        else:
            runs.append((rightward, letter))
    return "".join(
        run if rightward else run[::-1].translate(_MIRRORED) for rightward, run in reversed(runs)
    )


def wrap(text: str, width_px: float, measure: Callable[[str], float]) -> list[str]:
    """Lines of logical text, each drawn at most `width_px` wide, if its words allow."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and measure(to_drawn(longer)) > width_px:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def _directions(letters: str) -> list[bool]:
    """For each letter whether it runs from left to right, in a line from right to left."""
    kinds = [unicodedata.bidirectional(letter) for letter in letters]
    strong = [
        True if kind == "L" else None if kind in _NUMBER or kind not in _RIGHT else False
        for kind in kinds
    ]
    for index, kind in enumerate(kinds):
        if kind in _NUMBER:
            strong[index] = True
    # A separator inside a number belongs to it: 12:30, 4.50, +423 555.
    for index in range(len(kinds)):
        if strong[index] is None and kinds[index] in {"CS", "ES", "ET"}:
            left = kinds[index - 1] if index else ""
            right = kinds[index + 1] if index + 1 < len(kinds) else ""
            inside = left in _NUMBER and right in _NUMBER
            strong[index] = True if inside or (right in _NUMBER & {"EN"} and left == "") else None
    # What has no direction takes that of its two neighbours if they agree, else the line's. To it a
    # number is as what stands before it: after a word from right to left it keeps its own order,
    # but what follows lies on its left.
    as_neighbour: list[bool | None] = []
    latest = False
    for kind, rightward in zip(kinds, strong, strict=True):
        if kind == "L" or kind in _RIGHT:
            latest = kind == "L"
        as_neighbour.append(None if rightward is None else latest)
    result: list[bool] = []
    before = False
    for index, known in enumerate(strong):
        if known is None:
            after = next((each for each in as_neighbour[index + 1 :] if each is not None), False)
            result.append(before and bool(after))
        else:
            before = bool(as_neighbour[index])
            result.append(known)
    return result


def _neighbour(text: str, index: int, step: int) -> str:
    while 0 <= index < len(text) and unicodedata.combining(text[index]):
        index += step
    return text[index] if 0 <= index < len(text) else ""


def _joins_after(letter: str) -> bool:
    """Whether the letter reaches out to the one that follows it."""
    return letter == "ـ" or "initial" in _FORMS.get(letter, {})


def _joins_before(letter: str) -> bool:
    return letter == "ـ" or "final" in _FORMS.get(letter, {})


def _choose(forms: dict[str, str], *, before: bool, after: bool) -> str:
    wanted = {
        (True, True): ("medial", "final", "isolated"),
        (True, False): ("final", "isolated"),
        (False, True): ("initial", "isolated"),
        (False, False): ("isolated",),
    }[before, after]
    return next(forms[name] for name in wanted if name in forms)
