"""CSV that spreadsheets open without running what somebody wrote into a name.

A cell that begins like a formula gets an apostrophe before it; only what we know to be a number
may begin with a minus.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Number(str):
    """A cell that is known to be a number, written as it is."""

    __slots__ = ()


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """RFC 4180, one line per row."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return file.getvalue()


def neutral(cell: str) -> str:
    """The cell as text that no spreadsheet takes for a formula."""
    if isinstance(cell, Number):
        return cell
    one_line = " ".join(cell.replace("\x00", "").splitlines())
    starts_so = one_line.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS)
    return f"'{one_line}" if starts_so or cell.startswith(FORMULA_STARTS) else one_line
