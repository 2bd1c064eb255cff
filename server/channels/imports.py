"""Files of orders: handing one in, looking how far it is, and getting its bad rows back."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.channels.columns import ERROR_HEADERS, fold, map_columns
from server.channels.import_work import run_import
from server.channels.models import ImportProblem, OrderImport
from server.channels.profiles import profile_columns
from server.channels.rows import Problem
from server.channels.service import paying_account
from server.channels.tables import open_table, write_csv
from server.channels.uploads import keep_file, read_file
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.errors import NotFound
from server.kit.settings import UTC_ZONE

WAIT_S = 0.5


class UnknownImport(NotFound):
    """There is no import {import_id}. Look at /api/imports."""

    code = "channels.unknown_import"


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of orders and how far it is.

    rows_total: None until they have been counted. orders_new: in a dry run, how many would be.
    orders_repeated: orders that had come before and were left as they are.
    ignored_columns: headers that say nothing to us. error: why the file was given up.
    """

    id: UUID
    account_id: UUID
    file_name: str
    sha256: str
    dry_run: bool
    state: Literal["queued", "running", "done", "failed"]
    error: str | None
    rows_total: int | None
    rows_done: int
    orders_new: int
    orders_repeated: int
    rows_bad: int
    ignored_columns: tuple[str, ...]
    created_at: datetime
    created_by: str
    finished_at: datetime | None


class ImportPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ImportView]
    next: UUID | None


class ProblemPage(msgspec.Struct, frozen=True, kw_only=True):
    """next: the line to give as `after`; null when this was all."""

    items: list[Problem]
    next: int | None


async def begin_import(
    session: AsyncSession,
    blobs: Blobs,
    sha256: str,
    *,
    account: accounts.AccountView,
    file_name: str,
    profile: str | None,
    dry_run: bool,
    by: str,
) -> ImportView:
    """Let the worker take in the file that was kept as `sha256`, once its header makes sense."""
    said = await profile_columns(session, account_id=account.id, name=profile) if profile else {}
    table = await asyncio.to_thread(open_table, blobs.path(sha256))
    columns = map_columns(table.header, said)
    row = OrderImport(
        account_id=account.id,
        file_name=file_name,
        sha256=sha256,
        columns=said,
        ignored_columns=list(columns.ignored),
        dry_run=dry_run,
        state="queued",
        rows_done=0,
        lines_done=0,
        orders_new=0,
        orders_repeated=0,
        rows_bad=0,
        attempts=0,
        created_at=clock.now(),
        created_by=by,
    )
    session.add(row)
    await session.flush()
    return _view(row)


async def get_import(
    session: AsyncSession, import_id: UUID, *, own_account_id: UUID | None = None
) -> ImportView:
    return _view(await _load(session, import_id, own_account_id))


async def list_imports(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    limit: int = 50,
    after: UUID | None = None,
) -> ImportPage:
    """Newest first."""
    query = select(OrderImport).order_by(OrderImport.id.desc()).limit(limit + 1)
    if account_id:
        query = query.where(OrderImport.account_id == account_id)
    if after:
        query = query.where(OrderImport.id < after)
    found = (await session.scalars(query)).all()
    items = [_view(row) for row in found[:limit]]
    return ImportPage(items=items, next=items[-1].id if len(found) > limit else None)


async def list_problems(
    session: AsyncSession,
    import_id: UUID,
    *,
    own_account_id: UUID | None = None,
    limit: int = 200,
    after_line: int = 0,
) -> ProblemPage:
    """What is wrong, by line; the problems of one line stay together."""
    await _load(session, import_id, own_account_id)
    lines = (
        select(ImportProblem.line)
        .where(ImportProblem.import_id == import_id, ImportProblem.line > after_line)
        .distinct()
        .order_by(ImportProblem.line)
        .limit(limit + 1)
    )
    found = (await session.scalars(lines)).all()
    problems = await _problems(session, import_id, found[:limit])
    return ProblemPage(items=problems, next=found[limit - 1] if len(found) > limit else None)


async def bad_rows_file(
    session: AsyncSession, blobs: Blobs, import_id: UUID, *, own_account_id: UUID | None = None
) -> Iterator[str]:
    """The rows that were not taken, as a CSV file with the reasons in one more column: mend them
    there and hand the file in again."""
    row = await _load(session, import_id, own_account_id)
    problems = await _problems(session, import_id)
    reasons = {
        line: "; ".join(f"{each.column} {each.reason}".strip() for each in of_line)
        for line, of_line in groupby(problems, key=lambda problem: problem.line)
    }
    table = await asyncio.to_thread(open_table, blobs.path(row.sha256))
    kept = [index for index, header in enumerate(table.header) if fold(header) not in ERROR_HEADERS]
    bad = (
        [*(_at(each.cells, index) for index in kept), reasons[each.line]]
        for each in table.rows()
        if each.line in reasons
    )
    header = [*(table.header[index] for index in kept), "error"]
    return write_csv(header, bad, table.delimiter)


async def run_import_file(
    db: Database,
    blobs: Blobs,
    path: Path,
    *,
    account_code: str,
    dry_run: bool,
    profile: str | None = None,
    zone: ZoneInfo = UTC_ZONE,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Take in a file from the command line and wait for it: the import and its problems."""
    sha256 = await keep_file(read_file(path), blobs)
    async with db.transaction() as session:
        account = await paying_account(session, account_code, own_account_id=None)
        view = await begin_import(
            session,
            blobs,
            sha256,
            account=account,
            file_name=path.name,
            profile=profile,
            dry_run=dry_run,
            by="system",
        )
    while view.finished_at is None:
        if not await run_import(db, blobs, view.id, zone=zone, say=say):
            await asyncio.sleep(WAIT_S)  # a worker was quicker and has it in hand
        async with db.transaction() as session:
            view = await get_import(session, view.id)
    async with db.transaction() as session:
        problems = await _problems(session, view.id)
    return {**msgspec.to_builtins(view), "problems": msgspec.to_builtins(problems)}


async def _load(session: AsyncSession, import_id: UUID, own_account_id: UUID | None) -> OrderImport:
    row = await session.get(OrderImport, import_id)
    if row is None or (own_account_id and row.account_id != own_account_id):
        raise UnknownImport(import_id=import_id)
    return row


async def _problems(
    session: AsyncSession, import_id: UUID, lines: Sequence[int] | None = None
) -> list[Problem]:
    query = (
        select(ImportProblem)
        .where(ImportProblem.import_id == import_id)
        .order_by(ImportProblem.line, ImportProblem.position)
    )
    if lines is not None:
        query = query.where(ImportProblem.line.in_(lines))
    rows = await session.scalars(query)
    return [msgspec.convert(row, Problem, from_attributes=True) for row in rows]


def _view(row: OrderImport) -> ImportView:
    return msgspec.convert(row, ImportView, from_attributes=True)


def _at(cells: list[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""
