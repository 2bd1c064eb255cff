"""From the rows of one order, or the fields of the form, to what every door asks for. Pure.

An order has one row, or several that follow each other with the same order number: each may add a
line and parcels; what concerns the whole order is said in the first and repeated or left empty in
the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from server.channels.cells import BadCell
from server.channels.columns import PARTY, READERS, Columns, map_columns
from server.channels.order_request import OrderRequest
from server.channels.tables import Row
from server.kit.errors import Invalid, PostriderError
from server.kit.money import NotAnAmount, parse_money

DIMENSIONS = {f"{side}_{unit}" for side in ("length", "width", "height") for unit in ("cm", "mm")}
OF_ONE_ROW = frozenset(
    {"sku", "quantity", "description", "parcels", "weight_kg", "weight_g", *DIMENSIONS}
)
"""The fields that each row of an order has for itself."""

DAY_STARTS, DAY_ENDS = time(8), time(18)
"""The window of an order that names a day and no times."""

FIELD_OF_ERROR = {
    "external_id": "order_number",
    "window_end_at": "window_end",
    "pickup_window_end_at": "pickup_end",
    "pickup_window_start_at": "pickup_start",
    "address": "to_street",
    "consignor": "from_name",
    "lines": "sku",
}
"""Where the errors of orders and channels name their fields otherwise than files do."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one row. column: as its header names it; "" when it is the whole row."""

    line: int
    column: str
    value: str
    reason: str


class FormUnusable(Invalid):
    """The form cannot be used: {summary}."""

    code = "channels.form_unusable"


class RowsUnusable(Exception):
    """The order cannot be taken, for these reasons."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(problems)


def group_rows(columns: Columns, rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of one order after the other."""
    group: list[Row] = []
    for row in rows:
        number = order_number(columns, row)
        if group and (not number or number != order_number(columns, group[0])):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def order_number(columns: Columns, row: Row) -> str:
    return _cell(columns, row, "order_number")


def read_order(
    columns: Columns, rows: Sequence[Row], *, zone: ZoneInfo, currency: str
) -> OrderRequest:
    """The order that these rows describe; their currency unless they name one.

    Raises
    ------
    RowsUnusable
        With everything that is wrong, not only the first thing.
    """
    reading = _Reading(columns, rows[0].line)
    values = [reading.values(row) for row in rows]
    request = reading.request(rows, values, zone, currency)
    if reading.problems:
        raise RowsUnusable(reading.problems)
    try:
        return msgspec.convert(request, OrderRequest)
    except msgspec.ValidationError as error:
        problem = Problem(line=rows[0].line, column="", value="", reason=str(error))
        raise RowsUnusable([problem]) from None


def read_form(fields: Mapping[str, str], *, zone: ZoneInfo, currency: str) -> OrderRequest:
    """The order that a form describes whose fields are called like the columns of a file."""
    columns = map_columns(list(fields))
    if columns.ignored:
        raise FormUnusable(summary=f"it has the unknown fields {', '.join(columns.ignored)[:500]}")
    try:
        return read_order(
            columns, [Row(1, [*map(str.strip, fields.values())])], zone=zone, currency=currency
        )
    except RowsUnusable as error:
        summary = "; ".join(f"{each.column} {each.reason}".strip() for each in error.problems)
        raise FormUnusable(summary=summary, problems=msgspec.to_builtins(error.problems)) from None


def check_form(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a form, each of which must be there once and be text."""
    for name, value in fields.items():
        if not isinstance(value, str):
            raise FormUnusable(summary=f"{name[:80]} must be given once, as text")
    return dict(fields)


def problem_of(columns: Columns, line: int, error: PostriderError) -> Problem:
    """The refusal of a whole order, at the column that it is about."""
    field = str(error.details.get("field", ""))
    field = FIELD_OF_ERROR.get(field, field)
    column = columns.header_of(field) if field in columns.fields else ""
    return Problem(line=line, column=column, value="", reason=error.message)


def _cell(columns: Columns, row: Row, field: str) -> str:
    index = columns.fields.get(field)
    return row.cells[index] if index is not None and index < len(row.cells) else ""


class _Reading:
    """One order being read, and what was found wrong so far."""

    def __init__(self, columns: Columns, line: int) -> None:
        self.columns = columns
        self.line = line
        self.problems: list[Problem] = []

    def wrong(self, field: str, reason: str, *, value: str = "", line: int | None = None) -> None:
        self.problems.append(
            Problem(
                line=line or self.line,
                column=self.columns.header_of(field),
                value=value[:200].replace("\0", "\u2400"),
                reason=reason,
            )
        )

    def values(self, row: Row) -> dict[str, Any]:
        """Field -> value of every cell that holds one."""
        values = {}
        for field in self.columns.fields:
            cell = _cell(self.columns, row, field)
            if cell:
                try:
                    values[field] = READERS[field](cell)
                except BadCell as error:
                    self.wrong(field, str(error), value=cell, line=row.line)
        if any(row.cells[len(self.columns.headers) :]):
            reason = "has more cells than the header has columns; is a delimiter inside a cell?"
            self.problems.append(Problem(line=row.line, column="", value="", reason=reason))
        return values

    def request(
        self,
        rows: Sequence[Row],
        values: Sequence[dict[str, Any]],
        zone: ZoneInfo,
        currency: str,
    ) -> dict[str, Any]:
        order = values[0]
        self._check_same(order, rows, values)
        consignor = self._party("from", order)
        kind = order.get("kind") or ("courier" if consignor else "goods")
        start, end = self._window("window", order, zone)
        pickup_start, pickup_end = self._window("pickup", order, zone)
        lines = [
            line for row, each in zip(rows, values, strict=True) if (line := self._line(row, each))
        ]
        parcels = [parcel for each in values for parcel in self._parcels(each)]
        return {
            "kind": kind,
            "external_id": order.get("order_number"),
            "reference": order.get("reference", ""),
            "cost_centre": order.get("cost_centre", ""),
            "consignor": consignor,
            "consignee": self._party("to", order, required=True),
            "lines": lines,
            "parcels": parcels or ([] if lines else [{}]),
            "window_start_at": start,
            "window_end_at": end,
            "pickup_window_start_at": pickup_start,
            "pickup_window_end_at": pickup_end,
            "service_level": order.get("service_level"),
            "instructions": order.get("instructions", ""),
            "skills": order.get("skills", ()),
            "proof": {
                name.removeprefix("proof_"): demand
                for name, demand in order.items()
                if name.startswith("proof_")
            },
            "pin": order.get("pin"),
            "cash_minor": self._cash(order, order.get("currency", currency)),
            "currency": order.get("currency"),
        }

    def _check_same(
        self, order: dict[str, Any], rows: Sequence[Row], values: Sequence[dict[str, Any]]
    ) -> None:
        for row, each in zip(rows[1:], values[1:], strict=True):
            for field, value in each.items():
                if field not in OF_ONE_ROW and value != order.get(field):
                    reason = f"differs from line {rows[0].line}, which is of the same order"
                    self.wrong(field, reason, value=str(value), line=row.line)

    def _party(
        self, side: str, order: dict[str, Any], *, required: bool = False
    ) -> dict[str, Any] | None:
        said = {name: order[f"{side}_{name}"] for name in PARTY if f"{side}_{name}" in order}
        if not said and not required:
            return None
        address = {
            ("line" if name == "address" else name): value
            for name, value in said.items()
            if name not in ("name", "phone", "email")
        }
        if not said.get("name") and not self._is_wrong(f"{side}_name"):
            self.wrong(f"{side}_name", "is missing")
        half = ("lon" in address) != ("lat" in address)
        if half and not self._is_wrong(f"{side}_lon") and not self._is_wrong(f"{side}_lat"):
            self.wrong(f"{side}_lon", "needs both: longitude and latitude, or neither")
        elif not address and not self._is_wrong(f"{side}_street"):
            self.wrong(f"{side}_street", "is missing")
        return {
            "name": said.get("name", ""),
            "phone": said.get("phone", ""),
            "email": said.get("email", ""),
            "address": address,
        }

    def _line(self, row: Row, values: dict[str, Any]) -> dict[str, Any] | None:
        if "sku" not in values:
            if "quantity" in values:
                self.wrong("sku", "is missing, but a quantity is given", line=row.line)
            return None
        return {
            "sku": values["sku"],
            "quantity": values.get("quantity", 1),
            "description": values.get("description", ""),
        }

    def _parcels(self, values: dict[str, Any]) -> list[dict[str, Any]]:
        if not values.keys() & OF_ONE_ROW - {"sku", "quantity", "description"}:
            return []
        parcel = {
            "description": values.get("description", ""),
            "weight_g": values.get("weight_g", values.get("weight_kg", 0)),
            **{
                f"{side}_mm": values.get(f"{side}_mm", values.get(f"{side}_cm", 0))
                for side in ("length", "width", "height")
            },
        }
        return [parcel] * values.get("parcels", 1)

    def _window(
        self, name: str, order: dict[str, Any], zone: ZoneInfo
    ) -> tuple[datetime | None, datetime | None]:
        day: date | None = order.get("day")
        ends = [order.get(f"{name}_start"), order.get(f"{name}_end")]
        if ends == [None, None]:
            if day is None or name == "pickup":
                return None, None
            ends = [DAY_STARTS, DAY_ENDS]
        moments: list[datetime | None] = []
        for field, at in zip((f"{name}_start", f"{name}_end"), ends, strict=True):
            moments.append(None)
            if at is None and self._is_wrong(field):
                continue
            if at is None:
                self.wrong(field, "is missing: a window has a start and an end")
            elif isinstance(at, datetime):
                moments[-1] = at if at.tzinfo else at.replace(tzinfo=zone)
            elif day is None and self._is_wrong("day"):
                continue
            elif day is None:
                self.wrong(field, "is a time without a day; give a date too", value=str(at))
            else:
                moments[-1] = datetime.combine(day, at, zone)
        return moments[0], moments[1]

    def _cash(self, order: dict[str, Any], currency: str) -> int:
        try:
            return parse_money(order.get("cash", "0"), currency).minor
        except NotAnAmount as error:
            self.wrong("cash", error.message, value=order["cash"])
            return 0

    def _is_wrong(self, field: str) -> bool:
        """Something was found wrong there already, so that it is not missing as well."""
        header = self.columns.header_of(field)
        return any(problem.column == header for problem in self.problems)
