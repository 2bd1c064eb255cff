"""Taking in the rows of a file, chunk by chunk.

The orders of a chunk, what was wrong with its rows and how far we are take effect together, so
whoever goes on after a crash begins after the last chunk. A dry run does the very same and takes
the chunk back.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.channels.columns import Columns, map_columns
from server.channels.models import ImportProblem, OrderImport
from server.channels.order_request import OrderRequest
from server.channels.rows import (
    Problem,
    RowsUnusable,
    group_rows,
    order_number,
    problem_of,
    read_order,
)
from server.channels.service import take_orders
from server.channels.tables import Row, Table, open_table
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.errors import Conflict, PostriderError

log = logging.getLogger(__name__)

CHUNK_ORDERS = 100
ATTEMPTS = 5
CHANNEL = "file"


class TakenOver(Conflict):
    """Another process goes on with import {import_id}."""

    code = "channels.import_taken_over"


@dataclass(slots=True)
class Outcome:
    """What became of a chunk."""

    orders_new: int = 0
    orders_repeated: int = 0
    rows_bad: int = 0
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, rows: list[Row], problems: list[Problem]) -> None:
        self.rows_bad += len(rows)
        self.problems += _for_every_row(rows, problems)


async def work_on_imports(db: Database, blobs: Blobs, *, zone: ZoneInfo) -> None:
    """Bring every import that waits, or was left behind by a crash, to its end."""
    async with db.transaction() as session:
        waiting = (
            await session.scalars(
                select(OrderImport.id)
                .where(OrderImport.state.in_(("queued", "running")))
                .order_by(OrderImport.id)
            )
        ).all()
    for import_id in waiting:
        try:
            await run_import(db, blobs, import_id, zone=zone)
        except (
            Exception
        ):  # ours to mend, not the file's: it is tried again, a limited number of times
            log.exception("import %s stopped; it will be tried again", import_id)


async def run_import(
    db: Database,
    blobs: Blobs,
    import_id: UUID,
    *,
    zone: ZoneInfo,
    say: Callable[[str], None] = lambda _: None,
) -> bool:
    """Work on one import to its end; False when another process is at it."""
    async with db.exclusive(f"import {import_id}") as mine:
        if not mine:
            return False
        try:
            work = await _begin(db, blobs, import_id, zone)
            while work and (count := await work.take_chunk(db)):
                say(f"{work.rows_done + count} of {work.rows_total} rows")
                work.rows_done += count
            await _finish(db, import_id)
        except PostriderError as error:  # the file's fault, and a sentence about it
            await _finish(db, import_id, error=error.message)
        return True


async def _begin(
    db: Database, blobs: Blobs, import_id: UUID, zone: ZoneInfo
) -> "ImportWork | None":
    """Open the file where work on it stopped; None when there is nothing left to do."""
    async with db.transaction() as session:
        row = await _lock(session, import_id)
        if row.finished_at:
            return None
        row.state = "running"
        row.attempts += 1
        if row.attempts > ATTEMPTS:
            raise GivenUp(line=row.lines_done + 1)
        account = await accounts.get_account(session, row.account_id)
    path = blobs.path(row.sha256)
    table = await asyncio.to_thread(open_table, path)
    rows_total = row.rows_total
    if rows_total is None:
        rows_total = await asyncio.to_thread(lambda: sum(1 for _ in table.rows()))
        async with db.transaction() as session:
            (await _lock(session, import_id)).rows_total = rows_total
    return ImportWork(row, table, account, zone, rows_total)


async def _finish(db: Database, import_id: UUID, *, error: str | None = None) -> None:
    async with db.transaction() as session:
        row = await _lock(session, import_id)
        if row.finished_at is None:
            row.state = "failed" if error else "done"
            row.error = error
            row.finished_at = clock.now()


async def _lock(session: AsyncSession, import_id: UUID) -> OrderImport:
    return await session.get_one(OrderImport, import_id, with_for_update=True)


class GivenUp(Conflict):
    """Something breaks on our side at or after line {line}, again and again. What was taken before
    stays taken. Please report it."""

    code = "channels.import_given_up"


class ImportWork:
    """One file being taken in by this process."""

    def __init__(
        self,
        row: OrderImport,
        table: Table,
        account: accounts.AccountView,
        zone: ZoneInfo,
        rows_total: int,
    ) -> None:
        self.rows_total = rows_total
        self.rows_done = row.rows_done
        self._import_id = row.id
        self._sha256 = row.sha256
        self._dry_run = row.dry_run
        self._by = row.created_by
        self._lines_done = row.lines_done
        self._account = account
        self._zone = zone
        self._columns: Columns = map_columns(table.header, row.columns)
        self._groups = group_rows(self._columns, table.rows())
        self._first_lines: dict[str, int] = {}

    async def take_chunk(self, db: Database) -> int:
        """Take in the next orders; how many rows they had, 0 at the end of the file."""
        chunk = list(islice(self._open_groups(), CHUNK_ORDERS))
        if not chunk:
            return 0
        count = sum(len(rows) for rows, _ in chunk)
        async with db.transaction() as session:
            row = await _lock(session, self._import_id)
            if row.lines_done != self._lines_done or row.finished_at:
                raise TakenOver(import_id=self._import_id)
            outcome = await self._take(session, chunk)
            session.add_all(_numbered(self._import_id, outcome.problems))
            row.lines_done = chunk[-1][0][-1].line
            row.rows_done += count
            row.orders_new += outcome.orders_new
            row.orders_repeated += outcome.orders_repeated
            row.rows_bad += outcome.rows_bad
            row.attempts = 0
        self._lines_done = row.lines_done
        return count

    def _open_groups(self) -> Iterator[tuple[list[Row], Problem | None]]:
        """The orders that are not done, with what speaks against one before it is even read."""
        for rows in self._groups:
            number = order_number(self._columns, rows[0])
            first_line = self._first_lines.setdefault(number, rows[0].line) if number else None
            if rows[-1].line <= self._lines_done:
                continue
            if first_line in (None, rows[0].line):
                yield rows, None
                continue
            reason = f"came in line {first_line} already; put the rows of one order together"
            column = self._columns.header_of("order_number")
            yield rows, Problem(line=rows[0].line, column=column, value="", reason=reason)

    async def _take(
        self, session: AsyncSession, chunk: list[tuple[list[Row], Problem | None]]
    ) -> Outcome:
        """In a savepoint, so that a dry run leaves nothing behind."""
        outcome = Outcome()
        readable: list[tuple[list[Row], OrderRequest]] = []
        for rows, problem in chunk:
            try:
                readable.append((rows, self._read(rows, problem)))
            except RowsUnusable as unusable:
                outcome.refuse(rows, unusable.problems)
        async with session.begin_nested() as savepoint:
            answers = await take_orders(
                session,
                [
                    (request, request.external_id or f"{self._sha256[:32]}:{rows[0].line}")
                    for rows, request in readable
                ],
                account=self._account,
                channel=CHANNEL,
                by=self._by,
                zone=self._zone,
            )
            if self._dry_run:
                await savepoint.rollback()
        for (rows, _), answer in zip(readable, answers, strict=True):
            if isinstance(answer, PostriderError):
                outcome.refuse(rows, [problem_of(self._columns, rows[0].line, answer)])
            else:
                outcome.orders_new += answer.is_new
                outcome.orders_repeated += not answer.is_new
        return outcome

    def _read(self, rows: list[Row], problem: Problem | None) -> OrderRequest:
        if problem:
            raise RowsUnusable([problem])
        return read_order(self._columns, rows, zone=self._zone, currency=self._account.currency)


def _for_every_row(rows: list[Row], problems: list[Problem]) -> list[Problem]:
    """The problems, and for each row of the order that has none of its own, that it is held up by
    another: so that all of them are given back."""
    lines = {problem.line for problem in problems}
    reason = f"belongs to the order of line {min(lines)}, which cannot be taken"
    return problems + [
        Problem(line=row.line, column="", value="", reason=reason)
        for row in rows
        if row.line not in lines
    ]


def _numbered(import_id: UUID, problems: list[Problem]) -> Iterator[ImportProblem]:
    counts: dict[int, int] = {}
    for problem in problems:
        position = counts[problem.line] = counts.get(problem.line, 0) + 1
        yield ImportProblem(
            import_id=import_id,
            line=problem.line,
            position=position,
            column=problem.column,
            value=problem.value,
            reason=problem.reason,
        )
