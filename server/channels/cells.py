"""Reading one cell: what a person typed, as a value, or what is wrong with it. Pure."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from server.kit.money import NotAnAmount, parse_money

Read = Callable[[str], Any]
"""From a cell that is not empty; raises BadCell."""

YES = frozenset(["yes", "y", "true", "1", "x", "ja", "j", "wahr"])
NO = frozenset(["no", "n", "false", "0", "nein", "falsch"])
DEMANDS = {
    "required": "required",
    "pflicht": "required",
    "warned": "warned",
    "warnung": "warned",
    "optional": "optional",
    "off": "off",
    "aus": "off",
    **dict.fromkeys(YES, "required"),
    **dict.fromkeys(NO, "off"),
}
KINDS = {
    "goods": "goods",
    "ware": "goods",
    "waren": "goods",
    "courier": "courier",
    "kurier": "courier",
}
DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y")
TIMES = ("%H:%M", "%H:%M:%S", "%H.%M", "%Hh%M")


class BadCell(ValueError):
    """Why the cell cannot be used, as the end of a sentence that begins with its column."""


def one_of(choices: dict[str, str]) -> Read:
    def read(cell: str) -> str:
        found = choices.get(cell.casefold())
        if found is None:
            raise BadCell(f"must be one of: {', '.join(dict.fromkeys(choices.values()))}")
        return found

    return read


def text_as(kind: Any, otherwise: str) -> Read:
    """The text if `kind` (a type with bounds) allows it; `otherwise` says what is allowed."""

    def read(cell: str) -> str:
        try:
            return str(msgspec.convert(cell, kind))
        except msgspec.ValidationError:
            raise BadCell(otherwise) from None

    return read


def number(*, at_least: float, at_most: float, times: int = 1, unit: str = "") -> Read:
    """A number with a decimal point or comma, in `unit`; given back as a whole number of the
    `times` smaller unit."""

    def read(cell: str) -> int:
        amount = _decimal(cell.casefold().removesuffix(unit).strip())
        if not at_least <= amount <= at_most:
            raise BadCell(f"must be between {at_least:g} and {at_most:g} {unit}".rstrip())
        whole = amount * times
        if times == 1 and whole != whole.to_integral_value():
            raise BadCell("must be a whole number")
        return round(whole)

    return read


def degrees(limit: int) -> Read:
    def read(cell: str) -> float:
        value = _decimal(cell)
        if abs(value) > limit:
            raise BadCell(f"must be between -{limit} and {limit} degrees")
        return float(value)

    return read


def read_words(cell: str) -> tuple[str, ...]:
    """Words such as skills, however they are separated."""
    words = tuple(dict.fromkeys(re.split(r"[\s,;|/]+", cell.casefold().strip(" ,;|/"))))
    if len(words) > 20 or not all(re.fullmatch(r"[a-z0-9_-]{1,40}", word) for word in words):
        raise BadCell("may hold up to 20 words of letters a-z, digits, - and _")
    return words


def read_day(cell: str) -> date:
    for pattern in DAYS:
        try:
            return datetime.strptime(cell, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise BadCell("is not a date; write it like 2026-11-24 or 24.11.2026")


def read_time(cell: str) -> datetime | time:
    """A time of day, or a whole moment, which may name its zone."""
    for pattern in TIMES:
        try:
            return datetime.strptime(cell.removesuffix(" Uhr"), pattern).time()  # noqa: DTZ007
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        pass
    day, _, clock = cell.partition(" ")
    try:
        at = read_time(clock.strip()) if clock else None
        if isinstance(at, time):
            return datetime.combine(read_day(day), at)
    except BadCell:
        pass
    raise BadCell("is not a time; write it like 14:30 or 2026-11-24 14:30")


def read_amount(cell: str) -> str:
    """An amount of money; which currency it is in is said elsewhere."""
    try:
        parse_money(cell.replace("'", "").replace("’", ""), "BHD")  # the one with most decimals
    except NotAnAmount:
        raise BadCell("is not an amount; write it like 12.50") from None
    return cell.replace("'", "").replace("’", "")


def _decimal(cell: str) -> Decimal:
    if not re.fullmatch(r"[+-]?[0-9]{1,12}([.,][0-9]{1,12})?", cell):
        raise BadCell("is not a number; write it like 2.5")
    try:
        return Decimal(cell.replace(",", "."))
    except InvalidOperation:
        raise BadCell("is not a number; write it like 2.5") from None
