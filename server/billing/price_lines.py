"""Priced lines, the arithmetic that each of them carries with it, and the one rounding rule. Pure.

Every line has a trace: a sentence, and terms of the one form `quantity * minor / per`, whose sum is
rounded half up to the minor unit, once per line. `recompute` does that sum from the trace alone;
totals are sums of whole minor units and therefore exact.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Any

import msgspec

WHOLE_BP = 10_000


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """quantity * minor / per minor units. unit: of the quantity."""

    words: str
    quantity: int
    unit: str
    minor: int
    per: int = 1


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """least_minor: the line is never below it, if given."""

    words: str
    terms: tuple[Term, ...]
    least_minor: int | None = None


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    description: str
    net_minor: int
    trace: Trace


def total_minor(lines: Sequence[PricedLine]) -> int:
    return sum(line.net_minor for line in lines)


def recompute(trace: dict[str, Any]) -> int:
    """The amount of a line from its stored trace alone."""
    exact = sum(
        (Fraction(term["quantity"] * term["minor"], term["per"]) for term in trace["terms"]),
        Fraction(0),
    )
    return _at_least(round_half_up(exact), trace["least_minor"])


def round_half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def _at_least(minor: int, least_minor: int | None) -> int:
    return minor if least_minor is None else max(minor, least_minor)


def make_line(
    kind: str, description: str, words: str, terms: Sequence[Term], least_minor: int | None = None
) -> PricedLine:
    exact = sum((Fraction(each.quantity * each.minor, each.per) for each in terms), Fraction(0))
    return PricedLine(
        kind=kind,
        description=description,
        net_minor=_at_least(round_half_up(exact), least_minor),
        trace=Trace(words=words, terms=tuple(terms), least_minor=least_minor),
    )


def fixed_and_share(minor: int, percent_bp: int, base_minor: int, base: str) -> list[Term]:
    """A fixed amount, and a percentage of another one, as far as they are given."""
    fixed = Term(words="fixed", quantity=1, unit="time", minor=minor)
    share = Term(
        words=f"{percent_bp / 100:g} % of the {base} of {base_minor}",
        quantity=percent_bp,
        unit="basis point",
        minor=base_minor,
        per=WHOLE_BP,
    )
    return [term for term, given in ((fixed, minor), (share, percent_bp)) if given]
