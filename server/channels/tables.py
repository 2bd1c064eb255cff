"""Tables in files: CSV in any usual encoding and delimiter, and XLSX. Rows come one at a time.

Every cell is text here; what it means is for columns.py and cells.py.
"""

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import openpyxl

from server.kit.errors import Invalid

MAX_ROWS = 10_000
MAX_COLUMNS = 200
MAX_BLANK_ROWS = 20_000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_TEXTS_BYTES = 20 * 1024 * 1024
HEADER_CHARS = 50_000
DELIMITERS = ";,\t|"

Format = Literal["csv", "xlsx"]


class NotATable(Invalid):
    """This is neither a CSV nor an XLSX file. Save it from your spreadsheet as one of these."""

    code = "channels.not_a_table"


class OldExcel(Invalid):
    """This is an old or encrypted Excel file. Save it as .xlsx without a password, or as CSV."""

    code = "channels.old_excel"


class UnknownEncoding(Invalid):
    """The text is neither UTF-8 nor Windows-1252. Save the file as CSV in UTF-8."""

    code = "channels.unknown_encoding"


class EmptyTable(Invalid):
    """The file has no header line. Its first line must name the columns."""

    code = "channels.empty_table"


class TooManyRows(Invalid):
    """The file has more than {max_rows} rows. Split it into several."""

    code = "channels.too_many_rows"


class TooManyColumns(Invalid):
    """The file has more than {max_columns} columns. Leave out those that are not needed."""

    code = "channels.too_many_columns"


class UnpacksTooLarge(Invalid):
    """Unpacked, this XLSX file is far too large. Copy the rows into a fresh workbook."""

    code = "channels.unpacks_too_large"


class BrokenTable(Invalid):
    """The file cannot be read from line {line} on: {reason}. Save it afresh and try again."""

    code = "channels.broken_table"


class Row(NamedTuple):
    """line: as a spreadsheet or editor counts it, from 1; the header is a line too."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was found readable: what it is and how it is written."""

    path: Path
    format: Format
    header: list[str]
    encoding: str = ""
    delimiter: str = ","

    def rows(self, *, after_line: int = 0) -> Iterator[Row]:
        """The rows below the header that hold anything, in constant memory.

        Raises
        ------
        TooManyRows, BrokenTable
            When it comes to that place.
        """
        rows = _csv_rows(self) if self.format == "csv" else _xlsx_rows(self.path)
        next(rows, None)
        for number, row in enumerate(rows, 1):
            if number > MAX_ROWS:
                raise TooManyRows(max_rows=MAX_ROWS)
            if row.line > after_line:
                yield row


def open_table(path: Path) -> Table:
    """Find out what the file is.

    Raises
    ------
    NotATable, OldExcel, UnknownEncoding, EmptyTable, UnpacksTooLarge, TooManyColumns, BrokenTable
    """
    with path.open("rb") as file:
        start = file.read(8192)
    if start.startswith(b"PK\x03\x04"):
        _check_xlsx(path)
        table = Table(path, "xlsx", _header(_xlsx_rows(path)))
    elif start.startswith(b"\xd0\xcf\x11\xe0"):
        raise OldExcel
    else:
        encoding = _encoding(path, start)
        plain = Table(path, "csv", [], encoding, _delimiter(path, encoding))
        table = Table(path, "csv", _header(_csv_rows(plain)), encoding, plain.delimiter)
    if len(table.header) > MAX_COLUMNS:
        raise TooManyColumns(max_columns=MAX_COLUMNS)
    return table


def write_csv(
    header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str
) -> Iterator[str]:
    """A CSV file, piece by piece, that no spreadsheet takes for formulas; reading it back gives
    the same cells."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    yield "\ufeff"  # without it Excel reads UTF-8 as something else
    for row in chain([header], rows):
        writer.writerow([harmless(cell) for cell in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")


def harmless(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _as_written(cell: str) -> str:
    """Takes away the apostrophe of `harmless`, and the spaces around."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _header(rows: Iterator[Row]) -> list[str]:
    first = next(rows, None)
    if first is None:
        raise EmptyTable
    return [cell.replace("\0", "\u2400") for cell in first.cells]


def _encoding(path: Path, start: bytes) -> str:
    """UTF-8 if all of it is, UTF-16 if it says so, else Windows-1252."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.count(0) * 10 > len(start):
        raise NotATable
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding) as file:
                while file.read(1 << 16):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise UnknownEncoding


def _delimiter(path: Path, encoding: str) -> str:
    """The one that cuts the header line into most columns."""
    with _open_text(path, encoding) as file:
        header = next((line for line in file if line.strip()), "")[:HEADER_CHARS]
    return max(DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _open_text(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, newline="", errors="strict")


def _csv_rows(table: Table) -> Iterator[Row]:
    with _open_text(table.path, table.encoding) as file:
        reader = csv.reader(file, delimiter=table.delimiter)
        line = 1
        try:
            for written in reader:
                cells = [_as_written(cell) for cell in written]
                if any(cells):
                    yield Row(line, cells)
                line = reader.line_num + 1
        except (csv.Error, UnicodeError) as error:
            raise BrokenTable(line=line, reason=str(error)) from None


def _check_xlsx(path: Path) -> None:
    """Refuse what would fill the memory, before anything is unpacked. A lying directory does not
    help: zipfile unpacks no more than the directory says."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or any(
                part.file_size > MAX_TEXTS_BYTES
                for part in parts
                if not part.filename.startswith("xl/worksheets/")
            ):
                raise UnpacksTooLarge
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as file:
                        if b"<!" in file.read(1024):  # a DTD; no spreadsheet writes one
                            raise NotATable
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        raise NotATable from None


def _xlsx_rows(path: Path) -> Iterator[Row]:
    """The first sheet; formulas are what the spreadsheet program last found them to be."""
    line = blank = 0
    try:
        with path.open("rb") as file:  # blobs have no ending, by which openpyxl judges a path
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            rows = book.worksheets[0].iter_rows(values_only=True, max_col=MAX_COLUMNS + 1)
            for line, values in enumerate(rows, 1):
                cells = [_text(value) for value in values]
                while cells and not cells[-1]:
                    cells.pop()
                if cells:
                    yield Row(line, cells)
                    continue
                blank += 1
                if blank > MAX_BLANK_ROWS:
                    raise TooManyRows(max_rows=MAX_ROWS)
    except (KeyError, IndexError, zipfile.BadZipFile):
        raise NotATable from None
    except (ValueError, TypeError, OverflowError, SyntaxError, zlib.error) as error:
        raise BrokenTable(line=line + 1, reason=str(error)) from None


def _text(value: Any) -> str:
    """A cell as a person would have typed it into a CSV file."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _as_written(str(value))
